#!/usr/bin/env python3
"""A decision for each candidate on a Spark cluster, the same that `rouse score` makes on one machine."""
import json

import job

EPILOG = """
  tools/spark/score.py --master spark://host:7077 --ship --policy policy.yaml --as-of 2026-03-01T02:00:00Z \\
      --output decisions --format parquet candidates/*.ndjson
  spark-submit --py-files tools/spark/rouse_spark.py,tools/spark/job.py tools/spark/score.py --policy … --as-of … input

The rows of a file stand in its order. The last line of standard output counts them. Exit code 0: done. 1: done, but some
lines were invalid. 2: it could not be done, and why stands in one line.
"""


def main():
    options = job.parser(__doc__, EPILOG).parse_args()

    def work(rouse, session):
        rows = rouse.score(
            rouse.lines(session, *options.input),
            policy=options.policy,
            as_of=options.as_of,
            binary=options.rouse,
            ship=options.ship,
            settings=options.set,
        )
        if options.output:
            job.write(rows, options)
            saved = session.read.parquet(options.output) if options.format == "parquet" else session.read.json(
                options.output, schema="status string"
            )
        else:
            saved = rows
        statuses = {row["status"]: row["count"] for row in saved.groupBy("status").count().collect()}
        print(json.dumps({"summary": {"lines": sum(statuses.values()), "status": dict(sorted(statuses.items()))}}))
        return 1 if statuses.get("invalid") else 0

    job.run("score", options, work)


if __name__ == "__main__":
    main()
