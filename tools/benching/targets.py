"""What is measured, in which unit, and what it ought to be."""


class Figure:
    def __init__(self, unit, scale=1.0, digits=2, good=None, goal=None, more_is_better=False):
        """unit: as it is shown; scale: what a value is multiplied by to be shown in it; good and goal: as shown."""
        self.unit, self.scale, self.digits = unit, scale, digits
        self.good, self.goal, self.more_is_better = good, goal, more_is_better

    def shown(self, value):
        return round(value * self.scale, self.digits)

    def text(self, value):
        return f"{value * self.scale:,.{self.digits}f}"

    def met(self, value):
        """The best that is reached of "goal", "good" and "no"; nothing where nothing is asked."""
        if self.good is None:
            return ""
        value = self.shown(value)
        for name, wanted in (("goal", self.goal), ("good", self.good)):
            if wanted is not None and (value >= wanted if self.more_is_better else value <= wanted):
                return name
        return "no"


def rate(good=None, goal=None):
    return Figure("M users/s", 1e-6, 2, good, goal, True)


def micros(unit, good=None, goal=None):
    return Figure(unit, 1e6, 2, good, goal)


CLIENT = micros("µs CPU a user, client")
OWN = micros("µs CPU a user")


def server(good=None, goal=None):
    return micros("µs CPU a user, server", good, goal)


class Row:
    def __init__(self, title, **figures):
        self.title, self.figures = title, figures


# {users} and {audience} are the sizes of the run.
ROWS = {
    "stream-rank": Row(
        "streamed `rank` of {users} to 10,000 contacts, TLS, one connection; only `limit` binds",
        rate=rate(1.2, 2.0), server=server(0.9, 0.55), client=CLIENT),
    "stream-rank-home": Row(
        "the same under the shipped policy's own limits (calls, and a quota)",
        rate=rate(1.2, 2.0), server=server(0.9, 0.55), client=CLIENT),
    "offline-rank-1": Row(
        "the same offline, from a file, on one thread; only `limit` binds", rate=rate(), cpu=OWN),
    "offline-rank-2": Row(
        "the same offline on two threads; only `limit` binds", rate=rate(2.0, 3.0), cpu=OWN),
    "offline-rank-1-home": Row("offline, one thread, the shipped policy's own limits", rate=rate(), cpu=OWN),
    "offline-rank-2-home": Row("offline, two threads, the shipped policy's own limits", rate=rate(2.0, 3.0), cpu=OWN),
    "stream-score": Row(
        "streamed `score` of {users}, every result returned", rate=rate(0.8, 1.4), server=server(), client=CLIENT),
    "offline-score": Row("`score` offline, one thread", rate=rate(), cpu=OWN),
    "inline": Row(
        "one candidate a request, 64 in flight, one connection",
        rate=Figure("k requests/s", 1e-3, 0, 350, 600, True), server=micros("µs CPU a request, server"),
        client=micros("µs CPU a request, client")),
    "one": Row(
        "one candidate a request, one at a time",
        p50=Figure("µs p50", 1e6, 1, 25, 17), p99=Figure("µs p99", 1e6, 1, 60, 35), p999=Figure("µs p99.9", 1e6, 1)),
    "one-awake": Row(
        "the same on processors that are kept awake",
        p50=Figure("µs p50", 1e6, 1, 25, 17), p99=Figure("µs p99", 1e6, 1, 60, 35), p999=Figure("µs p99.9", 1e6, 1)),
    "one-processor": Row(
        "the same, client and server on one processor, so that none has to be woken",
        p50=Figure("µs p50", 1e6, 1, 25, 17), p99=Figure("µs p99", 1e6, 1, 60, 35), p999=Figure("µs p99.9", 1e6, 1)),
    "audience-limit": Row(
        "`rank` of {audience} standing candidates to 10,000 contacts, only `limit` binding",
        scaled=Figure("s for 10 million", 1, 2, 2, 1), seconds=Figure("s", 1, 2)),
    "audience-plan": Row(
        "the same with budget and capital binding too",
        scaled=Figure("s for 10 million", 1, 2, 6, 3), seconds=Figure("s", 1, 2)),
    "audience-memory": Row(
        "the memory that they take", bytes=Figure("bytes a candidate", 1, 0, 100, None)),
    "full": Row("full ECDSA handshake", server=Figure("µs CPU, server", 1e6, 0, 500, 350)),
    "resumed": Row("resumed handshake", server=Figure("µs CPU, server", 1e6, 0, 420, 300)),
    "full-certificate": Row(
        "full handshake with a client certificate", server=Figure("µs CPU, server", 1e6, 0)),
    "resumed-certificate": Row(
        "resumed handshake of such a client", server=Figure("µs CPU, server", 1e6, 0)),
    "idle": Row("memory of an idle TLS connection", bytes=Figure("KiB", 1 / 1024, 1, 24, 18)),
    "idle-certificate": Row("the same of a client that has shown a certificate", bytes=Figure("KiB", 1 / 1024, 1)),
    "explain": Row(
        "`explain` against a bare score, 100 candidates a request", ratio=Figure("x server CPU", 1, 2, 1.7, 1.5),
        score=server(), explain=micros("µs CPU a user, server, explained")),
    "explain-one": Row(
        "the wait for one candidate with `explain` against one without, one at a time on one processor",
        ratio=Figure("x p50", 1, 2, 1.7, 1.5), p50=Figure("µs p50", 1e6, 1)),
    "start": Row("start of the server with the shipped policy, to listening", seconds=Figure("ms", 1e3, 1, 100, 50)),
    "reload": Row("reload, from the signal to the first answer by the new policy", seconds=Figure("ms", 1e3, 1, 20, 10)),
    "load": Row("`load` of {users} into the standing audience", rate=rate(), server=server(), client=CLIENT),
    "record": Row("`record` of {users} events, durable when answered", rate=rate(), server=server(), client=CLIENT),
    "record-1": Row("`record` of one event, one at a time", p50=Figure("ms p50", 1e3, 2), p99=Figure("ms p99", 1e3, 2)),
    "record-1000": Row(
        "`record` of 1,000 events, one batch at a time", p50=Figure("ms p50", 1e3, 2), p99=Figure("ms p99", 1e3, 2)),
    "grow-rank": Row(
        "growth: streamed `rank` of {count}, only `limit` binds", rate=rate(), server=server(),
        bytes=Figure("bytes a candidate, its id aside, at the peak", 1, 0, 64, None)),
    "grow-score": Row(
        "growth: streamed `score` of {count}", rate=rate(), server=server(), peak=Figure("MiB at the peak", 1 / (1 << 20), 0)),
    # What other engines do on the same machine in the same run.
    "duckdb": Row("DuckDB, two threads, from the same file, the same value and top 10,000", rate=rate(), cpu=OWN),
    "polars": Row("polars, two threads, the same", rate=rate(), cpu=OWN),
    "duckdb-table": Row("DuckDB, two threads, the same on a loaded table", rate=rate(), cpu=OWN),
    "redis": Row(
        "redis `SET` of 373 bytes over TLS, each to another key, 64 in flight, one connection",
        rate=Figure("k requests/s", 1e-3, 0, None, None, True)),
    "redis-one-processor": Row(
        "the same one at a time, on one processor", p50=Figure("µs p50", 1e6, 1), p99=Figure("µs p99", 1e6, 1)),
    "fastapi": Row(
        "FastAPI with uvicorn, no TLS, the scorecard in Python, 64 in flight",
        rate=Figure("k requests/s", 1e-3, 1, None, None, True), cpu=micros("µs CPU a request")),
    "fastapi-one-processor": Row(
        "the same one at a time, on one processor", p50=Figure("µs p50", 1e6, 1), p99=Figure("µs p99", 1e6, 1)),
    "vw": Row(
        "Vowpal Wabbit as a daemon, no TLS, 18 features a line, 64 in flight",
        rate=Figure("k requests/s", 1e-3, 0, None, None, True), cpu=micros("µs CPU a request")),
    "vw-one-processor": Row(
        "the same one at a time, on one processor", p50=Figure("µs p50", 1e6, 1), p99=Figure("µs p99", 1e6, 1)),
    "stub": Row(
        "C server on the same OpenSSL that reads no JSON, 64 in flight",
        rate=Figure("k requests/s", 1e-3, 0, None, None, True), server=micros("µs CPU a request, server"),
        client=micros("µs CPU a request, client")),
    "stub-one": Row("the same one at a time", p50=Figure("µs p50", 1e6, 1), p99=Figure("µs p99", 1e6, 1)),
    "stub-one-awake": Row(
        "the same one at a time, on processors that are kept awake",
        p50=Figure("µs p50", 1e6, 1), p99=Figure("µs p99", 1e6, 1)),
    "stub-one-processor": Row(
        "the same one at a time, on one processor", p50=Figure("µs p50", 1e6, 1), p99=Figure("µs p99", 1e6, 1)),
    "stub-full": Row("full handshake with it", server=Figure("µs CPU, server", 1e6, 0)),
    "stub-resumed": Row("resumed handshake with it", server=Figure("µs CPU, server", 1e6, 0)),
    "stub-full-certificate": Row(
        "full handshake with it, with a client certificate", server=Figure("µs CPU, server", 1e6, 0)),
    "stub-resumed-certificate": Row("resumed handshake of such a client", server=Figure("µs CPU, server", 1e6, 0)),
}

