"""What `policy.fit` answers, typed."""

from __future__ import annotations

import dataclasses
from typing import Mapping, Optional, Sequence

from ._lenient import Lenient, Rate, Sides, defaults, nothing

__all__ = [
    "Fit", "FitBand", "FitBin", "FitCharacteristic", "FitCurvePoint", "FitHoldout", "FitOdds", "FitRisk", "FitSide",
    "FitStage", "FitStep",
]


@defaults
@dataclasses.dataclass
class FitStage(Lenient):
    name: str = ""
    old: int = 0
    new: int = 0
    rows: int = 0
    events: int = 0
    se: Optional[float] = None
    pooled: bool = False
    verdict: str = ""


@defaults
@dataclasses.dataclass
class FitStep(Lenient):
    name: str = ""
    old: float = 0.0
    new: float = 0.0
    weight: float = 0.0
    seen: Rate = dataclasses.field(default_factory=Rate)
    verdict: str = ""


@defaults
@dataclasses.dataclass
class FitBin(Lenient):
    bin: str = ""
    old: int = 0
    new: int = 0
    rows: int = 0
    events: int = 0
    se: Optional[float] = None
    verdict: str = ""
    held: bool = False


@defaults
@dataclasses.dataclass
class FitCharacteristic(Lenient):
    name: str = ""
    bins: Sequence[FitBin] = ()


@defaults
@dataclasses.dataclass
class FitOdds(Lenient):
    old: float = 0.0
    new: float = 0.0
    verdict: str = ""


@defaults
@dataclasses.dataclass
class FitRisk(Lenient):
    loans: int = 0
    bad: Rate = dataclasses.field(default_factory=Rate)
    odds: FitOdds = dataclasses.field(default_factory=FitOdds)
    card: Sequence[FitCharacteristic] = ()


@defaults
@dataclasses.dataclass
class FitBand(Lenient):
    expected: float = 0.0
    observed: Rate = dataclasses.field(default_factory=Rate)
    shift: Optional[int] = None


@defaults
@dataclasses.dataclass
class FitCurvePoint(Lenient):
    share: float = 0.0
    contacts: int = 0
    profit: float = 0.0


@defaults
@dataclasses.dataclass
class FitSide(Lenient):
    """A policy on the rows that were not learnt from."""

    policy: str = ""
    auc: Optional[float] = None
    ks: Optional[float] = None
    log_loss: float = 0.0
    lift_10: Optional[float] = None
    lift_20: Optional[float] = None
    mean_p: float = 0.0
    contacts: int = 0
    profit: float = 0.0
    profit_all: float = 0.0
    calibration: Sequence[FitBand] = ()
    profit_curve: Sequence[FitCurvePoint] = ()


@defaults
@dataclasses.dataclass
class FitHoldout(Lenient):
    """The later part of the rows, on which old and new policy are only tried."""

    rows: int = 0
    outcomes: Rate = dataclasses.field(default_factory=Rate)
    since: Optional[str] = None
    split: str = ""
    old: FitSide = dataclasses.field(default_factory=FitSide)
    new: FitSide = dataclasses.field(default_factory=FitSide)


@defaults
@dataclasses.dataclass
class Fit(Lenient):
    """A policy whose numbers are learnt from the outcomes: `text`, and what was learnt of which number.

    fit.md says how. A `verdict` is changed, same, few_events or not_written.
    """

    policy: str = ""
    fitted: str = ""
    rows: int = 0
    outcomes: Rate = dataclasses.field(default_factory=Rate)
    effective_rows: float = 0.0
    left_out: Mapping[str, int] = dataclasses.field(default_factory=nothing)
    prior_sd: float = 0.0
    least_events: int = 0
    changes: int = 0
    numbers: int = 0
    log_likelihood: Sides[float] = dataclasses.field(default_factory=Sides)
    stages: Sequence[FitStage] = ()
    steps: Sequence[FitStep] = ()
    response: Sequence[FitCharacteristic] = ()
    risk: Optional[FitRisk] = None
    holdout: Optional[FitHoldout] = None
    text: str = ""
