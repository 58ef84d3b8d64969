"""duckdb_rank.py POLICY NOW CANDIDATES CONTACTS THREADS OUTPUT: the top of a file, and of the same in a table."""
import sys

import duckdb

from policy_sql import PolicySQL, nested
from timed import Timed, tell

TYPES = {"times": "TIMESTAMP", "times_ahead": "TIMESTAMP", "numbers": "DOUBLE", "flags": "BOOLEAN", "texts": "VARCHAR"}


def main(policy, now, file, contacts, threads, output):
    sql = PolicySQL(policy, int(now), file)
    plain, objects = nested(sql.present)
    types = ["user_id: 'VARCHAR'"] + [f"{field}: '{TYPES[sql.kinds[field]]}'" for field in plain]
    for outer, inners in objects.items():
        members = ", ".join(f'"{inner}" {TYPES[sql.kinds[f"{outer}.{inner}"]]}' for inner in inners)
        types.append(f"{outer}: 'STRUCT({members})'")
    columns = ["user_id"]
    for field in sql.present:
        value = f"epoch({field})" if sql.kinds[field].startswith("times") else field
        columns.append(f"{value} AS {sql.column(field)}")
    source = (f"(SELECT {', '.join(columns)} FROM read_json('{file}', format = 'newline_delimited', "
              f"columns = {{{', '.join(types)}}}))")
    connection = duckdb.connect(config={"threads": int(threads)})
    with Timed() as from_file:
        rows = connection.execute(sql.query(source, contacts)).fetchall()
    connection.execute(f"CREATE TABLE candidates AS SELECT * FROM {source}")
    with Timed() as from_table:
        again = connection.execute(sql.query("candidates", contacts)).fetchall()
    assert sorted(value for _, value in rows) == sorted(value for _, value in again)
    tell(output, rows, file=from_file, table=from_table)


main(*sys.argv[1:])
