"""The protocol without its sockets: requests as lines, lines as answers, and what may be sent again.

Both clients are built on it. Nothing here reads, writes or waits.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import io
import itertools
import json
import operator
import os
import random
import time
from dataclasses import dataclass
from typing import (
    Any, AsyncIterable, Callable, Deque, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union,
)

from .errors import (
    ConnectFailed, ConnectionLost, Draining, InvalidInput, Internal, NoConnectionFree, Overloaded, ProtocolError,
    RateLimited, RouseError, ServerError, ShuttingDown, IdleTimeout, TimedOut, server_error,
)

Line = Union[Mapping[str, Any], bytes, str]
Lines = Union[Iterable[Line], Callable[[], Iterable[Line]]]
AnyLines = Union[Lines, AsyncIterable[Line], Callable[[], AsyncIterable[Line]]]

BATCH = 1 << 16
LONGEST_LINE = 1 << 26
PARSED_AT_ONCE = 1 << 14
END = b'{"op":"end"}\n'

# --- JSON ----------------------------------------------------------------------------------------------------------


def timestamp(moment: datetime.datetime) -> str:
    """RFC 3339, as the protocol wants times."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise InvalidInput(
            f"the time {moment.isoformat()} has no time zone; give it one, such as with .replace(tzinfo=timezone.utc)")
    return moment.isoformat()


def _foreign(value: Any) -> Any:
    """What JSON has no word for."""
    if isinstance(value, datetime.datetime):
        return timestamp(value)
    if isinstance(value, datetime.date):
        raise InvalidInput(f"the date {value.isoformat()} has no time of day; give a datetime with a time zone")
    if isinstance(value, decimal.Decimal):
        return float(value)
    item = getattr(value, "item", None)  # numbers of NumPy
    if callable(item):
        return item()
    raise InvalidInput(f"a value of type {type(value).__name__} cannot be sent; give texts, numbers, booleans, times or lists")


_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"), default=_foreign)


def _text_encoder() -> Callable[[Any], str]:
    """The encoder of the json module, made once and not for each text, where there is the one written in C."""
    make = getattr(json.encoder, "c_make_encoder", None)
    escape = getattr(json.encoder, "c_encode_basestring", None)
    if make is None or escape is None:
        return _ENCODER.encode
    try:
        encode = make(None, _foreign, escape, None, ":", ",", False, False, False)
        if "".join(encode({"a": [1, "é"]}, 0)) != '{"a":[1,"é"]}':
            return _ENCODER.encode
    except Exception:
        return _ENCODER.encode
    join = "".join
    return lambda value: join(encode(value, 0))


_encode = _text_encoder()


def encode(value: Any, what: str) -> bytes:
    """A value as JSON on one line, without its LF."""
    try:
        return _encode(value).encode("utf-8")
    except InvalidInput as error:
        raise InvalidInput(f"{what}: {error.message}") from None
    except UnicodeEncodeError:
        raise InvalidInput(f"{what} has a text that is no Unicode: half of a surrogate pair; mend the text") from None
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        if "not JSON compliant" in str(error):
            raise InvalidInput(f"{what} has a number that is NaN or infinite; leave it out, or give None") from None
        raise InvalidInput(f"{what} cannot be written as JSON: {error}; give texts, numbers, booleans and lists") from None


def _may_be_control(block: bytes) -> bool:
    """Whether a line of it may name an op. Searching from the end takes less than half the time; one byte is found at once."""
    return block.rfind(b'"op"') >= 0 or (b"\\" in block and b"\\u00" in block)


def _is_control(line: bytes) -> bool:
    """A line that would end the stream: what stands after it would be requests, made in our name."""
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(parsed, dict) and parsed.get("op") in ("end", "cancel")


# --- What is streamed ----------------------------------------------------------------------------------------------


