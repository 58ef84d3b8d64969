"""Every op of the protocol as a call, and how its answer becomes a result. Both clients use it."""

from __future__ import annotations

import enum
from typing import Any, Callable, Dict, Generic, List, Mapping, Optional, Type, TypeVar

from ._core import BLOCK, PARSED, RAW, AnyLines, Call, Encoder, EventFeed, Source, encode
from .errors import InvalidInput
from ._lenient import Lenient
from .backtest import Backtest
from .comparison import Comparison
from .fit import Fit
from .policies import PolicyActivation, PolicyCheck, PolicyHistory, PolicyText, Shadow
from .replay import Replay
from .results import (
    EraseResult, Fields, Identity, Info, LoadResult, PlanEntry, RecordResult, RecordRow, Reply, ScoreResult, User,
    decisions,
)
from .review import Review
from .rows import PlanResult, RankResult, Rows
from .stats import Stats

T = TypeVar("T")
INLINE = 1000
INLINE_BYTES = 1 << 18


class Unset(enum.Enum):
    """A limit that is not named: the policy's holds. None lifts it."""

    UNSET = 0

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset.UNSET


class Job(Generic[T]):
    """A call and what is made of its answer: `take(members, rows)`."""

    def __init__(self, call: Call, take: Callable[[Dict[str, Any], Any], T]):
        self.call = call
        self.take = take

    def gather(self) -> Any:
        return Rows() if self.call.form == BLOCK else []

    @staticmethod
    def add(into: Any, rows: List[Any]) -> None:
        if isinstance(into, Rows):
            for block in rows:
                into.add(block, block.count(b"\n"))
        else:
            into.extend(rows)


def _given(members: Mapping[str, Any]) -> Dict[str, Any]:
    """Members with a value. None is "not given", but for limits, whose None is sent."""
    return {name: value for name, value in members.items() if value is not None and value is not UNSET}


def _limits(members: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in members.items() if value is not UNSET}


def _typed(kind: Type[Any]) -> Callable[[Dict[str, Any], Any], Any]:
    return lambda members, rows: kind.from_dict(members)


def _within(name: str, kind: Type[Any]) -> Callable[[Dict[str, Any], Any], Any]:
    """For answers that have all they say in one member."""
    def take(members: Dict[str, Any], rows: Any) -> Any:
        found = members.get(name)
        return kind.from_dict(found if isinstance(found, dict) else {})

    return take


def _take_fit(members: Dict[str, Any], rows: Any) -> Fit:
    found = members.get("fit")
    return Fit.from_dict({**(found if isinstance(found, dict) else {}), "text": members.get("text", "")})


def _reply(members: Dict[str, Any], rows: Any) -> Reply:
    return Reply(members, rows)


def _take_score(members: Dict[str, Any], rows: List[Dict[str, Any]]) -> ScoreResult:
    if "results" not in members:
        members["results"] = rows
    return ScoreResult.from_dict(members)


def _with_lines(
    op: str, name: str, lines: Optional[AnyLines], audience: Optional[str], members: Dict[str, Any], form: str,
    stream: bool = False,
) -> Call:
    """Short lists of dicts go within the request, all else as a stream; or the server takes the standing audience."""
    what = "event" if name == "events" else "candidate"
    if (lines is None) == (audience is None):
        both = "users or an audience, and one of them only" if op in ("score", "rank") else name
        raise InvalidInput(f"{op} needs {both}")
    if lines is None:
        return Call(op, {**members, "audience": audience}, form=form)
    if not stream and isinstance(lines, (list, tuple)) and len(lines) <= INLINE and set(map(type, lines)) <= {dict}:
        encoded = [encode(each, f"{what} {at + 1}") for at, each in enumerate(lines)]
        if sum(map(len, encoded)) <= INLINE_BYTES:
            return Call(op, members, form=form, inline=(name, b",".join(encoded)))
    return Call(op, {**members, "stream": True}, source=Source(lines, what), form=form)


# --- Ops -----------------------------------------------------------------------------------------------------------


def request(op: str, lines: Optional[AnyLines], members: Dict[str, Any]) -> Job[Reply]:
    if lines is None:
        return Job(Call(op, members), _reply)
    what = "event" if op == "record" else "candidate"
    return Job(Call(op, {**members, "stream": True}, source=Source(lines, what)), _reply)


def ping(members: Dict[str, Any]) -> Job[None]:
    return Job(Call("ping", _given(members)), lambda members, rows: None)


def auth(token: str, members: Dict[str, Any]) -> Job[Identity]:
    return Job(Call("auth", {"token": token, **_given(members)}), _typed(Identity))


def info(members: Dict[str, Any]) -> Job[Info]:
    return Job(Call("info", _given(members)), _typed(Info))


def fields(members: Dict[str, Any]) -> Job[Fields]:
    return Job(Call("fields", _given(members)), _typed(Fields))


def stats(members: Dict[str, Any]) -> Job[Stats]:
    return Job(Call("stats", _given(members)), _typed(Stats))


