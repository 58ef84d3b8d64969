"""Other engines, on the same records and as near to the same task as each allows, in the same rounds."""
import csv
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from datetime import datetime

from benching.context import AS_OF, CONTACTS, LIMIT, ONLY_LIMIT
from benching.measure import Awake, Failed, OneProcessor, cpu_of
from benching.works import Connections, Work

ENGINES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "engines")
NOW = str(int(datetime.fromisoformat(AS_OF).timestamp()))
THREADS = "2"
# Versions are pinned, so that a figure that changes is ours.
PACKAGES = {
    "duckdb": ["duckdb==2.0.0", "PyYAML==6.0.3"],
    "polars": ["polars==2.1.0", "PyYAML==6.0.3"],
    "fastapi": ["fastapi==0.165.0", "uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0"],
    "vw": ["vowpalwabbit==9.11.9"],
}


class Missing(Exception):
    """An engine that cannot be had here, and why, in a line."""


# What an engine may fail by without failing the run.
FAULTS = (Missing, OSError, subprocess.SubprocessError)


def make(context, notes):
    """Those that can be had; of each other, a line in the notes."""
    made = []
    for kind in KINDS:
        peer = kind(context)
        peer.notes = notes
        try:
            peer.install()
            made.append(peer)
        except FAULTS as fault:
            leave_out(peer, fault)
    return made


def leave_out(peer, fault):
    peer.notes.append(f"{type(peer).__name__} is left out: {(str(fault).strip() or repr(fault)).splitlines()[-1]}")
    print(f"tools/bench: {peer.notes[-1]}", file=sys.stderr, flush=True)


def cache():
    folder = os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "rouse-bench")
    os.makedirs(folder, exist_ok=True)
    return folder


