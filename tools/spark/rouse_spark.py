"""Scores and ranks candidates on Spark with the binary `rouse`: the same answers as on one machine, to the last byte.

    from pyspark.sql import SparkSession
    import rouse_spark

    spark = SparkSession.builder.getOrCreate()
    lines = rouse_spark.lines(spark, "candidates/*.ndjson")
    decisions = rouse_spark.score(lines, policy="policy.yaml", as_of="2026-03-01T02:00:00Z")
    decisions.groupBy("status").count().show()

    ranking = rouse_spark.rank(lines, policy="policy.yaml", as_of="2026-03-01T02:00:00Z", budget=500)
    print(ranking.plan["contacts"], ranking.plan["net_value"])
    ranking.rows.select("rank", "user_id", "best.channel").show()

Needs PySpark 3.5 or later with pyarrow and pandas, on Python 3.9 or later, and `rouse` on the workers, or on the driver with
`ship=True`.
"""
import base64
import itertools
import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
import threading
import time

from pyspark import RDD, SparkFiles, StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

__all__ = ["RouseError", "Ranking", "lines", "score", "rank", "DECISION"]


class RouseError(RuntimeError):
    """What went wrong, in one line: of the input, the policy, the binary, or a worker."""


# What a row says; the members are those of proto-spec/model.md, section 9.
DECISION = T.StructType(
    [
        T.StructField("user_id", T.StringType()),
        T.StructField("status", T.StringType()),
        T.StructField("rank", T.LongType()),
        T.StructField("reasons", T.ArrayType(T.StringType())),
        T.StructField("stage", T.StringType()),
        T.StructField("dormant_days", T.LongType()),
        T.StructField("silent_days", T.LongType()),
        T.StructField("tier", T.StringType()),
        T.StructField("risk_score", T.LongType()),
        T.StructField("pd", T.DoubleType()),
        T.StructField("until", T.StringType()),
        T.StructField("points", T.LongType()),
        # Each a list of a name, an attribute and points.
        T.StructField("why", T.ArrayType(T.ArrayType(T.StringType()))),
        T.StructField("arm", T.StringType()),
        T.StructField(
            "best",
            T.StructType(
                [
                    T.StructField("channel", T.StringType()),
                    T.StructField("p", T.DoubleType()),
                    T.StructField("value", T.DoubleType()),
                    T.StructField("spend", T.DoubleType()),
                    T.StructField("capital", T.DoubleType()),
                    T.StructField("roi", T.DoubleType()),
                    T.StructField("send_at", T.StringType()),
                ]
            ),
        ),
        T.StructField("issues", T.ArrayType(T.StringType())),
        T.StructField("ignored", T.LongType()),
        T.StructField("ghost", T.StringType()),
        T.StructField("propensity", T.DoubleType()),
    ]
)

# Marks a message of ours among what Spark wraps around it.
_MARK = "rouse-spark: "


class Ranking:
    """A plan that was made: `rows`, a DataFrame, and `plan`, its totals.

    rows: the columns of DECISION and `row`, the row as JSON, in rank order; with rows='all' in input order.
    Call `close`, or use `with`, when they are needed no more.
    """

    def __init__(self, rows, plan, plan_line, seconds, questions, received, kept):
        self.rows = rows
        self.plan = plan
        # The line `{"plan":…}` as `rouse rank` writes it.
        self.plan_line = plan_line
        # Of each part of the work.
        self.seconds = seconds
        # Asked of all parts, and the bytes that came to the driver.
        self.questions = questions
        self.received = received
        self._kept = kept

    def close(self):
        for frame in self._kept:
            frame.unpersist()
        self._kept = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# MARK: - Input


