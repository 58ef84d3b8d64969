"""What `policy.compare` and `policy.shadow` answer, typed."""

from __future__ import annotations

import dataclasses
from typing import Mapping, Optional, Sequence

from ._lenient import Lenient, Rate, Sides, defaults, nothing

__all__ = [
    "ChannelChange", "ComparedPolicy", "Comparison", "ComparisonGroups", "Correlation", "Curve", "CurvePoint",
    "ErrorChange", "Flip", "GroupChange", "GroupTotals", "Limits", "MovedNumber", "MovedRow", "Mover", "MoverSide",
    "Movers", "Overlap", "Parity", "ParityChange", "ParityGroup", "Price", "PriceChange", "Swap", "Swaps", "Totals",
]


@defaults
@dataclasses.dataclass
class Limits(Lenient):
    budget: Optional[float] = None
    capital: Optional[float] = None
    capacity: Mapping[str, Optional[int]] = dataclasses.field(default_factory=nothing)
    quota: Mapping[str, Optional[int]] = dataclasses.field(default_factory=nothing)
    limit: Optional[int] = None
    tier_first: bool = False


@defaults
@dataclasses.dataclass
class ComparedPolicy(Lenient):
    """`limits` is None of a shadow, for which no plans are made."""

    policy: str = ""
    limits: Optional[Limits] = None


@defaults
@dataclasses.dataclass
class Totals(Lenient):
    """What a plan comes to."""

    contacts: int = 0
    spend: float = 0.0
    value: float = 0.0
    net_value: float = 0.0
    roi: Optional[float] = None
    capital: float = 0.0


@defaults
@dataclasses.dataclass
class ErrorChange(Lenient):
    code: str = ""
    say: str = ""
    old: int = 0
    new: int = 0


@defaults
@dataclasses.dataclass
class Swap(Lenient):
    """Users by whether the old policy and the new one contact them."""

    count: int = 0
    value_old: float = 0.0
    value_new: float = 0.0
    pd_old: Optional[float] = None
    pd_new: Optional[float] = None


@defaults
@dataclasses.dataclass
class Swaps(Lenient):
    """`in_out`: contacted by the old policy, and not by the new one."""

    in_in: Swap = dataclasses.field(default_factory=Swap)
    in_out: Swap = dataclasses.field(default_factory=Swap)
    out_in: Swap = dataclasses.field(default_factory=Swap)
    out_out: Swap = dataclasses.field(default_factory=Swap)


@defaults
@dataclasses.dataclass
class Flip(Lenient):
    """How many went from one status and reason to another."""

    from_: str = ""
    from_code: Optional[str] = None
    to: str = ""
    to_code: Optional[str] = None
    say: Optional[str] = None
    count: int = 0


@defaults
@dataclasses.dataclass
class Correlation(Lenient):
    """Spearman's, of the orders by net value."""

    rho: Optional[float] = None
    users: int = 0


@defaults
@dataclasses.dataclass
class Overlap(Lenient):
    """Users that are among the first `k` of both."""

    k: int = 0
    both: int = 0
    share: Optional[float] = None


@defaults
@dataclasses.dataclass
class Price(Lenient):
    """A limit that costs value. `price` is what one more unit of it would bring."""

    max: float = 0.0
    used: float = 0.0
    price: float = 0.0
    say: str = ""


@defaults
@dataclasses.dataclass
class PriceChange(Lenient):
    limit: str = ""
    old: Optional[Price] = None
    new: Optional[Price] = None


@defaults
@dataclasses.dataclass
class GroupTotals(Lenient):
    """What a plan comes to for one group."""

    lines: int = 0
    contacts: int = 0
    spend: float = 0.0
    value: float = 0.0
    net_value: float = 0.0
    roi: Optional[float] = None
    capital: float = 0.0


@defaults
@dataclasses.dataclass
class GroupChange(Lenient):
    name: Optional[str] = None
    old: Optional[GroupTotals] = None
    new: Optional[GroupTotals] = None


@defaults
@dataclasses.dataclass
class ChannelChange(Lenient):
    name: str = ""
    old: Optional[Totals] = None
    new: Optional[Totals] = None


