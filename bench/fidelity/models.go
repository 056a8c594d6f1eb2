package fidelity

import (
	"context"
	"math/rand/v2"

	"tidegauge/schemas"
)

// model is a way to make a workload like another.
type model struct {
	key, name string
	// fit looks at the first half of a trace, and nothing else.
	fit func(ctx context.Context, half *trace) (generator, error)
}

// generator makes requests that arrive in [from, to).
type generator func(seed uint64, from, to int64) (*trace, error)

// rivals are published models, by their descriptions and their published code. Where these say nothing they get what
// serves them best: the log's clock, models by their shares in each log type, and failures at the half's rate.
func rivals() []model {
	return []model{
		{"poisson", "Poisson", fitPoisson},
		{"burstgpt", "BurstGPT-Perf", fitBurstGPT},
		{"servegen", "ServeGen", fitServeGen},
	}
}

// flow is what the rivals know of a log type beside arrivals and lengths.
type flow struct {
	logType  string
	rows     []row
	kinds    []uint16
	weights  chance  // of kinds, among what did not fail
	okay     [][]row // by kind: what did not fail
	failures float64 // share
	failed   []row
}

// flows tells a half's log types apart.
func flows(half *trace) []*flow {
	var all []*flow
	for _, logType := range half.logTypes() {
		f := &flow{logType: logType}
		at := map[uint16]int{}
		for i := range half.rows {
			r := half.rows[i]
			if half.names.kinds[r.kind].logType != logType {
				continue
			}
			f.rows = append(f.rows, r)
			if r.failed() {
				f.failed = append(f.failed, r)
				continue
			}
			k, ok := at[r.kind]
			if !ok {
				k = len(f.kinds)
				at[r.kind] = k
				f.kinds, f.okay = append(f.kinds, r.kind), append(f.okay, nil)
			}
			f.okay[k] = append(f.okay[k], r)
		}
		weights := make([]float64, len(f.kinds))
		for k := range weights {
			weights[k] = float64(len(f.okay[k]))
		}
		f.weights = newChance(weights)
		f.failures = float64(len(f.failed)) / float64(len(f.rows))
		all = append(all, f)
	}
	return all
}

// fails makes a request at that time one of the half's failed ones, in the half's share of all cases.
func (f *flow) fails(at int64, random *rand.Rand) (row, bool) {
	if len(f.kinds) > 0 && random.Float64() >= f.failures {
		return row{}, false
	}
	r := f.failed[random.IntN(len(f.failed))]
	return row{at: at, request: r.request, response: r.response, kind: r.kind, outcome: r.outcome, elapsed: schemas.Unknown, conversation: -1, client: -1}, true
}

// anyKind draws the place of a kind, by the kinds' shares.
func (f *flow) anyKind(random *rand.Rand) int { return f.weights.draw(random) }

func success(at int64, kind uint16, request, response int32) row {
	return row{at: at, kind: kind, request: request, response: response, outcome: schemas.OK, elapsed: schemas.Unknown, conversation: -1, client: -1}
}

const (
	second = 1_000_000
	minute = 60 * second
	day    = 24 * 60 * minute
	week   = 7 * day
)

// earlier gives, for times in [from, to), the time in the half whose parameters they get: the latest for which that is the
// same hour of the week where the half has a week, or of the day where it has a day.
func (t *trace) earlier(from, to int64) func(at int64) int64 {
	length := t.to - t.from
	period := int64(1)
	switch {
	case length >= week:
		period = week
	case length >= day:
		period = day
	}
	shift := (min(to-from, length) + period - 1) / period * period
	step := period
	if period == 1 { // no course to keep to: the half's end, again and again
		step = shift
	}
	return func(at int64) int64 {
		for at -= shift; at >= t.to; {
			at -= shift
		}
		for at < t.from {
			at += step
		}
		return at
	}
}

// made is a generated trace, on the half's clock.
func (t *trace) made(rows []row, from, to int64) *trace {
	for i := range rows {
		rows[i].at -= (rows[i].at - from) % t.tick
	}
	inOrder(rows)
	return &trace{from: from, to: to, rows: rows, names: t.names, tick: t.tick}
}
