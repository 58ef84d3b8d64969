"""Compares what Spark answers with what one machine does. Run by tools/spark/test, which finds a Python with PySpark."""
import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")

AS_OF = "2026-03-01T02:00:00Z"
POLICY = ROOT / "proto-spec" / "examples" / "cash-loan-recall.yaml"

# A plan by name: what Spark is asked, and what `rouse rank` is.
PLANS = {
    "a limit": {"limit": 1000},
    "no limit that binds": {"budget": "none", "capital": "none"},
    "money, capacity and a quota": {
        "budget": 300, "capital": 60000, "limit": 2500, "capacity": {"call": 20, "sms": 400}, "quota": {"never_logged_in": 300},
    },
    "tiers first": {"budget": 150, "tier_first": True, "capacity": {"push": 900}},
    "nothing to spend": {"budget": 0},
    "few at once": {"budget": 200, "limit": 2000, "at_once": 300},
    "every row": {"budget": 250, "capacity": {"email": 20}, "rows": "all"},
    "every row, tiers first": {"limit": 700, "tier_first": True, "rows": "all"},
    "most of them explore": {"limit": 500, "settings": ["experiment.explore=0.6", "experiment.holdout=0.2"], "rows": "all"},
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=60000)
    parser.add_argument("--bin", default=str(ROOT / ".build" / "release"))
    options = parser.parse_args()
    rouse, maker = (os.path.join(options.bin, name) for name in ("rouse", "make-candidates"))
    for binary in (rouse, maker):
        if not os.access(binary, os.X_OK):
            sys.exit(f"tools/spark/test: there is no {binary}; swift build -c release, or give --bin")
    with tempfile.TemporaryDirectory(prefix="rouse-spark-") as folder:
        Trial(pathlib.Path(folder), rouse, maker, options.count).run()


