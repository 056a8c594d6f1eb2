package stats

import (
	"cmp"
	"math"
	"slices"
)

// Spearman returns Spearman's rank correlation of two slices of equal length,
// over the pairs with both sides defined: Pearson's of their average ranks.
// Values are rounded to 10 decimals first, so that rounding does not break
// ties. NaN with fewer than 2 pairs or without spread.
func Spearman(a, b []float64) float64 {
	var x, y []float64
	for i := range a {
		if !math.IsNaN(a[i]) && !math.IsNaN(b[i]) {
			x = append(x, roundDecimals(a[i]))
			y = append(y, roundDecimals(b[i]))
		}
	}
	return Pearson(Ranks(nil, x), Ranks(nil, y))
}

// Ranks appends the values' ranks, from 1, to dst; equal values get the average
// of theirs.
func Ranks(dst, values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(values[i], values[j]) })
	ranks := make([]float64, len(values))
	for first := 0; first < len(order); {
		end := first + 1
		for end < len(order) && values[order[end]] == values[order[first]] {
			end++
		}
		for _, i := range order[first:end] {
			ranks[i] = float64(first+1+end) / 2
		}
		first = end
	}
	return append(dst, ranks...)
}

// roundDecimals rounds to 10 decimals as numpy's round does: scaled, half to
// even.
func roundDecimals(v float64) float64 {
	return math.RoundToEven(v*1e10) / 1e10
}
