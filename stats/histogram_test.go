package stats

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sketch(values []uint64) Histogram {
	var a Accumulator
	for _, v := range values {
		a.Add(v)
	}
	return a.Histogram()
}

// randomLengths returns n lognormal integers, some of them 0.
func randomLengths(seed uint64, n int) []uint64 {
	random := source(seed)
	values := make([]uint64, n)
	for i := range values {
		values[i] = uint64(math.Exp(random.NormFloat64()*1.5+3) * float64(random.IntN(20)) / 10)
	}
	return values
}

func TestHistogramMergeIsUnion(t *testing.T) {
	for seed := range uint64(50) {
		random := source(seed)
		a, b := randomLengths(seed, random.IntN(200)), randomLengths(seed+1000, random.IntN(200))
		merged := sketch(a)
		other := sketch(b)
		before := Histogram{other.Zeros, slices.Clone(other.Buckets), slices.Clone(other.Counts)}
		merged.Merge(other)
		if diff := cmp.Diff(sketch(slices.Concat(b, a)), merged); diff != "" && len(merged.Buckets) > 0 {
			t.Fatalf("seed %d, merged less one pass:\n%s", seed, diff)
		}
		if diff := cmp.Diff(before, other); diff != "" {
			t.Fatalf("merging changed its argument:\n%s", diff)
		}
		if got := merged.Total(); got != uint64(len(a)+len(b)) {
			t.Fatalf("total %d of %d", got, len(a)+len(b))
		}
	}
}

func TestHistogramMergeSharesNothing(t *testing.T) {
	var h Histogram
	o := sketch([]uint64{1, 2, 3})
	h.Merge(o)
	h.Merge(o)
	if diff := cmp.Diff(sketch([]uint64{1, 2, 3}), o); diff != "" {
		t.Error(diff)
	}
}

func TestHistogramQuantileError(t *testing.T) {
	for seed := range uint64(30) {
		values := randomLengths(seed, 1+int(seed)*17)
		h := sketch(values)
		slices.Sort(values)
		for _, q := range []float64{0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.9, 0.99, 1} {
			closeTo(t, "quantile", h.Quantile(q), Quantile(values, q), 0.01)
		}
	}
}

func TestHistogramQuantile(t *testing.T) {
	v := BucketValue
	tests := []struct {
		name string
		h    Histogram
		q    float64
		want float64
	}{
		{"empty", Histogram{}, 0.5, math.NaN()},
		{"zeros", Histogram{Zeros: 3}, 0.5, 0},
		{"between zero and a bucket", Histogram{Zeros: 1, Buckets: []int16{36}, Counts: []uint64{1}}, 0.25, v(36) / 4},
		{"between buckets", Histogram{Buckets: []int16{-5, 36}, Counts: []uint64{2, 2}}, 0.5, (v(-5) + v(36)) / 2},
		{"inside a bucket", Histogram{Buckets: []int16{-5, 36}, Counts: []uint64{2, 2}}, 0.9, v(36)},
		{"the last", Histogram{Buckets: []int16{1, 2}, Counts: []uint64{1, 1}}, 1, v(2)},
		{"above 1", Histogram{Zeros: 1}, 1.5, math.NaN()},
		{"undefined", Histogram{Zeros: 1}, math.NaN(), math.NaN()},
	}
	for _, test := range tests {
		closeTo(t, test.name, test.h.Quantile(test.q), test.want, 1e-15)
	}
}

func TestSignedHistogram(t *testing.T) {
	for seed := range uint64(30) {
		random := source(seed)
		var negative, positive Accumulator
		values := make([]int64, 1+random.IntN(300))
		for i := range values {
			values[i] = int64(random.NormFloat64() * 1000)
			if random.IntN(5) == 0 {
				values[i] = 0
			}
			if values[i] < 0 {
				negative.Add(uint64(-values[i]))
			} else {
				positive.Add(uint64(values[i]))
			}
		}
		h := SignedHistogram{Negative: negative.Histogram(), Positive: positive.Histogram()}
		slices.Sort(values)
		for _, q := range []float64{0, 0.1, 0.25, 0.5, 0.9, 1} {
			// Between two order statistics the error is relative to the larger
			// one.
			i := int(q * float64(len(values)-1))
			size := max(math.Abs(float64(values[i])), math.Abs(float64(values[min(i+1, len(values)-1)])))
			if got, want := h.Quantile(q), Quantile(values, q); math.Abs(got-want) > 0.01*size {
				t.Fatalf("seed %d, q %g: got %g, want %g", seed, q, got, want)
			}
		}
		twice := SignedHistogram{}
		twice.Merge(h)
		twice.Merge(h)
		if twice.Total() != 2*uint64(len(values)) {
			t.Fatalf("total %d, want %d", twice.Total(), 2*len(values))
		}
	}
}

func TestAccumulator(t *testing.T) {
	var a Accumulator
	if h := a.Histogram(); h.Total() != 0 || h.Buckets != nil {
		t.Errorf("a new accumulator holds %v", h)
	}
	a.Reset()
	a.Add(0)
	a.AddN(2, 3)
	a.AddFloat(0.98)
	a.AddFloat(0)
	a.AddN(math.MaxUint64, 1)
	a.AddFloat(1e-30)
	want := Histogram{Zeros: 2, Buckets: []int16{MinBucket, -1, 36, MaxBucket}, Counts: []uint64{1, 1, 3, 1}}
	if diff := cmp.Diff(want, a.Histogram()); diff != "" || a.Zeros() != 2 {
		t.Error(diff)
	}
	buckets, counts := a.Append([]int16{7}, []uint64{9})
	if diff := cmp.Diff([]int16{7, MinBucket, -1, 36, MaxBucket}, buckets); diff != "" || counts[0] != 9 {
		t.Error(diff)
	}
	a.Reset()
	if a != (Accumulator{}) {
		t.Error("something is left after Reset")
	}
}

func TestAccumulatorDoesNotAllocate(t *testing.T) {
	var a Accumulator
	buckets, counts := make([]int16, 0, 10), make([]uint64, 0, 10)
	if n := testing.AllocsPerRun(10, func() {
		a.Add(17)
		a.AddFloat(.3)
		buckets, counts = a.Append(buckets[:0], counts[:0])
		a.Reset()
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func BenchmarkAccumulatorAdd(b *testing.B) {
	values := randomLengths(1, 1024)
	var a Accumulator
	for i := 0; b.Loop(); i++ {
		a.Add(values[i&1023])
	}
}

// BenchmarkAccumulatorMinute is a minute of a hundred requests: add, extract,
// reset.
func BenchmarkAccumulatorMinute(b *testing.B) {
	values := randomLengths(1, 100)
	var a Accumulator
	var buckets []int16
	var counts []uint64
	for b.Loop() {
		for _, v := range values {
			a.Add(v)
		}
		buckets, counts = a.Append(buckets[:0], counts[:0])
		a.Reset()
	}
}

func BenchmarkHistogramMerge(b *testing.B) {
	h, o := sketch(randomLengths(1, 10_000)), sketch(randomLengths(2, 100))
	h.Merge(o)
	for b.Loop() {
		h.Merge(o)
	}
}