class Trial:
    def __init__(self, folder, rouse, maker, count):
        self.folder = folder
        self.rouse = rouse
        self.maker = maker
        self.count = count
        self.failed = []

    def run(self):
        is_large = self.count > 500_000
        self.input(repeats=not is_large)
        from pyspark.sql import SparkSession
        import rouse_spark

        self.module = rouse_spark
        # Workers run what runs this.
        os.environ["PYSPARK_PYTHON"] = sys.executable
        log = self.folder / "log4j2.properties"
        log.write_text("rootLogger.level=off\n")
        self.session = (
            SparkSession.builder.master("local-cluster[2,1,1024]")
            .appName("rouse test")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.local.dir", str(self.folder / "spark"))
            .config("spark.sql.warehouse.dir", str(self.folder / "warehouse"))
            .config("spark.driver.extraJavaOptions", f"-Dlog4j2.configurationFile=file:{log}")
            .config("spark.executor.extraJavaOptions", f"-Dlog4j2.configurationFile=file:{log}")
            # Several parts of a small file.
            .config("spark.sql.files.maxPartitionBytes", "64m" if is_large else "4m")
            .getOrCreate()
        )
        self.session.sparkContext.setLogLevel("OFF")
        try:
            if is_large:
                self.plan("budget, capital, capacities and a limit", {
                    "budget": 5000, "capital": 3000000, "limit": 60000, "capacity": {"call": 500, "sms": 30000},
                })
            else:
                for name, plan in PLANS.items():
                    self.plan(name, plan)
                self.score()
                self.frames()
                self.faults()
        finally:
            self.stop()
        if self.failed:
            sys.exit("tools/spark/test: " + "; ".join(self.failed))
        print(f"tools/spark/test: {self.count:,} candidates on two workers: the same bytes as on one machine")

    def stop(self):
        """Ends the session and its Java: then it is known what all of it took."""
        gateway = self.session.sparkContext._gateway
        self.session.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"all of it: {used.ru_utime + used.ru_stime:.0f} s of CPU", flush=True)

    def input(self, repeats):
        """Files with candidates, some of whom come again in a later file, and lines that are none."""
        whole = self.folder / "all.ndjson"
        subprocess.run([self.maker, "--count", str(self.count), "--output", str(whole)], check=True)
        if not repeats:
            self.files = [whole]
            self.whole = whole
            return
        lines = whole.read_bytes().splitlines(keepends=True)
        third = len(lines) // 3
        odd = [
            b"\n", b"  \r\n", b"no JSON\n", b'{"user_id":""}\n', b'{"user_id":"\xff"}\n', b'{"user_id":"u\xc3\xa9"}\n',
            b'{"user_id":"a\\u0022,\\u0022rank\\u0022:1,","registered_at":"2025-01-01T00:00:00Z"}\n', b'{"user_id":"x"\r}\n',
        ]
        pieces = {
            "b 1.ndjson": lines[:third] + odd,
            "a.ndjson": lines[third - 500: 2 * third] + odd + lines[:200],
            "c.ndjson": lines[2 * third:] + lines[::97],
        }
        self.files = []
        for name, piece in pieces.items():
            path = self.folder / name
            # The last line of all ends without an LF.
            path.write_bytes(b"".join(piece)[: -1 if name.startswith("c") else None])
            self.files.append(path)
        # In the order in which they are given, not in that of their names.
        self.whole = self.folder / "whole.ndjson"
        self.whole.write_bytes(b"".join(path.read_bytes() for path in self.files))

    def lines(self):
        return self.module.lines(self.session, *[str(path).replace(" ", "?") for path in self.files])

    def compare(self, name, mine, theirs):
        if mine == theirs:
            return
        for number, (one, other) in enumerate(zip(mine.split(b"\n"), theirs.split(b"\n")), 1):
            if one != other:
                print(f"{name}: line {number}\n  Spark:       {one[:400]}\n  one machine: {other[:400]}", file=sys.stderr)
                break
        self.failed.append(f"{name}: differs")

    def rows(self, frame):
        """As written and joined."""
        target = self.folder / "rows"
        shutil.rmtree(target, ignore_errors=True)
        frame.select("row").write.text(str(target))
        return b"".join(path.read_bytes() for path in sorted(target.glob("part-*")))

    def plan(self, name, plan):
        started = time.monotonic()
        with self.module.rank(
            self.lines(), policy=POLICY, as_of=AS_OF, binary=self.rouse, **plan
        ) as ranking:
            mine = self.rows(ranking.rows) + ranking.plan_line.encode() + b"\n"
            typed = ranking.rows.where("rank is not null").count()
        seconds = time.monotonic() - started
        command = [self.rouse, "rank", "--policy", str(POLICY), "--as-of", AS_OF]
        for key in ("limit", "budget", "capital", "rows"):
            if key in plan:
                command += [f"--{key}", str(plan[key])]
        for key in ("capacity", "quota"):
            for one, value in plan.get(key, {}).items():
                command += [f"--{key}", f"{one}={value}"]
        for setting in plan.get("settings", []):
            command += ["--set", setting]
        if plan.get("tier_first"):
            command.append("--tier-first")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        alone = time.monotonic()
        done = subprocess.run(command + [str(self.whole)], stdout=subprocess.PIPE)
        alone = time.monotonic() - alone
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if done.returncode not in (0, 1):
            sys.exit(f"tools/spark/test: {name}: rouse rank ended with {done.returncode}")
        self.compare(name, mine, done.stdout)
        contacts = ranking.plan["contacts"]
        if typed < contacts:
            self.failed.append(f"{name}: {typed} rows with a rank as columns, and {contacts} contacts")
        parts = ", ".join(f"{key} {value:.1f}" for key, value in ranking.seconds.items())
        print(
            f"{name}: {contacts:,} contacts, {ranking.questions} questions, {ranking.received / 1e6:.1f} MB of answers;"
            f" {seconds:.1f} s ({parts}); one machine {alone:.1f} s, {cpu:.1f} s of CPU",
            flush=True,
        )

    def score(self):
        mine = self.rows(self.module.score(self.lines(), policy=POLICY, as_of=AS_OF, binary=self.rouse, ship=True))
        done = subprocess.run(
            [self.rouse, "score", "--policy", str(POLICY), "--as-of", AS_OF, str(self.whole)], stdout=subprocess.PIPE
        )
        # The last one is the summary. Spark reads the largest files first.
        theirs = done.stdout.rstrip(b"\n").rsplit(b"\n", 1)[0] + b"\n"
        self.compare("score", b"".join(sorted(mine.splitlines(True))), b"".join(sorted(theirs.splitlines(True))))
        print(f"score: {theirs.count(b'%c' % 10):,} rows", flush=True)

    def frames(self):
        """Candidates as columns, and as an RDD of texts: the first thousand."""
        head = self.whole.read_bytes().split(b"\n")[:1000]
        command = [self.rouse, "rank", "--policy", str(POLICY), "--as-of", AS_OF, "--limit", "50"]
        theirs = subprocess.run(command, input=b"\n".join(head), stdout=subprocess.PIPE).stdout
        texts = self.session.sparkContext.parallelize([line.decode() for line in head], 5)
        with self.module.rank(texts, policy=POLICY, as_of=AS_OF, limit=50, binary=self.rouse) as ranking:
            self.compare("an RDD", self.rows(ranking.rows) + ranking.plan_line.encode() + b"\n", theirs)
        columns = self.session.read.json(texts)
        # Spark reads JSON in its own way, a number where a text stood: what it made of the lines is what both are asked.
        made = [bytes(row["line"]) for row in self.module._as_lines(columns).collect()]
        theirs = subprocess.run(command, input=b"\n".join(made), stdout=subprocess.PIPE).stdout
        with self.module.rank(columns, policy=POLICY, as_of=AS_OF, limit=50, binary=self.rouse) as ranking:
            self.compare("columns", self.rows(ranking.rows) + ranking.plan_line.encode() + b"\n", theirs)
        dated = self.session.sql("select 'u1' as user_id, date '2025-12-01' as last_login_at")
        made = bytes(self.module._as_lines(dated).collect()[0]["line"])
        self.compare("a date", made, b'{"user_id":"u1","last_login_at":"2025-12-01T00:00:00Z"}')
        print("an RDD, and columns: the same", flush=True)

    def faults(self):
        """What goes wrong is told in one line that names it."""
        broken = self.folder / "broken.yaml"
        broken.write_text(POLICY.read_text().replace("cutoff:", "cut_off:", 1))
        cases = [
            ("a broken policy", "cut_off", lambda: self.rank(policy=broken)),
            ("no policy", "no-such.yaml", lambda: self.rank(policy=self.folder / "no-such.yaml")),
            ("no binary", "no-rouse", lambda: self.rank(binary="no-rouse")),
            ("no input", "nowhere", lambda: self.module.lines(self.session, str(self.folder / "nowhere*"))),
            ("no channel", "fax", lambda: self.rank(capacity={"fax": 1})),
            ("no moment", "yesterday", lambda: self.rank(as_of="yesterday")),
            ("a number", "--budget", lambda: self.rank(budget="much")),
            ("no moment to score", "yesterday", lambda: self.module.score(
                self.lines(), policy=POLICY, as_of="yesterday", binary=self.rouse).count()),
            ("no candidates", "rouse_spark.lines", lambda: self.module.score(
                "candidates.ndjson", policy=POLICY, as_of=AS_OF, binary=self.rouse)),
            ("no user_id", "(they have id, age)", lambda: self.module.score(
                self.session.createDataFrame([("a", 1)], "id string, age int"), policy=POLICY, as_of=AS_OF, binary=self.rouse)),
        ]
        for name, word, work in cases:
            try:
                work()
            except Exception as error:
                text = str(self.module._told(error))
                if word not in text or "\n" in text.strip() or "Traceback" in text:
                    self.failed.append(f"{name}: told as {text!r}")
                continue
            self.failed.append(f"{name}: was not told")
        print(f"faults: {len(cases)} told in a line each", flush=True)

    def rank(self, **changed):
        settings = {"policy": POLICY, "as_of": AS_OF, "binary": self.rouse, **changed}
        return self.module.rank(self.lines(), **settings).close()


if __name__ == "__main__":
    main()
