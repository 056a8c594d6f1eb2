"""Five numbers of each stream of a BurstGPT file, with pandas: the file is read on all cores by Arrow's reader, the
streams are NumPy masks. Prints one JSON object."""
import json
import sys

import numpy as np
import pandas as pd

log = pd.read_csv(sys.argv[1], engine="pyarrow", usecols=["Timestamp", "Model", "Request tokens", "Response tokens", "Log Type"])
time, asked, answered = (log[c].to_numpy() for c in ("Timestamp", "Request tokens", "Response tokens"))
model, kind = (pd.factorize(log[c]) for c in ("Model", "Log Type"))


def numbers(rows):
    t, x, y = time[rows], asked[rows], answered[rows]
    gaps = np.diff(t)
    cv = gaps.std() / gaps.mean()
    ok = y > 0
    failures = len(y) - int(ok.sum())
    x, y = x[ok].astype(float), y[ok].astype(float)
    dx = x - x.mean()
    slope = dx @ y / (dx @ dx)
    return {"requests": len(t), "gap_cv": cv, "gamma_shape": 1 / cv**2, "slope": slope,
            "intercept": y.mean() - slope * x.mean(), "failure_rate": failures / len(t)}


streams = {"|": numbers(slice(None))}
for i, m in enumerate(model[1]):
    streams[f"{m}|"] = numbers(model[0] == i)
    for j, k in enumerate(kind[1]):
        streams[f"{m}|{k}"] = numbers((model[0] == i) & (kind[0] == j))
for j, k in enumerate(kind[1]):
    streams[f"|{k}"] = numbers(kind[0] == j)
json.dump(streams, sys.stdout)
