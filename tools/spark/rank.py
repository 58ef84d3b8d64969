#!/usr/bin/env python3
"""The contact list of candidates on a Spark cluster, the same that `rouse rank` makes on one machine."""
import sys

import job

EPILOG = """
  tools/spark/rank.py --master spark://host:7077 --ship --policy policy.yaml --as-of 2026-03-01T02:00:00Z \\
      --budget 500 --capacity call=50 --output list candidates/*.ndjson
  spark-submit --py-files tools/spark/rouse_spark.py,tools/spark/job.py tools/spark/rank.py --policy … --as-of … input

The rows stand in DIR/part-*, which joined in the order of their names are what `rouse rank` writes; the plan's totals are
the last line of standard output. A limit that is not given is the policy's; 'none' lifts it. Exit code 0: done. 1: done, but
some lines were invalid. 2: it could not be done, and why stands in one line.
"""


def named(text):
    name, equals, value = text.rpartition("=")
    if not equals or not name:
        raise job.argparse.ArgumentTypeError(f"'{text}': give NAME=NUMBER, or NAME=none")
    return name, value


def main():
    parser = job.parser(__doc__, EPILOG)
    parser.add_argument("--limit", metavar="CONTACTS", help="at most so many contacts in all")
    parser.add_argument("--budget", metavar="MONEY", help="expected spend, at most")
    parser.add_argument("--capital", metavar="MONEY", help="expected pay-out, at most")
    parser.add_argument("--capacity", type=named, action="append", default=[], metavar="CHANNEL=CONTACTS", help="repeatable")
    parser.add_argument("--quota", type=named, action="append", default=[], metavar="NAME=USERS", help="repeatable")
    parser.add_argument(
        "--tier-first", dest="tier_first", action="store_const", const=True, help="fill the tiers one after the other"
    )
    parser.add_argument("--no-tier-first", dest="tier_first", action="store_const", const=False)
    parser.add_argument("--rows", choices=("contacts", "all"), default="contacts")
    parser.add_argument("--at-once", type=int, metavar="USERS", help="how many users come to the driver at once (50000)")
    options = parser.parse_args()

    def work(rouse, session):
        ranking = rouse.rank(
            rouse.lines(session, *options.input),
            policy=options.policy,
            as_of=options.as_of,
            limit=options.limit,
            budget=options.budget,
            capital=options.capital,
            capacity=dict(options.capacity),
            quota=dict(options.quota),
            tier_first=options.tier_first,
            rows=options.rows,
            binary=options.rouse,
            ship=options.ship,
            settings=options.set,
            at_once=options.at_once,
            say=(lambda word: print(word, file=sys.stderr, flush=True)) if options.verbose else None,
        )
        with ranking:
            if options.output:
                job.write(ranking.rows, options)
            print(ranking.plan_line, flush=True)
            if options.verbose:
                print(f"{ranking.questions} questions, {ranking.received} bytes of answers", file=sys.stderr)
            return 1 if ranking.plan["status"]["invalid"] else 0

    job.run("rank", options, work)


if __name__ == "__main__":
    main()
