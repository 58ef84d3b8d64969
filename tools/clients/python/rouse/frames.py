"""Candidates from data frames and tables, and decisions into them, where pandas or pyarrow are installed.

    from rouse import frames

    stream = client.score_stream(frames.candidates(frame))
    decisions = frames.to_pandas(stream)

What is missing in a frame (None, NaN, NaT, NA) is left out of the candidate. Times become RFC 3339; those without a time
zone are refused, unless `timezone` says which one they are in.
"""

from __future__ import annotations

import datetime
import importlib
import math
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional

from .errors import InvalidInput
from .results import Best, Decision

__all__ = ["candidates", "to_arrow", "to_pandas"]

_AT_ONCE = 4096
_BEST = ("channel", "p", "value", "spend", "capital", "roi", "send_at")
_COLUMNS = (
    "user_id", "status", "rank", "reasons", "stage", "dormant_days", "silent_days", "tier", "risk_score", "pd", "until",
    "points", "arm", *(f"best_{name}" for name in _BEST), "issues", "ignored", "ghost", "propensity", "valid_until",
)


def _pandas() -> Any:
    try:
        return importlib.import_module("pandas")
    except ImportError:
        raise ImportError("this needs pandas, which is not installed; install it with: pip install pandas") from None


def _pyarrow() -> Any:
    try:
        return importlib.import_module("pyarrow")
    except ImportError:
        raise ImportError("this needs pyarrow, which is not installed; install it with: pip install pyarrow") from None


def candidates(data: Any, *, timezone: Optional[datetime.tzinfo] = None) -> Callable[[], Iterator[Dict[str, Any]]]:
    """A pandas DataFrame, or a pyarrow Table, RecordBatch or dataset Scanner, as candidates for any op.

    Columns are fields by their names; `device.os` may be a column. The result is a function, so that a lost connection can
    be made up for by reading the data again.
    """
    module = type(data).__module__.split(".")[0]
    if module == "pandas":
        columns = [str(name) for name in data.columns]
    elif module == "pyarrow":
        columns = list((data.schema if hasattr(data, "schema") else data.projected_schema).names)
    else:
        raise InvalidInput(
            f"candidates are to come from {type(data).__name__}, which is neither of pandas nor of pyarrow; "
            "give a DataFrame or a Table")
    if "user_id" not in columns:
        raise InvalidInput("the frame has no column 'user_id'; rename the one that holds the users' ids")
    if len(set(columns)) != len(columns):
        raise InvalidInput("two columns of the frame have the same name; rename one of them")
    rows = _pandas_rows if module == "pandas" else _arrow_rows
    return lambda: rows(data, columns, timezone)


def _rows(columns: List[str], values: List[List[Any]]) -> Iterator[Dict[str, Any]]:
    for row in zip(*values):
        yield {name: value for name, value in zip(columns, row) if value is not None}


