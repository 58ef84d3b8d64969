"""Rows that are handed out only when their answer is whole: those of a rank and of a plan."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import threading
from typing import Any, Dict, Iterator, List, Mapping, Optional

from ._lenient import Lenient, defaults, nothing
from .results import Decision, Plan, PlanEntry, decisions

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
            yield from decisions(json.loads("[" + block[:-1].decode("utf-8").replace("\n", ",") + "]"))

    def raw(self) -> Iterator[bytes]:
        """The rows as lines of JSON, without LF."""
        for block in self._blocks():
            yield from block[:-1].split(b"\n")

    def batches(self) -> Iterator[List[Decision]]:
        """The rows, some hundreds at a time."""
        for block in self._blocks():
            yield decisions(json.loads("[" + block[:-1].decode("utf-8").replace("\n", ",") + "]"))

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

    @classmethod
    def _again(cls, content: bytes, count: int) -> Rows:
        rows = cls()
        if count:
            rows.add(content, count)
        return rows

    def __reduce__(self) -> Any:
        return Rows._again, (b"".join(self._blocks()), self._count)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and self._count == other._count and all(a == b for a, b in zip(self.raw(), other.raw()))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self._count} rows>"

    def close(self) -> None:
        """Gives memory and file back now; the rows are gone then."""
        self._size = self._count = 0
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def __del__(self) -> None:
        self.close()


@defaults
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
        members["rows"] = rows
        return cls.from_dict(members)

    def to_dict(self) -> Dict[str, Any]:
        """The members of the answer, without its rows."""
        members = super().to_dict()
        del members["rows"]
        return members


@defaults
@dataclasses.dataclass
class PlanResult(PlanEntry):
    """A committed plan with its contacts, in rank order, and what its request had set."""

    request: Mapping[str, Any] = dataclasses.field(default_factory=nothing)
    plan: Plan = dataclasses.field(default_factory=Plan)
    rows: Rows = dataclasses.field(default_factory=Rows)

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def whole(cls, members: Dict[str, Any], rows: Rows) -> PlanResult:
        members["rows"] = rows
        return cls.from_dict(members)

    def to_dict(self) -> Dict[str, Any]:
        """The members of the answer, without its rows."""
        members = super().to_dict()
        del members["rows"]
        return members
