"""What `review` answers, typed."""

from __future__ import annotations

import dataclasses
from typing import Optional, Sequence

from ._lenient import Lenient, Rate, defaults

__all__ = [
    "Band", "Baseline", "BinShift", "ChanceCalibration", "Characteristic", "CharacteristicWeek", "Discrimination",
    "FunnelRates", "FunnelStep", "Harm", "Lift", "LiftDimension", "LiftUsers", "Money", "Order", "RecallCost",
    "Recalled", "Review", "ReviewCalibration", "ReviewContacts", "ReviewDimension", "ReviewFinding", "ReviewGroup",
    "ReviewLift", "ReviewOutcome", "ReviewParity", "ReviewParityGroup", "ReviewPeriod", "ReviewPlanned", "ReviewWeek",
    "RiskCalibration", "Stability", "Target", "WorstStep",
]


@defaults
@dataclasses.dataclass
class ReviewPeriod(Lenient):
    since: str = ""
    until: str = ""
    now: str = ""
    days: float = 0.0
    window_days: int = 0


@defaults
@dataclasses.dataclass
class ReviewContacts(Lenient):
    all: int = 0
    finished: int = 0
    unfinished: int = 0
    planned: int = 0
    unplanned: int = 0
    other_channel: int = 0
    repeated: int = 0


@defaults
@dataclasses.dataclass
class ReviewPlanned(Lenient):
    """Contacts that plans had, and which of them were reported."""

    plans: int = 0
    contacts: int = 0
    reported: int = 0
    not_reported: int = 0
    open: int = 0
    ghosts: int = 0


@defaults
@dataclasses.dataclass
class ReviewOutcome(Lenient):
    kind: str = ""
    reported: int = 0
    counted: int = 0


@defaults
@dataclasses.dataclass
class FunnelStep(Lenient):
    """A step from contact to loan. `from_` is the step before it."""

    step: str = ""
    per_contact: Rate = dataclasses.field(default_factory=Rate)
    from_: Optional[str] = None
    from_previous: Optional[Rate] = None
    believed: Optional[float] = None
    target: Optional[float] = None
    verdict: Optional[str] = None


@defaults
@dataclasses.dataclass
class FunnelRates(Lenient):
    click_per_push: Rate = dataclasses.field(default_factory=Rate)
    recall_per_push: Rate = dataclasses.field(default_factory=Rate)
    recall_per_click: Rate = dataclasses.field(default_factory=Rate)
    application_per_push: Optional[Rate] = None
    application_per_click: Optional[Rate] = None
    application_per_login: Optional[Rate] = None
    disbursed_per_push: Rate = dataclasses.field(default_factory=Rate)
    disbursed_per_click: Rate = dataclasses.field(default_factory=Rate)
    disbursed_per_login: Rate = dataclasses.field(default_factory=Rate)


@defaults
@dataclasses.dataclass
class Harm(Lenient):
    """Shares of those who quit, complained or opted out."""

    quit: Rate = dataclasses.field(default_factory=Rate)
    complaint: Rate = dataclasses.field(default_factory=Rate)
    opt_out: Rate = dataclasses.field(default_factory=Rate)


@defaults
@dataclasses.dataclass
class Money(Lenient):
    """In the unit of the policy."""

    spend: float = 0.0
    spend_reported: float = 0.0
    spend_expected: float = 0.0
    reported_costs: int = 0
    expected_costs: int = 0
    coupons: float = 0.0
    disbursed_amount: float = 0.0
    loans: int = 0
    loan_value: float = 0.0
    expected_value: float = 0.0
    expected_spend: float = 0.0
    realised_value: float = 0.0
    expected_roi: Optional[float] = None
    realised_roi: Optional[float] = None


@defaults
@dataclasses.dataclass
class Recalled(Lenient):
    users: int = 0
    cost_each: Optional[float] = None
    quarter_of_new: Optional[float] = None
    verdict: str = ""