class Source:
    """Candidates or events to be streamed; a list or a function can be read again, an iterator cannot."""

    def __init__(self, lines: AnyLines, what: str = "candidate"):
        self.what = what
        self._lines: Any = lines
        self._taken = False
        self._once = False
        if isinstance(lines, (str, os.PathLike)):
            raise InvalidInput(
                f"{what}s are an iterable of dicts or of lines, and this is one text or path; put a line in a list, and open a "
                "file in binary: open(path, 'rb')")
        if isinstance(lines, (bytes, dict)):
            raise InvalidInput(
                f"{what}s are an iterable of dicts or of lines, and this is one {type(lines).__name__}; put it in a list")
        if not callable(lines):
            if hasattr(lines, "__aiter__"):
                self._once = lines.__aiter__() is lines
            elif hasattr(lines, "__iter__"):
                # A file is its own iterator, and so is a generator; a list is not.
                self._once = hasattr(lines, "__next__")
            else:
                raise InvalidInput(
                    f"{what}s are an iterable of dicts or of lines, and this is {type(lines).__name__}; give a list, a "
                    "generator, a file opened in binary, or a function that returns one")

    @property
    def spent(self) -> bool:
        """It was read from, and cannot be read again."""
        return self._once and self._taken

    def open(self) -> Any:
        """An iterator or an asynchronous one, from the first line on."""
        self._taken = True
        lines = self._lines() if callable(self._lines) else self._lines
        if hasattr(lines, "__aiter__"):
            return lines.__aiter__()
        try:
            return iter(lines)
        except TypeError:
            raise InvalidInput(
                f"the function for the {self.what}s returned {type(lines).__name__}; let it return an iterable") from None


_last = operator.itemgetter(-1)


class Encoder:
    """Turns what is streamed into whole lines, many at a time, and keeps count for messages."""

    def __init__(self, what: str):
        self.what = what
        self.count = 0

    def chunk(self, items: Sequence[Any]) -> bytes:
        first = self.count
        self.count += len(items)
        kinds = set(map(type, items))
        if kinds == {dict}:
            try:
                lines: List[str] = []
                add = lines.append
                for item in items:
                    if "op" in item and item["op"] in ("end", "cancel"):
                        raise self._control(first + len(lines))
                    add(_encode(item))
                add("")
                return "\n".join(lines).encode("utf-8")
            except RouseError:
                pass
            except Exception:
                pass
            # One of them is at fault: say which.
            return b"".join(self._one(item, first + at) for at, item in enumerate(items))
        if kinds == {bytes}:
            block = self._bytes(items)
            if _may_be_control(block):
                for at, item in enumerate(items):
                    for line in item.split(b"\n"):
                        if _is_control(line):
                            raise self._control(first + at)
            return block
        return b"".join(self._one(item, first + at) for at, item in enumerate(items))

    def block(self, blocks: Sequence[bytes]) -> bytes:
        """Whole lines as a file has them. They are not counted: that would take a twentieth of the time."""
        joined = blocks[0] if len(blocks) == 1 else b"".join(blocks)
        if _may_be_control(joined):
            for line in joined.split(b"\n"):
                if _is_control(line):
                    start = line[:60].decode("utf-8", "replace").strip()
                    raise InvalidInput(
                        f"the file's line {start} would end the stream and make requests of what follows it; take its 'op' out")
        return joined

    @staticmethod
    def _bytes(items: Sequence[bytes]) -> bytes:
        try:
            if list(map(_last, items)).count(10) == len(items):
                return b"".join(items)
        except IndexError:
            pass
        return b"\n".join([*items, b""])

    def _one(self, item: Line, at: int) -> bytes:
        if isinstance(item, (bytes, bytearray, memoryview)):
            line = bytes(item)
            if not line.endswith(b"\n"):
                line += b"\n"
        elif isinstance(item, str):
            try:
                line = item.encode("utf-8")
            except UnicodeEncodeError:
                raise InvalidInput(f"{self.what} {at + 1} has a text that is no Unicode: mend the text") from None
            if not line.endswith(b"\n"):
                line += b"\n"
        elif isinstance(item, Mapping):
            line = encode(item if isinstance(item, dict) else dict(item), f"{self.what} {at + 1}") + b"\n"
        else:
            raise InvalidInput(
                f"{self.what} {at + 1} is {type(item).__name__}; give a dict, or a line of JSON as bytes or text")
        if _may_be_control(line):
            if any(_is_control(each) for each in line.split(b"\n")):
                raise self._control(at)
        return line

    def _control(self, at: int) -> InvalidInput:
        return InvalidInput(
            f"{self.what} {at + 1} would end the stream and make requests of what follows it; take its 'op' out")

    def one_line(self, item: Line) -> bytes:
        """For streams whose rows are counted: exactly one line, which is not blank."""
        at = self.count
        self.count += 1
        line = self._one(item, at)
        if line.count(b"\n") != 1 or not line.strip(b" \t\r\n"):
            raise InvalidInput(f"{self.what} {at + 1} is not exactly one line; give each as a line of its own")
        return line


