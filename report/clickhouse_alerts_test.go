package report_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"tidegauge/report"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// The views for alerts are held against what this file works out from the requests, one by one and in the plainest way.

const (
	hourUS   = 60 * schemas.MinuteUS
	weekUS   = 7 * 24 * hourUS
	burstUS  = 300 * schemas.SecondUS
	alertsAt = 2800 * weekUS // an hour of the week begins here
)

// alertsLog has requests of two services around the same hours of six weeks, with what is just inside or outside of some limit:
// windows with about ten gaps, conversations with pauses of about an hour, requests that end where a minute does, and others
// that last a day.
func alertsLog(seed uint64) (log []schemas.Request) {
	r := rand.New(rand.NewPCG(seed, 2))
	failing := false
	for week := range int64(6) {
		for at := int64(-3 * hourUS); at < 3*hourUS; {
			at += r.Int64N(50_000_000)
			if r.IntN(4) == 0 { // a burst
				at -= min(at+3*hourUS, r.Int64N(60_000_000))
			}
			var q schemas.Request
			q.Reset()
			q.Service, q.Model, q.LogType = []string{"one", "one", "two"}[r.IntN(3)], []string{"a", "b"}[r.IntN(2)], []string{"", "api"}[r.IntN(2)]
			q.ArrivalUS, q.RequestID = alertsAt-week*weekUS+at, fmt.Sprint("id", len(log))
			if r.IntN(10) == 0 { // a tie
				q.ArrivalUS = q.ArrivalUS / schemas.MinuteUS * schemas.MinuteUS
			}
			if r.IntN(4) > 0 {
				q.ElapsedUS = r.Int64N(1 << r.IntN(37))
			}
			switch r.IntN(20) {
			case 0: // ends with a minute, or just before
				q.ElapsedUS = schemas.MinuteUS - q.ArrivalUS%schemas.MinuteUS - r.Int64N(2)
			case 1:
				q.ElapsedUS = schemas.MaxElapsedUS
			}
			q.ElapsedUS = min(q.ElapsedUS, schemas.MaxElapsedUS)
			if q.ElapsedUS > 0 && r.IntN(2) == 0 {
				q.TTFTUS = r.Int64N(q.ElapsedUS)
			}
			q.RequestTokens, q.ResponseTokens = r.Int64N(1000), 1+r.Int64N(100)
			if r.IntN(3) > 0 {
				q.Conversation = fmt.Sprint("c", r.IntN(80))
				if week == 0 && at >= 0 && at < hourUS { // conversations stall
					q.Conversation = q.RequestID
				}
			}
			if failing = failing != (r.IntN(20) == 0); (failing && r.IntN(20) > 0) || r.IntN(10) == 0 {
				q.Outcome, q.StatusCode = schemas.Outcome(2+r.IntN(schemas.Outcomes-2)), []int32{schemas.Unknown, 399, 400, 499, 500}[r.IntN(5)]
			} else {
				q.Outcome = schemas.OK
			}
			log = append(log, q)
			if q.Conversation != "" && r.IntN(4) == 0 { // a turn just before, at or after the end of an hour
				q.ArrivalUS, q.RequestID = q.ArrivalUS+hourUS-1+r.Int64N(3), fmt.Sprint("again", len(log))
				log = append(log, q)
			}
		}
	}
	return append(log, log[:20]...)
}

// alerts is a test of the views for alerts.
type alerts struct {
	*testing.T
	db       *storage.DB
	log      []schemas.Request // distinct, in order
	from, to int64             // as asked
}

// low and high are the range in whole minutes.
func (a alerts) low() int64  { return up(a.from) }
func (a alerts) high() int64 { return up(a.to) }

func (a alerts) rows(view, arguments string) []row {
	return rowsOf(a.T, a.Context(), a.db, fmt.Sprintf("SELECT * REPLACE (%s) FROM %s(%s)", windowAsNumber(view), view,
		fmt.Sprintf(arguments, a.from, a.to)))
}

// windowAsNumber makes times seconds.
func windowAsNumber(view string) string {
	switch view {
	case "late_data":
		return "toInt64(minute) AS minute"
	case "failure_runs_view":
		return "toString(outcome) AS outcome"
	case "fault_burn", "burst_baseline", "burst_services", "conversation_stall", "storing_delay", "dead_letter_counts":
		return "toInt64(window_start) AS window_start"
	}
	return "toString(service) AS service"
}

