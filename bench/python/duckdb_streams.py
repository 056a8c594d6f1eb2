"""Five numbers of each stream of a BurstGPT file, in SQL with DuckDB: the file is read once into memory, on all cores, with
its columns' types given, then asked once for each grouping, whose gaps are a window function. Prints one JSON object."""
import json
import sys

import duckdb

db = duckdb.connect()
db.execute("SET enable_progress_bar = false")
db.execute("""CREATE TABLE log AS SELECT CAST("Timestamp" AS BIGINT) AS t, "Model" AS m, "Log Type" AS k, "Request tokens" AS x, "Response tokens" AS y
    FROM read_csv(?, header = true, columns = {'Timestamp': 'DOUBLE', 'Session ID': 'VARCHAR', 'Elapsed time': 'DOUBLE', 'Model': 'VARCHAR',
    'Request tokens': 'INTEGER', 'Response tokens': 'INTEGER', 'Total tokens': 'INTEGER', 'Log Type': 'VARCHAR'})""", [sys.argv[1]])
streams = {}
for keys in ((), ("m",), ("k",), ("m", "k")):
    by = ", ".join(keys)
    rows = db.execute(f"""SELECT {"m" if "m" in keys else "''"}, {"k" if "k" in keys else "''"}, count(*), stddev_pop(gap) / avg(gap),
        regr_slope(y, x) FILTER (y > 0), regr_intercept(y, x) FILTER (y > 0), count(*) FILTER (y = 0) / count(*)
        FROM (SELECT *, t - lag(t) OVER ({"PARTITION BY " + by if by else ""} ORDER BY t) AS gap FROM log) {"GROUP BY " + by if by else ""}""").fetchall()
    for m, k, n, cv, slope, intercept, failed in rows:
        streams[f"{m}|{k}"] = {"requests": n, "gap_cv": cv, "gamma_shape": 1 / cv**2, "slope": slope, "intercept": intercept, "failure_rate": failed}
json.dump(streams, sys.stdout)
