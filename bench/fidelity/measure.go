package fidelity

import (
	"math"
	"math/rand/v2"
	"slices"

	"tidegauge/report"
	"tidegauge/stats"
)

// judge looks at traces.
type judge struct {
	server   server
	logTypes []string // whose streams are judged apart; none where there is but one
	real     []look   // of the real trace, for the classifier
}

// streams are what is judged apart: the whole, and each log type.
func (j *judge) streams() []string { return append([]string{""}, j.logTypes...) }

// measure takes all numbers of a trace, by streams.
func (j *judge) measure(t *trace) ([]measurement, error) {
	collector := report.NewCollector(report.Options{})
	for r, err := range t.requests() {
		if err != nil {
			return nil, err
		}
		collector.Add(r)
	}
	summary, err := collector.Summary()
	if err != nil {
		return nil, err
	}
	all := make([]measurement, 1+len(j.logTypes))
	for i, logType := range j.streams() {
		m := &all[i]
		*m = measurement{idc600: math.NaN(), auc: math.NaN()}
		nothing(m)
		for s := range summary.Services {
			for _, stream := range summary.Services[s].Streams {
				if stream.Model != nil || (i == 0) != (stream.LogType == nil) || (i > 0 && *stream.LogType != logType) {
					continue
				}
				m.arrivals, m.lengths, m.failures, m.requests = stream.Arrivals, stream.Lengths, stream.Failures, stream.Requests
			}
			if i == 0 {
				m.conversations = summary.Services[s].Conversations
			}
		}
		rows := t.rows
		if i > 0 {
			rows = nil
			for _, r := range t.rows {
				if t.names.kinds[r.kind].logType == logType {
					rows = append(rows, r)
				}
			}
		}
		m.idc600 = dispersion(counts(rows, t, 10*minute))
		m.memory = map[string]float64{}
		for _, l := range lags {
			series := counts(rows, t, l.width)
			m.memory[l.name] = math.NaN()
			if len(series) >= 2*l.bins+8 {
				m.memory[l.name] = stats.Autocorrelation(series, l.bins)
			}
		}
	}
	all[0].waits, all[0].typical = j.server.waits(t.rows), j.server.typical
	slices.Sort(all[0].waits)
	if j.real != nil {
		// Below one half is chance: a classifier that is worse than none.
		all[0].auc = tellApart(j.real, looks(t))
		if all[0].auc < 0.5 {
			all[0].auc = 0.5
		}
	}
	return all, nil
}

// nothing makes a measurement that of a trace without requests: what is not known is not 0.
func nothing(m *measurement) {
	null := report.Null
	m.arrivals.GapCV = null
	spread := report.Spread3{P10: null, P50: null, P90: null}
	m.arrivals.Windows.S300.GapCV = spread
	m.arrivals.IDC = report.ByWidth{S1: null, S10: null, S60: null}
	tokens := report.Tokens{P5: null, P25: null, P50: null, P75: null, P90: null, P99: null}
	m.lengths.Request.Tokens, m.lengths.Response.Tokens = tokens, tokens
	m.lengths.Pearson, m.lengths.Lag1 = null, null
	m.conversations.TurnsPerConversation = report.TurnsSpread{Mean: null, P90: null, P99: null}
	m.conversations.SingleTurnShare = null
	m.conversations.Interval = report.Interval{P10: null, P50: null, P90: null, P99: null}
}

// wait is a quantile of the waits, in seconds. What is below a tenth of an average request's time is no wait to speak of.
func (m *measurement) wait(q float64) report.Number {
	if m.waits == nil {
		return report.Null
	}
	return report.Number(max(stats.Quantile(m.waits, q), m.typical/10))
}

// counts counts requests in whole bins from the trace's beginning.
func counts(rows []row, t *trace, width int64) []float64 {
	bins := make([]float64, (t.to-t.from)/width)
	for i := range rows {
		if b := (rows[i].at - t.from) / width; b < int64(len(bins)) {
			bins[b]++
		}
	}
	return bins
}

// dispersion is variance over mean of counts; NaN of fewer than eight, whose variance says nothing.
func dispersion(counts []float64) float64 {
	mean, sigma := spread(counts)
	if len(counts) < 8 || mean == 0 {
		return math.NaN()
	}
	return sigma * sigma / mean
}

// The widths of blocks, the largest of which there are enough in a half.
var blockWidths = []int64{day, 60 * minute, 5 * minute}

const blocksInHalf = 5

// deal deals a trace's blocks of time out to two halves, at random, each laid end to end in order: two traces of the same
// kind, that differ by chance. A conversation comes whole, in the block of its first request.
func (t *trace) deal(random *rand.Rand) (a, b *trace) {
	width := blockWidths[len(blockWidths)-1]
	for _, w := range blockWidths {
		if (t.to-t.from)/w >= 2*blocksInHalf {
			width = w
			break
		}
	}
	// Blocks lie on the clock as windows do, so that a window stays a window.
	origin := (t.from + width - 1) / width * width
	n := (t.to - origin) / width / 2 * 2
	order := random.Perm(int(n))
	position := make([]int64, n) // in its half; those of b are n/2 later
	for half := range 2 {
		mine := slices.Clone(order[half*len(order)/2 : (half+1)*len(order)/2])
		slices.Sort(mine)
		for i, block := range mine {
			position[block] = int64(half)*n/2 + int64(i)
		}
	}
	length := n / 2 * width
	rows := [2][]row{}
	block := map[int32]int64{} // of conversations
	for _, r := range t.rows {
		own := (r.at - origin) / width
		if r.at < origin {
			own = -1
		}
		if r.conversation >= 0 {
			if first, ok := block[r.conversation]; ok {
				own = first
			} else {
				block[r.conversation] = own
			}
		}
		if own < 0 || own >= n {
			continue
		}
		half := 0
		p := position[own]
		if p >= n/2 {
			half, p = 1, p-n/2
		}
		r.at += (p - own) * width
		if r.at < origin+length {
			rows[half] = append(rows[half], r)
		}
	}
	for half := range rows {
		inOrder(rows[half])
	}
	return &trace{from: origin, to: origin + length, rows: rows[0], names: t.names, tick: t.tick},
		&trace{from: origin, to: origin + length, rows: rows[1], names: t.names, tick: t.tick}
}
