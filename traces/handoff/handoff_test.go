package handoff

import (
	"math"
	"strings"
	"testing"

	"tidegauge/schemas"
)

// TestOfFile: for every format there is a command of each of the five tools, for a file of a format that it reads.
func TestOfFile(t *testing.T) {
	reads := map[string]string{"vllm bench serve": "mooncake", "sglang.bench_serving": "mooncake", "aiperf profile": "mooncake", "guidellm run": "guidellm", "inference-perf ": "azure"}
	for _, format := range []string{"burstgpt", "burstgpt-v2", "mooncake", "azure", "vidur", "splitwise", "guidellm", "bailian", "blis", "canonical", "parquet", "arrow"} {
		text := OfFile(format, "my trace.x", false, Facts{Requests: 7, Failed: 2})
		for tool, wants := range reads {
			if !strings.Contains(text, tool) {
				t.Errorf("%s has no command of %s", format, tool)
			}
			if converts := strings.Contains(text, "--to "+wants); converts == (format == wants) {
				t.Errorf("%s for %s: converted %t\n%s", format, tool, converts, text)
			}
		}
		if !strings.Contains(text, "2 failed") || !strings.Contains(text, "leaves out") || !strings.Contains(text, "'my trace.x'") {
			t.Errorf("%s: %s", format, text)
		}
	}
	if text := OfFile("mooncake", "t", false, Facts{Requests: 5, Hashed: 3}); !strings.Contains(text, "2 rows have none: write it with --fill-hashes") {
		t.Error(text)
	}
	if text := OfFile("guidellm", `it's "x".jsonl`, false, Facts{Requests: 5}); !strings.Contains(text, `"path":"it'\''s \"x\".jsonl"}}'`) {
		t.Error(text)
	}
	if text := OfFile("servegen", "t", false, Facts{Requests: 5}); !strings.Contains(text, "this folder has none") {
		t.Error(text)
	}
}

func TestOfNumbers(t *testing.T) {
	n := Numbers{Service: "s", Requests: 50, Rate: 0.0123, GammaShape: 0.25, InputMean: 100.4, OutMean: 20, InputSD: 3, OutSD: math.NaN(), Files: []string{"a b.csv"}}
	text := OfNumbers(n)
	for _, want := range []string{"--request-rate 0.0123 --burstiness 0.250 --num-prompts 50", "--random-input-len 100 --random-output-len 20", "--arrival-smoothness 0.250",
		"--osl-stddev 0", "rate=0.0123", "convert --to mooncake --fill-hashes -o trace.jsonl 'a b.csv'"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	n.GammaShape = math.NaN()
	if text := OfNumbers(n); strings.Contains(text, "burstiness") || strings.Contains(text, "NaN") {
		t.Error(text)
	}
	n.InputMean = math.NaN()
	if text := OfNumbers(n); text != "" {
		t.Error(text)
	}
}

func TestFacts(t *testing.T) {
	var f Facts
	f.Add(&schemas.Request{ArrivalUS: 3_500_000, Outcome: schemas.Empty, Conversation: "c", PrefixHashes: []uint64{1}})
	f.Add(&schemas.Request{ArrivalUS: 1_000_000, Outcome: schemas.OK})
	if f != (Facts{Requests: 2, Failed: 1, Hashed: 1, Turns: 1, FirstUS: 1_000_000, LastUS: 3_500_000}) || f.seconds() != 3 {
		t.Errorf("%+v", f)
	}
}
