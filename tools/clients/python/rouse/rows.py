"""Rows that are handed out only when their answer is whole: those of a rank and of a plan."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import threading
from typing import Any, Dict, Iterator, List, Mapping, Optional

from .results import Decision, Lenient, Plan, PlanEntry, _defaults, _nothing

__all__ = ["PlanResult", "RankResult", "Rows"]

_IN_MEMORY = 1 << 24
_PIECE = 1 << 18


class Rows:
    """Decisions, read one after another as often as you like.

    They are kept as they came: up to 16 MiB in memory, beyond that in a temporary file that has no name and goes with
    this object. Thus any number of rows takes little memory, and none is seen before all have come.
    """

    def __init__(self) -> None:
        self._file: Any = None
        self._lock = threading.Lock()
        self._size = 0
        self._count = 0

    def add(self, block: bytes, count: int) -> None:
        """Whole lines, with the last LF."""
        if self._file is None:
            self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)
        self._file.write(block)
        self._size += len(block)
        self._count += count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Decision]:
        for block in self._blocks():
            for members in json.loads("[" + block[:-1].decode("utf-8").replace("\n", ",") + "]"):
                yield Decision.of(members)

    def raw(self) -> Iterator[bytes]:
        """The rows as lines of JSON, without LF."""
        for block in self._blocks():
            yield from block[:-1].split(b"\n")

    def batches(self) -> Iterator[List[Decision]]:
        """The rows, some hundreds at a time."""
        for block in self._blocks():
            found = json.loads("[" + block[:-1].decode("utf-8").replace("\n", ",") + "]")
            yield list(map(Decision.of, found))

    def _blocks(self) -> Iterator[bytes]:
        at = 0
        rest = b""
        while at < self._size:
            with self._lock:
                self._file.seek(at)
                piece = self._file.read(min(_PIECE, self._size - at))
            at += len(piece)
            end = piece.rfind(b"\n") + 1
            if end == 0:
                rest += piece
                continue
            yield rest + piece[:end]
            rest = piece[end:]

    def close(self) -> None:
        """Gives memory and file back now; the rows are gone then."""
        self._size = self._count = 0
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def __del__(self) -> None:
        self.close()


@_defaults
@dataclasses.dataclass
class RankResult(Lenient):
    """Whom to contact, in rank order (or, with rows="all", every candidate in input order), and what it comes to.

    It is there only when the whole answer has come. Iterate over it, or over `rows`, as often as you like.
    """

    policy: str = ""
    as_of: str = ""
    plan: Plan = dataclasses.field(default_factory=Plan)
    plan_id: Optional[str] = None
    leased_until: Optional[str] = None
    replayed: bool = False
    rows: Rows = dataclasses.field(default_factory=Rows)

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def whole(cls, members: Dict[str, Any], rows: Rows) -> RankResult:
        results = members.pop("results", None)
        if isinstance(results, list):
            for each in results:
                rows.add(json.dumps(each, ensure_ascii=False).encode("utf-8") + b"\n", 1)
        plan = members.get("plan")
        members["plan"] = Plan.of(plan) if isinstance(plan, dict) else Plan()
        members["rows"] = rows
        return cls.of(members)

    def to_dict(self) -> Dict[str, Any]:
        """The members of the answer, without its rows."""
        members = super().to_dict()
        del members["rows"]
        return members


@_defaults
@dataclasses.dataclass
class PlanResult(PlanEntry):
    """A committed plan with its contacts, in rank order, and what its request had set."""

    request: Mapping[str, Any] = dataclasses.field(default_factory=_nothing)
    plan: Plan = dataclasses.field(default_factory=Plan)
    rows: Rows = dataclasses.field(default_factory=Rows)

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def whole(cls, members: Dict[str, Any], rows: Rows) -> PlanResult:
        plan = members.get("plan")
        members["plan"] = Plan.of(plan) if isinstance(plan, dict) else Plan()
        members["rows"] = rows
        return cls.of(members)

    def to_dict(self) -> Dict[str, Any]:
        """The members of the answer, without its rows."""
        members = super().to_dict()
        del members["rows"]
        return members