def lines(spark, *paths):
    """The lines of files as they are, byte for byte, in an order that stands: that of the paths as given, and of their names
    where one stands for several."""
    hadoop = spark.sparkContext._jvm.org.apache.hadoop.fs
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    names = []
    for path in paths:
        pattern = hadoop.Path(path)
        try:
            found = pattern.getFileSystem(configuration).globStatus(pattern)
        except Exception as error:  # Of the JVM: an unknown scheme, a host that is not there.
            raise RouseError(f"cannot read {path}: {_first_line(error)}") from None
        found = sorted(found or [], key=lambda status: status.getPath().toString())
        if not found:
            raise RouseError(f"cannot read {path}: there is no such file")
        for status in found:
            names += _files(status, pattern.getFileSystem(configuration))
    order = {uri: index for index, (_, uri) in enumerate(names)}
    if not names:
        raise RouseError("there is no file among the paths")
    frame = spark.read.format("text").option("lineSep", "\n").load([path for path, _ in names])
    # A file that is named twice is read twice, and Spark does not tell which is which: its lines repeat all the same.
    place = F.create_map([item for name, index in order.items() for item in (F.lit(_plain(name)), F.lit(index))])
    frame = frame.select(
        F.col("value").cast("binary").alias("line"),
        F.col("_metadata.file_path").alias("_file"),
        F.col("_metadata.file_block_start").alias("_start"),
    )
    return frame.select(
        "line", place[F.regexp_replace("_file", "^file:/+", "/")].cast("long").alias("_file"), "_start"
    )


def _plain(name):
    return "/" + name[len("file:"):].lstrip("/") if name.startswith("file:") else name


def _files(status, system):
    if not status.isDirectory():
        return [(status.getPath().toString(), status.getPath().toUri().toString())]
    found = sorted(system.listStatus(status.getPath()), key=lambda one: one.getPath().toString())
    # As Spark does: what begins so is no data.
    return [
        name
        for one in found
        if not one.getPath().getName().startswith(("_", "."))
        for name in _files(one, system)
    ]


def _as_lines(candidates):
    """Candidates as `line`, `_file` and `_start`, the last two of which say where a piece of the input stands among all."""
    if not isinstance(candidates, (DataFrame, RDD)):
        raise RouseError(
            f"candidates are a DataFrame or an RDD, and not {candidates!r:.80}; rouse_spark.lines(spark, PATH) reads files"
        )
    if not isinstance(candidates, DataFrame):
        spark = SparkSession.builder.getOrCreate()
        pairs = candidates.map(lambda line: (line.encode() if isinstance(line, str) else bytes(line),))
        candidates = spark.createDataFrame(pairs, T.StructType([T.StructField("line", T.BinaryType())]))
    if candidates.columns == ["line", "_file", "_start"]:
        return candidates
    if len(candidates.columns) == 1 and isinstance(
        candidates.schema.fields[0].dataType, (T.StringType, T.BinaryType)
    ):
        line = F.col(candidates.columns[0])
    else:
        if "user_id" not in candidates.columns:
            raise RouseError(
                f"the candidates have no column user_id (they have {', '.join(candidates.columns[:12])}); rename the one that"
                " names the user"
            )
        # Without what is null: a fact that is null is none. A date is its first second in UTC, as in a CSV.
        formats = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ssXXX", "dateFormat": "yyyy-MM-dd'T00:00:00Z'"}
        line = F.to_json(F.struct(*[F.col(f"`{name}`") for name in candidates.columns]), formats)
    return candidates.select(
        F.coalesce(line.cast("binary"), F.lit(b"")).alias("line"),
        F.spark_partition_id().cast("long").alias("_file"),
        F.lit(0).cast("long").alias("_start"),
    )


# MARK: - The binary