# (the engine's row and figure, ours): more than 1 is better for us.
RATIOS = [
    ("streamed `rank` against DuckDB", ("stream-rank", "rate"), ("duckdb", "rate")),
    ("offline `rank`, two threads, against DuckDB", ("offline-rank-2", "rate"), ("duckdb", "rate")),
    ("offline `rank`, two threads, against polars", ("offline-rank-2", "rate"), ("polars", "rate")),
    ("CPU a user, offline, against DuckDB", ("offline-rank-2", "cpu"), ("duckdb", "cpu")),
    ("standing audience against DuckDB on a loaded table", ("audience-limit", "rate"), ("duckdb-table", "rate")),
    ("one candidate a request against redis over TLS", ("inline", "rate"), ("redis", "rate")),
    ("one candidate a request against FastAPI", ("inline", "rate"), ("fastapi", "rate")),
    ("one candidate a request against Vowpal Wabbit", ("inline", "rate"), ("vw", "rate")),
    ("one at a time, p50, against redis over TLS", ("one-processor", "p50"), ("redis-one-processor", "p50")),
    ("one at a time, p99, against redis over TLS", ("one-processor", "p99"), ("redis-one-processor", "p99")),
    ("one at a time, p50, against FastAPI", ("one-processor", "p50"), ("fastapi-one-processor", "p50")),
    ("one at a time, p50, against Vowpal Wabbit", ("one-processor", "p50"), ("vw-one-processor", "p50")),
    ("one at a time, p50, against the C stub", ("one-processor", "p50"), ("stub-one-processor", "p50")),
    ("full handshake against the C stub", ("full", "server"), ("stub-full", "server")),
    ("resumed handshake against the C stub", ("resumed", "server"), ("stub-resumed", "server")),
    ("full handshake with a client certificate against the C stub",
     ("full-certificate", "server"), ("stub-full-certificate", "server")),
]


def row_of(key):
    """Rows of several sizes have the size after an @."""
    return ROWS[key.split("@")[0]]
