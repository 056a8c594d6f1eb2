package report_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tidegauge/ingest"
	"tidegauge/report"
	"tidegauge/schemas"
	"tidegauge/testenv"
)

// reference is the independent implementation of docs/metrics.md, in Python: TIDEGAUGE_REFERENCE_PYTHON names an
// interpreter with numpy, scipy, pandas, zstandard and xxhash, and its scripts lie beside TIDEGAUGE_TEST_DATA.
type reference struct{ python, scripts, data string }

func needReference(t *testing.T) reference {
	t.Helper()
	data, python := os.Getenv("TIDEGAUGE_TEST_DATA"), os.Getenv("TIDEGAUGE_REFERENCE_PYTHON")
	if data == "" {
		t.Skip("TIDEGAUGE_TEST_DATA is not set")
	}
	if python == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("TIDEGAUGE_REFERENCE_PYTHON is not set")
		}
		t.Skip("TIDEGAUGE_REFERENCE_PYTHON is not set: no interpreter to run the reference with")
	}
	return reference{python, filepath.Join(data, "..", "reference"), data}
}

// referenceLoop computes and compares many logs in one process, since starting one takes longer than a small log does.
// Each line of its input names a format, a log, and the summary to hold against the reference's.
const referenceLoop = `
import json, sys
sys.path.insert(0, sys.argv[1])
import characterize, compare
for line in sys.stdin:
    form, log, got = line.rstrip("\n").split("\t")
    want = got + ".reference"
    with open(want, "w") as f:
        d = characterize.READERS[form]([log], None, 0)
        json.dump(characterize.summary(d), f, allow_nan=False, default=characterize.plain)
    print("##", log)
    compare.main([want, got])
`

// compare holds summaries of logs against the reference's. It reports every value outside METRICS' tolerances.
func (r reference) compare(t *testing.T, logs []referenceLog) {
	t.Helper()
	directory := t.TempDir()
	var input strings.Builder
	for i, l := range logs {
		got := filepath.Join(directory, fmt.Sprintf("%d.json", i))
		f, err := os.Create(got)
		if err != nil {
			t.Fatal(err)
		}
		if err := report.WriteJSON(f, l.summary); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&input, "%s\t%s\t%s\n", l.format, l.path, got)
	}
	c := exec.Command(r.python, "-c", referenceLoop, r.scripts)
	c.Stdin = strings.NewReader(input.String())
	var errors bytes.Buffer
	c.Stderr = &errors
	out, err := c.Output()
	if err != nil {
		t.Fatalf("the reference: %v\n%s", err, errors.Bytes())
	}
	if n := strings.Count(string(out), "all within tolerance"); n != len(logs) || strings.Contains(string(out), "DIFFERS") {
		t.Errorf("%d of %d logs agree with the reference:\n%s", n, len(logs), out)
	}
}

type referenceLog struct {
	format, path string
	summary      *report.Summary
}

// TestReferenceFiles reads every log that the reference can read too.
func TestReferenceFiles(t *testing.T) {
	testenv.Sequential(t)
	r := needReference(t)
	var logs []referenceLog
	for _, f := range []struct{ format, pattern string }{
		{"azure", "azure/*.csv"}, {"burstgpt", "burstgpt/*.csv"}, {"canonical", "burstgpt/*.jsonl"},
		{"mooncake", "mooncake/*.jsonl"},
	} {
		paths, err := filepath.Glob(filepath.Join(r.data, f.pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no %s: %v", f.pattern, err)
		}
		for _, path := range paths {
			logs = append(logs, referenceLog{f.format, path, summaryOf(t, path)})
		}
	}
	r.compare(t, logs)
}

// summaryOf reads a log and summarises it.
func summaryOf(t testing.TB, path string) *report.Summary {
	t.Helper()
	sources, err := ingest.Sources([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := ingest.NewReader(ingest.ReaderConfig{}, sources)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	c := report.NewCollector(report.Options{GeneratedBy: "test"})
	for r, err := range reader.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		c.Add(r)
	}
	return mustSummary(t, c)
}

func mustSummary(t testing.TB, c *report.Collector) *report.Summary {
	t.Helper()
	s, err := c.Summary()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func summarise(t testing.TB, requests []schemas.Request) *report.Summary {
	t.Helper()
	c := report.NewCollector(report.Options{GeneratedBy: "test"})
	for i := range requests {
		c.Add(&requests[i])
	}
	return mustSummary(t, c)
}

// TestReferenceRules holds the rules' logs against the reference too, but for what it does not do: infer
// conversations, cut durations.
func TestReferenceRules(t *testing.T) {
	testenv.Sequential(t)
	r := needReference(t)
	var logs []referenceLog
	for i, rule := range readRules(t) {
		if rule.infer > 0 || strings.Contains(rule.name, "cut") && strings.Contains(rule.name, "24 h") {
			continue
		}
		logs = append(logs, canonicalLog(t, fmt.Sprintf("rule%d", i), rule.requests))
	}
	r.compare(t, logs)
}

// TestReferenceRandom compares logs that have everything in them that METRICS has a rule for.
func TestReferenceRandom(t *testing.T) {
	testenv.Sequential(t)
	r := needReference(t)
	seeds := 6
	if n := os.Getenv("TIDEGAUGE_REFERENCE_SEEDS"); n != "" {
		if _, err := fmt.Sscan(n, &seeds); err != nil {
			t.Fatal(err)
		}
	}
	var logs []referenceLog
	for seed := range seeds {
		logs = append(logs, canonicalLog(t, fmt.Sprintf("seed%d", seed), randomLog(uint64(seed))))
	}
	r.compare(t, logs)
}

// canonicalLog writes requests where the reference can read them.
func canonicalLog(t *testing.T, name string, requests []schemas.Request) referenceLog {
	t.Helper()
	var lines []byte
	for i := range requests {
		lines = append(schemas.AppendJSON(lines, &requests[i]), '\n')
	}
	path := filepath.Join(t.TempDir(), name+".jsonl")
	if err := os.WriteFile(path, lines, 0o600); err != nil {
		t.Fatal(err)
	}
	return referenceLog{"canonical", path, summarise(t, requests)}
}
