package integration

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"tidegauge/schemas"
	"tidegauge/traces"
)

// series gives a column of a panel by window of the day, NaN where there is none.
func (d *day) series(t *testing.T, panels map[string]*shown, id, letter, column string) []float64 {
	t.Helper()
	values := make([]float64, 24*time.Hour/width)
	for i := range values {
		values[i] = math.NaN()
	}
	s, ok := panels[id]
	if !ok {
		t.Fatalf("there is no panel %s", id)
	}
	numbers, ok := s.by[letter].numbers[column]
	if !ok {
		t.Fatalf("%s has no %q but %q", s.name(), column, s.by[letter].names)
	}
	for row, at := range s.by[letter].times {
		if i := int(at.Sub(d.config.Start) / width); i >= 0 && i < len(values) {
			values[i] = numbers[row]
		}
	}
	return values
}

// amounts holds what panels show of each window of the day against the requests and samples, one by one, and during the incidents
// against what the timetable says.
func (d *day) amounts(t *testing.T, panels map[string]*shown) {
	service := d.config.Service
	quiet := d.config
	quiet.Quiet, quiet.Weeks = true, 0
	var usual, arrived []*schemas.Request
	for r := range traces.Day(quiet) {
		if r.Service == service {
			usual = append(usual, r)
		}
	}
	for i := range d.log {
		if r := &d.log[i]; r.Service == service {
			arrived = append(arrived, r)
		}
	}
	f := d.reference(func(*schemas.Request) bool { return true })
	at := func(i int) (from, to int64) {
		from = d.config.Start.Add(time.Duration(i) * width).UnixMicro()
		return from, from + width.Microseconds()
	}
	in := func(kind traces.IncidentKind, i int) bool { from, _ := at(i); return d.config.Incident(kind).In(from) }
	seconds := func(log []*schemas.Request, us func(*schemas.Request) int64, q float64) float64 {
		var values []float64
		for _, r := range log {
			if v := us(r); r.Outcome == schemas.OK && v >= 0 {
				values = append(values, float64(v)/schemas.SecondUS)
			}
		}
		return quantile(values, q)
	}
	elapsed := func(r *schemas.Request) int64 { return r.ElapsedUS }
	ttft := func(r *schemas.Request) int64 { return r.TTFTUS }
	tokens := func(log []*schemas.Request) (request, response float64) {
		for _, r := range log {
			request, response = request+float64(max(r.RequestTokens, 0)), response+float64(max(r.ResponseTokens, 0))
		}
		return request, response
	}
	faultRate := func(log []*schemas.Request) float64 { faults, judged := faults(log); return faults / judged }
	type window = []*schemas.Request
	for _, c := range []struct {
		id, letter, column string
		within             float64
		want               func(i int, now, usual window) float64
	}{
		{"overview/1", "A", "Request rate", 1e-9, func(i int, now, _ window) float64 {
			return float64(len(now)) / width.Seconds() // 0 in the silence
		}},
		{"overview/6", "A", "Burstiness of gaps (CV)", 1e-9, func(i int, now, usual window) float64 {
			if in(traces.Burst, i) {
				return burstCV(usual)
			}
			return gapCV(now, 2)
		}},
		{"overview/4", "A", "Fault rate", 1e-9, func(_ int, now, _ window) float64 { return faultRate(now) }},
		{"failures/13", "A", "Fault rate", 1e-9, func(i int, _, _ window) float64 {
			from, to := at(i)
			return faultRate(between(f.ended[service], end, from, to))
		}},
		{"overview/5", "A", "Time to first token p90", 0.01, func(i int, now, usual window) float64 {
			if in(traces.SlowHour, i) {
				return traces.SlowFactor * seconds(usual, ttft, 0.9)
			}
			return seconds(now, ttft, 0.9)
		}},
		{"latency/12", "A", "End to end p99", 0.01, func(i int, now, usual window) float64 {
			if in(traces.SlowHour, i) {
				return traces.SlowFactor * seconds(usual, elapsed, 0.99)
			}
			return seconds(now, elapsed, 0.99)
		}},
		{"conversations/11", "A", "Turns a minute", 1e-9, func(i int, _, _ window) float64 {
			from, to := at(i)
			return count(f.follows[service], from, to) / width.Minutes()
		}},
		{"conversations/11", "A", "Conversations started", 0, func(i int, _, _ window) float64 { from, to := at(i); return count(f.starts[service], from, to) }},
		{"gpus/11", "A", "request and response", 1e-9, func(_ int, now, _ window) float64 {
			request, response := tokens(now)
			return (request + response) / (traces.DayGPUs * width.Seconds())
		}},
		{"gpus/12", "A", "Energy per 1,000 tokens", 1e-9, func(i int, now, _ window) float64 {
			watts := float64(traces.DayGPUs * traces.BusyWatts)
			if in(traces.IdleGPU, i) {
				watts -= traces.BusyWatts - traces.IdleWatts
			}
			if i == 0 {
				watts *= 1 - traces.DayScrape.Seconds()/width.Seconds() // nothing is known from before the first sample
			}
			_, response := tokens(now)
			return watts * width.Seconds() / response * 1000
		}},
		{"gpus/28", "A", "node-1 1", 0, func(i int, _, _ window) float64 { return map[bool]float64{true: 1}[in(traces.XIDError, i)] }},
		{"gpus/29", "A", "node-1 0 by power", 1e-9, func(i int, _, _ window) float64 {
			return map[bool]float64{true: traces.PowerShare * width.Seconds()}[in(traces.PowerLimit, i)]
		}},
		{"gpus/29", "A", "node-1 3 by heat", 1e-9, func(i int, _, _ window) float64 {
			return map[bool]float64{true: traces.HeatShare * width.Seconds()}[in(traces.Heat, i)]
		}},
	} {
		name, wrong := panels[c.id].name(), 0
		for i, got := range d.series(t, panels, c.id, c.letter, c.column) {
			from, to := at(i)
			want := c.want(i, between(arrived, arrival, from, to), between(usual, arrival, from, to))
			if math.IsInf(want, 0) {
				want = math.NaN() // by nothing
			}
			if near(got, want, c.within) {
				continue
			}
			if wrong++; wrong < 5 {
				t.Errorf("%s, %s at %s is %v, want %v", name, c.column, time.UnixMicro(from).UTC().Format("15:04"), got, want)
			}
		}
	}

	// The sums of incidents.
	sum := func(id, column string, kind traces.IncidentKind) (sum float64) {
		for i, v := range d.series(t, panels, id, "A", column) {
			if in(kind, i) && !math.IsNaN(v) {
				sum += v
			}
		}
		return sum
	}
	n := int(sum("pipeline/11", "Requests", traces.Outage))
	want := float64(n/traces.OutageCycle*traces.OutageFaults + min(n%traces.OutageCycle, traces.OutageFaults))
	if got := sum("failures/10", "error", traces.Outage) + sum("failures/10", "timeout", traces.Outage) + sum("failures/10", "empty", traces.Outage); got != want || n < 150 {
		t.Errorf("%v of the %d requests of the outage are faults, want %v", got, n, want)
	}
	stalled, started := sum("conversations/11", "Turns a minute", traces.Stall), sum("conversations/11", "Conversations started", traces.Stall)
	before := sum("conversations/11", "A week before", traces.Stall)
	if stalled > 1.5*before/traces.StallKeeps || stalled == 0 || started < 30 {
		t.Errorf("in the stall %v turns follow, %v a week before, and %v conversations start", stalled, before, started)
	}
	var idle, busy []float64
	for gpu := range traces.DayGPUs {
		for i, v := range d.series(t, panels, "gpus/21", "A", fmt.Sprint(traces.DayHost, " ", gpu)) {
			if in(traces.IdleGPU, i) && gpu == d.config.Incident(traces.IdleGPU).GPU {
				idle = append(idle, v)
			} else {
				busy = append(busy, v)
			}
		}
	}
	if quantile(idle, 1) != 0 || quantile(busy, 0) < 0.57 || quantile(busy, 1) > 0.63 || len(idle) != 12 {
		t.Errorf("the idle GPU is used %v in %d windows, others from %v to %v", quantile(idle, 1), len(idle), quantile(busy, 0), quantile(busy, 1))
	}
	letters := map[string]float64{}
	for name, values := range panels["pipeline/21"].by["A"].numbers {
		for _, v := range values {
			letters[name[strings.LastIndexByte(name, ' ')+1:]] += v
		}
	}
	if letters["undecodable"] != 2 || letters["refused"] != 1 || len(letters) != 2 {
		t.Errorf("dead letters %v", letters)
	}
	delays := d.series(t, panels, "pipeline/10", "A", "Delay p99")
	for i, v := range delays {
		from, to := at(i)
		var values []float64
		for _, r := range arrived {
			if e := end(r); e >= from && e < to {
				values = append(values, float64(max(d.config.Stored(r).Unix()*schemas.SecondUS-e, 0))/schemas.SecondUS)
			}
		}
		if want := quantile(values, 0.99); !near(v, want, 1e-9) {
			t.Errorf("at %s requests are stored after %v s, want %v", time.UnixMicro(from).UTC().Format("15:04"), v, want)
		}
		if lag := traces.LagDelay.Seconds(); in(traces.Lag, i) != (v > lag-1 && v <= lag) {
			t.Errorf("at %s requests are stored after %v s, the lag is %v", time.UnixMicro(from).UTC().Format("15:04"), v, lag)
		}
	}
}

// burstCV is the CV of a window of the burst, in closed form: a minute's n requests have n-1 gaps of BurstGap, and between two
// minutes there is the rest of the first one.
func burstCV(usual []*schemas.Request) float64 {
	perMinute := map[int64]int{}
	for _, r := range usual {
		perMinute[r.ArrivalUS/schemas.MinuteUS]++
	}
	gap, n, squares := traces.BurstGap.Seconds(), 0.0, 0.0
	first := usual[0].ArrivalUS / schemas.MinuteUS
	last := usual[len(usual)-1].ArrivalUS / schemas.MinuteUS
	var sum float64
	for minute := first; minute <= last; minute++ {
		inner := float64(perMinute[minute] - 1)
		n, sum, squares = n+inner, sum+inner*gap, squares+inner*gap*gap
		if minute < last {
			rest := 60 - inner*gap
			n, sum, squares = n+1, sum+rest, squares+rest*rest
		}
	}
	mean := sum / n
	return math.Sqrt(squares/n-mean*mean) / mean
}
