package report

import (
	"math"

	"tidegauge/stats"
)

// busyRequests is how many requests a window must have for load_correlation.
const busyRequests = 20

// loadCorrelation correlates the failure rate of busy windows with three measures of their load.
func loadCorrelation(rates []float64, windows []window, flying []float64, s *scratch) LoadCorrelation {
	rate, load, cv, inFlight := s.busy[0][:0], s.busy[1][:0], s.busy[2][:0], s.busy[3][:0]
	undefined := false
	for w, v := range windows {
		if v.last-v.first < busyRequests {
			continue
		}
		rate = append(rate, rates[w])
		load = append(load, float64(v.last-v.first)/300)
		cv = append(cv, v.cv)
		undefined = undefined || math.IsNaN(v.cv)
		if flying != nil {
			inFlight = append(inFlight, flying[w])
		}
	}
	s.busy = [4][]float64{rate, load, cv, inFlight}
	rateRanks := s.rank(0, rate)
	l := LoadCorrelation{Windows: int64(len(rate)), InFlightMean: Null,
		Rate: Number(stats.Pearson(rateRanks, s.rank(1, load)))}
	if undefined {
		l.GapCV = Number(stats.Spearman(rate, cv)) // ranks among the windows that have one
	} else {
		l.GapCV = Number(stats.Pearson(rateRanks, s.rank(1, cv)))
	}
	if flying != nil {
		l.InFlightMean = Number(stats.Pearson(rateRanks, s.rank(1, inFlight)))
	}
	return l
}

// rank gives the average ranks of values >= 0 rounded to 10 decimals, as stats.Spearman takes them, in the given buffer
// of the scratch. A log of months has tens of thousands of windows in every stream, so they are sorted by digits.
func (s *scratch) rank(buffer int, values []float64) []float64 {
	keys := grow(&s.keys, len(values))
	for i, v := range values {
		keys[i] = int64(math.Float64bits(math.RoundToEven(v * 1e10))) // of floats >= 0 the bits stand in the floats' order
	}
	order := sortRows(s.identity(len(values)), keys, s)
	ranks := grow(&s.ranks[buffer], len(values))
	for first := 0; first < len(order); {
		end := first + 1
		for end < len(order) && keys[order[end]] == keys[order[first]] {
			end++
		}
		for _, i := range order[first:end] {
			ranks[i] = float64(first+1+end) / 2
		}
		first = end
	}
	return ranks
}