def _plain(value: Any, timezone: Optional[datetime.tzinfo], column: str) -> Any:
    """A value of a column that may hold anything; None for what is missing."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _missing(value, column)
    if isinstance(value, datetime.datetime):
        if value != value:  # NaT
            return None
        if value.tzinfo is None:
            if timezone is None:
                raise _no_zone(column)
            value = value.replace(tzinfo=timezone)
        return value.isoformat(timespec="seconds")
    if isinstance(value, dict):
        return {name: _plain(each, timezone, column) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, timezone, column) for each in value]
    if hasattr(value, "tolist"):  # NumPy
        return _plain(value.tolist(), timezone, column)
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, datetime.date):
        raise InvalidInput(f"column '{column}' has dates without a time; make them times with a time zone")
    return value


def _missing(value: float, column: str) -> None:
    if not math.isnan(value):
        raise InvalidInput(f"column '{column}' has an infinite number; leave it out")
    return None


def _no_zone(column: str) -> InvalidInput:
    return InvalidInput(
        f"the times in column '{column}' have no time zone; give it one with tz_localize, or give candidates() a timezone")


def _pandas_rows(frame: Any, columns: List[str], timezone: Optional[datetime.tzinfo]) -> Iterator[Dict[str, Any]]:
    pandas = _pandas()
    for start in range(0, len(frame), _AT_ONCE):
        part = frame.iloc[start:start + _AT_ONCE]
        values = []
        for at, name in enumerate(columns):
            series = part.iloc[:, at]
            if pandas.api.types.is_datetime64_any_dtype(series.dtype):
                if series.dt.tz is None:
                    if timezone is None:
                        raise _no_zone(name)
                    series = series.dt.tz_localize(timezone)
                texts = series.dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
                values.append([None if text is None or text != text else text for text in texts.tolist()])
            else:
                values.append([_plain(value, timezone, name) for value in series.tolist()])
        yield from _rows(columns, values)


def _arrow_rows(data: Any, columns: List[str], timezone: Optional[datetime.tzinfo]) -> Iterator[Dict[str, Any]]:
    pyarrow = _pyarrow()
    if isinstance(data, pyarrow.RecordBatch):
        batches: Any = [data]
    elif isinstance(data, pyarrow.Table):
        batches = data.to_batches(max_chunksize=_AT_ONCE)
    elif hasattr(data, "to_batches"):
        batches = data.to_batches()
    else:
        batches = data  # a RecordBatchReader
    for batch in batches:
        for start in range(0, batch.num_rows, _AT_ONCE):
            part = batch.slice(start, _AT_ONCE)
            values = []
            for name, column in zip(columns, part.columns):
                if pyarrow.types.is_timestamp(column.type):
                    # Nanoseconds have no place in a datetime of Python's; the protocol counts seconds.
                    column = column.cast(pyarrow.timestamp("s", column.type.tz), safe=False)
                values.append([_plain(value, timezone, name) for value in column.to_pylist()])
            yield from _rows(columns, values)


def _flat(decisions: Iterable[Decision]) -> Dict[str, List[Any]]:
    """Columns. What a decision does not have is None; `best` has columns of its own."""
    columns: Dict[str, List[Any]] = {name: [] for name in _COLUMNS}
    plain = [(name, columns[name].append) for name in _COLUMNS if not name.startswith("best_")]
    best = [(name, columns[f"best_{name}"].append) for name in _BEST]
    nothing = Best()
    for decision in decisions:
        members = decision.__dict__
        for name, append in plain:
            append(members.get(name))
        found = members.get("best")
        chosen = (found if found is not None else nothing).__dict__
        for name, append in best:
            append(chosen.get(name) if found is not None else None)
    columns["reasons"] = [list(each or ()) for each in columns["reasons"]]
    columns["issues"] = [list(each or ()) for each in columns["issues"]]
    columns["ignored"] = [each or 0 for each in columns["ignored"]]
    return columns


def to_arrow(decisions: Iterable[Decision]) -> Any:
    """Decisions (a ScoreStream, a RankResult, a list) as a pyarrow Table. Times stay texts, as the server wrote them."""
    pyarrow = _pyarrow()
    text, whole, number = pyarrow.string(), pyarrow.int64(), pyarrow.float64()
    texts = pyarrow.list_(text)
    types = {
        **{name: text for name in _COLUMNS}, **dict.fromkeys(("reasons", "issues"), texts),
        **dict.fromkeys(("rank", "dormant_days", "silent_days", "risk_score", "points", "ignored"), whole),
        **dict.fromkeys(("pd", "propensity", *(f"best_{each}" for each in ("p", "value", "spend", "capital", "roi"))), number),
    }
    schema = pyarrow.schema([(name, types[name]) for name in _COLUMNS])
    batches = []
    part: List[Decision] = []
    for decision in decisions:
        part.append(decision)
        if len(part) == _AT_ONCE:
            batches.append(pyarrow.RecordBatch.from_pydict(_flat(part), schema=schema))
            part = []
    batches.append(pyarrow.RecordBatch.from_pydict(_flat(part), schema=schema))
    return pyarrow.Table.from_batches(batches, schema=schema)


def to_pandas(decisions: Iterable[Decision]) -> Any:
    """Decisions (a ScoreStream, a RankResult, a list) as a DataFrame. Times stay texts, as the server wrote them."""
    pandas = _pandas()
    frame = pandas.DataFrame(_flat(decisions), columns=list(_COLUMNS))
    for name in ("rank", "dormant_days", "silent_days", "risk_score", "points", "ignored"):
        frame[name] = frame[name].astype("Int64")
    for name in ("pd", "propensity", "best_p", "best_value", "best_spend", "best_capital", "best_roi"):
        frame[name] = frame[name].astype("float64")
    return frame