def score(users: Optional[AnyLines], audience: Optional[str], members: Dict[str, Any]) -> Job[ScoreResult]:
    return Job(_with_lines("score", "users", users, audience, _given(members), PARSED), _take_score)


def score_stream(users: Optional[AnyLines], audience: Optional[str], raw: bool, members: Dict[str, Any]) -> Call:
    return _with_lines("score", "users", users, audience, _given(members), RAW if raw else PARSED, stream=True)


def rank(
    users: Optional[AnyLines], audience: Optional[str], limits: Dict[str, Any], members: Dict[str, Any]
) -> Job[RankResult]:
    given = {**_limits(limits), **_given(members)}
    return Job(_with_lines("rank", "users", users, audience, given, BLOCK), RankResult.whole)


def record(events: AnyLines, members: Dict[str, Any]) -> Job[RecordResult]:
    return Job(_with_lines("record", "events", events, None, _given(members), PARSED), _typed(RecordResult))


def record_stream(events: AnyLines, members: Dict[str, Any]) -> Call:
    feed = EventFeed(Source(events, "event"))
    return Call("record", {**_given(members), "stream": True}, events=feed)


def load(users: AnyLines, members: Dict[str, Any]) -> Job[LoadResult]:
    return Job(_with_lines("load", "users", users, None, _given(members), PARSED), _typed(LoadResult))


def erase(user_ids: Any, members: Dict[str, Any]) -> Job[EraseResult]:
    ids = [user_ids] if isinstance(user_ids, str) else list(user_ids)
    return Job(Call("erase", {"user_ids": ids, **_given(members)}), _typed(EraseResult))


def user(user_id: str, members: Dict[str, Any]) -> Job[User]:
    return Job(Call("user", {"user_id": user_id, **_given(members)}), _typed(User))


def plans(members: Dict[str, Any]) -> Job[List[PlanEntry]]:
    def take(answer: Dict[str, Any], rows: Any) -> List[PlanEntry]:
        found = answer.get("plans")
        return [PlanEntry.from_dict(each) for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    return Job(Call("plans", _given(members)), take)


def plan(plan_id: str, members: Dict[str, Any]) -> Job[PlanResult]:
    return Job(Call("plan", {"plan_id": plan_id, **_given(members)}, form=BLOCK), PlanResult.whole)


def review(members: Dict[str, Any]) -> Job[Review]:
    if members.get("do", "period") != "period":
        raise InvalidInput("review is of a period; a plan is computed again by replay(plan_id)")
    return Job(Call("review", _given(members)), _within("review", Review))


def replay(plan_id: str, members: Dict[str, Any]) -> Job[Replay]:
    return Job(Call("review", {"do": "replay", "plan_id": plan_id, **_given(members)}), _within("replay", Replay))


_POLICY: Dict[str, Callable[[Dict[str, Any], Any], Any]] = {
    "show": _typed(PolicyText), "check": _typed(PolicyCheck), "activate": _typed(PolicyActivation),
    "approve": _typed(PolicyActivation), "withdraw": _typed(PolicyActivation), "rollback": _typed(PolicyActivation),
    "history": _typed(PolicyHistory), "shadow": _typed(Shadow), "compare": _within("comparison", Comparison),
    "backtest": _within("backtest", Backtest), "fit": _take_fit,
}


def policy(do: str, members: Dict[str, Any], limits: Optional[Dict[str, Any]] = None) -> Job[Any]:
    given = {"do": do, **_limits(limits or {}), **_given(members)}
    if do == "activate" and ("against" in given) == bool(given.get("shadow")):
        raise InvalidInput("activate needs the version that it is against, or shadow=True, and one of them only")
    users = given.get("users")
    if users is not None:
        # The server takes them within the request alone, and says so if they are too many.
        encoder, source = Encoder("candidate"), Source(users)
        lines = source.open()
        if hasattr(lines, "__anext__"):
            raise InvalidInput("compare takes its candidates within the request; give a list of them")
        del given["users"]
        inline = b",".join(encoder.one_line(each)[:-1] for each in lines)
        return Job(Call("policy", given, inline=("users", inline)), _POLICY[do])
    return Job(Call("policy", given), _POLICY[do])


# --- Streams' rows -------------------------------------------------------------------------------------------------


def decision_rows(raw: bool) -> Callable[[List[Any]], List[Any]]:
    if raw:
        return lambda rows: rows
    return decisions


def record_rows(rows: List[Any]) -> List[RecordRow]:
    return list(map(RecordRow.from_dict, rows))


class Tally:
    """The totals of a record over all the connections that it took."""

    def __init__(self) -> None:
        self.counts: Dict[str, int] = {}

    def add(self, rows: List[RecordRow]) -> None:
        for row in rows:
            self.counts[row.result] = self.counts.get(row.result, 0) + 1

    def result(self) -> RecordResult:
        rest = dict(self.counts)
        return RecordResult.from_dict({
            "recorded": rest.pop("recorded", 0), "replayed": rest.pop("replayed", 0), "refused": rest, "results": []})