@defaults
@dataclasses.dataclass
class ComparisonGroups(Lenient):
    stage: Sequence[GroupChange] = ()
    tier: Sequence[GroupChange] = ()
    region_group: Sequence[GroupChange] = ()
    channel: Sequence[ChannelChange] = ()


@defaults
@dataclasses.dataclass
class Parity(Lenient):
    """A group's share of contacts, beside that of the group that has most."""

    selected: Rate = dataclasses.field(default_factory=Rate)
    ratio: Optional[float] = None
    below: bool = False


@defaults
@dataclasses.dataclass
class ParityGroup(Lenient):
    name: Optional[str] = None
    old: Optional[Parity] = None
    new: Optional[Parity] = None


@defaults
@dataclasses.dataclass
class ParityChange(Lenient):
    floor: Sides[Optional[float]] = dataclasses.field(default_factory=Sides)
    groups: Sequence[ParityGroup] = ()


@defaults
@dataclasses.dataclass
class MoverSide(Lenient):
    status: str = ""
    code: Optional[str] = None
    stage: Optional[str] = None
    tier: Optional[str] = None
    region_group: Optional[str] = None
    channel: Optional[str] = None
    net_value: float = 0.0
    value: Optional[float] = None
    spend: Optional[float] = None
    risk_score: Optional[int] = None
    pd: Optional[float] = None
    points: Optional[int] = None
    p: Optional[float] = None
    amount: Optional[float] = None
    per_loan: Optional[float] = None


@defaults
@dataclasses.dataclass
class MovedRow(Lenient):
    """A row of a card that gives other points."""

    card: str = ""
    row: str = ""
    old_bin: Optional[str] = None
    old: int = 0
    new_bin: Optional[str] = None
    new: int = 0
    change: int = 0


@defaults
@dataclasses.dataclass
class MovedNumber(Lenient):
    """A number that became another."""

    name: str = ""
    old: Optional[float] = None
    new: Optional[float] = None


@defaults
@dataclasses.dataclass
class Mover(Lenient):
    """A user whose net value changes much, and why."""

    user_id: str = ""
    change: float = 0.0
    old: MoverSide = dataclasses.field(default_factory=MoverSide)
    new: MoverSide = dataclasses.field(default_factory=MoverSide)
    moved: Sequence[MovedRow] = ()
    numbers: Sequence[MovedNumber] = ()


@defaults
@dataclasses.dataclass
class Movers(Lenient):
    up: Sequence[Mover] = ()
    down: Sequence[Mover] = ()


@defaults
@dataclasses.dataclass
class CurvePoint(Lenient):
    contacts: int = 0
    value: float = 0.0
    net_value: float = 0.0
    spend: float = 0.0


@defaults
@dataclasses.dataclass
class Curve(Lenient):
    """Net value by the number of contacts."""

    cut: int = 0
    points: Sequence[CurvePoint] = ()


@defaults
@dataclasses.dataclass
class Comparison(Lenient):
    """Two policies over the same candidates: what the new one would decide otherwise, and what that comes to.

    `say` has it in sentences. Section 3 of compare.md says what each member means.
    """

    old: ComparedPolicy = dataclasses.field(default_factory=ComparedPolicy)
    new: ComparedPolicy = dataclasses.field(default_factory=ComparedPolicy)
    as_of: str = ""
    lines: int = 0
    say: Sequence[str] = ()
    totals: Sides[Totals] = dataclasses.field(default_factory=Sides)
    statuses: Sides[Mapping[str, int]] = dataclasses.field(default_factory=Sides)
    errors: Sequence[ErrorChange] = ()
    swap: Swaps = dataclasses.field(default_factory=Swaps)
    flips: Sequence[Flip] = ()
    spearman: Correlation = dataclasses.field(default_factory=Correlation)
    overlap: Sequence[Overlap] = ()
    prices: Sequence[PriceChange] = ()
    by: ComparisonGroups = dataclasses.field(default_factory=ComparisonGroups)
    parity: ParityChange = dataclasses.field(default_factory=ParityChange)
    movers: Movers = dataclasses.field(default_factory=Movers)
    curves: Optional[Sides[Curve]] = None
