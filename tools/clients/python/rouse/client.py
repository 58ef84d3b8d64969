"""The client for programs that wait: one call, one answer."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from types import TracebackType
from typing import (
    Any, Callable, Dict, Generator, Generic, Iterable, Iterator, List, Literal, Mapping, NoReturn, Optional, Type, TypeVar,
    Union, overload,
)

from . import _ops, _tls
from ._connection import Connection
from ._core import NEVER, Call, Lines, Retry
from ._ops import UNSET, Job, Unset
from .errors import NoConnectionFree, ProtocolError, RouseError, ServerError
from .backtest import Backtest
from .comparison import Comparison
from .fit import Fit
from .policies import PolicyActivation, PolicyCheck, PolicyHistory, PolicyText, Shadow
from .replay import Replay
from .results import (
    Decision, EraseResult, Fields, Identity, Info, LoadResult, PlanEntry, RecordResult, RecordRow, Reply, ScoreResult, Summary,
    User,
)
from .review import Review
from .rows import PlanResult, RankResult
from .settings import Settings
from .stats import Stats

__all__ = ["Client", "RecordStream", "ScoreStream"]

T = TypeVar("T")
Limit = Union[float, None, Unset]
WholeLimit = Union[int, None, Unset]


class _Stream(Generic[T]):
    """Rows as they come. Iterate over it once; leave it early with `close()` or a `with`."""

    def __init__(self, batches: Generator[List[T], None, None]):
        self._batches = batches
        self._rows: Optional[Iterator[T]] = None
        self._members: Optional[Dict[str, Any]] = None

    def __iter__(self) -> Iterator[T]:
        if self._rows is None:
            self._rows = itertools.chain.from_iterable(self._batches)
        return self._rows

    def __next__(self) -> T:
        return next(iter(self))

    def batches(self) -> Iterator[List[T]]:
        """The rows as lists, as many as came at once: quicker than one after another."""
        return self._batches

    def close(self) -> None:
        """Stops, whatever is still to come; its connection is given up."""
        self._batches.close()

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def _answer(self) -> Dict[str, Any]:
        if self._members is None:
            raise RouseError("the answer is not whole yet; read all of its rows first")
        return self._members


S = TypeVar("S", bound="_Stream[Any]")


class ScoreStream(_Stream[T]):
    """The decisions of a `score`, in input order, while candidates still go."""

    @property
    def policy(self) -> str:
        """Which version decided. It is there when all rows have been read, as are `as_of` and `summary`."""
        return str(self._answer().get("policy", ""))

    @property
    def as_of(self) -> str:
        return str(self._answer().get("as_of", ""))

    @property
    def summary(self) -> Summary:
        return Summary.from_dict(dict(self._answer().get("summary") or {}))


class RecordStream(_Stream[RecordRow]):
    """What became of each event, in their order."""

    @property
    def result(self) -> RecordResult:
        """The totals, when all rows have been read."""
        found = self._answer()["result"]
        assert isinstance(found, RecordResult)
        return found


class Client:
    """A server, and as whom we ask it.

        with rouse.Client(profile="home/client.yaml") as client:
            with open("borrowers.ndjson", "rb") as file:
                for decision in client.rank(file, budget=10):
                    print(decision.rank, decision.user_id, decision.best.channel)
            print(client.policy.history().versions[0])    # the op policy: show, check, activate, compare, fit, ...

    Say where it is by `profile` (the client.yaml that `rouse-server init` writes), by `server` ("HOST:PORT"), or by `host`
    and `port`; without any of them the environment's ROUSE_PROFILE is read. Arguments have precedence over the profile.

    - `ca`: the authority to trust, as a PEM file; without it, those of the system.
    - `cert`, `key`, `key_password`: our certificate. Or `token`, `token_file`, or the environment's ROUSE_TOKEN.
    - `server_name`: the name that the server's certificate carries, if it is not the host.
    - `connect_timeout`: seconds for the connection. `timeout`: seconds without a byte in either direction, until a
      connection is given up.
    - `retry`: how often what may be repeated is sent again. `NEVER` sends everything once.
    - `connections`: how many may be open at once. Threads share them; each stream has one until it ends.

    The server's certificate is always verified.
    """

    def __init__(
        self, server: Optional[str] = None, *, host: Optional[str] = None, port: Optional[int] = None,
        profile: Optional[str] = None, ca: Optional[str] = None, cert: Optional[str] = None, key: Optional[str] = None,
        key_password: Optional[str] = None, token: Optional[str] = None, token_file: Optional[str] = None,
        server_name: Optional[str] = None, connect_timeout: float = 10.0, timeout: float = 300.0,
        retry: Retry = Retry(), connections: int = 8,
    ):
        self._settings = Settings.make(
            server, host=host, port=port, profile=profile, ca=ca, cert=cert, key=key, key_password=key_password,
            token=token, token_file=token_file, server_name=server_name, connect_timeout=connect_timeout, timeout=timeout)
        self._context = _tls.context(self._settings)
        self._retry = retry
        self._places = threading.BoundedSemaphore(connections)
        self._most = connections
        self._idle: List[Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        self.policy = Policies(self)

    def __repr__(self) -> str:
        return f"<rouse.Client {self._settings.identity}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client has connections of its own and cannot be pickled; make one in each process")

    # --- Connections ---

    def _take(self) -> Connection:
        if self._closed:
            raise RouseError("this client is closed; make another one")
        if not self._places.acquire(timeout=self._settings.timeout):
            raise NoConnectionFree(
                f"all {self._most} connections of this client are in use; read streams to their end or close them, or give "
                "the client more connections")
        try:
            while True:
                with self._lock:
                    if not self._idle:
                        break
                    connection = self._idle.pop()
                if not connection.stale:
                    return connection
                connection.close()
            return Connection(self._settings, self._context)
        except BaseException:
            self._places.release()
            raise

    def _give(self, connection: Connection) -> None:
        if not connection.closed:
            with self._lock:
                if self._closed:
                    connection.close()
                else:
                    self._idle.append(connection)
        self._places.release()

    def close(self) -> None:
        """Closes the connections that are not in use, and the others when they are done."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    # --- Asking ---

    def _do(self, job: Job[T], retry: Optional[Retry] = None) -> T:
        retry = retry or self._retry
        attempt = 1
        while True:
            try:
                return self._once(job)
            except RouseError as error:
                pause = retry.pause(error, job.call.repeatable, attempt)
                if pause is None:
                    raise
            time.sleep(pause)
            attempt += 1

    def _once(self, job: Job[T]) -> T:
        gathered = job.gather()
        connection = self._take()
        try:
            answer, batches = connection.start(job.call)
            with contextlib.closing(batches):
                for rows in batches:
                    job.add(gathered, rows)
            members = _finish(answer, connection)
        finally:
            self._give(connection)
        return job.take(members, gathered)

    def _rows(self, call: Call, stream: _Stream[T], convert: Callable[[List[Any]], List[T]]) \
            -> Generator[List[T], None, None]:
        """The rows of one call. Once a row is handed out nothing is sent again."""
        attempt = 1
        while True:
            begun = False
            try:
                connection = self._take()
                try:
                    answer, batches = connection.start(call)
                    with contextlib.closing(batches):
                        for rows in batches:
                            begun = True
                            yield convert(rows)
                    stream._members = _finish(answer, connection)
                finally:
                    self._give(connection)
                return
            except RouseError as error:
                pause = self._retry.pause(error, call.repeatable and not begun, attempt)
                if pause is None:
                    raise
            time.sleep(pause)
            attempt += 1

    def _events(self, call: Call, stream: _Stream[RecordRow]) -> Generator[List[RecordRow], None, None]:
        """The rows of a record. Events without an answer are sent again, on another connection, with their keys."""
        events = call.events
        assert events is not None
        tally = _ops.Tally()
        attempt = 1
        while True:
            try:
                connection = self._take()
                try:
                    answer, batches = connection.start(call)
                    with contextlib.closing(batches):
                        for rows in batches:
                            events.answered(len(rows))
                            attempt = 1
                            typed = _ops.record_rows(rows)
                            tally.add(typed)
                            yield typed
                    _finish(answer, connection)
                finally:
                    self._give(connection)
                if events.waiting:
                    raise ProtocolError("the server answered fewer events than were sent; send them again")
                stream._members = {"result": tally.result()}
                return
            except RouseError as error:
                pause = self._retry.pause(error, True, attempt)
                if pause is None:
                    raise
            time.sleep(pause)
            attempt += 1

    # --- Ops ---

    def request(self, op: str, *, lines: Optional[Lines] = None, **members: Any) -> Reply:
        """Any op, with any members; `lines` makes it a stream of them. The answer is a dict, its rows in `.rows`.

        Every value is sent as it is, None as null.
        """
        return self._do(_ops.request(op, lines, members))

    def ping(self, **members: Any) -> None:
        """Returns when the server answers."""
        return self._do(_ops.ping(members))

    def auth(self, token: str, **members: Any) -> Identity:
        """Tries a token. The client's own, given when it was made, is shown on each connection by itself."""
        with contextlib.closing(Client._alone(self)) as other:
            return other._do(_ops.auth(token, members), NEVER)

    @staticmethod
    def _alone(client: Client) -> Client:
        """The same server by a connection of its own: a token is for the connection on which it was shown."""
        other = Client.__new__(Client)
        other.__dict__.update(client.__dict__)
        other._places = threading.BoundedSemaphore(1)
        other._idle = []
        other._lock = threading.Lock()
        return other

    def info(self, **members: Any) -> Info:
        """The server, its protocol, policy, ops and limits, and who we are to it."""
        return self._do(_ops.info(members))

    def fields(self, **members: Any) -> Fields:
        """What a candidate may carry, and what reason codes mean."""
        return self._do(_ops.fields(members))

    def stats(self, **members: Any) -> Stats:
        """What the server has counted since it started, and how it is."""
        return self._do(_ops.stats(members))

    def score(
        self, users: Optional[Lines] = None, *, audience: Optional[str] = None, ledger: Optional[bool] = None,
        explain: Optional[bool] = None, valid_until: Optional[bool] = None, **members: Any,
    ) -> ScoreResult:
        """A decision for each candidate, all at once. For many, see `score_stream`.

        `users` are candidates; or `audience` is a condition over the standing audience, "TRUE" for all of it. Further
        members: as_of (text, or a datetime with a time zone), policy, timeout_ms, campaign.
        """
        given = {"ledger": ledger, "explain": explain, "valid_until": valid_until, **members}
        return self._do(_ops.score(users, audience, given))

    @overload
    def score_stream(
        self, users: Optional[Lines] = None, *, audience: Optional[str] = None, raw: Literal[False] = False, **members: Any,
    ) -> ScoreStream[Decision]: ...

    @overload
    def score_stream(
        self, users: Optional[Lines] = None, *, audience: Optional[str] = None, raw: Literal[True], **members: Any,
    ) -> ScoreStream[bytes]: ...

    def score_stream(
        self, users: Optional[Lines] = None, *, audience: Optional[str] = None, raw: bool = False,
        ledger: Optional[bool] = None, explain: Optional[bool] = None, valid_until: Optional[bool] = None, **members: Any,
    ) -> ScoreStream[Any]:
        """Decisions while the candidates still go, in flat memory. With `raw` they are lines of JSON as bytes.

        Candidates are dicts, or lines of JSON as bytes or text (a file opened in binary is fine). Each row is right by
        itself; where the connection ends early the iterator raises.
        """
        given = {"ledger": ledger, "explain": explain, "valid_until": valid_until, **members}
        call = _ops.score_stream(users, audience, raw, given)
        stream: ScoreStream[Any] = ScoreStream(_nothing())
        stream._batches = self._rows(call, stream, _ops.decision_rows(raw))
        return stream

    def rank(
        self, users: Optional[Lines] = None, *, audience: Optional[str] = None, rows: Optional[str] = None,
        budget: Limit = UNSET, capital: Limit = UNSET, limit: WholeLimit = UNSET,
        capacity: Optional[Mapping[str, Optional[int]]] = None, quota: Optional[Mapping[str, Optional[int]]] = None,
        tier_first: Optional[bool] = None, ledger: Optional[bool] = None, commit: Optional[bool] = None,
        plan_key: Optional[str] = None, **members: Any,
    ) -> RankResult:
        """Whom to contact. Any number of candidates goes as a stream, in flat memory; the result is whole, or there is none.

        A limit that is not named is the policy's; None lifts it. With `commit`, give a `plan_key`: then the rank may be
        sent again after a lost connection, and is committed once.
        """
        limits = {"budget": budget, "capital": capital, "limit": limit}
        given = {"rows": rows, "capacity": capacity, "quota": quota, "tier_first": tier_first, "ledger": ledger,
                 "commit": commit, "plan_key": plan_key, **members}
        return self._do(_ops.rank(users, audience, limits, given))

    def record(self, events: Lines, **members: Any) -> RecordResult:
        """Contacts and outcomes. Each event has a `key`, and counts once however often it is sent."""
        job = _ops.record(events, members)
        if job.call.source is None:
            return self._do(job)
        stream = self.record_stream(events, **members)
        found = list(stream)
        result = stream.result
        result.results = found
        return result

    def record_stream(self, events: Lines, **members: Any) -> RecordStream:
        """What became of each event, while further events still go, in flat memory.

        If the connection is lost, the events without an answer are sent again with their keys on another one, so that each
        counts once; one whose answer was lost comes back as `replayed`.
        """
        call = _ops.record_stream(events, members)
        stream = RecordStream(_nothing())
        stream._batches = self._events(call, stream)
        return stream

    def load(self, users: Lines, **members: Any) -> LoadResult:
        """Puts candidates into the standing audience; {"user_id": …, "gone": True} takes one out. Any number, flat memory."""
        return self._do(_ops.load(users, members))

    def erase(self, user_ids: Union[str, Iterable[str]], **members: Any) -> EraseResult:
        """Forgets users for good."""
        return self._do(_ops.erase(user_ids, members))

    def user(self, user_id: str, **members: Any) -> User:
        """What is known of one user."""
        return self._do(_ops.user(user_id, members))

    def plans(self, *, limit: Optional[int] = None, before: Optional[str] = None, **members: Any) -> List[PlanEntry]:
        """Committed plans, the latest first; `before` a plan_id, those before it."""
        return self._do(_ops.plans({"limit": limit, "before": before, **members}))

    def plan(self, plan_id: str, **members: Any) -> PlanResult:
        """A committed plan with its contacts."""
        return self._do(_ops.plan(plan_id, members))

    def review(
        self, *, since: Any = None, until: Any = None, weeks: Optional[int] = None, new_user_cost: Optional[float] = None,
        **members: Any,
    ) -> Review:
        """What came of the contacts of a period: `since` and `until`, or the last `weeks`."""
        return self._do(_ops.review({
            "since": since, "until": until, "weeks": weeks, "new_user_cost": new_user_cost, **members}))

    def replay(self, plan_id: str, *, user_id: Optional[str] = None, **members: Any) -> Replay:
        """A committed plan, computed again from what was kept; with `user_id`, why that user was contacted then."""
        return self._do(_ops.replay(plan_id, {"user_id": user_id, **members}))