class _Tool:
    """The binary and the policy, as a task finds them: made on the driver, and taken to the workers."""

    def __init__(self, spark, policy, binary, ship, settings):
        path = os.fspath(policy)
        try:
            with open(path, "rb") as file:
                self.policy = file.read()
        except OSError as error:
            raise RouseError(f"cannot read the policy {path}: {error.strerror}") from None
        self.suffix = ".json" if path.endswith(".json") else ".yaml"
        self.settings = [word for setting in settings for word in ("--set", setting)]
        self.binary = binary or os.environ.get("ROUSE_BIN") or "rouse"
        self.shipped = None
        if ship:
            found = shutil.which(self.binary)
            if not found:
                raise RouseError(f"there is no program {self.binary} here to ship; give its path as binary")
            spark.sparkContext.addFile(os.path.realpath(found))
            self.shipped = os.path.basename(os.path.realpath(found))
        self._check(path)
        # Tasks run what is written here.
        spark.sparkContext.addPyFile(os.path.abspath(__file__))

    def _check(self, path):
        """Here already: what is wrong with the policy is told with its lines, and before any candidate is read."""
        found = shutil.which(self.binary)
        if not found:
            raise RouseError(
                f"there is no program {self.binary} here on the driver, which checks the policy and makes the plan; give its"
                " path (--rouse)"
            )
        done = subprocess.run(
            [found, "policy", "check", path, *self.settings], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        if done.returncode != 0:
            raise RouseError(_said(done.stderr) or f"{found} cannot use the policy {path}")

    def program(self):
        if self.shipped:
            path = SparkFiles.get(self.shipped)
            if not os.access(path, os.X_OK):
                os.chmod(path, 0o755)
            return path
        found = shutil.which(self.binary)
        if not found:
            raise RouseError(
                f"{_MARK}there is no program {self.binary} on the worker {os.uname().nodename}; install it there, give its"
                " path (--rouse), or ship it (--ship)"
            )
        return found

    def policy_file(self):
        file = tempfile.NamedTemporaryFile(prefix="rouse-", suffix=self.suffix)
        file.write(self.policy)
        file.flush()
        return file


def _said(stderr):
    """The one line that the binary ends with."""
    text = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    # Of an option that cannot be read the first line says it; what follows is the binary's own usage.
    text = list(itertools.takewhile(lambda line: not line.startswith(("Help:", "Usage:")), text))
    text = [line.removeprefix("Error: ") for line in text]
    return (text[0] if len(text) == 1 else " ".join(text[:4]))[:2000] if text else ""


class _Process:
    """A run of the binary. A thread feeds it, so that no pipe fills up while the other is waited for; what it has to say of
    errors goes to a file."""

    def __init__(self, tool, arguments, chunks, with_policy=True):
        self._policy = tool.policy_file() if with_policy else None
        self._errors = tempfile.TemporaryFile()
        command = [tool.program(), *arguments]
        if self._policy:
            command += ["--policy", self._policy.name, *tool.settings]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, bufsize=0
            )
        except OSError as error:
            raise RouseError(f"{_MARK}cannot run {command[0]}: {error.strerror}") from None
        self.output = open(self._process.stdout.fileno(), "rb", buffering=1 << 18, closefd=False)
        self._fault = None
        self._feeder = threading.Thread(target=self._feed, args=(chunks,), daemon=True)
        self._feeder.start()

    def _feed(self, chunks):
        try:
            for chunk in chunks:
                view = memoryview(chunk)
                while view:
                    view = view[self._process.stdin.write(view):]
        except BrokenPipeError:
            # It ended before its input did: its exit code says why.
            pass
        except BaseException as error:  # Of whoever gives the chunks; told where the output is read.
            self._fault = error
        finally:
            try:
                self._process.stdin.close()
            except OSError:
                pass

    def finish(self, good=(0, 1)):
        """Waits for the end, and raises what went wrong."""
        self._feeder.join()
        code = self._process.wait()
        self._errors.seek(0)
        said = _said(self._errors.read())
        self.close()
        if self._fault is not None:
            raise self._fault
        if code not in good:
            raise RouseError(_MARK + (said or f"the binary ended with code {code}"))

    def close(self):
        """Whatever happened, nothing stays behind."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()
        if self._policy:
            self._policy.close()


def _run(tool, arguments, chunks):
    """All that a run writes."""
    process = _Process(tool, arguments, chunks)
    try:
        output = process.output.read()
        process.finish()
        return output
    finally:
        process.close()


def _frames(*bodies):
    for body in bodies:
        yield struct.pack("<Q", len(body))
        yield body


def _unframed(output):
    frames = []
    at = 0
    while at < len(output):
        (count,) = struct.unpack_from("<Q", output, at)
        frames.append(output[at + 8: at + 8 + count])
        at += 8 + count
    return frames


def _joined(column):
    """Lines of a batch as the binary reads them. An empty line is none for it."""
    return b"\n".join(column.to_pylist()) + b"\n"


def _first_line(error):
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _told(error):
    """The one line that says what is wrong, out of all that Spark says."""
    text = str(error)
    if isinstance(error, RouseError):
        return RouseError(text[len(_MARK):] if text.startswith(_MARK) else text)
    at = text.find(_MARK)
    if at >= 0:
        return RouseError(text[at + len(_MARK):].split("\n", 1)[0].strip())
    # Python's own errors on a worker stand at the end of their trace.
    raised = re.findall(r"^(\w*(?:Error|Exception): .+)$", text, re.MULTILINE)
    return RouseError("Spark failed: " + (raised[-1] if raised else _first_line(error)))


class _telling:
    """Turns whatever fails within into one RouseError."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None or isinstance(error, (KeyboardInterrupt, SystemExit)):
            return False
        raise _told(error) from None