// want holds a view's rows against those that are expected, by their key.
func (a alerts) want(what, key string, got []row, want map[string][]check) {
	a.Helper()
	if len(got) != len(want) {
		a.Errorf("%s: %d rows, want %d", what, len(got), len(want))
	}
	for _, r := range got {
		k := fmt.Sprint(r[key])
		if f, ok := r[key].(float64); ok {
			k = fmt.Sprint(int64(f))
		}
		checks, ok := want[k]
		if !ok {
			a.Errorf("%s: row %s should not be there", what, k)
			continue
		}
		checkRow(a, what+" "+k, r, checks)
	}
}

// of gives the distinct requests of a stream ("" is all) in order.
func (a alerts) of(service, model string) (out []schemas.Request) {
	for _, r := range a.log {
		if r.Service == service && (model == "" || r.Model == model) {
			out = append(out, r)
		}
	}
	return out
}

func ratio(a, b int64) report.Number {
	if b == 0 {
		return report.Null
	}
	return report.Number(float64(a) / float64(b))
}

// windowOfRange is the begin of the window that a time lies in, in seconds, and how many minutes of it are in the range.
func (a alerts) windowOfRange(us, step int64) (begin int64, minutes float64) {
	if step == 0 {
		return a.low() / schemas.SecondUS, float64(a.high()-a.low()) / schemas.MinuteUS
	}
	begin = us / schemas.SecondUS / step * step
	width := min(a.high(), (begin+step)*schemas.SecondUS) - max(a.low(), begin*schemas.SecondUS)
	return begin, float64(width) / schemas.MinuteUS
}

func (a alerts) faultBurn(service, model string, step int64) map[string][]check {
	type counts struct{ requests, faults, considered int64 }
	by := map[int64]*counts{}
	for _, r := range a.of(service, model) {
		end := r.ArrivalUS + max(r.ElapsedUS, 0)
		if end < a.low() || end >= a.high() {
			continue
		}
		begin, _ := a.windowOfRange(end, step)
		if by[begin] == nil {
			by[begin] = &counts{}
		}
		by[begin].requests++
		if schemas.Fault(r.Outcome, r.StatusCode) {
			by[begin].faults++
		}
		if schemas.Judged(r.Outcome, r.StatusCode) {
			by[begin].considered++
		}
	}
	want := map[string][]check{}
	for begin, c := range by {
		want[fmt.Sprint(begin)] = []check{exact("requests", c.requests), exact("faults", c.faults), exact("considered", c.considered),
			exact("fault_rate", ratio(c.faults, c.considered))}
	}
	return want
}

// burst is a window of 300 s by its number.
type burst struct{ cv, p99, baseline, above, run float64 }

// bursts works out every window of the range from the arrivals.
func (a alerts) bursts(service, model string, low, high int64) map[int64]burst {
	arrivals, cvs := map[int64][]int64{}, map[int64]float64{}
	for _, r := range a.of(service, model) {
		w := r.ArrivalUS / burstUS
		arrivals[w] = append(arrivals[w], r.ArrivalUS)
	}
	for w, us := range arrivals {
		cvs[w] = math.NaN()
		var sum, squares float64
		for i := range us[1:] {
			sum += float64(us[i+1] - us[i])
		}
		n := float64(len(us) - 1)
		for i := range us[1:] {
			squares += math.Pow(float64(us[i+1]-us[i])-sum/n, 2)
		}
		if n >= 10 && sum > 0 {
			cvs[w] = math.Sqrt(squares/n) / (sum / n)
		}
	}
	out, run := map[int64]burst{}, 0.
	for w := (low + burstUS - 1) / burstUS; w < high/burstUS; w++ {
		cv, there := cvs[w]
		if !there {
			run = 0
			continue
		}
		var baseline []float64
		for other, v := range cvs {
			weeks := (w/12 - other/12) / 168
			if (w/12-other/12)%168 == 0 && weeks >= 1 && weeks <= 4 && !math.IsNaN(v) {
				baseline = append(baseline, v)
			}
		}
		slices.Sort(baseline)
		b := burst{cv: cv, p99: math.NaN(), baseline: float64(len(baseline))}
		if len(baseline) > 0 {
			at := 0.99 * float64(len(baseline)-1)
			i := int(at)
			b.p99 = baseline[i] + (at-float64(i))*(baseline[min(i+1, len(baseline)-1)]-baseline[i])
		}
		if len(baseline) >= 12 && cv > b.p99 {
			b.above = 1
		}
		run = (run + 1) * b.above
		b.run = run
		out[w] = b
	}
	return out
}