@defaults
@dataclasses.dataclass
class ReviewGroup(Lenient):
    """What came of the contacts of one group; of all, where it has no name."""

    name: Optional[str] = None
    contacts: int = 0
    finished: int = 0
    unfinished: int = 0
    funnel: Sequence[FunnelStep] = ()
    rates: FunnelRates = dataclasses.field(default_factory=FunnelRates)
    harm: Harm = dataclasses.field(default_factory=Harm)
    money: Money = dataclasses.field(default_factory=Money)
    recalled: Recalled = dataclasses.field(default_factory=Recalled)


@defaults
@dataclasses.dataclass
class ReviewDimension(Lenient):
    dimension: str = ""
    left_out: int = 0
    groups: Sequence[ReviewGroup] = ()


@defaults
@dataclasses.dataclass
class Target(Lenient):
    name: str = ""
    target: float = 0.0
    from_: Optional[str] = None
    rate: Optional[Rate] = None
    verdict: str = ""


@defaults
@dataclasses.dataclass
class RecallCost(Lenient):
    new_user_cost: Optional[float] = None
    quarter: Optional[float] = None
    recalled: int = 0
    cost_each: Optional[float] = None
    ratio: Optional[float] = None
    verdict: str = ""


@defaults
@dataclasses.dataclass
class LiftUsers(Lenient):
    """Users on both sides."""

    chosen: int = 0
    held_out: int = 0


@defaults
@dataclasses.dataclass
class Lift(Lenient):
    """What a contact adds: those who were chosen, beside those who were held out by chance."""

    name: Optional[str] = None
    chosen: Rate = dataclasses.field(default_factory=Rate)
    held_out: Rate = dataclasses.field(default_factory=Rate)
    users: LiftUsers = dataclasses.field(default_factory=LiftUsers)
    lift: Optional[float] = None
    low: Optional[float] = None
    high: Optional[float] = None
    incremental: Optional[float] = None
    extra_: Optional[float] = None
    extra_low: Optional[float] = None
    extra_high: Optional[float] = None
    extra_value: Optional[float] = None
    extra_value_low: Optional[float] = None
    extra_value_high: Optional[float] = None
    needed: Optional[LiftUsers] = None
    verdict: str = ""


@defaults
@dataclasses.dataclass
class LiftDimension(Lenient):
    dimension: str = ""
    groups: Sequence[Lift] = ()


@defaults
@dataclasses.dataclass
class ReviewLift(Lenient):
    unfinished: int = 0
    loan_value: Optional[float] = None
    all: Lift = dataclasses.field(default_factory=Lift)
    by: Sequence[LiftDimension] = ()
    intervals: int = 0
    say: str = ""


@defaults
@dataclasses.dataclass
class Baseline(Lenient):
    kind: str = ""
    since: str = ""
    until: str = ""
    rows: int = 0


@defaults
@dataclasses.dataclass
class BinShift(Lenient):
    bin: str = ""
    then: int = 0
    now: int = 0


@defaults
@dataclasses.dataclass
class CharacteristicWeek(Lenient):
    since: str = ""
    psi: Optional[float] = None
    noise: Optional[float] = None


@defaults
@dataclasses.dataclass
class Characteristic(Lenient):
    """The PSI of one characteristic of a card."""

    card: Optional[str] = None
    name: str = ""
    psi: Optional[float] = None
    noise: Optional[float] = None
    noise_high: Optional[float] = None
    verdict: str = ""
    bins: Sequence[BinShift] = ()
    weeks: Sequence[CharacteristicWeek] = ()


@defaults
@dataclasses.dataclass
class Stability(Lenient):
    """Whether candidates are still as they were: the population stability index (PSI)."""

    baseline: Baseline = dataclasses.field(default_factory=Baseline)
    rows: int = 0
    unread: int = 0
    look: Optional[float] = None
    act: Optional[float] = None
    characteristics: Sequence[Characteristic] = ()


@defaults
@dataclasses.dataclass
class Band(Lenient):
    """What was expected, and what was observed."""

    from_: float = 0.0
    to: float = 0.0
    expected: float = 0.0
    observed: Rate = dataclasses.field(default_factory=Rate)
    shift: Optional[int] = None
    sound: bool = False


