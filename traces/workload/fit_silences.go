package workload

import "slices"

const (
	// A gap is a silence if it is this long, and this many times the mean gap around it: of a bursty hour of a log's
	// night, chance gives no such gap in years.
	shortestSilenceUS = 20 * 60 * secondUS
	silenceGaps       = 50
	aroundSilence     = 100
	fewestSilences    = 2
)

// fitSilences finds the silences of a service's sorted arrivals.
func fitSilences(times []int64) (*Silences, []span) {
	var spans []span
	var durations []int64
	total := int64(0)
	for i := 1; i < len(times); i++ {
		gap := times[i] - times[i-1]
		if gap < shortestSilenceUS {
			continue
		}
		before, after := max(0, i-1-aroundSilence), min(len(times)-1, i+aroundSilence)
		around := times[after] - times[before] - gap
		if n := int64(after - before - 1); n >= aroundSilence && gap/silenceGaps > around/n {
			spans = append(spans, span{times[i-1] + 1, times[i]})
			durations = append(durations, gap)
			total += gap
		}
	}
	if len(spans) < fewestSilences {
		return nil, nil
	}
	s := &Silences{N: int64(len(spans)), BetweenUS: (times[len(times)-1] - times[0] - total) / int64(len(spans))}
	v, ok := fitValues(durations, mostSteps)
	if !ok {
		// Few: their mean, give or take half.
		mean, _ := meanAndDeviation(durations)
		v = Values{N: s.N, Knots: []int64{mean / 2, mean + mean/2}}
	}
	s.DurationUS = v
	return s, spans
}

// quiet says whether a time is in one of the spans.
func quiet(spans []span, from, to int64) bool {
	i, _ := slices.BinarySearchFunc(spans, from, func(s span, at int64) int {
		if s.to <= at {
			return -1
		}
		return 1
	})
	return i < len(spans) && spans[i].from < to
}

// quietTime is how much of a time is in spans.
func quietTime(spans []span) int64 {
	var sum int64
	for _, s := range spans {
		sum += s.to - s.from
	}
	return sum
}
