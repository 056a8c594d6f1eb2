package fidelity

import (
	"math"

	"tidegauge/report"
)

// scale says how two values of a number are compared.
type scale int

const (
	// byFactor is for what has a unit or ranges over orders of magnitude: twice as much is as wrong as half.
	byFactor scale = iota
	// byDifference is for correlations and shares.
	byDifference
)

// cell is a number that is judged.
type cell struct {
	section, name string
	scale         scale
	least         float64 // with byFactor: nothing below it is told apart
	whole         bool    // of the trace alone, not of its log types
	value         func(m *measurement) float64
}

// measurement is all that is looked at of a trace, or of one of its log types.
type measurement struct {
	arrivals      report.Arrivals
	lengths       report.Lengths
	failures      report.Failures
	conversations report.Conversations
	requests      int64
	idc600        float64
	memory        map[string]float64 // autocorrelation of counts
	waits         []float64          // sorted
	typical       float64            // seconds that the server of the waits takes for an average request
	auc           float64            // against the real trace; NaN of that itself
}

// error is how far a value is from the real one: the absolute difference, or that of the logarithms. Infinite where there is none.
func (c *cell) error(value, real float64) float64 {
	switch {
	case math.IsNaN(value):
		return math.Inf(1)
	case c.scale == byFactor:
		return math.Abs(math.Log(max(value, c.least) / max(real, c.least)))
	default:
		return math.Abs(value - real)
	}
}

// lag is where the autocorrelation of counts is taken.
type lag struct {
	name  string
	width int64 // the bins'
	bins  int
}

var lags = []lag{{"1 s", second, 1}, {"10 s", 10 * second, 1}, {"1 min", minute, 1}, {"10 min", minute, 10}, {"1 h", minute, 60}}

// cells are all numbers, in the order of the tables.
func cells() []cell {
	var all []cell
	section := ""
	add := func(name string, s scale, least float64, value func(m *measurement) report.Number) {
		all = append(all, cell{section: section, name: name, scale: s, least: least, value: func(m *measurement) float64 { return float64(value(m)) }})
	}
	type number = report.Number
	section = "arrivals"
	add("gap_cv", byFactor, 0.01, func(m *measurement) number { return m.arrivals.GapCV })
	add("windows' gap_cv p10", byFactor, 0.01, func(m *measurement) number { return m.arrivals.Windows.S300.GapCV.P10 })
	add("windows' gap_cv p50", byFactor, 0.01, func(m *measurement) number { return m.arrivals.Windows.S300.GapCV.P50 })
	add("windows' gap_cv p90", byFactor, 0.01, func(m *measurement) number { return m.arrivals.Windows.S300.GapCV.P90 })
	add("idc 1 s", byFactor, 0.01, func(m *measurement) number { return m.arrivals.IDC.S1 })
	add("idc 10 s", byFactor, 0.01, func(m *measurement) number { return m.arrivals.IDC.S10 })
	add("idc 60 s", byFactor, 0.01, func(m *measurement) number { return m.arrivals.IDC.S60 })
	add("idc 600 s", byFactor, 0.01, func(m *measurement) number { return number(m.idc600) })
	for _, l := range lags {
		add("counts' autocorrelation "+l.name, byDifference, 0, func(m *measurement) number { return number(m.memory[l.name]) })
	}
	section = "lengths"
	for _, side := range []struct {
		name string
		of   func(m *measurement) *report.Tokens
	}{
		{"request", func(m *measurement) *report.Tokens { return &m.lengths.Request.Tokens }},
		{"response", func(m *measurement) *report.Tokens { return &m.lengths.Response.Tokens }},
	} {
		add(side.name+" p5", byFactor, 1, func(m *measurement) number { return side.of(m).P5 })
		add(side.name+" p25", byFactor, 1, func(m *measurement) number { return side.of(m).P25 })
		add(side.name+" p50", byFactor, 1, func(m *measurement) number { return side.of(m).P50 })
		add(side.name+" p75", byFactor, 1, func(m *measurement) number { return side.of(m).P75 })
		add(side.name+" p90", byFactor, 1, func(m *measurement) number { return side.of(m).P90 })
		add(side.name+" p99", byFactor, 1, func(m *measurement) number { return side.of(m).P99 })
	}
	add("pearson", byDifference, 0, func(m *measurement) number { return m.lengths.Pearson })
	add("lag1", byDifference, 0, func(m *measurement) number { return m.lengths.Lag1 })

	section = "conversations"
	from := len(all)
	turns := func(value func(*report.TurnsSpread) number) func(m *measurement) number {
		return func(m *measurement) number { return value(&m.conversations.TurnsPerConversation) }
	}
	add("turns mean", byFactor, 1, turns(func(t *report.TurnsSpread) number { return t.Mean }))
	add("turns p90", byFactor, 1, turns(func(t *report.TurnsSpread) number { return t.P90 }))
	add("turns p99", byFactor, 1, turns(func(t *report.TurnsSpread) number { return t.P99 }))
	add("single turns", byDifference, 0, func(m *measurement) number { return m.conversations.SingleTurnShare })
	interval := func(value func(*report.Interval) number) func(m *measurement) number {
		return func(m *measurement) number { return value(&m.conversations.Interval) }
	}
	add("interval p10", byFactor, 1, interval(func(i *report.Interval) number { return i.P10 }))
	add("interval p50", byFactor, 1, interval(func(i *report.Interval) number { return i.P50 }))
	add("interval p90", byFactor, 1, interval(func(i *report.Interval) number { return i.P90 }))
	add("interval p99", byFactor, 1, interval(func(i *report.Interval) number { return i.P99 }))
	for i := range all[from:] {
		all[from+i].whole = true // METRICS: conversations are a service's
	}
	section = "failures"
	some := func(value func(m *measurement) number) func(m *measurement) number {
		return func(m *measurement) number {
			if m.failures.Failures == 0 {
				return report.Null
			}
			return value(m)
		}
	}
	add("failure rate", byFactor, 1e-4, some(func(m *measurement) number { return m.failures.FailureRate }))
	add("failure run p50", byFactor, 1, some(func(m *measurement) number { return m.failures.FailureRun.P50 }))
	add("failure run p99", byFactor, 1, some(func(m *measurement) number { return m.failures.FailureRun.P99 }))
	add("failure run max", byFactor, 1, some(func(m *measurement) number { return m.failures.FailureRun.Max }))
	add("failure after failure", byDifference, 0, some(func(m *measurement) number { return m.failures.FailureAfterFailure }))
	section = "use"
	from = len(all)
	add("classifier's AUC", byDifference, 0, func(m *measurement) number { return number(m.auc) })
	add("wait p50", byFactor, 0, func(m *measurement) number { return m.wait(0.5) })
	add("wait p99", byFactor, 0, func(m *measurement) number { return m.wait(0.99) })
	for i := range all[from:] {
		all[from+i].whole = true
	}
	return all
}
