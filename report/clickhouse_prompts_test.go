package report_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tidegauge/schemas"
	"tidegauge/testenv"
)

const wholePrompts = "(service = 's', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000)"

// answers are requests of one prompt with the given response lengths.
func answers(log []schemas.Request, model, prompt string, maxTokens int64, lengths ...int64) []schemas.Request {
	for _, y := range lengths {
		var r schemas.Request
		r.Reset()
		r.Service, r.Model, r.PromptID, r.Outcome = "s", model, prompt, schemas.OK
		r.ArrivalUS, r.Seq, r.ResponseTokens, r.MaxTokens = 0, int64(len(log)), y, maxTokens
		r.RequestID = fmt.Sprint(len(log))
		log = append(log, r)
	}
	return log
}

func agree(a, b, relative float64) bool { return math.Abs(a-b) <= relative*math.Abs(b) }

// TestPromptLengths holds one prompt's numbers against METRICS' fixture, and the rules of degeneration at their edges.
func TestPromptLengths(t *testing.T) {
	testenv.Sequential(t)
	fixture := []int64{100, 120, 95, 300, 110, 105, 98, 130, 102, 115}
	log := answers(nil, "m", "fixture", schemas.Unknown, fixture...)
	log = answers(log, "m", "below the cap", schemas.Unknown, 14_998)
	log = answers(log, "m", "at the cap", schemas.Unknown, 14_999, 3)
	log = answers(log, "m", "at its own cap", 100, 99, 100, 98)
	log = answers(log, "m", "spread", schemas.Unknown, 1, 1, 1, 1, 1, 1, 1, 1, 1, 8_500)
	log = answers(log, "m", "spread, but short", schemas.Unknown, 1, 1, 1, 1, 1, 1, 1, 1, 1, 8_499)
	log = answers(log, "n", "", schemas.Unknown, 15_000) // names no prompt
	failed := answers(nil, "m", "fixture", schemas.Unknown, 15_000)[0]
	failed.Outcome, failed.RequestID = schemas.Error, "failed"
	db := filled(t, append(log, failed))
	ctx := t.Context()

	rows := make(map[any]row)
	for _, r := range rowsOf(t, ctx, db, "SELECT * FROM prompt_lengths"+wholePrompts) {
		rows[r["prompt_id"]] = r
	}
	if len(rows) != 6 {
		t.Fatalf("%d prompts", len(rows))
	}
	for name, want := range map[string]float64{"n": 10, "mean": 127.5, "p25": 100.5, "p50": 107.5, "p75": 118.75, "p99": 284.7,
		"min": 95, "max": 300, "at_cap": 0, "degenerate": 0} {
		if got := rows["fixture"].number(t, name); !agree(got, want, 1e-12) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if got := rows["fixture"].number(t, "std"); math.Round(got*100) != 5841 {
		t.Errorf("std is %v, want 58.41", got)
	}
	for prompt, want := range map[string][2]float64{"below the cap": {0, 0}, "at the cap": {1, 1}, "at its own cap": {2, 1},
		"spread": {0, 1}, "spread, but short": {0, 0}} {
		if r := rows[prompt]; r.number(t, "at_cap") != want[0] || r.number(t, "degenerate") != want[1] {
			t.Errorf("%s: %v at the cap, degenerate %v; want %v", prompt, r["at_cap"], r["degenerate"], want)
		}
	}

	// Between and within add up to the variance of all responses.
	var n, sum, squares float64
	for _, r := range log {
		if r.Model == "m" {
			y := float64(r.ResponseTokens)
			n, sum, squares = n+1, sum+y, squares+y*y
		}
	}
	split := rowsOf(t, ctx, db, "SELECT * FROM prompt_variance"+wholePrompts)
	if len(split) != 1 || split[0].number(t, "prompts") != 6 || split[0].number(t, "responses") != n {
		t.Fatalf("%v", split)
	}
	if got, want := split[0].number(t, "between")+split[0].number(t, "within"), squares/n-sum/n*sum/n; !agree(got, want, 1e-9) {
		t.Errorf("between and within add up to %v, the variance is %v", got, want)
	}
}

// TestPromptLengthsOfCASTILLO counts the degenerate prompts of the released test split.
func TestPromptLengthsOfCASTILLO(t *testing.T) {
	testenv.Sequential(t)
	data := os.Getenv("TIDEGAUGE_TEST_DATA")
	if data == "" {
		t.Skip("TIDEGAUGE_TEST_DATA is not set")
	}
	f, err := os.Open(filepath.Join(data, "castillo/test_lengths.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var log []schemas.Request
	for _, line := range lines[1:] {
		var lengths []int64
		for _, text := range strings.Fields(line[6]) {
			y, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			lengths = append(lengths, y)
		}
		log = answers(log, line[2], line[0], schemas.Unknown, lengths...)
	}
	got := rowsOf(t, t.Context(), filled(t, log), `SELECT count() AS prompts, countIf(degenerate) AS bad, countIf(at_cap > 0) AS by_cap,
		countIf(std > 2 * mean AND max >= 8500) AS by_spread, countIf(at_cap > 0 AND std > 2 * mean AND max >= 8500) AS by_both,
		sum(at_cap) AS answers_at_cap FROM prompt_lengths`+wholePrompts)[0]
	for name, want := range map[string]float64{"prompts": 14_121, "bad": 129, "by_cap": 128, "by_spread": 61, "by_both": 60, "answers_at_cap": 205} {
		if got.number(t, name) != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
}