# MARK: - Score


def score(candidates, policy, as_of, binary=None, ship=False, settings=()):
    """A decision for each candidate: a DataFrame of the columns of DECISION and `row`, the decision as JSON.

    candidates: what `lines` gives; a DataFrame of one text or binary column, a candidate's JSON each; a DataFrame whose columns
        are a candidate's fields; or an RDD of texts or bytes.
    policy: the path of its file, here on the driver.
    as_of: the moment to decide for, such as 2026-03-01T02:00:00Z.
    binary: the path of `rouse` on the workers; without it ROUSE_BIN, or `rouse` of the PATH. With ship=True it is taken there.
    settings: changes to the policy, such as 'plan.budget=12.5'.
    """
    frame = _as_lines(candidates)
    tool = _Tool(frame.sparkSession, policy, binary, ship, settings)

    def decide(batches):
        import pyarrow

        chunks = (_joined(batch.column(0)) for batch in batches)
        process = _Process(tool, ["score", "--json", "--threads", "1", "--as-of", as_of], chunks)
        try:
            rows = []
            held = None
            for line in process.output:
                # The last one is the summary.
                if held is not None:
                    rows.append(held)
                held = line[:-1]
                if len(rows) == 4096:
                    yield pyarrow.RecordBatch.from_arrays([pyarrow.array(rows, pyarrow.string())], ["row"])
                    rows = []
            process.finish()
            if rows:
                yield pyarrow.RecordBatch.from_arrays([pyarrow.array(rows, pyarrow.string())], ["row"])
        finally:
            process.close()

    rows = frame.select("line").mapInArrow(decide, "row string")
    return _typed(rows)


def _typed(rows, *others):
    return rows.select(F.from_json("row", DECISION).alias("_"), "row", *others).select("_.*", "row", *others)


# MARK: - Rank


_PARTS = "number long, file long, start long, options binary, decisions binary, lines binary, offsets binary, ids binary"


def rank(
    candidates,
    policy,
    as_of,
    limit=None,
    budget=None,
    capital=None,
    capacity=None,
    quota=None,
    tier_first=None,
    rows="contacts",
    binary=None,
    ship=False,
    settings=(),
    at_once=None,
    say=None,
):
    """The contact list of all candidates, the same as `rouse rank` makes of them on one machine: a Ranking.

    candidates, policy, as_of, binary, ship, settings: as for `score`.
    limit, budget, capital: a number, or 'none', which lifts the policy's; capacity, quota: such by channel or quota.
    rows: 'contacts', in rank order, or 'all' candidates with their ranks.
    at_once: how many users are asked for at once.
    say: is called with a word on each step.
    """
    if rows not in ("contacts", "all"):
        raise RouseError("rows is 'contacts' or 'all'")
    with _telling():
        frame = _as_lines(candidates)
        tool = _Tool(frame.sparkSession, policy, binary, ship, settings)
        arguments = ["part", "plan", "--rows", rows]
        for name, value in (("limit", limit), ("budget", budget), ("capital", capital), ("at-once", at_once)):
            if value is not None:
                arguments += [f"--{name}", str(value)]
        for name, values in (("capacity", capacity), ("quota", quota)):
            for key, value in sorted((values or {}).items()):
                arguments += [f"--{name}", f"{key}={value}"]
        if tier_first is not None:
            arguments.append("--tier-first" if tier_first else "--no-tier-first")
        return _Rank(frame, tool, as_of, arguments, rows == "all", say or (lambda _: None)).run()


