"""The server is told to stop under load: each request is answered or never begun, nothing is cut off, exit 0."""
import random
import socket
import threading
import time

from .candidates import END, request, stream_head, text
from .load import mixed
from .peer import Ended, Peer, error, is_answer, is_ok, now
from .report import Report
from .server import Server


def options(parser):
    parser.add_argument("--count", type=int, default=5, help="times that the server is stopped")
    parser.add_argument("--drain-seconds", type=int, default=2, help="that open requests are given")


class Client(threading.Thread):
    """Asks until the server says goodbye. What it was answered has to make sense, to the last byte."""

    def __init__(self, server, context, seed):
        super().__init__(daemon=True)
        self.server, self.context = server, context
        self.random = random.Random(seed)
        self.sent = self.answered = 0
        self.ends = []
        self.failed = []

    def run(self):
        try:
            self.converse()
        except Exception as fault:
            self.failed.append(f"{type(self).__name__}: {fault!r}")

    def open(self):
        return Peer(self.server, self.context)

    def send(self, peer, data, requests=1):
        """False where the server no longer listens: what it has said is still to be read."""
        self.sent += requests
        try:
            peer.send(data)
            return True
        except OSError:
            return False

    def finish(self, peer, why=None):
        """Reads to the end: goodbye or shutting_down come last, and close_notify after them."""
        last = why
        try:
            while True:
                line = peer.line()
                if is_answer(line):
                    self.note(line)
                last = line
        except Ended as end:
            self.end(end, last)
        peer.close()

    def note(self, line):
        self.answered += 1
        if not is_ok(line) and error(line).get("code") != "shutting_down":
            self.failed.append(f"{type(self).__name__}: {line[:200]}")

    def end(self, end, last):
        if not end.clean or end.rest:
            self.failed.append(f"{type(self).__name__}: {end} after {last[:80] if last else last}")
        said = "nothing" if last is None else "an answer"
        if last and last.startswith(b'{"event":"goodbye"'):
            said = "goodbye"
        elif last and b'"code":"shutting_down"' in last:
            said = "shutting_down"
        self.ends.append(said)


class OneByOne(Client):
    def converse(self):
        peer = self.open()
        while True:
            line, rows = mixed(self.random)
            if not self.send(peer, line):
                return self.finish(peer)
            seen = 0
            try:
                while not is_answer(answer := peer.line()):
                    if answer.startswith(b'{"event":"goodbye"'):
                        return self.finish(peer, answer)
                    seen += 1
            except Ended as end:
                return self.end(end, None)
            self.note(answer)
            if is_ok(answer) and seen != rows:
                self.failed.append(f"{seen} rows of {rows}")


class Ahead(Client):
    """Sends without waiting; what comes is to be in order, and without gaps."""

    def converse(self):
        peer = self.open()

        def requests():
            for number in range(1, 1 << 60):
                self.sent += 1
                yield request("score", 5, id=number)

        expected, last = 1, None
        try:
            for last in peer.talk(requests()):
                if is_answer(last):
                    self.note(last)
                    if not last.startswith(b'{"id":%d,' % expected) and b'"id":' in last[:9]:
                        self.failed.append(f"not {expected}: {last[:60]}")
                    expected += 1
        except Ended as end:
            self.end(end, last)
        peer.close()


class Dripping(Client):
    """A stream that does not come to its end by itself; when the server stops, it is ended, or told."""

    def converse(self):
        peer = self.open()
        ends = self.random.random() < 0.5
        peer.socket.settimeout(0.05)
        self.send(peer, stream_head(self.random.choice(("score", "rank"))))
        last, started = None, now()
        while True:
            try:
                last = peer.line()
                if is_answer(last):
                    self.note(last)
                    peer.socket.settimeout(30)
                    return self.finish(peer, last)
            except socket.timeout:
                pass
            except Ended as end:
                return self.end(end, last)
            if not self.send(peer, (text(1) + "\n").encode(), 0):
                peer.socket.settimeout(30)
                return self.finish(peer, last)
            # Most end themselves within the time that they are given.
            if ends and now() - started > 2.5:
                self.send(peer, END, 0)
                peer.socket.settimeout(30)
                return self.finish(peer, last)


class Silent(Client):
    def converse(self):
        peer = self.open()
        self.sent += 1
        self.note(peer.ask(b'{"op":"ping"}\n'))
        self.finish(peer)


class Coming(Client):
    """New connections all the while; after the signal they are refused, or closed before anything was begun."""

    def end(self, end, last):
        # The server's side of the handshake may not have been done: then nothing can be said.
        if last is None and not end.rest:
            self.ends.append("nothing")
        else:
            super().end(end, last)

    def converse(self):
        while True:
            try:
                peer = self.open()
            except OSError:
                return
            if not self.send(peer, request("score", 3)):
                return self.finish(peer)
            try:
                line = peer.line()
            except Ended as end:
                return self.end(end, None)
            if not is_answer(line):
                return self.finish(peer, line)
            self.note(line)
            peer.close()


def run(arguments, binaries):
    report = Report("sigterms")
    codes, failed, ends, took = {}, [], {}, []
    sent = answered = 0
    with Server(binaries, settings={"drain_seconds: 10": f"drain_seconds: {arguments.drain_seconds}"}) as server:
        context = server.client()
        for round in range(arguments.count):
            if round:
                server.start()
            kinds = [OneByOne] * 4 + [Ahead] * 3 + [Dripping] * 4 + [Silent] * 3 + [Coming] * 2
            clients = [kind(server, context, 1000 * round + i) for i, kind in enumerate(kinds)]
            for client in clients:
                client.start()
            time.sleep(1 + random.Random(round).random())
            start = now()
            code = server.terminate(arguments.drain_seconds + 10)
            took.append(now() - start)
            codes[code] = codes.get(code, 0) + 1
            for client in clients:
                client.join(30)
                if client.is_alive():
                    failed.append(f"{type(client).__name__} was left hanging")
                failed += client.failed
                sent += client.sent
                answered += client.answered
                for end in client.ends:
                    ends[end] = ends.get(end, 0) + 1
            if code is None:
                break
    report.exactly("exit codes", codes, {0: arguments.count})
    report.add("requests sent, answered", f"{sent}, {answered}")
    report.add("last words", ", ".join(f"{count} {end}" for end, count in sorted(ends.items())))
    report.exactly("cut off, out of order, or wrong", failed[:4], [])
    report.most("seconds to stop", max(took), arguments.drain_seconds + 1)
    return report
