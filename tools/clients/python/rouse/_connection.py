"""One TLS connection that is written and read at the same time, by one thread."""

from __future__ import annotations

import os
import select
import socket
import ssl
import time
from typing import Any, Generator, List, Optional, Tuple

from . import _tls
from ._core import Answer, AnyFeed, Call, Splitter
from .errors import RouseError, TimedOut, Unauthenticated, refused
from .settings import Settings

_PIECE = 1 << 16


class Connection:
    def __init__(self, settings: Settings, context: ssl.SSLContext):
        self._settings = settings
        self._splitter = Splitter()
        self._buffer = bytearray(_PIECE)
        self._view = memoryview(self._buffer)
        self._next_id = 1
        self._process = os.getpid()
        self._over = False
        self.closed = False
        raw: Optional[socket.socket] = None
        try:
            raw = socket.create_connection((settings.host, settings.port), timeout=settings.connect_timeout)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = context.wrap_socket(raw, server_hostname=settings.server_name)
        except (OSError, ValueError) as error:
            if raw is not None:
                raw.close()
            raise _tls.explain(error, settings, connecting=True) from error
        self._socket.setblocking(False)
        if settings.token is not None:
            try:
                self._authenticate(settings.token)
            except BaseException:
                self.close()
                raise

    def _authenticate(self, token: str) -> None:
        call = Call("auth", {"token": token})
        try:
            answer, rows = self.start(call)
            for _ in rows:
                pass
            answer.finish()
        except Unauthenticated as error:
            error.args = (refused(error),)
            raise

    # --- One request ---

    def start(self, call: Call) -> Tuple[Answer, Generator[List[Any], None, None]]:
        """The answer, and an iterator over its rows that makes it whole. Until that ends nothing else may be asked."""
        request_id = call.members.get("id")
        if request_id is None:
            request_id = self._next_id
            self._next_id += 1
        answer = Answer(request_id, call.form)
        head = call.head(request_id)
        feed = call.open_feed()
        return answer, self._exchange(head, feed, answer)

    def _exchange(self, pending: bytes, feed: Optional[AnyFeed], answer: Answer) -> Generator[List[Any], None, None]:
        whole = False
        try:
            patience = self._settings.timeout
            if feed is not None and not feed.done:
                pending += feed.next()
            to_send: Any = memoryview(pending)
            fault: Optional[BaseException] = None
            last = time.monotonic()
            while True:
                if not to_send and feed is not None and not feed.done and fault is None:
                    to_send = memoryview(feed.next())
                    last = time.monotonic()
                moved = False
                writing = False
                if to_send:
                    try:
                        sent = self._socket.send(to_send)
                        to_send = to_send[sent:]
                        moved = True
                    except ssl.SSLWantWriteError:
                        writing = True
                    except ssl.SSLWantReadError:
                        pass
                    except OSError as error:
                        # The peer closes; why stands in what it sent before.
                        fault = error
                        to_send = b""
                data = self._receive()
                if data is None:
                    if answer.reply is not None:
                        break
                    ordinary = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
                    if isinstance(fault, ssl.SSLError) and not isinstance(fault, ordinary):
                        raise _tls.explain(fault, self._settings, connecting=False)
                    raise answer.lost(self._settings.address)
                if data:
                    moved = True
                    for rows in answer.batches(self._splitter.feed(data)):
                        yield rows
                        last = time.monotonic()
                    if answer.reply is not None:
                        break
                if moved:
                    last = time.monotonic()
                    continue
                if time.monotonic() - last > patience:
                    raise TimedOut(
                        f"nothing came from {self._settings.address} for {patience:g} s; "
                        "give the client a longer timeout, or ask for less")
                self._wait(writing, min(1.0, patience))
            if to_send or (feed is not None and not feed.done) or fault is not None or answer.goodbye:
                # The answer came before all was sent. What follows would be read to its end: a new connection costs less.
                pass
            else:
                whole = True
        finally:
            if not whole:
                self.close()

    def _receive(self) -> Optional[bytes]:
        """What is there, up to some hundred kilobytes; empty for nothing, None for the end."""
        if self._over:
            return None
        size = 0
        view = self._view
        receive = self._socket.recv_into
        try:
            while size < _PIECE:
                got = receive(view[size:])
                if got == 0:
                    self._over = True
                    break
                size += got
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except (ssl.SSLEOFError, ConnectionError):
            self._over = True
        except OSError as error:
            self._over = True
            if not size:
                raise _tls.explain(error, self._settings, connecting=False) from error
        if not size and self._over:
            return None
        return bytes(view[:size])

    def _wait(self, writing: bool, seconds: float) -> None:
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(self._socket, select.POLLIN | (select.POLLOUT if writing else 0))
            poll.poll(seconds * 1000)
        else:
            select.select([self._socket], [self._socket] if writing else [], [], seconds)

    # --- Its end ---

    @property
    def stale(self) -> bool:
        """The server has closed it, or said that it will, while nothing was asked."""
        if self.closed:
            return True
        if self._process != os.getpid():
            # We are a fork: the connection is our parent's, and a word on it from us would be its end.
            self.closed = True
            self._socket.close()
            return True
        try:
            data = self._receive()
            if data is None:
                return True
            if not data:
                return False
            answer = Answer(object())
            rows = list(answer.batches(self._splitter.feed(data)))
            return bool(rows) or answer.goodbye or answer.reply is not None
        except RouseError:
            return True

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        try:
            # One attempt at a close_notify: whoever closes should send it, and nobody waits for its answer.
            self._socket.unwrap()
        except (OSError, ValueError):
            pass
        try:
            self._socket.close()
        except OSError:
            pass


