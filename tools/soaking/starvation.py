"""Small requests beside bulk ranks: answered as if those were not there, and on time where there is a limit."""
import os
import subprocess
import threading
import time

from .candidates import END, request, stream_head
from .peer import Peer, error, is_answer, is_ok, now, quantiles
from .report import Report
from .server import Server


def options(parser):
    parser.add_argument("--users", type=int, default=1_000_000, help="candidates of each bulk rank")
    parser.add_argument("--ranks", type=int, default=2, help="bulk ranks at once")
    parser.add_argument("--seconds", type=int, default=5, help="of measuring without bulk")


class Probe(threading.Thread):
    """One connection that asks, waits for the answer, rests, and asks again."""

    def __init__(self, server, context, line, rest=0.005):
        super().__init__(daemon=True)
        self.peer = Peer(server, context)
        self.line, self.rest = line, rest
        self.times = []
        self.failed = []
        self.stopping = False

    def run(self):
        while not self.stopping:
            start = now()
            try:
                answer = self.peer.ask(self.line)
            except Exception as fault:
                self.failed.append(repr(fault))
                return
            self.times.append(now() - start)
            if not is_ok(answer):
                self.failed.append(answer[:200])
            time.sleep(self.rest)
        self.peer.close()


class Late(threading.Thread):
    """Streamed ranks whose time is up before all has come; how much later than asked the answer is there."""

    def __init__(self, server, context, chunk, milliseconds, sends):
        super().__init__(daemon=True)
        self.server, self.context = server, context
        self.chunk, self.milliseconds, self.sends = chunk, milliseconds, sends
        self.over = []
        self.failed = []
        self.stopping = False

    def run(self):
        while not self.stopping:
            try:
                self.once()
            except Exception as fault:
                self.failed.append(repr(fault))
                return
            time.sleep(0.05)

    def once(self):
        with Peer(self.server, self.context) as peer:
            answered = False

            def lines():
                yield stream_head("rank", timeout_ms=self.milliseconds)
                # One that sends nothing more is answered on time too.
                while self.sends and not answered:
                    yield self.chunk
                while not answered:
                    yield b""
                yield END + b'{"op":"ping"}\n'

            start = now()
            talk = peer.talk(lines())
            answer = next(talk)
            answered = True
            self.over.append(now() - start - self.milliseconds / 1000)
            if error(answer).get("code") != "deadline_exceeded":
                self.failed.append(answer[:200])
            if not is_ok(next(talk)):
                self.failed.append("no ping after it")


def whole(server, context, file, milliseconds=None):
    """A whole rank of a file; seconds until its answer, and the answer."""
    with Peer(server, context) as peer, open(file, "rb") as candidates:
        def lines():
            yield stream_head("rank", limit=10, **({"timeout_ms": milliseconds} if milliseconds else {}))
            while piece := candidates.read(1 << 20):
                yield piece
            yield END

        start = now()
        for line in peer.talk(lines()):
            if is_answer(line):
                return now() - start, line


def run(arguments, binaries):
    report = Report("starvation")
    with Server(binaries) as server:
        file = binaries.candidates(os.path.join(server.root, "bulk.ndjson"), arguments.users)
        with open(file, "rb") as bulk:
            chunk = bulk.read(1 << 20)
        chunk = chunk[:chunk.rindex(b"\n") + 1]
        context = server.client()
        lines = {
            "ping": b'{"op":"ping"}\n', "score of 1": request("score", 1), "rank of 200": request("rank", 200),
        }
        figures = {}

        def measure(work):
            probes = {name: Probe(server, context, line) for name, line in lines.items()}
            late = {sends: Late(server, context, chunk, 500, sends) for sends in (False, True)}
            threads = list(probes.values()) + list(late.values())
            for thread in threads:
                thread.start()
            work()
            for thread in threads:
                thread.stopping = True
            for thread in threads:
                thread.join()
            return probes, late

        def bulk():
            start = now()
            ranks = [
                subprocess.Popen(
                    [binaries.path("rouse"), "rank", "--ca", server.file("tls/ca.pem"), "--cert",
                     server.file("tls/client.pem"), "--key", server.file("tls/client.key"), "--server",
                     "%s:%d" % server.address, "--limit", "10000", "--json", file],
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                for _ in range(arguments.ranks)
            ]
            for rank in ranks:
                _, words = rank.communicate()
                report.exactly("bulk rank's exit code" + (words.decode()[:200] if rank.returncode else ""),
                               rank.returncode, 0)
            figures["seconds"] = now() - start

        alone, _ = measure(lambda: time.sleep(arguments.seconds))
        probes, late = measure(bulk)
        report.add(f"{arguments.ranks} ranks of {arguments.users}, seconds", f"{figures['seconds']:.1f}")
        for name, probe in probes.items():
            before, beside = quantiles(alone[name].times), quantiles(probe.times)
            report.add(f"{name} alone: p50 / p99 / most, ms", "%.1f / %.1f / %.1f" % before)
            report.add(f"{name} beside: p50 / p99 / most, ms", "%.1f / %.1f / %.1f" % beside)
            report.most(f"{name} beside: p99, ms", beside[1], 100 if name == "rank of 200" else 50)
            report.exactly(f"{name}: failed", (alone[name].failed + probe.failed)[:3], [])
        for sends, probe in late.items():
            name = "timeout_ms of a stream that " + ("comes" if sends else "does not come")
            report.exactly(f"{name}: wrong", probe.failed[:3], [])
            report.most(f"{name}: most ms too late, of {len(probe.over)}", 1000 * max(probe.over, default=9), 150)
            report.least(f"{name}: most ms too early", 1000 * min(probe.over, default=-9), -1)
        # One whose time is up anywhere: while candidates come, while it plans, while it writes.
        took, answer = whole(server, context, file)
        report.exactly(f"a rank without timeout_ms, {took:.1f} s: ok", is_ok(answer), True)
        over, codes = [], []
        for part in range(40, 104, 4):
            limit = int(took * part * 10)
            taken, answer = whole(server, context, file, limit)
            codes.append("ok" if is_ok(answer) else error(answer).get("code"))
            over.append(taken - limit / 1000)
        report.add("timeout_ms of 40 to 100 % of that: answers", " ".join(
            f"{codes.count(code)} {code}" for code in sorted(set(codes))), "ok or deadline_exceeded",
            set(codes) <= {"ok", "deadline_exceeded"})
        report.most("timeout_ms of 40 to 100 % of that: most ms too late", 1000 * max(over), 150)
    return report