def python(name):
    """The Python of a virtual environment that has that engine; made on the first call."""
    folder = os.path.join(cache(), name)
    path = os.path.join(folder, "bin", "python")
    if not os.path.exists(path):
        subprocess.run(["python3", "-m", "venv", folder], check=True, capture_output=True)
    ended = subprocess.run(
        [path, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:", *PACKAGES[name]],
        capture_output=True, text=True)
    if ended.returncode != 0:
        raise Missing(f"pip cannot install {PACKAGES[name][0]}: {ended.stderr.strip()[-200:]}")
    return path


def compiled(context, name, *libraries):
    """An engine's C file as a program."""
    if not shutil.which("cc"):
        raise Missing("there is no C compiler")
    path = context.path(name)
    subprocess.run(
        ["cc", "-O2", "-D_GNU_SOURCE", "-o", path, os.path.join(ENGINES, name + ".c"), *libraries], check=True,
        capture_output=True)
    return path


def environment():
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


class Peer(Work):
    notes = None

    def install(self):
        """Throws Missing."""


class Query(Peer):
    """An engine that ranks a file by a query in its own process; its start and imports are not counted."""
    package = script = None

    def install(self):
        self.python = python(self.package)

    def run(self):
        output = self.context.path(self.package)
        ended = subprocess.run(
            [self.python, os.path.join(ENGINES, self.script), self.context.policy, NOW, self.context.candidates,
             str(CONTACTS), THREADS, output], capture_output=True, text=True, env=environment())
        if ended.returncode != 0:
            raise Missing(f"{self.script}: {ended.stderr[-500:]}")
        return json.loads(ended.stdout)

    def round(self, values, number):
        users = self.context.users
        for part, took in self.run().items():
            row = self.package + ("" if part == "file" else "-" + part)
            values.add(row, rate=users / took["seconds"], cpu=took["cpu"] / users)
        if number == 0:
            self.compare()

    def compare(self):
        """The same ten thousand, with the same values? Only those that tie with the last may be others: ties are broken by
        a salted hash here, and by chance there."""
        ours = self.context.path("arms-off")
        self.context.offline(
            "rank", 2, *LIMIT, *ONLY_LIMIT, "--set", "experiment.holdout=0", "--set", "experiment.explore=0",
            output=ours)
        mine = {}
        with open(ours) as file:
            for line in file:
                row = json.loads(line)
                if "user_id" in row:
                    mine[row["user_id"]] = round(row["best"]["value"] * 1e6)
        with open(self.context.path(self.package)) as file:
            theirs = {user: int(value) for user, value in (line.split() for line in file)}
        last = min(mine.values())
        above = {user for user, value in mine.items() if value > last}
        if sorted(mine.values()) != sorted(theirs.values()) or not above <= theirs.keys():
            raise Failed(
                f"{self.package} finds other contacts: {len(mine.keys() - theirs.keys())} of ours are not among its own")
        self.notes.append(
            f"{type(self).__name__} found the same top {len(mine):,} as `rouse rank` with the experiment's arms off, each "
            f"with the same value to the micro; {len(mine.keys() - theirs.keys())} of them are others that tie with the "
            "last. The timed runs of Rouse keep the arms.")


class DuckDB(Query):
    rows = ("duckdb", "duckdb-table")
    package, script = "duckdb", "duckdb_rank.py"


class Polars(Query):
    rows = ("polars",)
    package, script = "polars", "polars_rank.py"


class Redis(Peer):
    rows = ("redis", "redis-one-processor")

    def install(self):
        ended = subprocess.run(
            [os.path.join(self.context.root, "tools", "prepare"), "redis-tools"], capture_output=True, text=True)
        if ended.returncode != 0 or not shutil.which("redis-benchmark"):
            raise Missing(f"redis-tools cannot be installed: {ended.stderr[-200:]}")

    def begin(self):
        # Debian has the server in the package of the tools, and only its service apart.
        program = self.context.path("redis-server")
        if not os.path.exists(program):
            os.symlink(shutil.which("redis-server") or shutil.which("redis-check-rdb"), program)
        self.port = free_port()
        tls = os.path.join(self.context.home, "tls")
        self.process = subprocess.Popen(
            [program, "--port", "0", "--tls-port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly",
             "no", "--tls-cert-file", f"{tls}/server.pem", "--tls-key-file", f"{tls}/server.key", "--tls-ca-cert-file",
             f"{tls}/ca.pem", "--tls-auth-clients", "no"],
            stdout=subprocess.DEVNULL, cwd=self.context.folder)
        wait_for(self.port)

    def benchmark(self, pipeline, count):
        text = subprocess.run(
            ["redis-benchmark", "--tls", "--cacert", os.path.join(self.context.home, "tls", "ca.pem"), "-p",
             str(self.port), "-t", "set", "-d", "373", "-c", "1", "-P", str(pipeline), "-n", str(int(count)),
             # Each request another user.
             "-r", str(self.context.users), "--csv"],
            check=True, capture_output=True, text=True).stdout
        return list(csv.DictReader(io.StringIO(text)))[-1]

    def round(self, values, number):
        seconds = self.context.seconds if number else 1
        values.add("redis", rate=float(self.benchmark(64, 250_000 * seconds)["rps"]))
        with OneProcessor(self.process.pid):
            one = self.benchmark(1, 25_000 * seconds)
        values.add("redis-one-processor", p50=float(one["p50_latency_ms"]) / 1e3, p99=float(one["p99_latency_ms"]) / 1e3)

    def close(self):
        end(getattr(self, "process", None))


class Plain(Peer):
    """An engine that answers requests over plain TCP, loaded by the C client."""

    def load(self, port, requests, mark, flight, seconds):
        text = subprocess.run(
            [self.client, str(port), requests, mark, str(flight), str(seconds)], check=True, capture_output=True,
            text=True).stdout
        count, took, p50, p99 = (float(word) for word in text.split())
        return {"rate": count / took, "p50": p50 / 1e6, "p99": p99 / 1e6}

    def requests(self, name, make, most=20_000):
        path = self.context.path(name)
        with open(self.context.candidates, "rb") as lines, open(path, "wb") as out:
            for line, _ in zip(lines, range(most)):
                request = make(line.rstrip(b"\n"))
                out.write(b"%d\n" % len(request) + request)
        return path


class FastAPI(Plain):
    rows = ("fastapi", "fastapi-one-processor")

    def install(self):
        self.python = python("fastapi")
        self.client = compiled(self.context, "client")

    def begin(self):
        self.port = free_port()
        self.process = subprocess.Popen(
            [self.python, "-m", "uvicorn", "scorer_app:app", "--port", str(self.port), "--no-access-log", "--log-level",
             "warning", "--loop", "uvloop", "--http", "httptools"], cwd=ENGINES, env=environment())
        wait_for(self.port, 30)
        self.file = self.requests("http", lambda line: (
            b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % len(line)) + line)

    def round(self, values, number):
        seconds = self.context.seconds if number else 1
        before = cpu_of(self.process.pid)
        many = self.load(self.port, self.file, "HTTP/1.1 200", 64, seconds)
        # The client warms up for half a second more.
        cpu = (cpu_of(self.process.pid) - before) / (many["rate"] * (seconds + 0.5))
        values.add("fastapi", rate=many["rate"], cpu=cpu)
        with OneProcessor(self.process.pid):
            one = self.load(self.port, self.file, "HTTP/1.1 200", 1, seconds)
        values.add("fastapi-one-processor", p50=one["p50"], p99=one["p99"])

    def close(self):
        end(getattr(self, "process", None))


class VowpalWabbit(Plain):
    rows = ("vw", "vw-one-processor")
    APART = ["unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]

    def install(self):
        self.python = python("vw")
        self.client = compiled(self.context, "client")
        if subprocess.run([*self.APART, "true"], capture_output=True).returncode != 0 or not shutil.which("ip"):
            raise Missing("it listens on every address, and this user may make no network namespace for it")

    def begin(self):
        def features(line):
            words = []
            for name, value in flat(json.loads(line)):
                is_number = isinstance(value, (int, float))
                words.append(f"{name}:{float(value):g}" if is_number else f"{name}={value}".replace(":", "-"))
            return f"| {' '.join(words)}\n".encode()
        self.file = self.requests("vw-lines", features)

    def round(self, values, number):
        ended = subprocess.run(
            [*self.APART, self.python, os.path.join(ENGINES, "vw_load.py"), self.client, self.file,
             str(self.context.seconds if number else 1)], capture_output=True, text=True, env=environment())
        if ended.returncode != 0:
            raise Missing(f"vw_load.py: {ended.stderr[-500:]}")
        took = json.loads(ended.stdout)
        values.add("vw", rate=took["many"]["rate"], cpu=took["many"]["cpu"])
        values.add("vw-one-processor", p50=took["one"]["p50"], p99=took["one"]["p99"])


def flat(candidate, before=""):
    for name, value in candidate.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{name}.")
        elif name != "user_id":
            yield before + name, value


class Stub(Connections):
    """A C server on the same OpenSSL that reads no JSON, under the load generator that measures Rouse: how much of each
    figure is TLS and the system, and what the generator itself can do."""
    rows = ("stub", "stub-one", "stub-one-awake", "stub-one-processor", "stub-full", "stub-resumed", "stub-full-certificate",
            "stub-resumed-certificate")
    prefix = "stub-"
    notes = None

    class Server:
        def __init__(self, context, program):
            file = context.path("stub-port")
            tls = os.path.join(context.home, "tls")
            self.home, self.root = context.home, context.path("stub")
            self.process = subprocess.Popen(
                [program, file, f"{tls}/server.pem", f"{tls}/server.key", f"{tls}/ca.pem"])
            for _ in range(500):
                if os.path.exists(file) and open(file).read().endswith("\n"):
                    host, port = open(file).read().strip().rsplit(":", 1)
                    self.address = (host, int(port))
                    return
                time.sleep(0.01)
            raise Missing("it does not start")

        def file(self, name):
            return os.path.join(self.home, name)

        def kill(self):
            end(self.process)

    def install(self):
        self.program = compiled(self.context, "server", "-lssl", "-lcrypto")

    def begin(self):
        self.server = self.Server(self.context, self.program)

    def round(self, values, number):
        super().round(values, number)
        time_flags = ["--seconds", str(self.context.seconds if number else 1), "--warm-up", "0.3"]
        many = self.context.load(self.server, "--in-flight", "64", *time_flags)
        values.add(
            "stub", rate=many["per_second"], server=many["server_cpu_us_each"] / 1e6,
            client=many["client_cpu_us_each"] / 1e6)
        one = self.context.load(self.server, *time_flags)["latency_us"]
        values.add("stub-one", p50=one["p50"] / 1e6, p99=one["p99"] / 1e6)
        with Awake():
            one = self.context.load(self.server, *time_flags)["latency_us"]
        values.add("stub-one-awake", p50=one["p50"] / 1e6, p99=one["p99"] / 1e6)
        with OneProcessor(self.server.process.pid):
            one = self.context.load(self.server, *time_flags)["latency_us"]
        values.add("stub-one-processor", p50=one["p50"] / 1e6, p99=one["p99"] / 1e6)

    def idle(self, values):
        """Its buffers are not made for that."""


KINDS = (Stub, DuckDB, Polars, Redis, FastAPI, VowpalWabbit)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, seconds=10):
    until = time.time() + seconds
    while time.time() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise Missing(f"nothing listens on port {port}")


def end(process):
    if process and process.poll() is None:
        process.kill()
        process.wait()
