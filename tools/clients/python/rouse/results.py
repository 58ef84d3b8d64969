"""What the server answers, typed.

Each class takes whatever the server sent: members that are missing keep their default, members that are newer than this
client stand in `extra`, and nothing is refused.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Dict, FrozenSet, Iterator, List, Mapping, Optional, Sequence, Type, TypeVar, cast

from .errors import Diagnostic

__all__ = [
    "Best", "Cut", "Decision", "Diagnostic", "EraseResult", "Field", "Fields", "Identity", "Info", "LedgerState",
    "LoadResult", "Plan", "PlanEntry", "PolicyActivation", "PolicyCheck", "PolicyHistory", "PolicyText", "PolicyVersion",
    "RecordResult", "RecordRow", "Reply", "ScoreResult", "Summary", "User",
]

L = TypeVar("L", bound="Lenient")


class Lenient:
    """An object of a reply. The members it came with are its attributes, so that making one costs next to nothing."""

    _known: ClassVar[Optional[FrozenSet[str]]] = None

    @classmethod
    def of(cls: Type[L], members: Dict[str, Any]) -> L:
        """Takes the parsed object over; do not use it afterwards."""
        new = object.__new__(cls)
        new.__dict__ = members
        return new

    @classmethod
    def _names(cls) -> FrozenSet[str]:
        known = cls.__dict__.get("_known")
        if known is None:
            known = frozenset(field.name for field in dataclasses.fields(cast(Any, cls)))
            cls._known = known
        return cast(FrozenSet[str], known)

    @property
    def extra(self) -> Dict[str, Any]:
        """Members that this client does not know."""
        names = self._names()
        return {name: value for name, value in self.__dict__.items() if name not in names}

    def to_dict(self) -> Dict[str, Any]:
        """The members as they came, without those that did not."""
        return {name: _plain(value) for name, value in self.__dict__.items()}


def _defaults(cls: Type[L]) -> Type[L]:
    """Defaults that dataclasses would make anew for each object become the class's own."""
    for field in dataclasses.fields(cast(Any, cls)):
        if field.default_factory is not dataclasses.MISSING:
            setattr(cls, field.name, field.default_factory())
    return cls


class _Nothing(Dict[str, Any]):
    """The default that all objects of a class share."""

    def __setitem__(self, name: str, value: Any) -> None:
        raise TypeError("this default is shared; make a dict of your own")


def _nothing() -> Mapping[str, Any]:
    return _Nothing()


def _plain(value: Any) -> Any:
    if isinstance(value, Lenient):
        return value.to_dict()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Diagnostic):
        return {"kind": value.kind, "path": value.path, "line": value.line, "column": value.column,
                "message": value.message, **value.extra}
    return value


def _objects(members: Dict[str, Any], name: str, kind: Any) -> None:
    found = members.get(name)
    if isinstance(found, list):
        members[name] = [kind(each) for each in found if isinstance(each, dict)]


def _object(members: Dict[str, Any], name: str, kind: Any) -> None:
    found = members.get(name)
    if isinstance(found, dict):
        members[name] = kind(found)


class Reply(Dict[str, Any]):
    """The `ok` line of any op, as a dict; its rows, if it had some, are in `rows`."""

    rows: List[Dict[str, Any]]

    def __init__(self, members: Mapping[str, Any], rows: Sequence[Dict[str, Any]] = ()):
        super().__init__(members)
        self.rows = list(rows)


@_defaults
@dataclasses.dataclass
class Best(Lenient):
    """The best channel for a user, and what a contact on it is expected to bring."""

    channel: str = ""
    p: float = 0.0
    value: float = 0.0
    spend: float = 0.0
    capital: float = 0.0
    roi: Optional[float] = None
    send_at: Optional[str] = None


@_defaults
@dataclasses.dataclass
class Decision(Lenient):
    """What was decided of one candidate. Section 11.1 of the protocol says when which member is there."""

    user_id: Optional[str] = None
    status: str = ""
    rank: Optional[int] = None
    reasons: Sequence[str] = ()
    stage: Optional[str] = None
    dormant_days: Optional[int] = None
    silent_days: Optional[int] = None
    tier: Optional[str] = None
    risk_score: Optional[int] = None
    pd: Optional[float] = None
    until: Optional[str] = None
    points: Optional[int] = None
    why: Sequence[Any] = ()
    arm: Optional[str] = None
    best: Optional[Best] = None
    issues: Sequence[str] = ()
    ignored: int = 0
    ghost: Optional[str] = None
    propensity: Optional[float] = None
    valid_until: Optional[str] = None
    explain: Optional[Dict[str, Any]] = None

    @classmethod
    def of(cls, members: Dict[str, Any]) -> Decision:
        best = members.get("best")
        if best is not None and type(best) is dict:
            typed = _new(Best)
            typed.__dict__ = best
            members["best"] = typed
        new = _new(cls)
        new.__dict__ = members
        return cast(Decision, new)


_new: Any = object.__new__


@_defaults
@dataclasses.dataclass
class Summary(Lenient):
    lines: int = 0
    status: Mapping[str, int] = dataclasses.field(default_factory=_nothing)
    ignored: int = 0


@_defaults
@dataclasses.dataclass
class Cut(Lenient):
    """A limit that costs value. `price` is what one more unit of it would bring."""

    limit: str = ""
    max: float = 0.0
    used: float = 0.0
    price: float = 0.0
    say: str = ""


