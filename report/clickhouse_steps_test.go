package report_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"tidegauge/report"
	"tidegauge/schemas"
	"tidegauge/stats"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// windowOf is a window's requests and what they come to by themselves, as a range of their own.
type windowOf struct {
	begin    int64 // seconds
	requests []schemas.Request
	want     report.Stream
}

// divide gives the windows of a stream; width 0 is one for all.
func divide(t testing.TB, log []schemas.Request, stream *report.Stream, width int64) []windowOf {
	t.Helper()
	by := map[int64][]schemas.Request{}
	for i := range log {
		if of(stream, &log[i]) {
			begin := int64(0)
			if width > 0 {
				begin = log[i].ArrivalUS / schemas.SecondUS / width * width
			}
			by[begin] = append(by[begin], log[i])
		}
	}
	var out []windowOf
	for _, begin := range slices.Sorted(maps.Keys(by)) {
		s := summarise(t, by[begin])
		out = append(out, windowOf{begin, by[begin], s.Services[0].Streams[0]})
	}
	return out
}

// TestWindowViews computes every window of a stream from its requests alone, and holds the views' rows against that. It
// has ClickHouse compile expressions at once, as it does with those that come often: 26.7 then computes some otherwise.
func TestWindowViews(t *testing.T) {
	testenv.Sequential(t)
	compiled := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{
		"compile_expressions": 1, "min_count_to_compile_expression": 0, "min_count_to_compile_aggregate_expression": 0}))
	for n := range testenv.Times(2, 30) {
		seed := uint64(9 * n)
		log := randomLog(seed)
		for i := range log {
			log[i].Service = "one"
		}
		db := filled(t, log)
		log = distinct(log)
		slices.SortFunc(log, func(a, b schemas.Request) int {
			return cmp.Or(cmp.Compare(a.ArrivalUS, b.ArrivalUS), cmp.Compare(a.Seq, b.Seq),
				cmp.Compare(schemas.IDHash(a.RequestID), schemas.IDHash(b.RequestID)), cmp.Compare(a.Content(), b.Content()))
		})
		model := log[0].Model
		for _, stream := range []*report.Stream{{}, {Model: &model}} {
			for _, width := range []int64{0, 300, 1200, 86400} {
				if testing.Short() && (seed > 0 || width == 1200) {
					continue
				}
				t.Run(fmt.Sprintf("%d/%v/%d", seed, stream.Model != nil, width), func(t *testing.T) {
					v := windowViews{db: db, ctx: compiled, log: log, stream: stream, width: width, windows: divide(t, log, stream, width)}
					v.sections(t)
					v.flights(t)
					v.histogram(t)
					v.requests(t)
				})
			}
		}
	}
}

// windowViews is one test of the views over windows.
type windowViews struct {
	db      *storage.DB
	ctx     context.Context
	log     []schemas.Request // distinct, in order
	stream  *report.Stream
	width   int64
	windows []windowOf
}

func (v *windowViews) rows(t testing.TB, view, more string) []row {
	t.Helper()
	model := "NULL"
	if v.stream.Model != nil {
		model = "'" + *v.stream.Model + "'"
	}
	return rowsOf(t, v.ctx, v.db, fmt.Sprintf("SELECT toInt64(window_start) AS begin, * FROM %s(service = 'one', model = %s, log_type = NULL, from_us = 0, to_us = %d, step_s = %d%s)",
		view, model, int64(schemas.MaxArrivalUS), v.width, more))
}

// byWindow is rows with one row for each window, in order.
func (v *windowViews) byWindow(t testing.TB, view, more string) []row {
	t.Helper()
	rows := v.rows(t, view, more)
	if len(rows) != len(v.windows) {
		t.Fatalf("%s has %d windows, want %d", view, len(rows), len(v.windows))
	}
	for i, w := range v.windows {
		if got := rows[i].number(t, "begin"); got != float64(w.begin) {
			t.Fatalf("window %d of %s begins at %v, want %d", i, view, got, w.begin)
		}
	}
	return rows
}

func (v *windowViews) what(view string, i int) string {
	return fmt.Sprintf("%s, window %d", view, v.windows[i].begin)
}

