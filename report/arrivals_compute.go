package report

import (
	"slices"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// arrivals turns the sums of passGaps and passFlight into the section.
func arrivals(t []int64, clock int64, g *gapSums, f flight, s *scratch) Arrivals {
	n := len(t)
	a := Arrivals{Gaps: int64(n - 1), Rate: ratio(float64(n)*schemas.SecondUS, t[n-1]-t[0]),
		InFlightMean: f.mean, InFlightPeak: f.peak}
	sums := stats.PowerSums{N: uint64(n - 1), Sum: stats.Int(t[n-1] - t[0]), Squares: g.squares}
	a.SetMoments(sums.Mean()/schemas.SecondUS, sums.CV())
	a.ZeroGapShare = ratio(int64(s.gaps.counts[0]), a.Gaps)
	a.Memory = Number(g.pairs.Pearson())

	values, counts := s.positiveGaps(clock)
	a.SetFamilies(stats.FitValues(values, counts, stats.MomentsOf(values, counts, 1)))

	minutes := uint64(max(g.last-g.first-1, 0))
	a.IDC.S1, a.PeakToMean.S1 = dispersion(60*minutes, g.inner, g.seconds)
	a.IDC.S10, a.PeakToMean.S10 = dispersion(6*minutes, g.inner, g.tens)
	a.IDC.S60, a.PeakToMean.S60 = dispersion(minutes, g.inner, g.minutes)
	a.Windows = Windows{S300: windowSummary(g.shortCV), S1200: windowSummary(g.longCV)}
	return a
}

func dispersion(bins, n uint64, c counts) (idc, peakToMean Number) {
	return Number(stats.IndexOfDispersion(bins, n, c.squares)), Number(stats.PeakToMean(bins, n, c.peak))
}

// windowSummary describes the gap_cv of windows, which it sorts.
func windowSummary(cv []float64) Window {
	bursty := 0
	for _, v := range cv {
		if v > 1 {
			bursty++
		}
	}
	slices.Sort(cv)
	return Window{Windows: int64(len(cv)), ShareBursty: ratio(bursty, len(cv)), GapCV: spread3(cv)}
}

func spread3[T stats.Number](sorted []T) Spread3 {
	at := func(q float64) Number { return Number(stats.Quantile(sorted, q)) }
	return Spread3{at(.1), at(.5), at(.9)}
}

// positiveGaps empties s.gaps and gives its distinct values above 0, in seconds, with their counts.
func (s *scratch) positiveGaps(clock int64) (values []float64, counts []uint64) {
	c := &s.gaps
	values, counts = s.values[:0], s.counts[:0]
	for v := int64(1); v <= c.top; v++ {
		if n := c.counts[v]; n > 0 {
			values, counts = append(values, float64(v*clock)/schemas.SecondUS), append(counts, uint64(n))
		}
	}
	clear(c.counts[:c.top+1])
	c.top = 0
	c.spare = stats.SortInts(c.large, c.spare)
	large := c.large
	for i := 0; i < len(large); {
		j := i + 1
		for j < len(large) && large[j] == large[i] {
			j++
		}
		values, counts = append(values, float64(large[i]*clock)/schemas.SecondUS), append(counts, uint64(j-i))
		i = j
	}
	c.large = c.large[:0]
	s.values, s.counts = values, counts
	return values, counts
}
