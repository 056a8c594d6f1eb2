#!/bin/sh
# Writes a log in every format that a tool reads and has the tool's own loader read it: run.sh TIDEGAUGE LOG PYTHON...
# Each PYTHON is tried for what it has; a tool that none has is said to be missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tidegauge=$1
log=$2
shift 2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for format in mooncake.jsonl bailian.jsonl burstgpt.csv azure.csv guidellm.jsonl parquet.parquet arrow.arrow; do
	"$tidegauge" convert --to "${format%%.*}" --fill-hashes --model-label '*=GPT-4' -o "$out/$format" "$log" 2>/dev/null
done
for python in "$@"; do
	"$python" "$here/check.py" "$out"
done
for format in parquet arrow; do
	if [ -f "$out/foreign.$format" ]; then
		"$tidegauge" convert --to canonical -o "$out/back" "$out/foreign.$format" 2>/dev/null
		echo "tidegauge reads pandas' $format: $(wc -l <"$out/back") requests"
	fi
done
