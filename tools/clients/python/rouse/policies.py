"""What the op `policy` answers of versions and texts, typed."""

from __future__ import annotations

import dataclasses
from typing import Optional, Sequence

from ._lenient import Lenient, defaults
from .comparison import Comparison
from .errors import Diagnostic

__all__ = [
    "PolicyActivation", "PolicyCheck", "PolicyHistory", "PolicyProposal", "PolicyText", "PolicyVersion", "Shadow", "ShadowRun",
]


@defaults
@dataclasses.dataclass
class PolicyText(Lenient):
    """A policy as its file has it; `policy` is its version."""

    policy: str = ""
    format: str = "yaml"
    text: str = ""


@defaults
@dataclasses.dataclass
class PolicyCheck(Lenient):
    """Whether a text is a policy: then `policy` is the version it would have."""

    valid: bool = False
    policy: Optional[str] = None
    diagnostics: Sequence[Diagnostic] = ()


@defaults
@dataclasses.dataclass
class PolicyActivation(Lenient):
    """What became of a version. `state` is live, proposed (it waits for another's approval) or withdrawn.

    `was` is what was live until then, and still is where the state is not live; `author` is who put it forward.
    """

    policy: str = ""
    was: Optional[str] = None
    state: str = "live"
    author: Optional[str] = None


@defaults
@dataclasses.dataclass
class PolicyVersion(Lenient):
    """A version that was live. `by` is start, file, SIGHUP or identity:NAME; `author` is another who put it forward."""

    policy: str = ""
    since: str = ""
    by: str = ""
    live: bool = False
    author: Optional[str] = None


@defaults
@dataclasses.dataclass
class PolicyProposal(Lenient):
    """A version that waits for an approval."""

    policy: str = ""
    at: str = ""
    author: str = ""
    against: str = ""


@defaults
@dataclasses.dataclass
class PolicyHistory(Lenient):
    """`versions` of this run of the server, newest first, which can be pinned; `older` ones, which the ledger kept."""

    policy: str = ""
    approval: str = "none"
    versions: Sequence[PolicyVersion] = ()
    proposals: Sequence[PolicyProposal] = ()
    older: Sequence[PolicyVersion] = ()


@defaults
@dataclasses.dataclass
class ShadowRun(Lenient):
    """A policy that decides beside the live one, and what it has seen since then."""

    policy: str = ""
    begun: str = ""
    by: str = ""
    since: str = ""
    seen: int = 0
    compared: int = 0
    dropped: int = 0
    skipped: int = 0
    waiting: int = 0


@defaults
@dataclasses.dataclass
class Shadow(Lenient):
    """`shadow` is None where none decides beside `policy`, the live one; `comparison` where nothing was gathered."""

    policy: str = ""
    shadow: Optional[ShadowRun] = None
    comparison: Optional[Comparison] = None
