package doctor_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidegauge/doctor"
	"tidegauge/ingest"
	"tidegauge/schemas"
)

var update = flag.Bool("update", false, "write the golden files")

// now is a moment after all the logs.
const now = 1_800_000_000 * schemas.SecondUS

// examine reads a text as ingest does.
func examine(t *testing.T, format, text string) *doctor.Diagnosis {
	t.Helper()
	e := doctor.New(now)
	r, err := ingest.NewReader(ingest.ReaderConfig{Format: format, OnError: ingest.Skip,
		Refused: func(l *ingest.LineError) { e.Refuse(l.File, l.Line, l.Field, l.Reason) }},
		[]ingest.Source{ingest.ReaderSource("log", strings.NewReader(text))})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		b, err := r.Next(t.Context())
		if err == io.EOF {
			s := r.Stats()
			return e.Diagnose(doctor.Totals{Refused: s.Refused, Other: s.Other, Repeated: s.Repeated, CutDurations: s.CutDurations})
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Requests {
			e.Add(&b.Requests[i], b.Source, b.Format, b.Lines[i])
		}
	}
}

// lines makes a canonical log of n lines, about a second apart; change adds to one, as JSON members.
func lines(n int, change func(i int) string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"service":"s","model":"m","request_id":"r%d","arrival_us":%d,"outcome":"ok","request_tokens":%d,"response_tokens":%d%s}`+"\n",
			i, 1_700_000_000_000_000+int64(i)*1_000_000+int64(i*i%97), 100+i%7, 50+i%5, change(i))
	}
	return b.String()
}

func codes(d *doctor.Diagnosis) (out []string) {
	for _, f := range d.Findings {
		out = append(out, f.Level+" "+f.Code)
	}
	return out
}

// TestFindings: each of the mistakes that logs have, and nothing else, is found.
func TestFindings(t *testing.T) {
	always := func(s string) func(int) string { return func(int) string { return s } }
	for _, test := range []struct {
		name, format, text string
		want               []string
	}{
		{"nothing wrong", "", lines(20, always(`,"elapsed_us":2000000,"ttft_us":300000`)), nil},
		{"a first token after the end", "", lines(20, always(`,"elapsed_us":2000000,"ttft_us":3000000`)), []string{"wrong ttft_after_end"}},
		{"one of many", "", lines(200, func(i int) string {
			return fmt.Sprintf(`,"elapsed_us":2000000,"ttft_us":%d`, 300000+i/199*9000000)
		}), []string{"note ttft_after_end"}},
		{"seconds in the place of milliseconds", "", lines(20, always(`,"elapsed_us":2000`)), []string{"wrong elapsed_too_short"}},
		{"milliseconds in the place of seconds", "", lines(20, always(`,"elapsed_us":2000000000`)), []string{"wrong elapsed_too_long"}},
		{"cut", "", lines(20, always(`,"elapsed_us":200000000000`)), []string{"wrong elapsed_too_long", "wrong cut_durations"}},
		{"a log of 1970", "", `{"service":"s","model":"m","request_id":"a","arrival_us":19440110000000,"outcome":"ok"}`, []string{"note own_origin"}},
		{"arrivals in milliseconds", "", `{"service":"s","model":"m","request_id":"a","arrival_us":1700000000123,"outcome":"ok"}`, []string{"wrong arrivals_before_2000"}},
		{"arrivals in the future", "", `{"service":"s","model":"m","request_id":"a","arrival_us":1900000000000000,"outcome":"ok"}`, []string{"wrong arrivals_in_future"}},
		{"a trace's own clock", "mooncake", `{"timestamp":1,"input_length":5,"output_length":1}`, []string{"note own_origin", "note ids_made"}},
		{"a clock that jumps", "", lines(3, always("")) + strings.ReplaceAll(lines(1, always("")), "r0", "x") + strings.Replace(strings.ReplaceAll(lines(1, always("")), "r0", "y"), "17000", "16999", 1), []string{"wrong clock_jumps_back"}},
		{"written at the end", "", lines(3, always("")) + strings.ReplaceAll(lines(1, always("")), "r0", "x"), []string{"note out_of_order"}},
		{"whole seconds", "mooncake", strings.Repeat(`{"timestamp":3000,"input_length":5}`+"\n", 10) + `{"timestamp":9000,"input_length":5}`, []string{"note own_origin", "note coarse_clock", "note ids_made"}},
		{"twice", "", lines(3, always("")) + lines(1, always("")), []string{"note out_of_order", "note duplicates"}},
		{"two of one id", "", lines(1, always("")) + lines(1, always(`,"client":"c"`)), []string{"wrong conflicting_ids"}},
		{"none failed", "", lines(1000, always("")), []string{"note no_failures"}},
		{"conversations of one", "", lines(600, func(i int) string { return fmt.Sprintf(`,"conversation":"c%d"`, i) }), []string{"wrong conversations_of_one"}},
		{"more cached than asked", "", lines(20, always(`,"cached_tokens":5000`)), []string{"wrong cached_above_request"}},
		{"reasoning left out", "", lines(20, always(`,"reasoning_tokens":5000`)), []string{"wrong reasoning_above_response"}},
		{"many labels", "", lines(1100, func(i int) string { return fmt.Sprintf(`,"labels":{"user":"u%d"}`, i) }), []string{"note no_failures", "note many_label_values"}},
		{"a benchmark", "azure", "TIMESTAMP,ContextTokens,GeneratedTokens\n" + strings.Repeat("2023-11-16 18:15:46.1,10,44\n", 100), []string{"note zero_gaps", "note ids_made", "note constant_tokens", "note constant_tokens"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := examine(t, test.format, test.text)
			if diff := cmp.Diff(test.want, codes(d)); diff != "" {
				t.Errorf("%s\n%+v", diff, d.Findings)
			}
			wrong := slices.ContainsFunc(test.want, func(s string) bool { return strings.HasPrefix(s, doctor.Wrong) })
			if d.Healthy() == wrong {
				t.Errorf("healthy is %t", d.Healthy())
			}
		})
	}
}

func TestFields(t *testing.T) {
	d := examine(t, "", lines(100, func(i int) string {
		switch {
		case i < 10:
			return `,"ttft_us":1000000,"conversation":"c"`
		case i < 30:
			return `,"ttft_us":4000000`
		}
		return ""
	}))
	f := d.Field("ttft")
	if f.Known != 30 || f.Of != 100 || *f.Min != 1e6 || *f.Max != 4e6 || *f.Median < 3.96e6 || f.Costs == "" || f.Enough() {
		t.Errorf("%+v", f)
	}
	if f := d.Field("conversation"); f.Known != 10 || f.Distinct != 1 || f.Costs != "" || !f.Enough() {
		t.Errorf("%+v", f)
	}
	if f := d.Field("error_type"); f.Of != 0 || f.Costs != "" || !f.Enough() {
		t.Errorf("%+v", f)
	}
	want := []doctor.Section{{Name: "Arrivals", Have: "part", Why: "no elapsed: in_flight"}, {Name: "Conversations", Have: "all"},
		{Name: "Lengths", Have: "all"}, {Name: "Failures", Have: "part", Why: "none failed"},
		{Name: "Latency", Have: "part", Why: "no elapsed; ttft of 30 %"}}
	if diff := cmp.Diff(want, d.Sections); diff != "" {
		t.Error(diff)
	}
}

// TestTable: what a person sees of a log with a little of everything.
func TestTable(t *testing.T) {
	var b strings.Builder
	for i := range 300 {
		end := 1_700_000_000.0 + float64(i) + 2.5
		if i%100 == 50 {
			fmt.Fprintf(&b, `{"id":"x%d","call_type":"completion","model":"m","startTime":"yesterday%d"}`+"\n", i, i)
			continue
		}
		status, conversation := "success", ""
		if i%50 == 3 {
			status = "failure"
		}
		if i%3 == 0 {
			conversation = fmt.Sprintf(`"session_id":"c%d"`, i/30)
		}
		fmt.Fprintf(&b, `{"id":"x%d","call_type":"acompletion","model":"m-%d","model_group":"chat","status":%q,"startTime":%.3f,"endTime":%.3f,"completionStartTime":%.3f,"prompt_tokens":%d,"completion_tokens":%d,"metadata":{"user_api_key_team_alias":"search","requester_metadata":{%s}}}`+"\n",
			i, i%2, status, end-2.5, end, end, 100+i, 40+i%9, conversation)
	}
	d := examine(t, "", b.String())
	var out strings.Builder
	if err := doctor.WriteTable(&out, d, doctor.TableOptions{}); err != nil {
		t.Fatal(err)
	}
	const path = "testdata/table.txt"
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Error(diff)
	}
	var colour strings.Builder
	if err := doctor.WriteTable(&colour, d, doctor.TableOptions{Colour: true}); err != nil || !strings.Contains(colour.String(), "\x1b[31m✗\x1b[0m") {
		t.Error(err)
	}
}
