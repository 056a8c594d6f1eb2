package stats

import (
	"math"
	"slices"
	"testing"
)

func TestQuantile(t *testing.T) {
	qs := []float64{0, 0.1, 0.25, 0.5, 0.9, 0.99, 1}
	tests := []struct {
		sorted []int64
		want   []float64 // numpy: np.quantile(sorted, qs), to the digit
	}{
		{[]int64{1, 1, 2, 3, 4, 5, 6, 9}, []float64{1, 1, 1.75, 3.5, 6.8999999999999995, 8.79, 9}},
		{[]int64{7}, []float64{7, 7, 7, 7, 7, 7, 7}},
		{[]int64{-5, 0, 5, 100}, []float64{-5, -3.5, -1.25, 2.5, 71.50000000000001, 97.14999999999998, 100}},
	}
	for _, test := range tests {
		if got := Quantiles(nil, test.sorted, qs...); !slices.Equal(got, test.want) {
			t.Errorf("%v: got %v, want %v", test.sorted, got, test.want)
		}
	}
	if got := Quantile([]float64{}, 0.5); !math.IsNaN(got) {
		t.Errorf("a quantile of nothing is %g", got)
	}
	if got := Quantile([]float64{0.5, 1.5}, 0.5); got != 1 {
		t.Errorf("between 0.5 and 1.5: %g", got)
	}
}

// TestFixtureQuantiles holds the numbers of METRICS' fixture.
func TestFixtureQuantiles(t *testing.T) {
	sorted := slices.Sorted(slices.Values(fixtureLengths))
	for q, want := range map[float64]float64{0.25: 100.5, 0.5: 107.5, 0.75: 118.75, 0.99: 284.7} {
		closeTo(t, "fixture", Quantile(sorted, q), want, 1e-12)
	}
}

func TestSortInts(t *testing.T) {
	var scratch []int64
	random := source(1)
	for _, n := range []int{0, 1, 2, 1023, 1024, 5000, 20_000} {
		for _, spread := range []int64{1, 2, 1000, 1 << 11, 1 << 40, math.MaxInt64} {
			values := make([]int64, n)
			for i := range values {
				values[i] = random.Int64N(spread) - random.Int64N(spread)
			}
			if n > 2 && spread == math.MaxInt64 {
				values[1], values[2] = math.MinInt64, math.MaxInt64
			}
			want := slices.Sorted(slices.Values(values))
			scratch = SortInts(values, scratch)
			if !slices.Equal(values, want) {
				t.Fatalf("%d values within %d are not sorted", n, spread)
			}
			scratch = SortInts(values, scratch)
			if !slices.Equal(values, want) {
				t.Fatal("sorted values did not stay so")
			}
		}
	}
}

func BenchmarkSortInts(b *testing.B) {
	values := golden(1_000_000, func(u float64) float64 { return -1e6 * math.Log(u) })
	work, scratch := make([]int64, len(values)), make([]int64, len(values))
	for b.Loop() {
		copy(work, values)
		scratch = SortInts(work, scratch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(values)), "ns/value")
}
