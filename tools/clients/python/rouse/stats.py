"""What `stats` answers, typed."""

from __future__ import annotations

import dataclasses
from typing import Mapping, Optional, Sequence

from ._lenient import Lenient, defaults, nothing

__all__ = [
    "ByteCounts", "ConnectionCounts", "ContactCount", "IdentityCounts", "LedgerCounts", "MemoryUse", "PolicyCounts",
    "RequestCounts", "Stats", "StatsFinding", "WorkCounts",
]


@defaults
@dataclasses.dataclass
class StatsFinding(Lenient):
    """What an operator should look at; where it is `grave`, requests should not come here."""

    code: str = ""
    grave: bool = False
    message: str = ""


@defaults
@dataclasses.dataclass
class RequestCounts(Lenient):
    """`failed` is by code. Times are milliseconds from the arrival of a request to its last line; None: nothing was timed."""

    ok: int = 0
    failed: Mapping[str, int] = dataclasses.field(default_factory=nothing)
    p50_ms: Optional[float] = None
    p90_ms: Optional[float] = None
    p99_ms: Optional[float] = None
    p999_ms: Optional[float] = None
    most_ms: Optional[float] = None


@defaults
@dataclasses.dataclass
class IdentityCounts(Lenient):
    ok: int = 0
    failed: int = 0


@defaults
@dataclasses.dataclass
class ContactCount(Lenient):
    """What ranks chose, committed or not."""

    stage: str = ""
    channel: str = ""
    count: int = 0


@defaults
@dataclasses.dataclass
class ConnectionCounts(Lenient):
    open: int = 0
    taken_in: int = 0
    refused: int = 0
    handshakes_failed: int = 0


@defaults
@dataclasses.dataclass
class ByteCounts(Lenient):
    """Inside TLS."""

    received: int = 0
    sent: int = 0


@defaults
@dataclasses.dataclass
class WorkCounts(Lenient):
    """Pieces of work for threads."""

    waiting: int = 0
    running: int = 0


@defaults
@dataclasses.dataclass
class MemoryUse(Lenient):
    """Bytes: of the process, and of what the limits unfinished_bytes and rank_bytes bound."""

    resident: int = 0
    lines: int = 0
    ranks: int = 0


@defaults
@dataclasses.dataclass
class PolicyCounts(Lenient):
    policy: str = ""
    since: str = ""
    activated: int = 0
    rejected: int = 0


@defaults
@dataclasses.dataclass
class LedgerCounts(Lenient):
    """Times are milliseconds until a commit was durable."""

    state: str = ""
    commits: int = 0
    p50_ms: Optional[float] = None
    p90_ms: Optional[float] = None
    p99_ms: Optional[float] = None
    p999_ms: Optional[float] = None
    most_ms: Optional[float] = None
    users: int = 0
    audience: int = 0


@defaults
@dataclasses.dataclass
class Stats(Lenient):
    """What the server has counted since it started, and how it is. Section 7.12 of the protocol."""

    since: str = ""
    uptime_seconds: int = 0
    ready: bool = False
    findings: Sequence[StatsFinding] = ()
    requests: Mapping[str, RequestCounts] = dataclasses.field(default_factory=nothing)
    identities: Mapping[str, IdentityCounts] = dataclasses.field(default_factory=nothing)
    candidates: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=nothing)
    contacts: Sequence[ContactCount] = ()
    connections: ConnectionCounts = dataclasses.field(default_factory=ConnectionCounts)
    bytes: ByteCounts = dataclasses.field(default_factory=ByteCounts)
    work: WorkCounts = dataclasses.field(default_factory=WorkCounts)
    memory: MemoryUse = dataclasses.field(default_factory=MemoryUse)
    policy: PolicyCounts = dataclasses.field(default_factory=PolicyCounts)
    ledger: Optional[LedgerCounts] = None
