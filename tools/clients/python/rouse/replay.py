"""What `replay` answers, typed."""

from __future__ import annotations

import dataclasses
from typing import Optional, Sequence

from ._lenient import Lenient, defaults
from .results import Decision

__all__ = [
    "Replay", "ReplayChoice", "ReplayDifference", "ReplayRows", "ReplayTotal", "ReplayUser",
]


@defaults
@dataclasses.dataclass
class ReplayRows(Lenient):
    contacts: int = 0
    ghosts: int = 0
    equal: int = 0
    different: int = 0
    erased: int = 0
    erased_share: Optional[float] = None


@defaults
@dataclasses.dataclass
class ReplayDifference(Lenient):
    """A row that is another today; `members` are those that differ."""

    rank: int = 0
    user_id: str = ""
    members: Sequence[str] = ()


@defaults
@dataclasses.dataclass
class ReplayTotal(Lenient):
    """A total as it was kept, and as the rows add up."""

    name: str = ""
    kept: Optional[str] = None
    rows: str = ""
    equal: bool = False


@defaults
@dataclasses.dataclass
class ReplayChoice(Lenient):
    best_at_prices: int = 0
    other: int = 0


@defaults
@dataclasses.dataclass
class ReplayUser(Lenient):
    """One contact or ghost of the plan (`rank` 0: held out), and its decision, explained, as of then."""

    rank: int = 0
    channel: str = ""
    equal: bool = False
    decision: Optional[Decision] = None


@defaults
@dataclasses.dataclass
class Replay(Lenient):
    """A committed plan, computed again from what was kept. `verdict` is equal, erased, differs or policy_not_kept."""

    plan_id: str = ""
    policy: str = ""
    as_of: str = ""
    made: str = ""
    verdict: str = ""
    rows: ReplayRows = dataclasses.field(default_factory=ReplayRows)
    differences: Sequence[ReplayDifference] = ()
    totals: Sequence[ReplayTotal] = ()
    choice: Optional[ReplayChoice] = None
    user: Optional[ReplayUser] = None
    not_recomputed: Sequence[str] = ()
    say: str = ""
