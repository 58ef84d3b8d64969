"""What the jobs rank.py and score.py share."""
import argparse
import os
import sys
import time
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


def parser(description, epilog):
    one = argparse.ArgumentParser(
        description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    one.add_argument("input", nargs="+", help="files of JSON lines, directories, or patterns; of any file system Spark reads")
    one.add_argument("--policy", required=True, metavar="FILE", help="the policy, here on the driver; workers get it from there")
    one.add_argument("--as-of", required=True, metavar="TIME", help="the moment to decide for: 2026-03-01T02:00:00Z")
    one.add_argument("--output", metavar="DIR", help="where rows are written; without it they are only counted")
    one.add_argument("--format", choices=("json", "parquet"), default="json", help="JSON lines, as rouse writes them, or columns")
    one.add_argument("--overwrite", action="store_true", help="replace what stands at --output")
    one.add_argument("--set", action="append", default=[], metavar="PATH=JSON", help="change a value of the policy; repeatable")
    one.add_argument("--rouse", metavar="PATH", help="the binary; by default ROUSE_BIN, or rouse of the PATH")
    one.add_argument("--ship", action="store_true", help="take the driver's binary to the workers")
    one.add_argument("--master", help="the cluster, when this is not run by spark-submit: spark://HOST:7077, local[4]")
    one.add_argument("--conf", action="append", default=[], metavar="NAME=VALUE", help="a setting of Spark; repeatable")
    one.add_argument("--verbose", action="store_true", help="tell each step and its seconds on standard error")
    return one


def run(name, options, work):
    """Runs a job on a session of its own, and ends the process: 0 done, 1 done with invalid lines, 2 it could not be done."""
    # Spark warns of every newer pandas, and this job uses none of it.
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
    try:
        from pyspark.sql import SparkSession
        import rouse_spark
    except ImportError as error:
        print(f"{name}: {error}; pip install 'pyspark>=3.5' pyarrow pandas", file=sys.stderr)
        sys.exit(2)
    try:
        # Before Spark starts, which takes its time.
        open(options.policy, "rb").close()
    except OSError as error:
        print(f"{name}: cannot read the policy {options.policy}: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    started = time.monotonic()
    if (options.master or "").startswith("local"):
        # Workers here run what runs the job; elsewhere Spark's own setting says what they run.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(f"rouse {name}")
    if options.master:
        builder = builder.master(options.master)
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    for setting in options.conf:
        key, _, value = setting.partition("=")
        builder = builder.config(key, value)
    session = None
    try:
        session = builder.getOrCreate()
        if not options.verbose:
            # A worker's error stands in one line of ours; Spark's own say it ten times.
            session.sparkContext.setLogLevel("OFF")
        with rouse_spark._telling():
            refuse_output(session, options, rouse_spark)
            code = work(rouse_spark, session)
    except rouse_spark.RouseError as error:
        print(f"{name}: {error}", file=sys.stderr)
        code = 2
    except Exception as error:  # Spark could not start: no Java, no such master.
        said = (str(error).strip().splitlines() or [repr(error)])[0].rstrip(".")
        remedy = "; is Java there (java -version, JAVA_HOME)?" if "JAVA_GATEWAY" in said else ""
        print(f"{name}: Spark does not start: {said}{remedy}", file=sys.stderr)
        code = 2
    finally:
        if session is not None:
            session.stop()
    if options.verbose:
        print(f"all: {time.monotonic() - started:.1f} s", file=sys.stderr)
    sys.exit(code)


def refuse_output(session, options, rouse):
    """What stands at --output stays, and that is told before the work and not after it."""
    if not options.output or options.overwrite:
        return
    path = session.sparkContext._jvm.org.apache.hadoop.fs.Path(options.output)
    if path.getFileSystem(session.sparkContext._jsc.hadoopConfiguration()).exists(path):
        raise rouse.RouseError(f"{options.output} is there already; --overwrite replaces it, or name another --output")


def write(rows, options):
    """Writes rows where they are to go."""
    mode = "overwrite" if options.overwrite else "error"
    if options.format == "parquet":
        rows.write.mode(mode).parquet(options.output)
    else:
        rows.select("row").write.mode(mode).text(options.output)
