package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fastjson"

	"tidegauge/schemas"
)

// TestWorkload: the same seed gives the same requests, in order, of about the size that was compared elsewhere, each
// partition with one of the services.
func TestWorkload(t *testing.T) {
	const n = 100_000
	read := func() (requests []schemas.Request) {
		if err := defaultWorkload().minutes(n, func(batch []schemas.Request) error {
			requests = append(requests, batch...)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return requests
	}
	requests := read()
	if len(requests) != n {
		t.Fatalf("%d requests instead of %d", len(requests), n)
	}
	if again := read(); !slices.EqualFunc(requests, again, func(a, b schemas.Request) bool { return a.Content() == b.Content() }) {
		t.Error("the same seed gave other requests")
	}
	size := 0
	last, partitions := map[string]int64{}, map[int]string{}
	for i := range requests {
		r := &requests[i]
		size += len(schemas.AppendJSON(nil, r))
		if _, err := r.Validate(); err != nil {
			t.Fatal(err)
		}
		if r.ArrivalUS < last[r.Service] {
			t.Fatalf("%s goes back in time at its request %s", r.Service, r.RequestID)
		}
		last[r.Service] = r.ArrivalUS
		p := schemas.Partition(r.Service, 12)
		if other, ok := partitions[p]; ok && other != r.Service {
			t.Fatalf("%s and %s share partition %d", other, r.Service, p)
		}
		partitions[p] = r.Service
	}
	if len(partitions) != 12 {
		t.Errorf("%d of 12 partitions have requests", len(partitions))
	}
	if mean := size / n; mean < 207 || mean > 227 {
		t.Errorf("a request has %d bytes, not about 217", mean)
	}
}

// TestRivalsReadTheSame: what the two programs written by hand take from a record is the same, so that neither is fast
// by leaving something out.
func TestRivalsReadTheSame(t *testing.T) {
	columns := newRows()
	var parser fastjson.Parser
	var want []record
	if err := defaultWorkload().minutes(5_000, func(batch []schemas.Request) error {
		for i := range batch {
			text := schemas.AppendJSON(nil, &batch[i])
			if err := columns.append(&parser, text); err != nil {
				return err
			}
			var r record
			if err := json.Unmarshal(text, &r); err != nil {
				return err
			}
			want = append(want, r)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	name := func(c *lowCardinality, row int) string { return c.index.Row(int(c.column.Keys8[row])) }
	var got []record
	for i := range columns.seq {
		r := record{
			Service: name(&columns.service, i), Model: name(&columns.model, i), LogType: name(&columns.logType, i),
			Conversation: columns.conversation.Row(i), RequestID: columns.requestID.Row(i), Seq: columns.seq[i],
			ArrivalUS: columns.arrivalUS[i], RequestTokens: columns.requestTokens[i], ResponseTokens: columns.responseTokens[i],
			ElapsedUS: columns.elapsedUS[i], TTFTUS: columns.ttftUS[i],
		}
		for text, outcome := range outcomes {
			if outcome == columns.outcome[i] {
				r.Outcome = text
			}
		}
		got = append(got, r)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestBurstFile: the file that stands in for BurstGPT's has its header and as many rows as were asked for.
func TestBurstFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "burst.csv")
	if err := writeBurst(path, 1_000); err != nil {
		t.Fatal(err)
	}
	rows, _, err := countRows(path)
	if err != nil || rows != 1_000 {
		t.Fatalf("%d rows, %v", rows, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Count(line, ",") != 7 {
			t.Fatalf("not BurstGPT's second release: %q", line)
		}
	}
}

// TestAgree: a script's number that differs is found.
func TestAgree(t *testing.T) {
	const summary = `{"services":[{"streams":[{"requests":10,"arrivals":{"gap_cv":2,"gamma_shape":0.25},
		"lengths":{"slope":0.5,"intercept":7},"failures":{"failure_rate":0.1}}]}]}`
	script := func(slope string) string {
		return `{"|":{"requests":10,"gap_cv":2,"gamma_shape":0.25,"slope":` + slope + `,"intercept":7,"failure_rate":0.1}}`
	}
	if err := agree([]byte(summary), []byte(script("0.50000001"))); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{script("0.501"), "{}"} {
		if agree([]byte(summary), []byte(wrong)) == nil {
			t.Errorf("%s passes", wrong)
		}
	}
}