func (b burst) checks() []check {
	return []check{exact("gap_cv", b.cv), exact("baseline_p99", b.p99), exact("baseline_windows", b.baseline), exact("above", b.above), exact("run", b.run)}
}

func (a alerts) burstBaseline(service, model string) map[string][]check {
	want := map[string][]check{}
	for w, b := range a.bursts(service, model, a.low(), a.high()) {
		want[fmt.Sprint(w*300)] = b.checks()
	}
	return want
}

// stall counts turn by turn, looking at all turns of the conversation.
func (a alerts) stall(service string, step int64) map[string][]check {
	talks := map[string][]int64{}
	for _, r := range a.of(service, "") {
		if r.Conversation != "" {
			talks[r.Conversation] = append(talks[r.Conversation], r.ArrivalUS)
		}
	}
	type counts struct {
		followed, before, started int64
		minutes                   float64
	}
	by := map[int64]*counts{}
	for _, turns := range talks {
		began := int64(math.MinInt64 / 2)
		for i, t := range turns {
			starts := i == 0 || t-turns[i-1] > hourUS
			if starts {
				began = t
			}
			for _, past := range []int64{0, weekUS} {
				if t+past < a.low() || t+past >= a.high() {
					continue
				}
				begin, minutes := a.windowOfRange(t+past, step)
				if by[begin] == nil {
					by[begin] = &counts{minutes: minutes}
				}
				switch c := by[begin]; {
				case starts && past == 0:
					c.started++
				case !starts && t-began < hourUS && past == 0:
					c.followed++
				case !starts && t-began < hourUS:
					c.before++
				}
			}
		}
	}
	want := map[string][]check{}
	for begin, c := range by {
		if c.followed+c.before+c.started == 0 {
			continue
		}
		stalled := int64(0)
		if c.started > 0 && c.before >= 10 && float64(c.followed) < float64(c.before)/5 {
			stalled = 1
		}
		want[fmt.Sprint(begin)] = []check{exact("turns", float64(c.followed)/c.minutes), exact("expected_turns", float64(c.before)/c.minutes),
			exact("started", c.started), exact("ratio", ratio(c.followed, c.before)), exact("stalled", stalled)}
	}
	return want
}

func (a alerts) failureRuns(service, model string) (want []string) {
	var run []schemas.Request
	end := func() {
		if len(run) >= 10 {
			want = append(want, fmt.Sprint(run[0].ArrivalUS, run[len(run)-1].ArrivalUS, len(run), " ", run[0].Outcome))
		}
		run = nil
	}
	for _, r := range a.of(service, model) {
		if r.ArrivalUS < a.low() || r.ArrivalUS >= a.high() {
			continue
		}
		if !r.Outcome.Failed() {
			end()
			continue
		}
		run = append(run, r)
	}
	end()
	return want
}

// newAlerts fills a database with a log.
func newAlerts(t *testing.T, log []schemas.Request) alerts {
	a := alerts{T: t, db: filled(t, log), log: distinct(log)}
	slices.SortFunc(a.log, func(a, b schemas.Request) int {
		return cmp.Or(cmp.Compare(a.ArrivalUS, b.ArrivalUS), cmp.Compare(a.Seq, b.Seq),
			cmp.Compare(schemas.IDHash(a.RequestID), schemas.IDHash(b.RequestID)), cmp.Compare(a.Content(), b.Content()))
	})
	return a
}

