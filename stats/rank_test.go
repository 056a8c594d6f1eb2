package stats

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSpearman(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name string
		a, b []float64
		want float64 // scipy: spearmanr of what is defined, np.round(., 10) first
	}{
		{"ties that rounding would break, and undefined ones", []float64{.1, .2, .2, nan, .5, .30000000000000004, .3},
			[]float64{3, 1, 2, 9, nan, 5, 4}, 0.6324555320336759},
		{"rising", []float64{1, 2, 3, 1000}, []float64{-5, 0, 0.1, 0.2}, 1},
		{"falling", []float64{1, 2, 3}, []float64{3, 2, 1}, -1},
		{"spread below the tenth decimal", []float64{1, 1 + 1e-12}, []float64{1, 2}, nan},
		{"one pair", []float64{1}, []float64{1}, nan},
		{"nothing defined", []float64{nan, 1}, []float64{1, nan}, nan},
		{"nothing", nil, nil, nan},
	}
	for _, test := range tests {
		closeTo(t, test.name, Spearman(test.a, test.b), test.want, 1e-14)
	}
}

func TestSpearmanIgnoresOrder(t *testing.T) {
	random := source(9)
	a, b := make([]float64, 200), make([]float64, 200)
	for i := range a {
		a[i] = float64(random.IntN(30))
		b[i] = a[i] + float64(random.IntN(30))
	}
	want := Spearman(a, b)
	random.Shuffle(len(a), func(i, j int) { a[i], a[j], b[i], b[j] = a[j], a[i], b[j], b[i] })
	closeTo(t, "shuffled", Spearman(a, b), want, 1e-13)
	closeTo(t, "swapped", Spearman(b, a), want, 1e-13)
}

func TestRanks(t *testing.T) {
	got := Ranks([]float64{-1}, []float64{30, 10, 20, 20, 10, 20})
	if want := []float64{-1, 6, 1.5, 4, 4, 1.5, 4}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestWilson expects statsmodels' proportion_confint(k, n, method="wilson").
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		failures, n uint64
		low, high   float64
	}{
		{0, 10, 0, 0.2775327998628892},
		{10, 10, 0.7224672001371106, 1},
		{3, 50, 0.02061497034897396, 0.1621709168883817},
		{1, 1_000_000, 1.765245767453717e-07, 5.664911804311443e-06},
		{0, 0, math.NaN(), math.NaN()},
	} {
		low, high := Wilson(c.failures, c.n)
		closeTo(t, "low", low, c.low, 1e-13)
		closeTo(t, "high", high, c.high, 1e-13)
	}
}

func TestRunLengths(t *testing.T) {
	for flags, want := range map[string][]uint64{
		"": nil, ".": nil, "x": {1}, "xx.x..xxx": {2, 1, 3}, ".x.": {1}, "xxxx.": {4},
	} {
		var in []bool
		for _, c := range flags {
			in = append(in, c == 'x')
		}
		if diff := cmp.Diff(want, RunLengths(nil, in)); diff != "" {
			t.Errorf("%q: %s", flags, diff)
		}
	}
}