func (v *windowViews) sections(t *testing.T) {
	for _, view := range []string{"arrivals", "lengths", "outcomes", "latency"} {
		for i, r := range v.byWindow(t, view, "") {
			s := &v.windows[i].want
			checks := viewChecks(s)[view]
			if view == "lengths" {
				checks = append(checks, check{"lag1", lag1(v.windows[i].requests), 1e-7, 1})
			}
			if view == "arrivals" {
				rate := s.Arrivals.Rate
				if v.width > 0 {
					rate = report.Number(s.Requests) / report.Number(v.width)
				}
				checks = append(checks, exact("rate", rate))
			}
			checkRow(t, v.what(view, i), r, checks)
		}
	}
}

// lag1 is Pearson's correlation of ln y with the one before, in two passes over the values themselves.
func lag1(requests []schemas.Request) report.Number {
	var logs []float64
	for i := range requests {
		if r := &requests[i]; r.Outcome == schemas.OK && r.RequestTokens >= 0 && r.ResponseTokens > 0 {
			logs = append(logs, math.Log(float64(r.ResponseTokens)))
		}
	}
	if len(logs) < 3 {
		return report.Null
	}
	return report.Number(stats.Pearson(logs[:len(logs)-1], logs[1:]))
}

func (v *windowViews) flights(t *testing.T) {
	means, peaks := v.byWindow(t, "in_flight", ""), v.byWindow(t, "in_flight_peak", "")
	for i, w := range v.windows {
		begin, end := w.begin*schemas.SecondUS, (w.begin+v.width)*schemas.SecondUS
		if v.width == 0 {
			end = schemas.MaxArrivalUS
		}
		mean, peak := flights(v.log, v.stream, begin, end, v.width)
		if !mean.Defined() && means[i].number(t, "in_flight_mean") == 0 {
			mean, peak = 0, 0 // requests before this window know nothing, later ones do
		}
		checkRow(t, v.what("in_flight", i), means[i], []check{exact("in_flight_mean", mean)})
		checkRow(t, v.what("in_flight_peak", i), peaks[i], []check{exact("in_flight_peak", peak)})
	}
}

func (v *windowViews) histogram(t *testing.T) {
	got := map[int64]*stats.Histogram{}
	for _, r := range v.rows(t, "gap_histogram", "") {
		begin := int64(r.number(t, "begin"))
		if got[begin] == nil {
			got[begin] = &stats.Histogram{}
		}
		h, bucket, n := got[begin], r.number(t, "bucket"), uint64(r.number(t, "count"))
		if math.IsNaN(bucket) {
			h.Zeros = n
			continue
		}
		h.Buckets, h.Counts = append(h.Buckets, int16(bucket)), append(h.Counts, n)
	}
	for i, w := range v.windows {
		var a stats.Accumulator
		for i := range w.requests[1:] {
			a.Add(uint64(w.requests[i+1].ArrivalUS - w.requests[i].ArrivalUS))
		}
		want, have := a.Histogram(), got[w.begin]
		if have == nil {
			have = &stats.Histogram{}
		}
		if want.Zeros != have.Zeros || !slices.Equal(want.Buckets, have.Buckets) || !slices.Equal(want.Counts, have.Counts) {
			t.Errorf("%s: %v, want %v", v.what("gap_histogram", i), *have, want)
		}
	}
}

