package report

import (
	"math"
	"slices"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// failureSums are what one pass over a stream's outcomes gives.
type failureSums struct {
	runs         []int64   // lengths, in order
	after, first int64     // failures after a failure; failures that have a request after them
	rates        []float64 // failure rate by window
}

// failedByEnd says, by the lower three bits of a packed end, whether the request failed.
var failedByEnd = func() (f [8]uint8) {
	for o := range schemas.Outcomes {
		if schemas.Outcome(o).Failed() {
			f[o] = 1
		}
	}
	return f
}()

// passFailures goes through outcomes in order. Every request writes the length of the run it may have ended, and the
// next overwrites it unless it has: failures come too irregularly for a branch to be foreseen.
func passFailures(end []uint16, windows []window, s *scratch) failureSums {
	f := failureSums{rates: grow(&s.rates, len(windows))}
	runs := grow(&s.runs, len(end)/2+2) // runs are at least one success apart
	at, run, before, failures := 0, int64(0), uint8(0), int64(0)
	for w, v := range windows {
		inside := int64(0)
		for _, e := range end[v.first:v.last] {
			failed := failedByEnd[e&7]
			runs[at] = run
			at += int(before &^ failed)
			run = (run + 1) * int64(failed)
			f.after += int64(before & failed)
			inside += int64(failed)
			before = failed
		}
		failures += inside
		f.rates[w] = float64(inside) / float64(v.last-v.first)
	}
	f.first = failures - int64(before)
	if run > 0 {
		runs[at] = run
		at++
	}
	f.runs = runs[:at]
	return f
}

// failures turns the sums of the pass, and the leaves' counts of outcomes, into the section.
func failures(leaves []*leaf, requests int64, p failureSums, windows []window, flying []float64, s *scratch) Failures {
	f := Failures{Outcomes: map[string]int64{}, FailureAfterFailure: ratio(p.after, p.first)}
	var judged int64
	for _, l := range leaves {
		for _, e := range l.ends {
			outcome, status, n := outcomeOf(e.end), statusOf(e.end), e.n
			f.Outcomes[outcome.String()] += n
			if outcome.Failed() {
				f.Failures += n
			}
			if schemas.Fault(outcome, status) {
				f.Faults += n
			}
			if schemas.Judged(outcome, status) {
				judged += n
			}
		}
	}
	f.FailureRate, f.FaultRate = ratio(f.Failures, requests), ratio(f.Faults, judged)
	low, high := stats.Wilson(uint64(f.Failures), uint64(requests))
	f.Wilson = Bounds{Number(low), Number(high)}
	f.FailureRun = FailureRun{Null, Null, Null}
	if runs := p.runs; len(runs) > 0 {
		s.spareRuns = stats.SortInts(runs, s.spareRuns)
		f.FailureRun = FailureRun{P50: Number(stats.Quantile(runs, .5)), P99: Number(stats.Quantile(runs, .99)),
			Max: Number(slices.Max(runs))}
	}
	f.LoadCorrelation = loadCorrelation(p.rates, windows, flying, s)
	return f
}

// lag1 is the correlation of ln y with the previous ln y, over the answers above 0; shift is about their mean.
func lag1(answers []uint32, shift float64) Number {
	ln := logarithms()
	sums := stats.FloatPairSums{Shift: shift}
	var first, before, sum, squares, products float64
	n := 0
	for _, y := range answers {
		if y == 0 {
			continue
		}
		var v float64
		if int(y) < len(ln) {
			v = ln[y] - shift
		} else {
			v = math.Log(float64(y)) - shift
		}
		if n == 0 {
			first, before = v, 0
		}
		products += v * before
		sum += v
		squares += v * v
		before = v
		n++
	}
	if n < 2 {
		return Null
	}
	sums.N = uint64(n - 1)
	sums.X, sums.XX = sum-before, squares-before*before
	sums.Y, sums.YY = sum-first, squares-first*first
	sums.XY = products
	return Number(sums.Pearson())
}
