package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// close fails unless got is within relative of want; NaN is close to NaN only.
func closeTo(t *testing.T, name string, got, want, relative float64) {
	t.Helper()
	if math.IsNaN(got) != math.IsNaN(want) || math.Abs(got-want) > relative*math.Abs(want) {
		t.Errorf("%s: got %.17g, want %.17g within %g", name, got, want, relative)
	}
}

// source returns a random source that is the same in every run.
func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// golden returns n integers with this quantile function at evenly spread
// probabilities: a sample that any language makes alike, without a random
// source (numpy: u = arange(1, n+1) * 0.6180339887498949 % 1.0;
// maximum(floor(f(u)), 1)).
func golden(n int, quantile func(u float64) float64) []int64 {
	values := make([]int64, n)
	for i := range values {
		u := math.Mod(float64(i+1)*0.6180339887498949, 1)
		values[i] = int64(max(math.Floor(quantile(u)), 1))
	}
	return values
}

// fixtureGaps are the gaps of METRICS' fixture in microseconds.
var fixtureGaps = []int64{100000, 200000, 400000, 800000, 1600000, 300000, 5000000, 50000, 700000, 2500000}

// fixtureLengths are the fixture's lengths in tokens.
var fixtureLengths = []int64{100, 120, 95, 300, 110, 105, 98, 130, 102, 115}

func powerSums(values ...int64) PowerSums {
	var s PowerSums
	for _, v := range values {
		s.Add(v)
	}
	return s
}
