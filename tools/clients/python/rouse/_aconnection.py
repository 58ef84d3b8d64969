"""One TLS connection under asyncio: a task writes while its user reads."""

from __future__ import annotations

import asyncio
import collections
import ssl
from typing import Any, AsyncGenerator, Deque, List, Optional, Tuple

from . import _tls
from ._core import Answer, AnyFeed, Call, Splitter
from .errors import RouseError, TimedOut, Unauthenticated, refused
from .settings import Settings

_HIGH = 1 << 20
_LOW = 1 << 18


class _Pipe(asyncio.Protocol):
    """Bytes that have come and were not taken yet, and whether more may be written."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.ended = False
        self.fault: Optional[BaseException] = None
        self.moved = 0
        self._chunks: Deque[bytes] = collections.deque()
        self._size = 0
        self._paused = False
        self._reader: Optional[asyncio.Future[None]] = None
        self._writer: Optional[asyncio.Future[None]] = None
        self._ending: Optional[asyncio.Future[None]] = None
        self._lost = False
        self._full = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(high=_LOW)

    def data_received(self, data: bytes) -> None:
        self.moved += 1
        self._chunks.append(data)
        self._size += len(data)
        if self._size > _HIGH and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.ended = True
        self._wake()
        return False

    def connection_lost(self, error: Optional[BaseException]) -> None:
        self.ended = self._lost = True
        self.fault = self.fault or error
        self._wake()
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(None)
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self.moved += 1
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def interrupt(self, error: BaseException) -> None:
        """The writer failed: whoever reads shall know."""
        self.fault = self.fault or error
        self.ended = True
        self._wake()

    def take(self) -> bytes:
        """What is there; empty for nothing."""
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        return data

    async def readable(self, seconds: float) -> None:
        """Until there is something, or the end, or the time is up."""
        if self._chunks or self.ended:
            return
        loop = asyncio.get_running_loop()
        self._reader = waiter = loop.create_future()
        timer = loop.call_later(seconds, self._wake)
        try:
            await waiter
        finally:
            timer.cancel()
            self._reader = None

    async def gone(self, seconds: float) -> None:
        """Until the connection is no more, or the time is up."""
        if not self._lost:
            self._ending = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._ending], timeout=seconds)

    async def writable(self) -> None:
        while self._full and not self.ended:
            self._writer = asyncio.get_running_loop().create_future()
            try:
                await self._writer
            finally:
                self._writer = None


class AsyncConnection:
    def __init__(self, settings: Settings, pipe: _Pipe):
        self._settings = settings
        self._pipe = pipe
        self._splitter = Splitter()
        self._next_id = 1
        self._rested = 0.0
        self.closed = False

    @classmethod
    async def open(cls, settings: Settings, context: ssl.SSLContext) -> AsyncConnection:
        loop = asyncio.get_running_loop()
        try:
            _, pipe = await asyncio.wait_for(
                loop.create_connection(
                    _Pipe, settings.host, settings.port, ssl=context, server_hostname=settings.server_name,
                    ssl_handshake_timeout=settings.connect_timeout),
                settings.connect_timeout)
        except asyncio.TimeoutError as error:
            raise _tls.explain(TimeoutError(), settings, connecting=True) from error
        except (OSError, ValueError) as error:
            raise _tls.explain(error, settings, connecting=True) from error
        connection = cls(settings, pipe)
        if pipe.ended:
            # Under TLS 1.3 a server refuses our certificate when our own handshake is done.
            connection.close()
            raise connection._ended(Answer(None))
        if settings.token is not None:
            try:
                await connection._authenticate(settings.token)
            except BaseException:
                connection.close()
                raise
        return connection

    async def _authenticate(self, token: str) -> None:
        try:
            answer, batches = self.start(Call("auth", {"token": token}))
            async for _ in batches:
                pass
            answer.finish()
        except Unauthenticated as error:
            error.args = (refused(error),)
            raise

    def start(self, call: Call) -> Tuple[Answer, AsyncGenerator[List[Any], None]]:
        """The answer, and an iterator over its rows that makes it whole. Until that ends nothing else may be asked."""
        request_id = call.members.get("id")
        if request_id is None:
            request_id = self._next_id
            self._next_id += 1
        answer = Answer(request_id, call.form)
        head = call.head(request_id)
        return answer, self._exchange(head, call.open_feed(), answer)

    async def _send(self, head: bytes, feed: AnyFeed) -> None:
        pipe = self._pipe
        try:
            pending = head
            while not pipe.ended:
                if not feed.done:
                    pending += await feed.anext()
                if pipe.ended or pipe.transport.is_closing():
                    return
                pipe.transport.write(pending)
                pipe.moved += 1
                pending = b""
                await asyncio.sleep(0)  # whoever reads shall have a turn, though the source never waits
                await pipe.writable()
                if feed.done:
                    return
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            pipe.interrupt(error)

    async def _exchange(self, head: bytes, feed: Optional[AnyFeed], answer: Answer) -> AsyncGenerator[List[Any], None]:
        pipe = self._pipe
        writer: Optional[asyncio.Task[None]] = None
        whole = False
        try:
            if feed is None:
                if not pipe.ended:
                    pipe.transport.write(head)
            else:
                writer = asyncio.get_running_loop().create_task(self._send(head, feed))
            patience = self._settings.timeout
            while answer.reply is None:
                moved = pipe.moved
                await pipe.readable(patience)
                data = pipe.take()
                if data:
                    for rows in answer.batches(self._splitter.feed(data)):
                        yield rows
                elif pipe.ended:
                    raise self._ended(answer)
                elif pipe.moved == moved:
                    raise TimedOut(
                        f"nothing came from {self._settings.address} for {patience:g} s; "
                        "give the client a longer timeout, or ask for less")
            # Where the answer came before all was sent, what follows would be read to its end: a new connection costs less.
            whole = (feed is None or feed.done) and not pipe.ended and not answer.goodbye
            if writer is not None and whole:
                await writer
        finally:
            if writer is not None and not writer.done():
                writer.cancel()
            if not whole:
                self.close()

    def _ended(self, answer: Answer) -> BaseException:
        fault = self._pipe.fault
        if fault is None or isinstance(fault, (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return answer.lost(self._settings.address)
        if isinstance(fault, (OSError, RouseError)):
            return fault if isinstance(fault, RouseError) else _tls.explain(fault, self._settings, connecting=False)
        return fault

    def rest(self) -> None:
        """Nothing is asked any more."""
        self._rested = asyncio.get_running_loop().time()

    async def stale(self) -> bool:
        """The server has closed it, or said that it will, while nothing was asked."""
        if asyncio.get_running_loop().time() - self._rested > 0.1:
            # What has come meanwhile is read in the loop's next turns.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return self.closed or self._pipe.ended or bool(self._pipe.take())

    def close(self) -> None:
        """At once: what is being asked is given up."""
        if self.closed:
            return
        self.closed = True
        self._abort()

    def _abort(self) -> None:
        try:
            self._pipe.transport.abort()
        except AttributeError:
            # Up to Python 3.11.2 a transport that is gone already has nothing left to end.
            pass

    async def aclose(self) -> None:
        """With a close_notify, if nothing is being asked."""
        if self.closed:
            return
        self.closed = True
        self._pipe.transport.close()
        await self._pipe.gone(1.0)
        self._abort()
