"""What the server answers to the ops of a campaign system, typed."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, cast

from ._lenient import Lenient, defaults, nothing
from .errors import Diagnostic

__all__ = [
    "Best", "Cut", "Decision", "Diagnostic", "EraseResult", "Field", "Fields", "Identity", "Info", "LedgerState",
    "LoadResult", "Plan", "PlanEntry", "PolicyState", "RecordResult", "RecordRow", "RejectedPolicy", "Reply", "ScoreResult",
    "Summary", "User", "UserEvent", "UserPlan",
]


class Reply(Dict[str, Any]):
    """The `ok` line of any op, as a dict; its rows, if it had some, are in `rows`."""

    rows: List[Dict[str, Any]]

    def __init__(self, members: Mapping[str, Any], rows: Sequence[Dict[str, Any]] = ()):
        super().__init__(members)
        self.rows = list(rows)


@defaults
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


@defaults
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
    def from_dict(cls, members: Dict[str, Any]) -> Decision:
        best = members.get("best")
        if best is not None and type(best) is dict:
            typed = _new(Best)
            typed.__dict__ = best
            members["best"] = typed
        new = _new(cls)
        new.__dict__ = members
        return cast(Decision, new)


_new: Any = object.__new__


def decisions(rows: List[Dict[str, Any]]) -> List[Decision]:
    """As `Decision.from_dict` of each, at once."""
    made = []
    for members in rows:
        best = members.get("best")
        if best.__class__ is dict:
            typed = _new(Best)
            typed.__dict__ = best
            members["best"] = typed
        new = _new(Decision)
        new.__dict__ = members
        made.append(new)
    return made


@defaults
@dataclasses.dataclass
class Summary(Lenient):
    lines: int = 0
    status: Mapping[str, int] = dataclasses.field(default_factory=nothing)
    ignored: int = 0


@defaults
@dataclasses.dataclass
class Cut(Lenient):
    """A limit that costs value. `price` is what one more unit of it would bring."""

    limit: str = ""
    max: float = 0.0
    used: float = 0.0
    price: float = 0.0
    say: str = ""


@defaults
@dataclasses.dataclass
class Plan(Lenient):
    """The totals of a rank."""

    lines: int = 0
    status: Mapping[str, int] = dataclasses.field(default_factory=nothing)
    ignored: int = 0
    contacts: int = 0
    value: float = 0.0
    spend: float = 0.0
    capital: float = 0.0
    by_channel: Mapping[str, int] = dataclasses.field(default_factory=nothing)
    net_value: float = 0.0
    net_value_at_most: float = 0.0
    cut: Sequence[Cut] = ()


@defaults
@dataclasses.dataclass
class ScoreResult(Lenient):
    """A decision for each candidate, in input order."""

    policy: str = ""
    as_of: str = ""
    results: Sequence[Decision] = ()
    summary: Summary = dataclasses.field(default_factory=Summary)

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)


@defaults
@dataclasses.dataclass
class RecordRow(Lenient):
    """What became of one event. `recorded` and `replayed` say that it is on disk."""

    key: Optional[str] = None
    result: str = ""
    message: Optional[str] = None
    at: Optional[str] = None


@defaults
@dataclasses.dataclass
class RecordResult(Lenient):
    results: Sequence[RecordRow] = ()
    recorded: int = 0
    replayed: int = 0
    refused: Mapping[str, int] = dataclasses.field(default_factory=nothing)


@defaults
@dataclasses.dataclass
class LoadResult(Lenient):
    loaded: int = 0
    removed: int = 0
    gone: int = 0
    invalid: int = 0
    first_invalid: Optional[int] = None
    audience: int = 0


@defaults
@dataclasses.dataclass
class EraseResult(Lenient):
    erased: int = 0
    unknown: int = 0


@defaults
@dataclasses.dataclass
class Identity(Lenient):
    identity: str = ""
    roles: Sequence[str] = ()


@defaults
@dataclasses.dataclass
class LedgerState(Lenient):
    """`state` is sound, degraded or none."""

    state: str = "none"
    informs: bool = False
    audience: int = 0
    users: int = 0


@defaults
@dataclasses.dataclass
class RejectedPolicy(Lenient):
    """A policy's file that was changed and is not live, for what is wrong with it."""

    at: str = ""
    by: str = ""
    diagnostics: Sequence[Diagnostic] = ()


@defaults
@dataclasses.dataclass
class PolicyState(Lenient):
    """Since when the policy is live, and by whom. `approval` is none or required; so many `proposals` wait."""

    since: str = ""
    by: str = ""
    rejected: Optional[RejectedPolicy] = None
    approval: str = "none"
    proposals: int = 0


@defaults
@dataclasses.dataclass
class Info(Lenient):
    """The server, what it can do, and who we are to it."""

    name: str = ""
    server: str = ""
    protocol: str = ""
    policy: str = ""
    ops: Sequence[str] = ()
    limits: Mapping[str, Optional[int]] = dataclasses.field(default_factory=nothing)
    ledger: LedgerState = dataclasses.field(default_factory=LedgerState)
    identity: str = ""
    roles: Sequence[str] = ()
    policy_state: PolicyState = dataclasses.field(default_factory=PolicyState)


@defaults
@dataclasses.dataclass
class Field(Lenient):
    name: str = ""
    kind: str = ""
    type: str = ""
    risk_missing: Optional[int] = None
    response_missing: Optional[int] = None


@defaults
@dataclasses.dataclass
class Fields(Lenient):
    policy: str = ""
    fields: Sequence[Field] = ()
    reasons: Mapping[str, Optional[str]] = dataclasses.field(default_factory=nothing)


@defaults
@dataclasses.dataclass
class UserEvent(Lenient):
    """A contact, or what came of one."""

    kind: str = ""
    at: str = ""
    channel: Optional[str] = None
    plan: Optional[str] = None
    campaign: Optional[str] = None
    amount: Optional[float] = None
    cost: Optional[float] = None


@defaults
@dataclasses.dataclass
class UserPlan(Lenient):
    """A committed plan that has the user in it."""

    plan_id: str = ""
    rank: int = 0
    channel: str = ""
    leased_until: Optional[str] = None


@defaults
@dataclasses.dataclass
class User(Lenient):
    """What the ledger knows of one user."""

    user_id: str = ""
    opted_out: bool = False
    complained: bool = False
    leased_until: Optional[str] = None
    event_count: int = 0
    events: Sequence[UserEvent] = ()
    plans: Sequence[UserPlan] = ()
    candidate: Optional[Mapping[str, Any]] = None
    decision: Optional[Decision] = None


@defaults
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
