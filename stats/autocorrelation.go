package stats

import "math"

// Autocorrelation returns the autocorrelation of a series at a lag of that many
// of its steps, with the usual estimator (Box & Jenkins 1976): the sum of the
// products of deviations from the whole series' mean that lie lag apart, over the
// sum of all squared deviations. Dividing by the variance of all n values, and
// not by that of the n-lag that take part, keeps it within -1 and 1 and gives
// long lags, of which a series has few pairs, less weight. NaN where the lag is
// below 0 or leaves no pair, and where the series has no spread.
func Autocorrelation[T Number](series []T, lag int) float64 {
	return Autocorrelations(nil, series, lag)[0]
}

// Autocorrelations appends the autocorrelations of a series at several lags to
// dst.
func Autocorrelations[T Number](dst []float64, series []T, lags ...int) []float64 {
	n := float64(len(series))
	var mean float64
	for _, v := range series {
		mean += float64(v)
	}
	mean /= n
	deviations := make([]float64, len(series))
	var squares, uncentred float64
	for i, v := range series {
		d := float64(v) - mean
		deviations[i] = d
		squares += d * d
		uncentred += float64(v) * float64(v)
	}
	for _, lag := range lags {
		if lag < 0 || lag >= len(series) || !(squares > noSpread*uncentred) {
			dst = append(dst, math.NaN())
			continue
		}
		var sum float64
		later := deviations[lag:]
		for i, d := range later {
			sum += d * deviations[i]
		}
		dst = append(dst, sum/squares)
	}
	return dst
}