// TestAlertViews holds the views of one stream against the requests, and those of all services against the same.
func TestAlertViews(t *testing.T) {
	testenv.Sequential(t)
	if testing.Short() {
		t.Skip("a log of five weeks")
	}
	stalls, runs, above := 0, 0, 0
	for seed := range uint64(testenv.Times(1, 10)) {
		a := newAlerts(t, alertsLog(seed))
		r := rand.New(rand.NewPCG(seed, 3))
		for _, span := range []struct{ from, to, step int64 }{
			{alertsAt - hourUS, alertsAt + hourUS, 1200},                                              // hours
			{alertsAt - hourUS + r.Int64N(hourUS), alertsAt + r.Int64N(hourUS), 0},                    // whatever
			{alertsAt - burstUS*r.Int64N(9) - 1, alertsAt + burstUS*r.Int64N(9) + 1, 60},              // a microsecond beyond windows
			{alertsAt - weekUS - 2*hourUS - r.Int64N(burstUS), alertsAt + 2*hourUS + 17_000_000, 300}, // more than a week
			{0, schemas.MaxArrivalUS, 86400},
		} {
			a.from, a.to = span.from, span.to
			for _, stream := range [][2]string{{"one", ""}, {"two", "a"}} {
				service, model, filter := stream[0], stream[1], "NULL"
				if model != "" {
					filter = "'" + model + "'"
				}
				arguments := fmt.Sprintf("service = '%s', model = %s, log_type = NULL, from_us = %%d, to_us = %%d", service, filter)
				of := fmt.Sprintf("service = '%s', from_us = %%d, to_us = %%d", service)
				what := fmt.Sprint(seed, " ", service, model, " ", a.from, " to ", a.to, ": ")
				more := fmt.Sprintf(", step_s = %d", span.step)
				a.want(what+"fault_burn"+more, "window_start", a.rows("fault_burn", arguments+more), a.faultBurn(service, model, span.step))
				rows := a.rows("conversation_stall", of+more)
				a.want(what+"conversation_stall"+more, "window_start", rows, a.stall(service, span.step))
				for _, r := range rows {
					stalls += int(r.number(t, "stalled"))
				}
				rows = a.rows("burst_baseline", arguments)
				a.want(what+"burst_baseline", "window_start", rows, a.burstBaseline(service, model))
				for _, r := range rows {
					above += int(r.number(t, "above"))
				}
				var got []string
				for _, r := range a.rows("failure_runs_view", arguments) {
					got = append(got, fmt.Sprint(int64(r.number(t, "start_us")), int64(r.number(t, "end_us")), int64(r.number(t, "length")), " ", r["outcome"]))
				}
				if want := a.failureRuns(service, model); !slices.Equal(got, want) {
					t.Errorf("%sfailure_runs_view: %v, want %v", what, got, want)
				}
				runs += len(got)
			}
			a.services(fmt.Sprint(seed, " ", a.from, " to ", a.to, ": "))
		}
	}
	if stalls == 0 || runs == 0 || above == 0 {
		t.Errorf("the logs show too little: %d windows stalled, %d runs, %d windows above", stalls, runs, above)
	}
}

// services holds the views of all services against what the range comes to as one window.
func (a alerts) services(what string) {
	const arguments = "from_us = %d, to_us = %d"
	faults, stalls, bursts, silent := map[string][]check{}, map[string][]check{}, map[string][]check{}, map[string][]check{}
	loads, latencies, talks := map[string][]check{}, map[string][]check{}, map[string][]check{}
	lastWindow := a.high()/burstUS - 1
	for _, service := range []string{"one", "two"} {
		for _, checks := range a.faultBurn(service, "", 0) {
			faults[service] = checks
		}
		for _, checks := range a.stall(service, 0) {
			stalls[service] = checks
		}
		if windows := a.bursts(service, "", (lastWindow-11)*burstUS, (lastWindow+1)*burstUS); len(windows) > 0 {
			last, there := windows[lastWindow]
			if !there {
				last = burst{cv: math.NaN(), p99: math.NaN()}
			}
			bursts[service] = append(last.checks(), exact("window_start", lastWindow*300), exact("baseline_ratio", last.cv/last.p99))
		}
		var inside []schemas.Request
		var requests, before, failures, asked, answered, turns int64
		known, lastArrival, conversations := false, int64(-1), map[string]bool{}
		for _, r := range a.of(service, "") {
			day := r.ArrivalUS >= a.low()-24*hourUS && r.ArrivalUS < a.high()
			known = known || (r.ElapsedUS >= 0 && r.ArrivalUS >= a.low()-24*hourUS-schemas.MinuteUS && r.ArrivalUS < a.high())
			if day {
				lastArrival = r.ArrivalUS
			}
			switch {
			case r.ArrivalUS >= a.low() && r.ArrivalUS < a.high():
				inside = append(inside, r)
				requests++
				asked += max(r.RequestTokens, 0)
				answered += max(r.ResponseTokens, 0)
				if r.Outcome.Failed() {
					failures++
				}
				if r.Conversation != "" {
					turns++
					conversations[r.Conversation] = true
				}
			case day:
				before++
			}
		}
		if requests+before > 0 {
			quiet := int64(0)
			if requests == 0 {
				quiet = 1
			}
			silent[service] = []check{exact("requests", requests), exact("requests_before", before), exact("silent", quiet), exact("last_arrival_us", lastArrival)}
		}
		if turns > 0 {
			talks[service] = []check{exact("turns", turns), exact("conversations", int64(len(conversations)))}
		}
		if requests == 0 {
			continue
		}
		s, width := summarise(a, inside).Services[0].Streams[0].Latency, float64(a.high()-a.low())/schemas.SecondUS
		latencies[service] = []check{exact("elapsed_n", s.Elapsed.N), sketch("elapsed_p50", s.Elapsed.P50), sketch("elapsed_p90", s.Elapsed.P90),
			sketch("elapsed_p99", s.Elapsed.P99), exact("ttft_n", s.TTFT.N), sketch("ttft_p50", s.TTFT.P50), sketch("ttft_p90", s.TTFT.P90),
			sketch("ttft_p99", s.TTFT.P99)}
		loads[service] = []check{exact("requests", requests), exact("rate", float64(requests)/width), exact("failures", failures),
			exact("failure_rate", ratio(failures, requests)), exact("request_tokens_per_s", float64(asked)/width),
			exact("response_tokens_per_s", float64(answered)/width)}
		if known {
			mean, _ := flights(a.of(service, ""), &report.Stream{}, a.low(), a.high(), 1)
			loads[service] = append(loads[service], exact("in_flight_mean", mean))
		}
	}
	for view, want := range map[string]map[string][]check{"fault_burn_services": faults, "silent_services": silent, "stall_services": stalls,
		"load_services": loads, "latency_services": latencies, "conversation_services": talks} {
		if a.to == schemas.MaxArrivalUS && view == "stall_services" {
			continue
		}
		a.want(what+view, "service", a.rows(view, arguments), want)
	}
	a.want(what+"burst_services", "service", a.rows("burst_services", "to_us = %[2]d"), bursts)
}