class Pace:
    """How many items to take at once: many from a fast source, one from a slow one, so that nothing waits for long."""

    def __init__(self, most: int = 128):
        self.size = 1
        self._most = most

    def took(self, seconds: float) -> None:
        if seconds > 0.1:
            self.size = max(1, self.size // 4)
        elif seconds < 0.01 and self.size < self._most:
            self.size *= 2


class Blocks:
    """The lines of a file opened in binary, many at once: no object is made for a line."""

    def __init__(self, file: io.BufferedIOBase):
        self._read = file.read1
        self._rest = b""

    def __iter__(self) -> Blocks:
        return self

    def __next__(self) -> bytes:
        parts = [self._rest]
        while True:
            data = self._read(BATCH)
            if not data:
                last, self._rest = b"".join(parts), b""
                if not last:
                    raise StopIteration
                return last + b"\n"
            end = data.rfind(b"\n") + 1
            if end:
                parts.append(data[:end])
                self._rest = data[end:]
                return b"".join(parts)
            parts.append(data)


class Feed:
    """The batches of a stream, each of whole lines, the last of them with its end."""

    def __init__(self, source: Source, batch: int = BATCH):
        self._iterator: Any = source.open()
        encoder = Encoder(source.what)
        self._encode: Callable[[Any], bytes] = encoder.chunk
        self._batch = batch
        self._pace = Pace()
        if isinstance(self._iterator, io.BufferedIOBase):
            self._iterator = Blocks(self._iterator)
            self._encode = encoder.block
            self._pace = Pace(most=1)
        self.done = False

    @property
    def asynchronous(self) -> bool:
        return hasattr(self._iterator, "__anext__")

    def next(self) -> bytes:
        """At least `batch` bytes, unless the source is slow or at its end."""
        if self.asynchronous:
            raise InvalidInput("an asynchronous iterable needs the AsyncClient; give this client a plain one")
        parts: List[bytes] = []
        size = 0
        began = then = time.monotonic()
        while True:
            wanted = self._pace.size
            items = list(itertools.islice(self._iterator, wanted))
            now = time.monotonic()
            if items:
                block = self._encode(items)
                parts.append(block)
                size += len(block)
            if len(items) < wanted:
                self.done = True
                parts.append(END)
                return b"".join(parts)
            self._pace.took(now - then)
            if size >= self._batch or now - began > 0.1:
                return b"".join(parts)
            then = time.monotonic()

    async def anext(self) -> bytes:
        if not self.asynchronous:
            return self.next()
        parts: List[bytes] = []
        size = 0
        began = time.monotonic()
        chunk: List[Line] = []
        while True:
            try:
                chunk.append(await self._iterator.__anext__())
            except StopAsyncIteration:
                self.done = True
            late = self.done or time.monotonic() - began > 0.1
            if chunk and (late or len(chunk) >= 64):
                block = self._encode(chunk)
                parts.append(block)
                size += len(block)
                chunk = []
            if self.done:
                parts.append(END)
            if late or size >= self._batch:
                return b"".join(parts)




class EventFeed:
    """The batches of a stream of events. Those without an answer are kept, and sent again on another connection."""

    def __init__(self, source: Source, batch: int = BATCH):
        self._iterator: Any = source.open()
        self._encoder = Encoder(source.what)
        self._batch = batch
        self._again: Deque[bytes] = collections.deque()
        self._waiting: Deque[bytes] = collections.deque()
        self._ended = False
        self.done = False

    @property
    def asynchronous(self) -> bool:
        return hasattr(self._iterator, "__anext__")

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def answered(self, count: int) -> None:
        if count > len(self._waiting):
            raise ProtocolError("the server answers more events than were sent; is something else using the connection?")
        for _ in range(count):
            self._waiting.popleft()

    def restart(self) -> None:
        """A new connection: what was not answered goes first."""
        self._waiting.extend(self._again)
        self._again, self._waiting = self._waiting, collections.deque()
        self.done = False

    def next(self) -> bytes:
        if self.asynchronous:
            raise InvalidInput("an asynchronous iterable needs the AsyncClient; give this client a plain one")
        parts: List[bytes] = []
        size = 0
        began = time.monotonic()
        while size < self._batch and not self.done and (not parts or time.monotonic() - began <= 0.1):
            if self._again:
                line = self._again.popleft()
            elif self._ended:
                line = self._end()
            else:
                try:
                    line = self._encoder.one_line(next(self._iterator))
                except StopIteration:
                    self._ended = True
                    continue
            size += self._sent(line, parts)
        return b"".join(parts)

    async def anext(self) -> bytes:
        if not self.asynchronous:
            return self.next()
        parts: List[bytes] = []
        size = 0
        began = time.monotonic()
        while size < self._batch and not self.done and (not parts or time.monotonic() - began <= 0.1):
            if self._again:
                line = self._again.popleft()
            elif self._ended:
                line = self._end()
            else:
                try:
                    line = self._encoder.one_line(await self._iterator.__anext__())
                except StopAsyncIteration:
                    self._ended = True
                    continue
            size += self._sent(line, parts)
        return b"".join(parts)

    def _end(self) -> bytes:
        self.done = True
        return END

    def _sent(self, line: bytes, parts: List[bytes]) -> int:
        parts.append(line)
        if not self.done:
            self._waiting.append(line)
        return len(line)


AnyFeed = Union[Feed, EventFeed]


# --- Answers -------------------------------------------------------------------------------------------------------


class Splitter:
    """Bytes as they come, as blocks of whole lines."""

    def __init__(self, longest: int = LONGEST_LINE):
        self._parts: List[bytes] = []
        self._size = 0
        self._longest = longest

    def feed(self, data: bytes) -> bytes:
        """Whole lines without the last LF; empty where no line has ended."""
        end = data.rfind(b"\n")
        if end < 0:
            self._size += len(data)
            if self._size > self._longest:
                raise ProtocolError(f"the server sends a line of more than {self._longest} bytes; is it a rouse-server?")
            self._parts.append(data)
            return b""
        block = data[:end]
        if self._parts:
            self._parts.append(block)
            block = b"".join(self._parts)
            self._parts = []
        rest = data[end + 1:]
        if rest:
            self._parts.append(rest)
        self._size = len(rest)
        return block


PARSED, RAW, BLOCK = "parsed", "raw", "block"
_DECISION = b'{"user_id":'
_begin = operator.itemgetter(slice(len(_DECISION)))


class Answer:
    """The answer to one request: rows, then the line with `ok`.

    `batches` makes of each block of lines lists: of objects, of lines, or of one block of rows as it came.
    """

    def __init__(self, request_id: Any, form: str = PARSED):
        self.request_id = request_id
        self.form = form
        self.reply: Optional[Dict[str, Any]] = None
        self.goodbye = False
        self.row_count = 0

    def batches(self, block: bytes) -> Iterator[List[Any]]:
        """The rows of a block, and none that is empty."""
        if self.form != PARSED:
            rows = self._plain(block) if block else None
            if rows:
                yield rows
            return
        at = 0
        while at < len(block):
            # Objects are made some dozens at a time: more of them than fit a processor's cache take longer.
            end = block.find(b"\n", at + PARSED_AT_ONCE)
            piece = block[at:] if end < 0 else block[at:end]
            at += len(piece) + 1
            rows = self._parsed(piece)
            if rows:
                yield rows

    def _plain(self, block: bytes) -> List[Any]:
        lines = block.split(b"\n")
        # A line that begins with a user_id is a decision. Looking for ok and event everywhere would take a fifth of the time.
        if list(map(_begin, lines)).count(_DECISION) == len(lines):
            self.row_count += len(lines)
            return [block + b"\n"] if self.form == BLOCK else lines
        rows = []
        for line in lines:
            if b'"ok"' in line or b'"event"' in line:
                parsed = self._object(line)
                if self._closing(parsed):
                    continue
            if line.strip(b" \t\r"):
                rows.append(line)
        self.row_count += len(rows)
        if self.form == BLOCK:
            return [b"\n".join([*rows, b""])] if rows else []
        return rows

    def _parsed(self, block: bytes) -> List[Any]:
        try:
            text = block.decode("utf-8")
        except UnicodeDecodeError:
            raise ProtocolError("the server sends bytes that are no UTF-8; is it a rouse-server?") from None
        try:
            # One call for many lines: a line never holds a bare LF but at its end.
            rows: Any = json.loads("[" + text.replace("\n", ",") + "]")
        except (ValueError, RecursionError):
            rows = None
        if rows is None or len(rows) != block.count(b"\n") + 1 or set(map(type, rows)) != {dict}:
            rows = [self._object(line) for line in block.split(b"\n") if line.strip(b" \t\r")]
        found: List[Any] = rows
        if any([True for row in found if "ok" in row or "event" in row]):
            found = [row for row in found if not self._closing(row)]
        self.row_count += len(found)
        return found

    @staticmethod
    def _object(line: bytes) -> Dict[str, Any]:
        try:
            parsed = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            raise ProtocolError("the server sends a line that is no JSON object; is it a rouse-server?")
        return parsed

    def _closing(self, parsed: Dict[str, Any]) -> bool:
        """True for what is no row."""
        if "ok" in parsed:
            if self.reply is not None:
                if parsed.get("ok") is False and "id" not in parsed:
                    return True  # a closing line, after the answer
                raise ProtocolError("the server answers more than it was asked; is something else using the connection?")
            if "id" in parsed and parsed["id"] != self.request_id:
                raise ProtocolError("the server answers another request than ours; is something else using the connection?")
            if parsed["ok"] is not True and parsed["ok"] is not False:
                raise ProtocolError("the server's 'ok' is neither true nor false; is it a rouse-server?")
            self.reply = parsed
            return True
        if "event" in parsed:
            if parsed["event"] == "goodbye":
                self.goodbye = True
            return True
        return False

    def finish(self) -> Dict[str, Any]:
        """The members of the answer, or its error."""
        reply = self.reply
        assert reply is not None
        if reply["ok"] is not True:
            error = server_error(reply)
            # A line without our id, where every request has one, is about the connection and not about the request.
            error.unread = "id" not in reply and isinstance(error, (IdleTimeout, ShuttingDown, Overloaded))
            raise error
        members = dict(reply)
        del members["ok"]
        members.pop("id", None)
        return members

    def lost(self, address: str) -> ConnectionLost:
        """The connection has ended, and the answer has not."""
        if self.goodbye:
            return Draining(f"{address} is going down and did not read the request; send it again, there or elsewhere")
        return ConnectionLost(f"the connection to {address} ended before the answer was whole; send it again")


# --- Calls, and which of them may be repeated ----------------------------------------------------------------------

READING = frozenset({"ping", "info", "fields", "score", "user", "plans", "plan", "stats", "review"})
READING_POLICY = frozenset({"show", "check", "history", "shadow", "compare", "backtest", "fit"})


def may_repeat(op: str, members: Mapping[str, Any]) -> bool:
    """Whether the same request, sent again, does no more than sent once."""
    if op in READING:
        return True
    if op == "rank":
        return not members.get("commit") or isinstance(members.get("plan_key"), str)
    if op == "policy":
        # What ends a shadow answers with what it gathered, and the second time with nothing.
        return members.get("do") in READING_POLICY and members.get("shadow") is None
    # Events have keys, or are refused; candidates are put in the place of what was there; who is forgotten stays so.
    return op in ("record", "load", "erase")


@dataclass
class Call:
    """One request: what is asked, what goes with it, and how its answer is taken."""

    op: str
    members: Dict[str, Any]
    source: Optional[Source] = None
    form: str = PARSED
    inline: Optional[Tuple[str, bytes]] = None
    events: Optional[EventFeed] = None

    def open_feed(self) -> Optional[AnyFeed]:
        if self.events is not None:
            self.events.restart()
            return self.events
        return Feed(self.source) if self.source is not None else None

    @property
    def repeatable(self) -> bool:
        return may_repeat(self.op, self.members) and not (self.source is not None and self.source.spent)

    def head(self, request_id: Any) -> bytes:
        """The request's line, with its LF."""
        head = encode({"op": self.op, "id": request_id, **self.members}, f"the request {self.op}")
        if self.inline is not None:
            name, items = self.inline
            head = head[:-1] + b',"' + name.encode("ascii") + b'":[' + items + b"]}"
        return head + b"\n"


@dataclass(frozen=True)
class Retry:
    """How often, and after which pauses, a request that may be repeated is sent again.

    The pause doubles each time from `first_pause` to `longest_pause` seconds, is at least what the server asks for, and
    has up to half of itself added by chance. `attempts=1` sends everything once.
    """

    attempts: int = 4
    first_pause: float = 0.1
    longest_pause: float = 10.0

    def pause(self, error: RouseError, repeatable: bool, attempt: int) -> Optional[float]:
        """Seconds to wait before the next attempt, or None to give up. `attempt` counts from 1."""
        if attempt >= self.attempts:
            return None
        if isinstance(error, ConnectFailed):
            pass  # nothing was sent
        elif isinstance(error, TimedOut):
            return None  # whoever is slow is not asked for more, and our caller's patience is over
        elif not repeatable or not isinstance(
                error, (ConnectionLost, Overloaded, RateLimited, ShuttingDown, IdleTimeout, Internal)):
            return None
        if isinstance(error, Internal) and attempt > 1:
            return None
        pause = min(self.longest_pause, self.first_pause * 2.0 ** (attempt - 1))
        if error.retry_after_ms is not None:
            pause = max(pause, error.retry_after_ms / 1000)
        return float(pause * (1 + random.random() / 2))


NEVER = Retry(attempts=1)
