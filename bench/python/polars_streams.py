"""Five numbers of each stream of a BurstGPT file, with polars: one lazy scan, four groupings, collected together so that
the file is read once and on all cores. Prints one JSON object."""
import json
import sys

import polars as pl

x, y = pl.col("Request tokens").filter(pl.col("Response tokens") > 0), pl.col("Response tokens").filter(pl.col("Response tokens") > 0)
gaps = pl.col("Timestamp").diff().drop_nulls()
measures = [
    pl.len().alias("requests"),
    (gaps.std(ddof=0) / gaps.mean()).alias("gap_cv"),
    (pl.cov(x, y, ddof=0) / x.var(ddof=0)).alias("slope"),
    x.mean().alias("x"), y.mean().alias("y"),
    (pl.col("Response tokens") == 0).mean().alias("failure_rate"),
]
log = pl.scan_csv(sys.argv[1]).select("Timestamp", "Model", "Request tokens", "Response tokens", "Log Type")
groupings = [log.select(measures)] + [log.group_by(keys).agg(measures) for keys in (["Model"], ["Log Type"], ["Model", "Log Type"])]
streams = {}
for result in pl.collect_all(groupings):
    for row in result.iter_rows(named=True):
        streams[f'{row.get("Model", "")}|{row.get("Log Type", "")}'] = {
            "requests": row["requests"], "gap_cv": row["gap_cv"], "gamma_shape": 1 / row["gap_cv"] ** 2, "slope": row["slope"],
            "intercept": row["y"] - row["slope"] * row["x"], "failure_rate": row["failure_rate"]}
json.dump(streams, sys.stdout)
