package replay_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tidegauge/traces/replay"
)

var update = flag.Bool("update", false, "write the golden files")

func TestTable(t *testing.T) {
	spread := func(n int64, s float64) replay.Spread {
		return replay.Spread{N: n, Mean: s * 1.2, P50: s, P90: 2 * s, P99: 5 * s, P999: 9 * s, Max: 20 * s}
	}
	s := &replay.Summary{
		Run: "20261128T083236-5181", Service: "replay", Target: "http://gpu-1:8000/v1", Started: time.Date(2026, 11, 28, 8, 32, 36, 0, time.UTC),
		Partial: true, Unsaved: 3, Seconds: 61,
		Requests: replay.Requests{Read: 123_456, WarmUp: 2000, Ended: 120_000, Sent: 119_990, Answered: 119_000, NotDue: 12, PerSecond: 1999.8},
		Schedule: replay.Schedule{Pace: 151.673654, DurationSeconds: 60, Error: spread(119_990, 0.01), Connect: spread(119_990, 0.0001), Connections: 1200, MostInFlight: 1150},
		Outcomes: map[string]int64{"ok": 119_000, "error": 800, "rate_limited": 190, "cancelled": 10},
		Failures: []replay.Failure{
			{Kind: "http_500", Outcome: "error", Count: 800, Example: "CUDA out of\nmemory. " + strings.Repeat("Tried to allocate 2.00 GiB. ", 5)},
			{Kind: "http_429", Outcome: "rate_limited", Count: 190}, {Kind: "max_in_flight", Outcome: "cancelled", Count: 10, Example: "as many"},
		},
		Tokens: replay.Tokens{Request: 12_000_000, Response: 2_400_000, ResponsePerSecond: 39_344, PromptsCounted: 119_000, Asked: 11_900_000, Counted: 13_328_000,
			FromPieces: 5, Unstreamed: 2},
		Latency: replay.Latency{TTFT: spread(119_000, 0.08), TTFTSent: spread(119_000, 0.07), TPOT: spread(118_000, 0.012), ITL: spread(2_281_000, 0.011),
			E2E: spread(119_000, 1.9), E2ESent: spread(119_000, 1.8)},
		Goodput: &replay.Goodput{Objectives: "ttft=500ms,tpot=50ms", Good: 110_000, Share: 0.91667, PerSecond: 1803.3},
	}
	var b strings.Builder
	if err := replay.WriteTable(&b, s); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "table.txt")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Error(d)
	}
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// TestTableOfNothing: a run that ends within its warm-up says why its numbers are empty.
func TestTableOfNothing(t *testing.T) {
	var b strings.Builder
	if err := replay.WriteTable(&b, &replay.Summary{Requests: replay.Requests{Read: 5, WarmUp: 5}}); err != nil || !strings.Contains(b.String(), "ended within the warm-up") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
