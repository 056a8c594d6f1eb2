package stats

import (
	"math"
	"slices"
	"testing"
)

func TestDistancesOfTwoSamples(t *testing.T) {
	for _, c := range []struct {
		name            string
		a, b            []int64
		ks, wasserstein float64
	}{
		{"itself", []int64{1, 2, 2, 3}, []int64{1, 2, 2, 3}, 0, 0},
		{"itself, twice", []int64{1, 2, 3}, []int64{1, 1, 2, 2, 3, 3}, 0, 0},
		{"shifted", []int64{0, 1, 2, 3}, []int64{5, 6, 7, 8}, 1, 5},
		{"one value each", []int64{4}, []int64{-3}, 1, 7},
		{"half of it moved", []int64{0, 0}, []int64{0, 10}, 0.5, 5},
		// By hand: the functions differ by 9, 16, 6, 2, 5 thirty-fifths over 1, 1, 2, 4, 11.
		{"other sizes, ties", []int64{1, 1, 2, 5, 9}, []int64{1, 3, 3, 5, 5, 5, 20}, 16. / 35, 100. / 35},
	} {
		closeTo(t, c.name+": KS", KolmogorovSmirnov(c.a, c.b), c.ks, 1e-14)
		closeTo(t, c.name+": KS, turned round", KolmogorovSmirnov(c.b, c.a), c.ks, 1e-14)
		closeTo(t, c.name+": Wasserstein", Wasserstein(c.a, c.b), c.wasserstein, 1e-14)
		closeTo(t, c.name+": Wasserstein, turned round", Wasserstein(c.b, c.a), c.wasserstein, 1e-14)
	}
	for _, v := range []float64{KolmogorovSmirnov(nil, []int64{1}), KolmogorovSmirnov([]int64{1}, nil),
		Wasserstein(nil, []float64{1}), Wasserstein[float64](nil, nil)} {
		if !math.IsNaN(v) {
			t.Errorf("a distance to nothing is %g, want NaN", v)
		}
	}
}

// TestDistancesByDefinition compares with the definitions, spelled out, on random samples with many ties.
func TestDistancesByDefinition(t *testing.T) {
	random := source(3)
	for range 200 {
		a, b := make([]float64, 1+random.IntN(30)), make([]float64, 1+random.IntN(30))
		for i := range a {
			a[i] = float64(random.IntN(12)) / 4
		}
		for i := range b {
			b[i] = float64(random.IntN(12)) / 4
		}
		slices.Sort(a)
		slices.Sort(b)
		share := func(s []float64, v float64) float64 {
			n := 0
			for _, x := range s {
				if x <= v {
					n++
				}
			}
			return float64(n) / float64(len(s))
		}
		var ks, area float64
		for v := 0.0; v < 3; v += 0.25 { // both functions are constant between quarters
			d := math.Abs(share(a, v) - share(b, v))
			ks = max(ks, d)
			area += d / 4
		}
		closeTo(t, "KS", KolmogorovSmirnov(a, b), ks, 1e-12)
		closeTo(t, "Wasserstein", Wasserstein(a, b), area, 1e-12)
		if len(a) == len(b) {
			var sum float64
			for i := range a {
				sum += math.Abs(a[i] - b[i])
			}
			closeTo(t, "Wasserstein of equal sizes", Wasserstein(a, b), sum/float64(len(a)), 1e-12)
		}
	}
}
