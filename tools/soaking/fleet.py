"""Many connections at little cost of our own, for loads that the server has to be the one to feel."""
import select
import ssl

from .peer import Peer, error, is_answer, is_ok, now


class Load:
    """What peers were answered."""

    def __init__(self):
        self.answered = 0
        self.refused = 0
        self.closed = 0
        self.wrong = []
        self.waits = []

    def note(self, answer, took):
        if is_ok(answer):
            self.answered += 1
            return
        fault = error(answer)
        if fault.get("code") == "overloaded" and fault.get("retry_after_ms", 0) > 0:
            self.refused += 1
            self.waits.append(took)
        else:
            self.wrong.append(answer[:200])


class Seat:
    """A connection, and where it is in its request."""

    def __init__(self, peer):
        self.peer = peer
        self.socket = peer.socket
        self.socket.setblocking(False)
        self.left = b""
        self.began = 0.0
        self.text = bytearray()


class Fleet:
    def __init__(self, server, context, count):
        self.poll = select.epoll()
        self.seats = {}
        for _ in range(count):
            seat = Seat(Peer(server, context))
            self.seats[seat.socket.fileno()] = seat
            self.poll.register(seat.socket.fileno(), select.EPOLLIN)
        self.all = list(self.seats.values())

    def close(self):
        for seat in self.all:
            seat.peer.close()
        self.poll.close()

    def run(self, line, seconds, load, peers=None, rate=None):
        """One request at a time on each of `peers` connections: the next at once, or, with a rate, when its time has
        come and a connection is free. Returns the answers a second, and how many requests found none free."""
        free = self.all[:peers]
        start = now()
        until = start + seconds
        sent = missed = busy = answered = 0
        view = memoryview(line)
        while True:
            moment = now()
            if moment < until:
                due = len(free) if rate is None else int((moment - start) * rate) - sent - missed
                while due > 0 and free:
                    seat = free.pop()
                    seat.left, seat.began = view, moment
                    busy += 1
                    sent += 1
                    due -= 1
                    self.push(seat)
                if rate is not None and due > 0:
                    missed += due
            elif not answered:
                answered = load.answered
                took = moment - start
            if moment >= until and not busy:
                return answered / took, missed
            if moment > until + 30:
                load.wrong.append(f"{busy} requests without an answer")
                return answered / took, missed
            for number, event in self.poll.poll(0.001 if rate or moment >= until else 0.1):
                seat = self.seats[number]
                if event & select.EPOLLOUT:
                    self.push(seat)
                if event & ~select.EPOLLOUT:
                    answer = self.pull(seat, load)
                    if answer is not None:
                        load.note(answer, now() - seat.began)
                        busy -= 1
                        free.insert(0, seat) if rate else free.append(seat)

    def push(self, seat):
        waits = False
        while seat.left:
            try:
                count = seat.socket.send(seat.left)
                seat.left = seat.left[count:]
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                waits = True
                break
        if waits or seat.__dict__.get("waits"):
            self.poll.modify(seat.socket.fileno(), select.EPOLLIN | (select.EPOLLOUT if waits else 0))
            seat.waits = waits

    def pull(self, seat, load):
        try:
            while True:
                more = seat.socket.recv(1 << 16)
                if not more:
                    raise ConnectionError("closed")
                seat.text += more
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except (OSError, ConnectionError) as fault:
            load.wrong.append(repr(fault))
            self.poll.unregister(seat.socket.fileno())
            return None
        while (end := seat.text.find(b"\n")) >= 0:
            line = bytes(seat.text[:end])
            del seat.text[:end + 1]
            if is_answer(line):
                return line
        return None