@defaults
@dataclasses.dataclass
class ChanceCalibration(Lenient):
    contacts: int = 0
    outcomes: int = 0
    expected: float = 0.0
    all: Optional[Band] = None
    bands: Sequence[Band] = ()


@defaults
@dataclasses.dataclass
class RiskCalibration(Lenient):
    loans: int = 0
    outcomes: int = 0
    expected: float = 0.0
    days_known: Optional[float] = None
    all: Optional[Band] = None
    bands: Sequence[Band] = ()


@defaults
@dataclasses.dataclass
class ReviewCalibration(Lenient):
    p: ChanceCalibration = dataclasses.field(default_factory=ChanceCalibration)
    pd: RiskCalibration = dataclasses.field(default_factory=RiskCalibration)


@defaults
@dataclasses.dataclass
class Order(Lenient):
    """How well a number puts those first to whom it happens."""

    users: int = 0
    outcomes: int = 0
    auc: Optional[float] = None
    ks: Optional[float] = None
    lift10: Optional[float] = None
    lift20: Optional[float] = None


@defaults
@dataclasses.dataclass
class Discrimination(Lenient):
    p: Order = dataclasses.field(default_factory=Order)
    pd: Order = dataclasses.field(default_factory=Order)


@defaults
@dataclasses.dataclass
class ReviewParityGroup(Lenient):
    name: str = ""
    contacts: int = 0
    ghosts: int = 0
    click: Rate = dataclasses.field(default_factory=Rate)
    disbursed: Rate = dataclasses.field(default_factory=Rate)
    ratio: Optional[float] = None
    verdict: str = ""


@defaults
@dataclasses.dataclass
class ReviewParity(Lenient):
    threshold: float = 0.0
    not_known: int = 0
    groups: Sequence[ReviewParityGroup] = ()
    selection: None = None
    say: str = ""


@defaults
@dataclasses.dataclass
class WorstStep(Lenient):
    """Where most is lost against the target, or against what the policy believes."""

    stage: str = ""
    step: str = ""
    from_: Optional[str] = None
    rate: Rate = dataclasses.field(default_factory=Rate)
    reference: float = 0.0
    against: str = ""
    shortfall: float = 0.0
    verdict: str = ""


@defaults
@dataclasses.dataclass
class ReviewWeek(Lenient):
    since: str = ""
    until: str = ""
    contacts: int = 0
    unfinished: int = 0
    clicks: int = 0
    disbursed: int = 0
    spend: float = 0.0
    expected_value: float = 0.0
    realised_value: float = 0.0
    psi: Optional[float] = None
    psi_of: Optional[str] = None


@defaults
@dataclasses.dataclass
class ReviewFinding(Lenient):
    """What stands out; `grade` is act, look, good or note."""

    importance: int = 0
    code: str = ""
    grade: str = ""
    say: str = ""


@defaults
@dataclasses.dataclass
class Review(Lenient):
    """What came of the contacts of a period. `findings` has it in sentences, the most important first.

    Sections 2 and 3 of review.md say how each member is counted.
    """

    period: ReviewPeriod = dataclasses.field(default_factory=ReviewPeriod)
    policy: str = ""
    contacts: ReviewContacts = dataclasses.field(default_factory=ReviewContacts)
    planned: ReviewPlanned = dataclasses.field(default_factory=ReviewPlanned)
    outcomes: Sequence[ReviewOutcome] = ()
    all: ReviewGroup = dataclasses.field(default_factory=ReviewGroup)
    by: Sequence[ReviewDimension] = ()
    targets: Sequence[Target] = ()
    recall_cost: RecallCost = dataclasses.field(default_factory=RecallCost)
    lift: ReviewLift = dataclasses.field(default_factory=ReviewLift)
    stability: Stability = dataclasses.field(default_factory=Stability)
    calibration: ReviewCalibration = dataclasses.field(default_factory=ReviewCalibration)
    discrimination: Discrimination = dataclasses.field(default_factory=Discrimination)
    parity: ReviewParity = dataclasses.field(default_factory=ReviewParity)
    worst: Sequence[WorstStep] = ()
    weeks: Sequence[ReviewWeek] = ()
    findings: Sequence[ReviewFinding] = ()