class _Rank:
    def __init__(self, frame, tool, as_of, arguments, wants_all, say):
        self.spark = frame.sparkSession
        self.frame = frame
        self.tool = tool
        self.as_of = as_of
        self.arguments = arguments
        self.wants_all = wants_all
        self.say = say
        self.kept = []
        self.seconds = {}
        self.questions = 0
        self.received = 0

    def run(self):
        try:
            parts = self._timed("make", self._make)
            parts = self._timed("refuse", lambda: self._refuse(parts))
            state, plan_line = self._timed("plan", lambda: self._plan(parts))
            rows = self._timed("rows", lambda: self._rows(parts, state, json.loads(plan_line)["plan"]))
        except BaseException:
            for frame in self.kept:
                frame.unpersist()
            raise
        plan = json.loads(plan_line)["plan"]
        return Ranking(rows, plan, plan_line, self.seconds, self.questions, self.received, self.kept)

    def _timed(self, name, work):
        start = time.monotonic()
        result = work()
        self.seconds[name] = round(time.monotonic() - start, 3)
        self.say(f"{name}: {self.seconds[name]:.1f} s")
        return result

    def _keep(self, frame, level):
        frame = frame.persist(level)
        self.kept.append(frame)
        return frame

    def _make(self):
        """A part for each piece of the input that stands together: a partition, or what one holds of a file."""
        tool, as_of = self.tool, self.as_of
        rows = "all" if self.wants_all else "contacts"

        def make(batches):
            import pyarrow
            from pyspark import TaskContext

            partition = TaskContext.get().partitionId()
            schema = pyarrow.schema(
                [(name, pyarrow.int64()) for name in ("number", "file", "start")]
                + [(name, pyarrow.binary()) for name in ("options", "decisions", "lines", "offsets", "ids")]
            )
            pieces = _pieces(batches)
            for index, (place, chunks) in enumerate(pieces):
                # Of a task that is done again too: the number is the same.
                number = partition << 24 | index
                made = _unframed(
                    _run(tool, ["part", "make", "--rows", rows, "--as-of", as_of, "--number", str(number)], chunks)
                )
                values = [[number], [place[0]], [place[1]]] + [[body] for body in made]
                yield pyarrow.RecordBatch.from_arrays(
                    [pyarrow.array(value, field.type) for value, field in zip(values, schema)], schema=schema
                )

        made = self._keep(self.frame.mapInArrow(make, _PARTS), StorageLevel.MEMORY_AND_DISK)
        self.order = [
            (row["file"], row["start"], row["number"])
            for row in made.select("file", "start", "number").collect()
        ]
        self.order.sort()
        return made

    def _refuse(self, parts):
        """Lines whose user_id came in an earlier line are refused: the earliest of all parts stays."""
        tool = self.tool

        def ids(batches):
            import pyarrow

            for batch in batches:
                for number, file, start, offsets, ids in zip(*(column.to_pylist() for column in batch.columns)):
                    count = len(offsets) // 4 - 1
                    for first in range(0, count, 65536):
                        most = min(65536, count - first)
                        marks = pyarrow.py_buffer(offsets[4 * first: 4 * (first + most + 1)])
                        texts = pyarrow.Array.from_buffers(
                            pyarrow.binary(), most, [None, marks, pyarrow.py_buffer(ids)]
                        )
                        yield pyarrow.RecordBatch.from_arrays(
                            [
                                texts,
                                pyarrow.array([file] * most, pyarrow.int64()),
                                pyarrow.array([start] * most, pyarrow.int64()),
                                pyarrow.array([number] * most, pyarrow.int64()),
                                pyarrow.array(range(first, first + most), pyarrow.int64()),
                            ],
                            ["id", "file", "start", "number", "line"],
                        )

        all_ids = parts.select("number", "file", "start", "offsets", "ids").mapInArrow(
            ids, "id binary, file long, start long, number long, line long"
        )
        all_ids = all_ids.where(F.length("id") > 0)
        # Nearly every id comes once: those are dropped before any place is looked at.
        spread = all_ids.select("id").repartition(max(2, len(self.order)), "id")
        repeated = self._keep(
            spread.groupBy("id").agg(F.count("*").alias("count")).where("count > 1").select("id"),
            StorageLevel.MEMORY_AND_DISK,
        )
        if repeated.count() == 0:
            return parts
        refused = (
            all_ids.join(repeated, "id")
            .groupBy("id")
            .agg(F.sort_array(F.collect_list(F.struct("file", "start", "number", "line"))).alias("places"))
            .select(F.explode(F.slice("places", 2, 1 << 30)).alias("place"))
            .groupBy(F.col("place.number").alias("refused_number"))
            .agg(F.sort_array(F.collect_list("place.line")).alias("refused"))
        )

        def refuse(batches):
            import pyarrow

            for batch in batches:
                columns = [column.to_pylist() for column in batch.columns]
                for number, file, start, options, decisions, lines, refused in zip(*columns):
                    if refused:
                        frames = _frames(options, decisions, lines, struct.pack(f"<{len(refused)}q", *refused))
                        options, decisions = _unframed(_run(tool, ["part", "refuse"], frames))
                    yield pyarrow.RecordBatch.from_arrays(
                        [pyarrow.array([number], pyarrow.int64()), pyarrow.array([file], pyarrow.int64()), pyarrow.array([start], pyarrow.int64())]
                        + [pyarrow.array([body], pyarrow.binary()) for body in (options, decisions)],
                        ["number", "file", "start", "options", "decisions"],
                    )

        # No part moves: where its lines are, it stays.
        joined = parts.join(F.broadcast(refused), F.col("number") == F.col("refused_number"), "left").select(
            "number", "file", "start", "options", "decisions", "lines", "refused"
        )
        left = joined.mapInArrow(refuse, "number long, file long, start long, options binary, decisions binary")
        left = self._keep(left, StorageLevel.MEMORY_AND_DISK)
        left.select("number").count()
        parts.unpersist()
        return left

    def _plan(self, parts):
        """Runs the binary as the one who asks, here on the driver, and brings its questions to the parts."""
        options = parts.select("options")
        program = self.tool.program()
        with self.tool.policy_file() as policy, tempfile.TemporaryFile() as errors:
            asker = subprocess.Popen(
                [program, *self.arguments, "--policy", policy.name, *self.tool.settings],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
            try:
                state = plan = None
                for line in asker.stdout:
                    said = json.loads(line)
                    if "ask" in said:
                        self._bring(options, said, asker)
                    elif "state" in said:
                        state = base64.b64decode(said["state"])
                    else:
                        plan = line.rstrip(b"\n").decode()
                asker.stdin.close()
                code = asker.wait()
                if code not in (0, 1) or state is None or plan is None:
                    errors.seek(0)
                    raise RouseError(_said(errors.read()) or f"the binary ended with code {code}")
                return state, plan
            finally:
                if asker.poll() is None:
                    asker.kill()
                    asker.wait()
                asker.stdout.close()
                try:
                    asker.stdin.close()
                except OSError:
                    pass

    def _bring(self, options, said, asker):
        tool = self.tool
        question = base64.b64decode(said["ask"])

        def answer(batches):
            import pyarrow

            frames = (part for batch in batches for part in batch.column(0).to_pylist())
            first = next(frames, None)
            if first is None:
                return

            def chunks():
                yield from _frames(question, first)
                for part in frames:
                    yield from _frames(part)

            answers = _run(tool, ["part", "answer"], chunks()).decode().splitlines()
            yield pyarrow.RecordBatch.from_arrays([pyarrow.array(answers, pyarrow.string())], ["answer"])

        start = time.monotonic()
        answers = [row["answer"] for row in options.mapInArrow(answer, "answer string").collect()]
        size = sum(len(text) for text in answers)
        self.questions += 1
        self.received += size
        try:
            for text in answers:
                asker.stdin.write(text.encode() + b"\n")
            asker.stdin.write(b"\n")
            asker.stdin.flush()
        except BrokenPipeError:
            pass  # Its exit code and what it said come right after.
        self.say(f"  {said['about']}: {len(question)} bytes asked, {size} answered, {time.monotonic() - start:.2f} s")

    def _rows(self, parts, state, plan):
        """Each part writes its rows; Spark sorts them by their keys, and so they get their ranks."""
        tool = self.tool

        def write(batches):
            import pyarrow

            for batch in batches:
                for file, start, options, decisions in zip(*(column.to_pylist() for column in batch.columns)):
                    process = _Process(tool, ["part", "rows"], _frames(state, options, decisions))
                    try:
                        rows = []
                        for line in process.output:
                            key, _, index, head, tail = line[:-1].split(b"\t")
                            rows.append((bytes.fromhex(key.decode()) or None, int(index), head.decode(), tail.decode()))
                            if len(rows) == 4096:
                                yield pack(pyarrow, file, start, rows)
                                rows = []
                        process.finish()
                        if rows:
                            yield pack(pyarrow, file, start, rows)
                    finally:
                        process.close()

        def pack(pyarrow, file, start, rows):
            keys, indices, heads, tails = zip(*rows)
            return pyarrow.RecordBatch.from_arrays(
                [
                    pyarrow.array([file] * len(rows), pyarrow.int64()),
                    pyarrow.array([start] * len(rows), pyarrow.int64()),
                    pyarrow.array(keys, pyarrow.binary()),
                    pyarrow.array(indices, pyarrow.int64()),
                    pyarrow.array(heads, pyarrow.string()),
                    pyarrow.array(tails, pyarrow.string()),
                ],
                ["file", "start", "key", "index", "head", "tail"],
            )

        written = parts.select("file", "start", "options", "decisions").mapInArrow(
            write, "file long, start long, key binary, index long, head string, tail string"
        )
        if self.wants_all:
            written = self._keep(written, StorageLevel.MEMORY_AND_DISK)
        many = plan["contacts"] + (plan["status"]["waitlist"] if self.wants_all else 0)
        ranked = _in_order(written.where("key is not null"), many, "key").withColumn(
            "id", F.monotonically_increasing_id()
        )
        ranked = self._keep(ranked, StorageLevel.MEMORY_AND_DISK)
        # Ids count within a partition, and partitions stand in order: what is missing is how many stand before each.
        partition = F.shiftright("id", 33)
        counts = ranked.groupBy(partition.alias("partition")).count().collect()
        before = []
        total = 0
        for row in sorted(counts, key=lambda row: row["partition"]):
            before += [F.lit(row["partition"]), F.lit(total)]
            total += row["count"]
        if before:
            rank = F.create_map(before)[partition] + F.col("id").bitwiseAND((1 << 33) - 1) + 1
        else:
            rank = F.lit(None).cast("long")
        rows = ranked.withColumn("row", F.concat("head", rank.cast("long").cast("string"), "tail"))
        if self.wants_all:
            rest = written.where("key is null").select("file", "start", "index", F.col("head").alias("row"))
            rows = rows.select("file", "start", "index", "row").unionByName(rest)
            rows = _in_order(rows, plan["lines"], "file", "start", "index")
        return _typed(rows.select("row"))


def _in_order(frame, count, *columns):
    """Sorted, in as many partitions as so many rows are worth."""
    return frame.repartitionByRange(count // 100_000 + 1, *columns).sortWithinPartitions(*columns)


def _pieces(batches):
    """What of a partition stands together in the input, one piece after another, each as chunks of lines."""

    def runs():
        for batch in batches:
            files, starts = batch.column(1).to_pylist(), batch.column(2).to_pylist()
            first = 0
            for at in range(1, batch.num_rows + 1):
                if at == batch.num_rows or files[at] != files[first] or starts[at] != starts[first]:
                    yield (files[first], starts[first]), _joined(batch.column(0).slice(first, at - first))
                    first = at

    for place, group in itertools.groupby(runs(), key=lambda run: run[0]):
        yield place, (chunk for _, chunk in group)
