package integration

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"tidegauge/schemas"
	"tidegauge/traces"
)

// reference works out what alert rules look at from the requests and samples themselves, one by one, and shares no code with
// what it is held against.
type reference struct {
	config   traces.DayConfig
	services []string
	arrived  map[string][]*schemas.Request // by arrival
	ended    map[string][]*schemas.Request // by end
	follows  map[string][]int64            // when turns came that follow, within the hour, one that started a conversation
	starts   map[string][]int64            // when those came that did
	cvs      map[string]map[int64]float64  // gap_cv by number of the window of 300 s, NaN where it is not judged
	gpus     map[string][]*schemas.GPUSample
}

func end(r *schemas.Request) int64 { return r.ArrivalUS + max(r.ElapsedUS, 0) }

func (d *day) reference(with func(*schemas.Request) bool) *reference {
	f := &reference{config: d.config, services: []string{d.config.Service, d.config.Control}, arrived: map[string][]*schemas.Request{},
		ended: map[string][]*schemas.Request{}, follows: map[string][]int64{}, starts: map[string][]int64{}, cvs: map[string]map[int64]float64{},
		gpus: map[string][]*schemas.GPUSample{}}
	began, last := map[string]int64{}, map[string]int64{}
	for i := range d.log {
		r := &d.log[i]
		if !with(r) {
			continue
		}
		f.arrived[r.Service] = append(f.arrived[r.Service], r)
		f.ended[r.Service] = append(f.ended[r.Service], r)
		if r.Conversation == "" {
			continue
		}
		const hour = 3600 * schemas.SecondUS
		if before, ok := last[r.Conversation]; !ok || r.ArrivalUS-before > hour {
			began[r.Conversation] = r.ArrivalUS
			f.starts[r.Service] = append(f.starts[r.Service], r.ArrivalUS)
		} else if r.ArrivalUS-began[r.Conversation] < hour {
			f.follows[r.Service] = append(f.follows[r.Service], r.ArrivalUS)
		}
		last[r.Conversation] = r.ArrivalUS
	}
	for _, service := range f.services {
		slices.SortStableFunc(f.ended[service], func(a, b *schemas.Request) int { return int(end(a) - end(b)) })
		f.cvs[service] = windowCVs(f.arrived[service])
	}
	for _, r := range d.samples {
		if s := r.GPU; s != nil {
			name := fmt.Sprint(s.Host, " ", s.GPU)
			f.gpus[name] = append(f.gpus[name], s)
		}
	}
	return f
}

func windowCVs(log []*schemas.Request) map[int64]float64 {
	cvs := map[int64]float64{}
	for from := 0; from < len(log); {
		number, to := log[from].ArrivalUS/(300*schemas.SecondUS), from
		for to < len(log) && log[to].ArrivalUS/(300*schemas.SecondUS) == number {
			to++
		}
		cvs[number] = gapCV(log[from:to], 10)
		from = to
	}
	return cvs
}

// gapCV is the standard deviation of the gaps by their mean, NaN with fewer gaps than least.
func gapCV(log []*schemas.Request, least int) float64 {
	n := float64(len(log) - 1)
	if len(log)-1 < max(least, 2) {
		return math.NaN()
	}
	mean, squares := float64(log[len(log)-1].ArrivalUS-log[0].ArrivalUS)/n, 0.0
	for i := 1; i < len(log); i++ {
		off := float64(log[i].ArrivalUS-log[i-1].ArrivalUS) - mean
		squares += off * off
	}
	return math.Sqrt(squares/n) / mean
}

// quantile is numpy's linear one, NaN of nothing.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	at := q * float64(len(values)-1)
	low := int(at)
	if low+1 == len(values) {
		return values[low]
	}
	return values[low] + (at-float64(low))*(values[low+1]-values[low])
}

// between gives the requests, ordered by key, with a key in [from, to).
func between(log []*schemas.Request, key func(*schemas.Request) int64, from, to int64) []*schemas.Request {
	at := func(us int64) int { return sort.Search(len(log), func(i int) bool { return key(log[i]) >= us }) }
	return log[at(from):at(to)]
}

func arrival(r *schemas.Request) int64 { return r.ArrivalUS }

func count(times []int64, from, to int64) float64 {
	at := func(us int64) int { return sort.Search(len(times), func(i int) bool { return times[i] >= us }) }
	return float64(at(to) - at(from))
}

// of gives a measure of alert rules over [from, to), whole minutes, by instance; NaN is no number.
func (f *reference) of(metric, column string, from, to int64) map[string]float64 {
	all := map[string]float64{}
	for _, service := range f.services {
		if v, ok := f.service(service, metric, column, from, to); ok {
			all[service] = v
		}
	}
	switch metric {
	case "dead_letters":
		for _, l := range traces.DayDeadLetters(f.config) {
			if at := l.Found.UnixMicro(); at >= from && at < to {
				reason, _, _ := strings.Cut(l.Reason, ":")
				all[schemas.RequestsTopic+" "+reason]++
			}
		}
	case "gpu_xid", "gpu_violations", "gpu_temperature":
		for name, samples := range f.gpus {
			if v, ok := ofGPU(samples, column, from, to); ok {
				all[name] = v
			}
		}
	}
	return all
}

