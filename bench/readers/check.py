"""Has the loaders of other tools read what tidegauge convert wrote into a folder. What is not installed is said."""

import csv
import json
import os
import sys

folder = sys.argv[1]


def path(name):
    return os.path.join(folder, name)


def aiperf():
    from aiperf.dataset.loader.burst_gpt import BurstGPTTraceDatasetLoader
    from aiperf.dataset.loader.mooncake_trace import MooncakeTraceDatasetLoader
    from aiperf.dataset.loader.models import BailianTrace, MooncakeTrace

    n = 0
    for line in open(path("mooncake.jsonl")):
        row = json.loads(line)
        trace = MooncakeTrace.model_validate(row)
        assert MooncakeTraceDatasetLoader.can_load(row)
        assert (len(trace.hash_ids) - 1) * 512 < trace.input_length <= len(trace.hash_ids) * 512, row
        n += 1
    print("AIPerf mooncake_trace:", n, "rows")
    print("AIPerf bailian_trace:", len([BailianTrace.model_validate(json.loads(line)) for line in open(path("bailian.jsonl"))]), "rows")
    assert BurstGPTTraceDatasetLoader.can_load(filename=path("burstgpt.csv"))
    rows = [BurstGPTTraceDatasetLoader._parse_row(None, row) for row in csv.DictReader(open(path("burstgpt.csv")))]
    assert None not in rows
    print("AIPerf burst_gpt_trace:", len(rows), "rows")


def inference_perf():
    from pathlib import Path

    from inference_perf.utils.trace_reader import AzurePublicDatasetReader

    rows = AzurePublicDatasetReader().load_traces(Path(path("azure.csv")))
    assert rows == sorted(rows, key=lambda row: row[0])
    print("inference-perf AzurePublicDataset:", len(rows), "rows")


def guidellm():
    import guidellm  # noqa: F401
    from datasets import load_dataset

    rows = load_dataset("json", data_files=path("guidellm.jsonl"), split="train", cache_dir=path("cache"))
    assert {"timestamp", "input_length", "output_length"} <= set(rows.features)
    print("GuideLLM trace_synthetic:", rows.num_rows, "rows")


def columns():
    import pandas
    import pyarrow
    from pyarrow import parquet

    table = parquet.read_table(path("parquet.parquet"))
    assert pyarrow.ipc.open_file(path("arrow.arrow")).read_all().equals(table)
    print("pyarrow Parquet and Arrow:", table.num_rows, "rows,", table.num_columns, "columns")
    frame = pandas.read_parquet(path("parquet.parquet"))
    frame["arrival_us"] = pandas.to_datetime(frame["arrival_us"], unit="us")
    frame["service"] = frame["service"].astype("category")
    frame = frame.drop(columns=["labels"])
    frame.to_parquet(path("foreign.parquet"))
    frame.to_feather(path("foreign.arrow"))


for check in (aiperf, inference_perf, guidellm, columns):
    try:
        check()
    except ImportError as missing:
        print(f"{check.__name__}: not here ({missing})")
