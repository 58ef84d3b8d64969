"""What `policy.backtest` answers, typed."""

from __future__ import annotations

import dataclasses
from typing import Optional, Sequence

from ._lenient import Lenient, defaults

__all__ = [
    "Backtest", "BacktestChoices", "BacktestEstimate", "BacktestLog", "BacktestMean", "BacktestPeriod",
]


@defaults
@dataclasses.dataclass
class BacktestPeriod(Lenient):
    since: str = ""
    until: str = ""
    now: str = ""
    window_days: int = 0


@defaults
@dataclasses.dataclass
class BacktestLog(Lenient):
    """Contacts that plans had, and which of them can be used."""

    planned: int = 0
    used: int = 0
    not_reported: int = 0
    unfinished: int = 0
    other_channel: int = 0
    not_kept: int = 0


@defaults
@dataclasses.dataclass
class BacktestChoices(Lenient):
    """What the new policy would have done with them."""

    same: int = 0
    other_channel: int = 0
    none: int = 0
    unsupported: int = 0
    apart: int = 0


@defaults
@dataclasses.dataclass
class BacktestMean(Lenient):
    """What a contact brought."""

    mean: Optional[float] = None
    low: Optional[float] = None
    high: Optional[float] = None
    snips: Optional[float] = None


@defaults
@dataclasses.dataclass
class BacktestEstimate(Lenient):
    """Inverse propensity scores (IPS), and their self-normalised form (SNIPS), with an interval of 95 %."""

    ips: float = 0.0
    snips: Optional[float] = None
    low: Optional[float] = None
    high: Optional[float] = None
    difference_low: Optional[float] = None
    difference_high: Optional[float] = None


@defaults
@dataclasses.dataclass
class Backtest(Lenient):
    """What a policy would have brought on the contacts that were made. `why` says why there is no estimate."""

    policy: str = ""
    values_by: str = ""
    period: BacktestPeriod = dataclasses.field(default_factory=BacktestPeriod)
    log: BacktestLog = dataclasses.field(default_factory=BacktestLog)
    new: BacktestChoices = dataclasses.field(default_factory=BacktestChoices)
    old: BacktestMean = dataclasses.field(default_factory=BacktestMean)
    effective: Optional[float] = None
    effective_apart: Optional[float] = None
    estimate: Optional[BacktestEstimate] = None
    why: Optional[str] = None
    verdict: str = ""
    blind: Sequence[str] = ()