class Policies:
    """The op `policy`: what is live, was live, and might be."""

    def __init__(self, client: Client):
        self._client = client

    def show(self, **members: Any) -> PolicyText:
        """The live policy's text, or with `policy` that of a version that `history` tells of."""
        found: PolicyText = self._client._do(_ops.policy("show", members))
        return found

    def check(self, text: str, *, format: Optional[str] = None, **members: Any) -> PolicyCheck:
        """Whether a text is a policy, and if not, all that is wrong with it."""
        found: PolicyCheck = self._client._do(_ops.policy("check", {"text": text, "format": format, **members}))
        return found

    def activate(
        self, text: str, *, against: Optional[str] = None, shadow: Optional[bool] = None,
        format: Optional[str] = None, **members: Any,
    ) -> PolicyActivation:
        """Makes a text the live policy, if the version `against` is live; or puts it forward, where another has to approve.

        With `shadow=True` in the place of `against` it decides beside the live one, and nobody is told. Never sent twice.
        """
        found: PolicyActivation = self._client._do(
            _ops.policy("activate", {
                "text": text, "against": against, "shadow": shadow, "format": format, **members}))
        return found

    def approve(self, policy: str, *, against: Optional[str] = None, **members: Any) -> PolicyActivation:
        """Makes a version live that another has put forward. Never sent twice."""
        found: PolicyActivation = self._client._do(
            _ops.policy("approve", {"policy": policy, "against": against, **members}))
        return found

    def withdraw(self, policy: str, **members: Any) -> PolicyActivation:
        """Takes back a version that was put forward. Never sent twice."""
        found: PolicyActivation = self._client._do(_ops.policy("withdraw", {"policy": policy, **members}))
        return found

    def rollback(self, policy: str, *, against: Optional[str] = None, **members: Any) -> PolicyActivation:
        """Makes a version live again that was. Never sent twice."""
        found: PolicyActivation = self._client._do(
            _ops.policy("rollback", {"policy": policy, "against": against, **members}))
        return found

    def history(self, **members: Any) -> PolicyHistory:
        """The versions that were live, the latest first, and those that wait for an approval."""
        found: PolicyHistory = self._client._do(_ops.policy("history", members))
        return found

    def shadow(self, *, shadow: Optional[bool] = None, **members: Any) -> Shadow:
        """What the policy that decides beside the live one would have done; `shadow=False` ends it."""
        found: Shadow = self._client._do(_ops.policy("shadow", {"shadow": shadow, **members}))
        return found

    def compare(
        self, text: str, *, users: Optional[Lines] = None, audience: Optional[str] = None,
        format: Optional[str] = None, ledger: Optional[bool] = None, budget: Limit = UNSET, capital: Limit = UNSET,
        limit: WholeLimit = UNSET, capacity: Optional[Mapping[str, Optional[int]]] = None,
        quota: Optional[Mapping[str, Optional[int]]] = None, tier_first: Optional[bool] = None, **members: Any,
    ) -> Comparison:
        """What a text would decide otherwise than the live policy, or than `policy`.

        For candidates, as many as go within a request (`info().limits["inline_candidates"]`), or for the standing audience.
        """
        found: Comparison = self._client._do(
            _ops.policy("compare", {
                "text": text, "users": users, "audience": audience, "format": format, "ledger": ledger, "capacity": capacity,
                "quota": quota, "tier_first": tier_first, **members}, {"budget": budget, "capital": capital, "limit": limit}))
        return found

    def backtest(
        self, text: str, *, format: Optional[str] = None, since: Any = None, until: Any = None, weeks: Optional[int] = None,
        **members: Any,
    ) -> Backtest:
        """What a text would have brought on the contacts that were made."""
        found: Backtest = self._client._do(
            _ops.policy("backtest", {
                "text": text, "format": format, "since": since, "until": until, "weeks": weeks, **members}))
        return found

    def fit(
        self, text: Optional[str] = None, *, since: Any = None, until: Any = None, weeks: Optional[int] = None,
        prior_sd: Optional[float] = None, least_events: Optional[int] = None, holdout_share: Optional[float] = None,
        **members: Any,
    ) -> Fit:
        """A policy whose numbers are learnt from the outcomes: from `text`, or from the live one."""
        found: Fit = self._client._do(
            _ops.policy("fit", {
                "text": text, "since": since, "until": until, "weeks": weeks, "prior_sd": prior_sd,
                "least_events": least_events, "holdout_share": holdout_share, **members}))
        return found


def _nothing() -> Generator[List[Any], None, None]:
    yield from ()


def _finish(answer: Any, connection: Any) -> Dict[str, Any]:
    try:
        members: Dict[str, Any] = answer.finish()
        return members
    except ServerError as error:
        if error.closes or "id" not in error.reply:
            connection.close()
        raise
