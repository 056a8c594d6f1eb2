package stats

import "math"

// GammaShape returns the shape of the Gamma distribution with this coefficient
// of variation, 1/cv^2 (method of moments; BurstGPT writes CV = 1/sqrt(alpha)):
// what load generators call burstiness. NaN if cv is 0.
func GammaShape(cv float64) float64 {
	if cv == 0 {
		return math.NaN()
	}
	return 1 / (cv * cv)
}

// GammaScale returns the scale that belongs to [GammaShape], sigma^2/mean =
// cv^2 mean, in the unit of mean. NaN if cv is 0.
func GammaScale(cv, mean float64) float64 {
	if cv == 0 {
		return math.NaN()
	}
	return cv * cv * mean
}

// Burstiness returns B = (r-1)/(r+1) of gaps whose coefficient of variation is
// r:
// -1 for a clock, 0 for a Poisson process, towards 1 for bursts (Goh & Barabasi 2008).
func Burstiness(cv float64) float64 {
	return (cv - 1) / (cv + 1)
}

// BurstinessFinite returns [Burstiness] corrected for a number of gaps n that
// bounds r at sqrt(n-1), so that streams of different length compare (Kim & Jo
// 2016): (sqrt(n+1) r - sqrt(n-1)) / ((sqrt(n+1)-2) r + sqrt(n-1)). NaN with
// fewer than 2 gaps.
func BurstinessFinite(cv float64, gaps uint64) float64 {
	if gaps < 2 {
		return math.NaN()
	}
	more, fewer := math.Sqrt(float64(gaps)+1), math.Sqrt(float64(gaps)-1)
	return (more*cv - fewer) / ((more-2)*cv + fewer)
}

// IndexOfDispersion returns the population variance over the mean of the counts
// in bins: n is the sum of the counts and squares that of their squares, empty
// bins included in bins. 1 for a Poisson process (Gusella 1991). NaN without
// bins or counts.
func IndexOfDispersion(bins, n uint64, squares Int128) float64 {
	if bins == 0 || n == 0 {
		return math.NaN()
	}
	scatter := product(Uint(bins), squares).minus(product(Uint(n), Uint(n)))
	return scatter.float() / product(Uint(bins), Uint(n)).float()
}

// PeakToMean returns the largest count over the mean count of bins whose counts
// sum to n. NaN without bins or counts.
func PeakToMean(bins, n, peak uint64) float64 {
	if bins == 0 || n == 0 {
		return math.NaN()
	}
	return product(Uint(peak), Uint(bins)).float() / float64(n)
}
