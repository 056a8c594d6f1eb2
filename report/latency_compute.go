package report

import (
	"math"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// latency adds up the leaves.
func latency(leaves []*leaf) Latency {
	var elapsed, ttft stats.Int128
	var tpot float64
	for _, l := range leaves {
		elapsed.Add(l.elapsedSum)
		ttft.Add(l.ttftSum)
		tpot += l.tpotSum
	}
	return Latency{
		Elapsed: seconds(merged(leaves, func(l *leaf) sample { return l.elapsed }), elapsed.Float64(), whole),
		TTFT:    seconds(merged(leaves, func(l *leaf) sample { return l.ttft }), ttft.Float64(), whole),
		TPOT:    seconds(merged(leaves, func(l *leaf) sample { return l.tpot }), tpot, float),
	}
}

// seconds describes durations; real gives the microseconds that a value stands for.
func seconds(s sample, sum float64, real func(int64) float64) Seconds {
	n := s.n()
	at := func(q float64) Number { return s.quantile(q, real) / schemas.SecondUS }
	d := Seconds{N: int64(n), Mean: ratio(sum/schemas.SecondUS, n), Max: Null,
		P50: at(.5), P90: at(.9), P95: at(.95), P99: at(.99)}
	if n > 0 {
		d.Max = Number(real(s.largest()) / schemas.SecondUS)
	}
	return d
}

// float gives the float64 whose bits are v.
func float(v int64) float64 { return math.Float64frombits(uint64(v)) }