func (f *reference) service(service, metric, column string, from, to int64) (float64, bool) {
	arrived := between(f.arrived[service], arrival, from, to)
	switch metric {
	case "fault_burn_services":
		ended := between(f.ended[service], end, from, to)
		faults, judged := faults(ended)
		if column == "considered" {
			return judged, len(ended) > 0
		}
		return faults / judged, len(ended) > 0
	case "latency_services":
		var values []float64
		for _, r := range arrived {
			if us := map[byte]int64{'e': r.ElapsedUS, 't': r.TTFTUS}[column[0]]; r.Outcome == schemas.OK && us >= 0 {
				values = append(values, float64(us)/schemas.SecondUS)
			}
		}
		if column == "ttft_n" || column == "elapsed_n" {
			return float64(len(values)), len(arrived) > 0
		}
		return quantile(values, 0.9), len(arrived) > 0
	case "stall_services":
		const week = 7 * 24 * 3600 * schemas.SecondUS
		followed, before, started := count(f.follows[service], from, to), count(f.follows[service], from-week, to-week), count(f.starts[service], from, to)
		if column == "ratio" {
			return followed / before, followed+before+started > 0
		}
		return map[bool]float64{true: 1}[started > 0 && before >= 10 && 5*followed < before], followed+before+started > 0
	case "silent_services":
		before := float64(len(between(f.arrived[service], arrival, from-24*3600*schemas.SecondUS, from)))
		if column == "requests_before" {
			return before, before+float64(len(arrived)) > 0
		}
		return map[bool]float64{true: 1}[len(arrived) == 0], before+float64(len(arrived)) > 0
	case "burst_services":
		return f.burst(service, column, to)
	case "storing_delay_services":
		ended := between(f.ended[service], end, from, to)
		var delays []float64
		for _, r := range ended {
			delays = append(delays, float64(max(f.config.Stored(r).Unix()*schemas.SecondUS-end(r), 0))/schemas.SecondUS)
		}
		return quantile(delays, 0.99), len(ended) > 0
	}
	return 0, false
}

func faults(log []*schemas.Request) (faults, judged float64) {
	for _, r := range log {
		if schemas.Fault(r.Outcome, r.StatusCode) {
			faults++
		}
		if schemas.Judged(r.Outcome, r.StatusCode) {
			judged++
		}
	}
	return faults, judged
}

// burst looks at the windows of the hour before to.
func (f *reference) burst(service, column string, to int64) (value float64, ok bool) {
	cvs := f.cvs[service]
	hi := to / (300 * schemas.SecondUS)
	run := 0.0
	value = math.NaN()
	for number := hi - 12; number < hi; number++ {
		cv, there := cvs[number]
		ok = ok || there
		if f.above(cvs, number) {
			run++
		} else {
			run = 0
		}
		if number == hi-1 && there {
			value = cv
		}
	}
	if column == "run" {
		value = run
	}
	return value, ok
}

// above says whether a window is burstier than 99 % of those of its hour of the week in the four weeks before.
func (f *reference) above(cvs map[int64]float64, number int64) bool {
	var before []float64
	for week := int64(1); week <= 4; week++ {
		for at := number/12*12 - week*2016; at < number/12*12-week*2016+12; at++ {
			if cv, ok := cvs[at]; ok && !math.IsNaN(cv) {
				before = append(before, cv)
			}
		}
	}
	cv, ok := cvs[number]
	return ok && len(before) >= 12 && cv > quantile(before, 0.99)
}

func ofGPU(samples []*schemas.GPUSample, column string, from, to int64) (value float64, ok bool) {
	for i, s := range samples {
		if s.AtUS < from || s.AtUS >= to {
			continue
		}
		ok = true
		switch column {
		case "xid_changes":
			if i > 0 && *s.XID > 0 && *s.XID != *samples[i-1].XID {
				value++
			}
		case "xid_last":
			value = float64(*s.XID)
		case "temperature_c_max":
			value = max(value, *s.TemperatureC)
		case "power_violation", "thermal_violation":
			counter := map[string]func(*schemas.GPUSample) float64{
				"power_violation":   func(s *schemas.GPUSample) float64 { return *s.PowerViolationS },
				"thermal_violation": func(s *schemas.GPUSample) float64 { return *s.ThermalS }}[column]
			if i > 0 {
				value += counter(s) - counter(samples[i-1])
			}
		}
	}
	return value, ok
}

// minutes are the day's, an hour after its begin at the earliest: rules look back.
func (f *reference) minutes(yield func(time.Time) bool) {
	for at := f.config.Start.Add(time.Hour); !at.After(f.config.End()); at = at.Add(time.Minute) {
		if !yield(at) {
			return
		}
	}
}
