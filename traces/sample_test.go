package traces

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"tidegauge/schemas"
)

// TestSampleIsFixed pins the sample log: whoever runs the demo gets the numbers of the documentation.
func TestSampleIsFixed(t *testing.T) {
	var log bytes.Buffer
	n, err := WriteSample(&log, DefaultSampleConfig())
	if err != nil {
		t.Fatal(err)
	}
	const want = "b0981821e9f7ab9d"
	sum := sha256.Sum256(log.Bytes())
	if got := hex.EncodeToString(sum[:8]); n != 85_453 || got != want {
		t.Errorf("%d requests, SHA-256 %s…; want 85453 and %s…", n, got, want)
	}
	if lines := bytes.Count(log.Bytes(), []byte("\n")); lines != n {
		t.Errorf("%d lines for %d requests", lines, n)
	}
}

// TestSampleShape holds the sample to what it is for: a log on which every section of a report has something to say.
func TestSampleShape(t *testing.T) {
	c := DefaultSampleConfig()
	var last int64
	var requests, failures, afterFailure, runs int
	failed := false
	ids, models, turns := map[string]bool{}, map[string]int{}, map[string]int{}
	var hours [24]int
	for r := range Sample(c) {
		if _, err := r.Validate(); err != nil {
			t.Fatalf("request %s: %v", r.RequestID, err)
		}
		if r.ArrivalUS < last || r.ArrivalUS < c.Start.UnixMicro() || r.ArrivalUS >= c.Start.AddDate(0, 0, c.Days).UnixMicro() {
			t.Fatalf("request %s arrives at %d, after one at %d", r.RequestID, r.ArrivalUS, last)
		}
		if len(r.Labels) != 1 || r.Labels[0] != SyntheticLabel {
			t.Fatalf("request %s does not say that it is synthetic: %v", r.RequestID, r.Labels)
		}
		if ids[r.RequestID] {
			t.Fatalf("id %s twice", r.RequestID)
		}
		ids[r.RequestID] = true
		last = r.ArrivalUS
		requests++
		models[r.Model]++
		hours[r.ArrivalUS/(3600*schemas.SecondUS)%24]++
		if r.Conversation != "" {
			turns[r.Conversation]++
		}
		if r.Outcome.Failed() {
			failures++
			if failed {
				afterFailure++
			} else {
				runs++
			}
		}
		failed = r.Outcome.Failed()
	}
	several := 0
	for _, n := range turns {
		if n > 1 {
			several++
		}
	}
	share := float64(failures) / float64(requests)
	for what, fine := range map[string]bool{
		"two models":                        len(models) == 2,
		"60,000 to 100,000 requests":        requests > 60_000 && requests < 100_000,
		"1 to 6 % failures":                 share > 0.01 && share < 0.06,
		"failures in runs":                  float64(afterFailure)/float64(failures) > 5*share,
		"conversations of several turns":    several > 3_000,
		"four times the load at day's peak": hours[10] > 4*hours[3],
	} {
		if !fine {
			t.Errorf("not so: %s (%d requests, %d failures in %d runs, models %v, %d of %d conversations)", what, requests, failures,
				runs, models, several, len(turns))
		}
	}
}

func TestSampleSeeds(t *testing.T) {
	write := func(seed uint64) string {
		c := DefaultSampleConfig()
		c.Seed, c.Days = seed, 1
		var b bytes.Buffer
		if _, err := WriteSample(&b, c); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	first := write(1)
	if again := write(1); again != first {
		t.Error("one seed, two logs")
	}
	if write(2) == first {
		t.Error("two seeds, one log")
	}
}
