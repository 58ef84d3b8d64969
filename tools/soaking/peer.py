"""Clients that see every byte: one that blocks, for few connections, and one of asyncio, for many."""
import asyncio
import json
import select
import socket
import ssl
import time


class Ended(Exception):
    """The server has closed, in good order (`clean`) or not, and so much of a line was there."""

    def __init__(self, clean, rest=b"", why=""):
        super().__init__(f"{'closed' if clean else 'cut off'} {why} with {len(rest)} bytes of a line")
        self.clean = clean
        self.rest = rest


def is_answer(line):
    """The line that ends a reply: a row of a stream has no ok, and no id of a request."""
    return line.startswith(b'{"ok":') or (line.startswith(b'{"id":') and b'"ok":' in line[:80])


def is_ok(line):
    return b'"ok":true' in line[:80]


def error(line):
    return json.loads(line).get("error", {})


class Peer:
    """Blocks."""

    def __init__(self, server, context, timeout=30, receive_buffer=None):
        raw = socket.socket()
        raw.settimeout(timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            raw.connect(server.address)
            self.socket = context.wrap_socket(
                raw, server_hostname=server.address[0], suppress_ragged_eofs=False)
        except BaseException:
            raw.close()
            raise
        self.buffer = bytearray()

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        while True:
            end = self.buffer.find(b"\n")
            if end >= 0:
                line = bytes(self.buffer[:end])
                del self.buffer[:end + 1]
                return line
            try:
                more = self.socket.recv(1 << 16)
            except ssl.SSLEOFError:
                raise Ended(False, bytes(self.buffer), "without close_notify")
            except (ConnectionError, ssl.SSLError) as fault:
                raise Ended(False, bytes(self.buffer), str(fault))
            if not more:
                raise Ended(True, bytes(self.buffer))
            self.buffer += more

    def talk(self, source, seconds=60):
        """Sends what an iterator gives while there is room, b"" for nothing by now, and gives each line as it comes.
        One thread does both: OpenSSL wants it so."""
        self.socket.setblocking(False)
        left, give = memoryview(b""), True
        until = now() + seconds
        while now() < until:
            while (end := self.buffer.find(b"\n")) >= 0:
                line = bytes(self.buffer[:end])
                del self.buffer[:end + 1]
                until = now() + seconds
                yield line
            wants_room = False
            while give:
                if not left:
                    piece = next(source, None)
                    if piece is None:
                        give = False
                        break
                    left = memoryview(piece)
                    if not left:
                        break
                try:
                    left = left[self.socket.send(left):]
                except ssl.SSLWantReadError:
                    break
                except ssl.SSLWantWriteError:
                    wants_room = True
                    break
                except OSError:
                    # The server no longer listens; what it has said is still to be read.
                    give = False
                    break
                # By turns, or what comes would wait for all that is to go.
                if select.select([self.socket], [], [], 0)[0]:
                    wants_room = True
                    break
            try:
                more = self.socket.recv(1 << 16)
                if not more:
                    raise Ended(True, bytes(self.buffer))
                self.buffer += more
                continue
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            except ssl.SSLEOFError:
                raise Ended(False, bytes(self.buffer), "without close_notify")
            except (ConnectionError, ssl.SSLError) as fault:
                raise Ended(False, bytes(self.buffer), str(fault))
            select.select([self.socket], [self.socket] if wants_room else [], [], 0.1)
        raise TimeoutError("no answer")

    def answer(self):
        """The line with ok; rows before it are read over."""
        while True:
            line = self.line()
            if is_answer(line):
                return line

    def ask(self, data):
        self.send(data)
        return self.answer()

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Line:
    """A connection of asyncio."""

    @classmethod
    async def open(cls, server, context, receive_buffer=None, seconds=30):
        raw = socket.socket()
        raw.setblocking(False)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            loop = asyncio.get_running_loop()
            await asyncio.wait_for(loop.sock_connect(raw, server.address), seconds)
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(
                    sock=raw, ssl=context, server_hostname=server.address[0], limit=1 << 24,
                    ssl_handshake_timeout=seconds),
                seconds)
        except BaseException:
            raw.close()
            raise
        self = cls()
        self.reader, self.writer = reader, writer
        return self

    def send(self, data):
        self.writer.write(data)

    async def answer(self, seconds=60):
        while True:
            line = await asyncio.wait_for(self.reader.readline(), seconds)
            if not line.endswith(b"\n"):
                raise Ended(False, line)
            if is_answer(line):
                return line

    def close(self):
        """At once, without ado."""
        try:
            self.writer.transport.abort()
        except Exception:
            pass


def quantiles(times):
    """p50, p99 and the most of seconds, in milliseconds."""
    if not times:
        return float("nan"), float("nan"), float("nan")
    times = sorted(times)
    return tuple(1000 * times[min(len(times) - 1, int(len(times) * part))] for part in (0.5, 0.99, 1.0))


def now():
    return time.monotonic()