// requests holds the views that read requests, and the joint grid, against simple counting.
func (v *windowViews) requests(t *testing.T) {
	got := map[string]map[string]float64{}
	take := func(view, more string, key func(row) string, value string) {
		t.Helper()
		got[view] = map[string]float64{}
		for _, r := range v.rows(t, view, more) {
			got[view][fmt.Sprint(int64(r.number(t, "begin")), " ", key(r))] = r.number(t, value)
		}
	}
	take("length_profile", "", func(r row) string { return fmt.Sprint(r["from"]) }, "n")
	take("length_joint", "", func(r row) string { return fmt.Sprint(r["request_bucket"], r["response_bucket"]) }, "count")
	take("error_types", "", func(r row) string { return fmt.Sprint(r["outcome"], r["error_type"], r["status_code"]) }, "requests")
	take("goodput", ", elapsed_s = 3, ttft_s = 0.5, tpot_s = 0.05", func(row) string { return "" }, "good_requests")

	want := map[string]map[string]float64{"length_profile": {}, "length_joint": {}, "error_types": {}, "goodput": {}}
	for _, w := range v.windows {
		want["goodput"][fmt.Sprint(w.begin, " ")] = 0
		for i := range w.requests {
			r := &w.requests[i]
			x, y := r.RequestTokens, r.ResponseTokens
			if r.Outcome == schemas.OK && x >= 0 && y > 0 {
				bucket := 255.
				if x > 0 {
					bucket = math.Floor(8 * math.Log2(float64(x)))
				}
				want["length_profile"][fmt.Sprint(w.begin, " ", report.ProfileBin(x))]++
				want["length_joint"][fmt.Sprint(w.begin, " ", bucket, math.Floor(8*math.Log2(float64(y))))]++
			}
			if r.Outcome != schemas.OK {
				status := math.NaN()
				if r.StatusCode >= 0 {
					status = float64(r.StatusCode)
				}
				want["error_types"][fmt.Sprint(w.begin, " ", fmt.Sprint(r.Outcome, r.ErrorType, status))]++
			}
			paced := r.TTFTUS >= 0 && r.ElapsedUS >= r.TTFTUS && y > 1
			if r.Outcome == schemas.OK && r.ElapsedUS >= 0 && r.ElapsedUS <= 3e6 && r.TTFTUS >= 0 && r.TTFTUS <= 5e5 &&
				(paced && float64(r.ElapsedUS-r.TTFTUS) <= 0.05*1e6*float64(y-1) || y == 0 || y == 1) {
				want["goodput"][fmt.Sprint(w.begin, " ")]++
			}
		}
	}
	for view := range want {
		if !maps.Equal(got[view], want[view]) {
			t.Errorf("%s: got %d entries, want %d; %s", view, len(got[view]), len(want[view]), firstDifference(got[view], want[view]))
		}
	}
}

func firstDifference(got, want map[string]float64) string {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got[key] != want[key] {
			return fmt.Sprintf("%q is %v, want %v", key, got[key], want[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			return fmt.Sprintf("%q should not be there", key)
		}
	}
	return ""
}

// TestActiveConversations counts, minute by minute and in wider windows, what the view counts at its ends.
func TestActiveConversations(t *testing.T) {
	testenv.Sequential(t)
	log := randomLog(3)
	for i := range log {
		log[i].Service = "one"
	}
	db := filled(t, log)
	first, last := map[string]int64{}, map[string]int64{}
	var times []int64
	for i := range log {
		if c := log[i].Conversation; c != "" {
			if at, ok := first[c]; !ok || log[i].ArrivalUS < at {
				first[c] = log[i].ArrivalUS
			}
			last[c] = max(last[c], log[i].ArrivalUS)
			times = append(times, log[i].ArrivalUS)
		}
	}
	if len(first) == 0 {
		t.Fatal("a log without conversations")
	}
	slices.Sort(times)
	from, to := times[len(times)/4], times[len(times)*3/4]
	for _, step := range []int64{60, 300, 0} {
		width := step * schemas.SecondUS
		if step == 0 {
			width = math.MaxInt64
		}
		want := map[int64]float64{}
		for c := range first {
			if last[c] < up(from) || first[c] >= up(to) {
				continue
			}
			for w := max(first[c], up(from)) / width; w <= min(last[c], up(to)-1)/width; w++ {
				begin := w * step
				if step == 0 {
					begin = up(from) / schemas.SecondUS
				}
				want[begin]++
			}
		}
		got := map[int64]float64{}
		for _, r := range rowsOf(t, t.Context(), db, fmt.Sprintf(
			"SELECT toInt64(window_start) AS begin, active_conversations FROM active_conversations(service = 'one', from_us = %d, to_us = %d, step_s = %d)", from, to, step)) {
			got[int64(r.number(t, "begin"))] = r.number(t, "active_conversations")
		}
		if !maps.Equal(got, want) {
			t.Errorf("step %d: %d windows, want %d", step, len(got), len(want))
		}
	}
	if n := rowsOf(t, t.Context(), db, fmt.Sprintf(
		"SELECT count() AS n, sum(length(intervals)) AS intervals, (SELECT count() FROM conversation_intervals(service = 'one', from_us = 0, to_us = %[1]d)) AS rows FROM conversations_view(service = 'one', from_us = 0, to_us = %[1]d)",
		int64(schemas.MaxArrivalUS))); n[0].number(t, "n") != float64(len(first)) || n[0]["intervals"] != n[0]["rows"] {
		t.Errorf("%v, want %d conversations", n, len(first))
	}
}
