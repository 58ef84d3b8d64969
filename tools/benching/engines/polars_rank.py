"""polars_rank.py POLICY NOW CANDIDATES CONTACTS THREADS OUTPUT: the top of a file."""
import os
import sys

os.environ["POLARS_MAX_THREADS"] = sys.argv[5]

import polars as pl  # noqa: E402

from policy_sql import PolicySQL, nested  # noqa: E402
from timed import Timed, tell  # noqa: E402

TYPES = {"times": pl.String, "times_ahead": pl.String, "numbers": pl.Float64, "flags": pl.Boolean, "texts": pl.String}


def main(policy, now, file, contacts, _, output):
    sql = PolicySQL(policy, int(now), file)
    plain, objects = nested(sql.present)
    schema = {"user_id": pl.String, **{field: TYPES[sql.kinds[field]] for field in plain}}
    for outer, inners in objects.items():
        schema[outer] = pl.Struct({inner: TYPES[sql.kinds[f"{outer}.{inner}"]] for inner in inners})
    columns = [pl.col("user_id")]
    for field in sql.present:
        outer, _, inner = field.partition(".")
        value = pl.col(outer).struct.field(inner) if inner else pl.col(field)
        if sql.kinds[field].startswith("times"):
            value = value.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="ms").dt.epoch("s").cast(pl.Float64)
        columns.append(value.alias(sql.column(field)))
    with Timed() as took:
        candidates = pl.scan_ndjson(file, schema=schema).select(columns)
        rows = pl.SQLContext(candidates=candidates).execute(sql.query("candidates", contacts)).collect(engine="streaming")
    tell(output, rows.iter_rows(), file=took)


main(*sys.argv[1:])
