"""The measurements. Each has begin, then round after round, then end; a round adds to the values."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

from benching.context import AS_OF, LIMIT, ONLY_LIMIT, same
from benching.measure import Awake, Failed, OneProcessor
from soaking.peer import Peer


class Work:
    """rows: what it fills. A work whose rows nobody asks for is left out."""
    rows = ()
    server = None

    def __init__(self, context):
        self.context = context

    def begin(self):
        pass

    def round(self, values, number):
        """number 0 warms up."""

    def end(self, values):
        """After the last round."""

    def close(self):
        """Always, also after a failure amid."""
        if self.server:
            self.server.kill()
            shutil.rmtree(self.server.root, ignore_errors=True)


class Offline(Work):
    rows = ("offline-rank-1", "offline-rank-2", "offline-rank-1-home", "offline-rank-2-home", "offline-score")

    def round(self, values, number):
        context = self.context
        for suffix, flags in (("", ONLY_LIMIT), ("-home", [])):
            for threads in (1, 2):
                run = context.offline("rank", threads, *LIMIT, *flags, output=context.path(f"offline{suffix}{threads}"))
                values.add(
                    f"offline-rank-{threads}{suffix}", rate=context.users / run.seconds, cpu=run.cpu / context.users)
            same(context.path(f"offline{suffix}1"), context.path(f"offline{suffix}2"), "one thread and two")
        run = context.offline("score", 1)
        values.add("offline-score", rate=context.users / run.seconds, cpu=run.cpu / context.users)


class Streams(Work):
    rows = ("stream-rank", "stream-rank-home", "stream-score")

    def begin(self):
        self.server = self.context.server()
        self.server.start()

    def round(self, values, number):
        context, users = self.context, self.context.users
        works = [
            ("stream-rank", "rank", LIMIT + ONLY_LIMIT), ("stream-rank-home", "rank", LIMIT), ("stream-score", "score", [])]
        for row, command, flags in works:
            output = context.path(row)
            run = context.rouse(
                command, "--as-of", AS_OF, "--json", *flags, context.candidates, server=self.server,
                output=output if command == "rank" else None)
            values.add(
                row, rate=users / run.seconds, server=run.server_cpu / users, client=run.cpu / users)
            offline = context.path("offline1" if row == "stream-rank" else "offline-home1")
            if command == "rank" and os.path.exists(offline):
                same(output, offline, f"{row} and the filter")


class Requests(Work):
    rows = ("inline", "one", "one-awake", "one-processor", "explain", "explain-one")

    def begin(self):
        self.server = self.context.server()
        self.server.start()

    def round(self, values, number):
        time_flags = ["--seconds", str(self.context.seconds if number else 1), "--warm-up", "0.5"]
        many = self.context.load(self.server, "--in-flight", "64", *time_flags)
        values.add(
            "inline", rate=many["per_second"], server=many["server_cpu_us_each"] / 1e6,
            client=many["client_cpu_us_each"] / 1e6)
        one = self.context.load(self.server, *time_flags)["latency_us"]
        values.add("one", p50=one["p50"] / 1e6, p99=one["p99"] / 1e6, p999=one["p99.9"] / 1e6)
        with Awake():
            one = self.context.load(self.server, *time_flags)["latency_us"]
        values.add("one-awake", p50=one["p50"] / 1e6, p99=one["p99"] / 1e6, p999=one["p99.9"] / 1e6)
        with OneProcessor(self.server.process.pid):
            one = self.context.load(self.server, *time_flags)["latency_us"]
            explained = self.context.load(self.server, *time_flags, "--explain")["latency_us"]
        values.add("explain-one", ratio=explained["p50"] / one["p50"], p50=explained["p50"] / 1e6)
        values.add("one-processor", p50=one["p50"] / 1e6, p99=one["p99"] / 1e6, p999=one["p99.9"] / 1e6)
        batch = ["--batch", "100", "--in-flight", "4", *time_flags]
        score, explain = (
            report["server_cpu_us_each"] / 1e6 / 100 for report in (
                self.context.load(self.server, *batch), self.context.load(self.server, *batch, "--explain")))
        values.add("explain", ratio=explain / score, score=score, explain=explain)


class Connections(Work):
    rows = ("full", "resumed", "full-certificate", "resumed-certificate", "idle", "idle-certificate")
    prefix = ""

    def begin(self):
        self.server = self.context.server()
        self.server.start()

    def round(self, values, number):
        time_flags = ["--seconds", str(self.context.seconds if number else 1), "--warm-up", "0.2"]
        for suffix, certificate in (("", False), ("-certificate", True)):
            for kind in ("full", "resumed"):
                report = self.context.load(
                    self.server, "--handshakes", kind, *time_flags, certificate=certificate, file=False)
                values.add(f"{self.prefix}{kind}{suffix}", server=report["server_cpu_us_each"] / 1e6)
        self.idle(values)

    def idle(self, values):
        # Servers of their own: what another work has left behind would take part of them in.
        for suffix, certificate in (("", False), ("-certificate", True)):
            with self.context.server() as server:
                report = self.context.load(
                    server, "--idle", "900", "--seconds", "0.01", certificate=certificate, file=False)
                values.add(f"idle{suffix}", bytes=report["server_bytes"])


class Audience(Work):
    rows = ("audience-limit", "audience-plan", "audience-memory")

    def begin(self):
        context = self.context
        self.server = context.server()
        # Explorers come first whatever they are worth: of ten million they alone would fill the list.
        policy = self.server.file("policy.yaml")
        with open(policy) as source:
            text, count = re.subn(r"explore: [0-9.]+", "explore: 0", source.read())
        if count != 1:
            raise Failed("the shipped policy names no share of explorers")
        with open(policy, "w") as target:
            target.write(text)
        self.server.start()
        file = context.make(context.audience)
        before = self.server.resident()
        context.rouse("load", file, server=self.server)
        self.wait()
        self.bytes = (self.server.resident() - before) / context.audience
        self.limit = [*LIMIT, *ONLY_LIMIT]
        self.rank(self.limit)
        plan = self.plan()
        # Half of the money that the best take; where only one of the two binds then, the other is tightened.
        limits = {"budget": plan["spend"] / 2, "capital": plan["capital"] / 2}
        for _ in range(10):
            self.both = self.limit + [
                word for name, most in limits.items() for word in (f"--{name}", f"{most:.6f}")]
            self.rank(self.both)
            slack = limits.keys() - {limit["limit"] for limit in self.plan()["cut"]}
            if not slack:
                break
            for name in slack:
                limits[name] *= 0.8
        else:
            raise Failed(f"no {' and no '.join(slack)} makes both bind")
        if file != context.candidates:
            os.unlink(file)

    def wait(self):
        """Until the candidates can be asked for."""
        for _ in range(1200):
            with connect(self.server) as peer:
                if peer_info(peer)["ledger"]["audience"] >= self.context.audience:
                    return
            time.sleep(0.1)
        raise Failed("the server does not say that its audience is there")

    def rank(self, flags):
        return self.context.rouse(
            "rank", "--as-of", AS_OF, "--audience", "TRUE", "--json", *flags, server=self.server,
            output=self.context.path("audience"))

    def plan(self):
        with open(self.context.path("audience"), "rb") as file:
            file.seek(-min(65536, os.fstat(file.fileno()).st_size), os.SEEK_END)
            return json.loads(file.read().splitlines()[-1])["plan"]

    def round(self, values, number):
        size = self.context.audience
        for row, flags in (("audience-limit", self.limit), ("audience-plan", self.both)):
            run = self.rank(flags)
            values.add(row, scaled=run.seconds * 10_000_000 / size, seconds=run.seconds, rate=size / run.seconds)

    def end(self, values):
        # With fewer the rest of the server would be most of it.
        if self.context.audience >= 1_000_000:
            values.add("audience-memory", bytes=self.bytes)


class Ledger(Work):
    rows = ("load", "record", "record-1", "record-1000")

    def begin(self):
        self.server = self.context.server()
        self.server.start()

    def round(self, values, number):
        context, users = self.context, self.context.users
        # The first load adds, the others find every candidate as it was.
        run = context.rouse("load", context.candidates, server=self.server)
        values.add("load", rate=users / run.seconds, server=run.server_cpu / users, client=run.cpu / users)
        events = context.path("events.ndjson")
        now = int(time.time())
        with open(context.candidates, "rb") as lines, open(events, "wb") as out:
            for index, line in enumerate(lines):
                user = line[12:line.index(b'"', 12)]
                out.write(b'{"key":"%d-%d","user_id":"%s","kind":"login","at":%d}\n'
                          % (number, index, user, now - index % 86400))
        run = context.rouse("record", events, server=self.server)
        values.add("record", rate=users / run.seconds, server=run.server_cpu / users, client=run.cpu / users)
        with connect(self.server) as peer:
            for size, count in ((1, 500), (1000, 50)):
                times = sorted(record(peer, number, size, index) for index in range(count))
                values.add(f"record-{size}", p50=times[count // 2], p99=times[count * 99 // 100])


def record(peer, round, size, number):
    """Seconds until a batch of events is on the disk."""
    now = int(time.time())
    events = ",".join(
        f'{{"key":"b{round}-{size}-{number}-{index}","user_id":"u{(number * size + index) * 7919 % 100000 + 1:08}",'
        f'"kind":"contact","channel":"push","at":{now - index}}}' for index in range(size))
    line = f'{{"op":"record","events":[{events}]}}\n'.encode()
    began = time.perf_counter()
    peer.send(line)
    answer = peer.line()
    took = time.perf_counter() - began
    if f'"recorded":{size},'.encode() not in answer:
        raise Failed(f"record: {answer[-300:]!r}")
    return took


class Starts(Work):
    rows = ("start", "reload")
    times = 5

    def begin(self):
        self.server = self.context.server()
        self.version = 0

    def round(self, values, number):
        for _ in range(self.times if number else 1):
            values.add("start", seconds=self.start())
            values.add("reload", seconds=self.reload())
            if self.server.terminate() != 0:
                raise Failed("the server did not end well:\n" + self.server.log())

    def start(self):
        """Seconds until it listens: it writes its address then."""
        file = os.path.join(self.server.root, "port")
        if os.path.exists(file):
            os.unlink(file)
        began = time.perf_counter()
        with open(os.path.join(self.server.root, "log"), "ab") as log:
            self.server.process = subprocess.Popen(
                [self.context.binaries.path("rouse-server"), "run", "--config", self.server.file("server.yaml"),
                 "--listen", "127.0.0.1:0", "--port-file", file], stderr=log, stdout=subprocess.DEVNULL)
        while not os.path.exists(file):
            if self.server.process.poll() is not None or time.perf_counter() - began > 30:
                raise Failed("the server did not start:\n" + self.server.log())
            time.sleep(0.0002)
        took = time.perf_counter() - began
        while not (text := open(file).read()).endswith("\n"):
            time.sleep(0.001)
        host, port = text.strip().rsplit(":", 1)
        self.server.address = (host, int(port))
        return took

    def reload(self):
        """Seconds from the signal to an answer by the changed policy."""
        with connect(self.server) as peer:
            before = peer_info(peer)["policy"]
            self.version += 1
            path = self.server.file("policy.yaml")
            with open(path) as file:
                text = re.sub(r"salt: \w+", f"salt: bench{self.version}", file.read())
            with open(path + ".next", "w") as file:
                file.write(text)
            began = time.perf_counter()
            os.replace(path + ".next", path)
            self.server.process.send_signal(signal.SIGHUP)
            while peer_info(peer)["policy"] == before:
                if time.perf_counter() - began > 30:
                    raise Failed("the server does not reload:\n" + self.server.log())
            return time.perf_counter() - began


class Growth(Work):
    """One stream of more and more candidates: does the cost a user stay, and the memory? Once, whatever the rounds."""

    def __init__(self, context, sizes):
        super().__init__(context)
        self.sizes = sizes
        self.rows = tuple(f"{row}@{size}" for size in sizes for row in ("grow-rank", "grow-score"))

    def end(self, values):
        context = self.context
        for size in self.sizes:
            file = context.make(size)
            identifiers = len(b"u00000001")
            for row, command, flags in (("grow-rank", "rank", LIMIT + ONLY_LIMIT), ("grow-score", "score", [])):
                with context.server() as server:
                    # What is there once for all; a rank's own memory would be taken for it.
                    context.rouse("score", "--as-of", AS_OF, "--json", context.candidates, server=server)
                    before = server.resident()
                    server.forget_peak()
                    run = context.rouse(command, "--as-of", AS_OF, "--json", *flags, file, server=server)
                    figures = dict(rate=size / run.seconds, server=run.server_cpu / size)
                    if row == "grow-rank":
                        figures["bytes"] = (server.peak() - before) / size - identifiers
                    else:
                        figures["peak"] = server.peak()
                    values.add(f"{row}@{size}", **figures)
            if file != context.candidates:
                os.unlink(file)


def connect(server):
    return Peer(server, server.client())


def peer_info(peer):
    peer.send(b'{"op":"info"}\n')
    return json.loads(peer.line())


ALL = (Offline, Streams, Requests, Connections, Audience, Ledger, Starts)