// TestStoringViews gives requests times of storing of their own, of which some are just beyond ten minutes, and works out from
// the table's rows what the views say of them.
func TestStoringViews(t *testing.T) {
	testenv.Sequential(t)
	log := alertsLog(7)
	log = log[:min(len(log), 600)] // of the first week
	a := newAlerts(t, log)
	for _, sql := range []string{
		// 0 to 20 minutes after the end, whole seconds where the end is one: a fifth exactly after ten minutes. Some before it.
		`INSERT INTO requests SELECT * REPLACE (toDateTime(intDiv(arrival_us + greatest(elapsed_us, 0), 1000000)
			+ if(cityHash64(request_id) % 5 = 0, 600, cityHash64(request_id) % 1200 - 2)) AS stored_at) FROM requests FINAL`,
		`INSERT INTO minutes SELECT m.* REPLACE (r.latest AS stored_at) FROM (SELECT * FROM minutes FINAL) AS m
			INNER JOIN (SELECT service, intDiv(arrival_us, 60000000) AS number, max(stored_at) AS latest FROM requests FINAL GROUP BY service, number) AS r
			ON m.service = r.service AND m.minute = r.number`,
	} {
		if err := a.db.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	storedAt := map[string]int64{}
	for _, r := range rowsOf(t, t.Context(), a.db, "SELECT concat(request_id, ' ', toString(arrival_us)) AS id, toInt64(stored_at) AS at FROM requests FINAL") {
		storedAt[r["id"].(string)] = int64(r.number(t, "at"))
	}
	first := a.log[0].ArrivalUS
	for _, span := range [][2]int64{{first + 90*schemas.SecondUS, first + hourUS + 17}, {0, schemas.MaxArrivalUS}} {
		a.from, a.to = span[0], span[1]
		const step = 1200
		late, delays := map[int64][]float64{}, map[int64][]float64{}
		for _, r := range a.of("one", "") {
			end := r.ArrivalUS + max(r.ElapsedUS, 0)
			delay := float64(storedAt[fmt.Sprint(r.RequestID, " ", r.ArrivalUS)]*schemas.SecondUS-end) / schemas.SecondUS
			if r.ArrivalUS >= a.low() && r.ArrivalUS < a.high() && delay > 600 {
				late[r.ArrivalUS/schemas.MinuteUS*60] = append(late[r.ArrivalUS/schemas.MinuteUS*60], delay)
			}
			if end >= a.low() && end < a.high() {
				begin, _ := a.windowOfRange(end, step)
				delays[begin] = append(delays[begin], max(delay, 0))
			}
		}
		want := map[string][]check{}
		for minute, d := range late {
			want[fmt.Sprint(minute)] = []check{exact("requests", int64(len(d))), exact("delay_s", slices.Max(d))}
		}
		if len(want) == 0 {
			t.Error("nothing is late")
		}
		a.want("late_data", "minute", a.rows("late_data", "service = 'one', from_us = %d, to_us = %d"), want)
		want = map[string][]check{}
		for begin, d := range delays {
			slices.Sort(d)
			sum := 0.
			for _, v := range d {
				sum += v
			}
			level := func(p float64) float64 {
				at := p * float64(len(d)-1)
				i := int(at)
				return d[i] + (at-float64(i))*(d[min(i+1, len(d)-1)]-d[i])
			}
			want[fmt.Sprint(begin)] = []check{exact("requests", int64(len(d))), exact("delay_mean", sum/float64(len(d))), exact("delay_p50", level(0.5)),
				exact("delay_p90", level(0.9)), exact("delay_p99", level(0.99)), exact("delay_max", d[len(d)-1])}
		}
		a.want("storing_delay", "window_start", a.rows("storing_delay", fmt.Sprintf("service = 'one', from_us = %%d, to_us = %%d, step_s = %d", step)), want)
	}

	// Dead letters, one of them twice.
	err := a.db.Exec(t.Context(), `INSERT INTO dead_letters (topic, partition, offset, reason, bytes, stored_at) VALUES
		('t', 0, 1, 'undecodable: not a JSON object: x', 3, 1200000059), ('t', 0, 1, 'undecodable: not a JSON object: x', 3, 1200000059),
		('t', 1, 1, 'undecodable: something else', 4, 1200000001), ('t', 0, 2, 'too many streams: service', 5, 1200000000),
		('u', 0, 1, 'empty: the record has no value', 0, 1199999999), ('u', 0, 2, 'empty: the record has no value', 0, 1200000120)`)
	if err != nil {
		t.Fatal(err)
	}
	a.from, a.to = 1_200_000_000*schemas.SecondUS, 1_200_000_120*schemas.SecondUS
	var got []string
	for _, r := range a.rows("dead_letter_counts", "from_us = %d, to_us = %d, step_s = 60") {
		got = append(got, fmt.Sprint(r["window_start"], " ", r["topic"], " ", r["reason"], " ", r["records"], " ", r["bytes"]))
	}
	if want := []string{"1.2e+09 t too many streams 1 5", "1.2e+09 t undecodable 2 7"}; !slices.Equal(got, want) {
		t.Errorf("dead_letter_counts: %q, want %q", got, want)
	}
}

// TestBurstBaselineLimits: nine gaps are no window, eleven windows no baseline, five weeks too long ago; and what ends a run.
func TestBurstBaselineLimits(t *testing.T) {
	testenv.Sequential(t)
	var log []schemas.Request
	// Gaps of a second but for the last, which is longer.
	window := func(number int64, requests int, last float64) {
		for i := range requests {
			r := at(float64(number*300) + float64(i))[0]
			if i == requests-1 {
				r.ArrivalUS = micros(float64(number*300) + float64(i-1) + last)
			}
			r.Seq = int64(i)
			log = append(log, r)
		}
	}
	const hour = alertsAt / hourUS * 12 // the first window of an hour
	for i := range int64(11) {
		window(hour-168*12+i, 11, 20)
	}
	window(hour-168*12+11, 10, 100) // nine gaps: no baseline
	window(hour-5*168*12, 11, 200)  // five weeks ago: neither
	window(hour, 11, 21)            // above, but of eleven windows only
	window(hour+168*12, 11, 20)     // a week later: twelve windows, the largest of them more
	window(hour+168*12+1, 11, 30)   // above, two in a row
	window(hour+168*12+2, 11, 31)
	window(hour+168*12+3, 10, 99) // is not judged, and ends the run
	window(hour+168*12+4, 11, 30)
	window(hour+168*12+6, 11, 30) // after a window without requests
	db := filled(t, log)
	var got []string
	for _, r := range rowsOf(t, t.Context(), db, fmt.Sprintf("SELECT toInt64(window_start) AS begin, * FROM burst_baseline(service = 's', model = NULL, log_type = NULL, from_us = %d, to_us = %d)",
		alertsAt, alertsAt+2*weekUS)) {
		got = append(got, fmt.Sprint(int64(r.number(t, "begin"))/300-hour, " ", !math.IsNaN(r.number(t, "gap_cv")), r["baseline_windows"], r["above"], r["run"]))
	}
	want := []string{"0 true 11 0 0", "2016 true 12 0 0", "2017 true 12 1 1", "2018 true 12 1 2", "2019 false 12 0 0", "2020 true 12 1 1", "2022 true 12 1 1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