@_defaults
@dataclasses.dataclass
class Plan(Lenient):
    """The totals of a rank."""

    lines: int = 0
    status: Mapping[str, int] = dataclasses.field(default_factory=_nothing)
    ignored: int = 0
    contacts: int = 0
    value: float = 0.0
    spend: float = 0.0
    capital: float = 0.0
    by_channel: Mapping[str, int] = dataclasses.field(default_factory=_nothing)
    net_value: float = 0.0
    net_value_at_most: float = 0.0
    cut: Sequence[Cut] = ()

    @classmethod
    def of(cls, members: Dict[str, Any]) -> Plan:
        _objects(members, "cut", Cut.of)
        return super().of(members)


@_defaults
@dataclasses.dataclass
class ScoreResult(Lenient):
    """A decision for each candidate, in input order."""

    policy: str = ""
    as_of: str = ""
    results: Sequence[Decision] = ()
    summary: Summary = dataclasses.field(default_factory=Summary)

    @classmethod
    def of(cls, members: Dict[str, Any]) -> ScoreResult:
        _objects(members, "results", Decision.of)
        _object(members, "summary", Summary.of)
        return super().of(members)

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)


@_defaults
@dataclasses.dataclass
class RecordRow(Lenient):
    """What became of one event. `recorded` and `replayed` say that it is on disk."""

    key: Optional[str] = None
    result: str = ""
    message: Optional[str] = None
    at: Optional[str] = None


@_defaults
@dataclasses.dataclass
class RecordResult(Lenient):
    results: Sequence[RecordRow] = ()
    recorded: int = 0
    replayed: int = 0
    refused: Mapping[str, int] = dataclasses.field(default_factory=_nothing)

    @classmethod
    def of(cls, members: Dict[str, Any]) -> RecordResult:
        _objects(members, "results", RecordRow.of)
        return super().of(members)


@_defaults
@dataclasses.dataclass
class LoadResult(Lenient):
    loaded: int = 0
    removed: int = 0
    gone: int = 0
    invalid: int = 0
    first_invalid: Optional[int] = None
    audience: int = 0


@_defaults
@dataclasses.dataclass
class EraseResult(Lenient):
    erased: int = 0
    unknown: int = 0


@_defaults
@dataclasses.dataclass
class Identity(Lenient):
    identity: str = ""
    roles: Sequence[str] = ()


@_defaults
@dataclasses.dataclass
class LedgerState(Lenient):
    """`state` is sound, degraded or none."""

    state: str = "none"
    informs: bool = False
    audience: int = 0
    users: int = 0


@_defaults
@dataclasses.dataclass
class Info(Lenient):
    name: str = ""
    server: str = ""
    protocol: str = ""
    policy: str = ""
    ops: Sequence[str] = ()
    limits: Mapping[str, Optional[int]] = dataclasses.field(default_factory=_nothing)
    ledger: LedgerState = dataclasses.field(default_factory=LedgerState)
    identity: str = ""
    roles: Sequence[str] = ()
    policy_state: Mapping[str, Any] = dataclasses.field(default_factory=_nothing)

    @classmethod
    def of(cls, members: Dict[str, Any]) -> Info:
        _object(members, "ledger", LedgerState.of)
        return super().of(members)


@_defaults
@dataclasses.dataclass
class Field(Lenient):
    name: str = ""
    kind: str = ""
    type: str = ""
    risk_missing: Optional[int] = None
    response_missing: Optional[int] = None


@_defaults
@dataclasses.dataclass
class Fields(Lenient):
    policy: str = ""
    fields: Sequence[Field] = ()
    reasons: Mapping[str, Optional[str]] = dataclasses.field(default_factory=_nothing)

    @classmethod
    def of(cls, members: Dict[str, Any]) -> Fields:
        _objects(members, "fields", Field.of)
        return super().of(members)


@_defaults
@dataclasses.dataclass
class User(Lenient):
    """What the ledger knows of one user."""

    user_id: str = ""
    opted_out: bool = False
    complained: bool = False
    leased_until: Optional[str] = None
    event_count: int = 0
    events: Sequence[Mapping[str, Any]] = ()
    plans: Sequence[Mapping[str, Any]] = ()
    candidate: Optional[Mapping[str, Any]] = None
    decision: Optional[Decision] = None

    @classmethod
    def of(cls, members: Dict[str, Any]) -> User:
        _object(members, "decision", Decision.of)
        return super().of(members)


@_defaults
@dataclasses.dataclass
class PlanEntry(Lenient):
    """A committed plan, as `plans` lists it."""

    plan_id: str = ""
    plan_key: Optional[str] = None
    campaign: Optional[str] = None
    policy: str = ""
    as_of: str = ""
    made: str = ""
    leased_until: str = ""
    contacts: int = 0
    ghosts: int = 0
    erased: int = 0
    value: float = 0.0
    spend: float = 0.0
    capital: float = 0.0


@_defaults
@dataclasses.dataclass
class PolicyText(Lenient):
    policy: str = ""
    format: str = "yaml"
    text: str = ""


@_defaults
@dataclasses.dataclass
class PolicyCheck(Lenient):
    valid: bool = False
    policy: Optional[str] = None
    diagnostics: Sequence[Diagnostic] = ()

    @classmethod
    def of(cls, members: Dict[str, Any]) -> PolicyCheck:
        _objects(members, "diagnostics", Diagnostic)
        return super().of(members)


@_defaults
@dataclasses.dataclass
class PolicyActivation(Lenient):
    policy: str = ""
    was: Optional[str] = None


@_defaults
@dataclasses.dataclass
class PolicyVersion(Lenient):
    policy: str = ""
    since: str = ""
    by: str = ""
    live: bool = False


@_defaults
@dataclasses.dataclass
class PolicyHistory(Lenient):
    policy: str = ""
    versions: Sequence[PolicyVersion] = ()

    @classmethod
    def of(cls, members: Dict[str, Any]) -> PolicyHistory:
        _objects(members, "versions", PolicyVersion.of)
        return super().of(members)
