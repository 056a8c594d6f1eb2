package stats

import (
	"math"
	"math/big"
	"testing"
)

// exactLimit returns 1.02^b by rational arithmetic.
func exactLimit(b int) *big.Rat {
	n, d := big.NewInt(51), big.NewInt(50)
	if b < 0 {
		n, d, b = d, n, -b
	}
	e := big.NewInt(int64(b))
	return new(big.Rat).SetFrac(new(big.Int).Exp(n, e, nil), new(big.Int).Exp(d, e, nil))
}

func TestLimitsAreExact(t *testing.T) {
	for b := int(MinBucket); b <= int(MaxBucket); b++ {
		want := exactLimit(b)
		got := floatLimits[b-int(MinBucket)]
		below, above := new(big.Rat).SetFloat64(got), new(big.Rat).SetFloat64(math.Nextafter(got, math.Inf(1)))
		if below.Cmp(want) > 0 || above.Cmp(want) <= 0 {
			t.Fatalf("bucket %d: %g is not the largest float up to the limit", b, got)
		}
		if b < 0 {
			continue
		}
		floor := new(big.Int).Quo(want.Num(), want.Denom())
		if !floor.IsUint64() {
			floor.SetUint64(math.MaxUint64)
		}
		if integerLimits[b] != floor.Uint64() {
			t.Fatalf("bucket %d: integer limit %d, want %d", b, integerLimits[b], floor)
		}
	}
}

// TestBucketAtLimits asks for the integers and floats next to every limit,
// which is where a bucket can be wrong.
func TestBucketAtLimits(t *testing.T) {
	for b := int16(0); b < MaxBucket; b++ {
		limit := integerLimits[b]
		for _, v := range []uint64{limit - 1, limit, limit + 1} {
			if v > 0 {
				checkBucket(t, v)
			}
		}
	}
	for b := MinBucket; b < MaxBucket; b++ {
		limit := floatLimits[int(b)-int(MinBucket)]
		if got := BucketFloat(limit); got != b {
			t.Errorf("BucketFloat(%g) = %d, want %d", limit, got, b)
		}
		if got := BucketFloat(math.Nextafter(limit, math.Inf(1))); got != b+1 {
			t.Errorf("BucketFloat just above %g = %d, want %d", limit, got, b+1)
		}
	}
}

// checkBucket holds the bucket of v against the limits, which
// TestLimitsAreExact checks.
func checkBucket(t *testing.T, v uint64) {
	t.Helper()
	b := Bucket(v)
	if b < 0 || b > MaxBucket || v > integerLimits[b] || b > 0 && v <= integerLimits[b-1] {
		t.Fatalf("Bucket(%d) = %d", v, b)
	}
	if v <= 1<<53 {
		if f := BucketFloat(float64(v)); f != b {
			t.Fatalf("BucketFloat(%d) = %d, Bucket = %d", v, f, b)
		}
	}
	if value := BucketValue(b); math.Abs(value-float64(v)) > 0.01*float64(v) {
		t.Fatalf("Bucket(%d) = %d stands for %g", v, b, value)
	}
}

func TestBucket(t *testing.T) {
	for v := uint64(1); v <= 1<<17; v++ {
		checkBucket(t, v)
	}
	random := source(1)
	for range 200_000 {
		v := random.Uint64() >> random.IntN(64)
		if v < math.MaxUint64 {
			checkBucket(t, v+1)
			if Bucket(v+1) < Bucket(max(v, 1)) {
				t.Fatalf("Bucket falls at %d", v)
			}
		}
	}
	for _, c := range []struct {
		v    uint64
		want int16
	}{{1, 0}, {2, 36}, {3, 56}, {1_000_000, 698}, {60_000_000, 905}, {1 << 63, 2206}, {math.MaxUint64, MaxBucket}} {
		// Want: ceil(log(v) / log(1.02)).
		if got := Bucket(c.v); got != c.want {
			t.Errorf("Bucket(%d) = %d, want %d", c.v, got, c.want)
		}
	}
}

func TestBucketFloatOutside(t *testing.T) {
	for _, c := range []struct {
		v    float64
		want int16
	}{
		{1, 0}, {0.99, 0}, {0.98, -1}, {1.5, 21}, {math.Ldexp(1, -64), MinBucket}, {1e-300, MinBucket}, {5e-324, MinBucket},
		{math.Ldexp(1, 64), MaxBucket}, {1e300, MaxBucket}, {math.Inf(1), MaxBucket},
	} {
		if got := BucketFloat(c.v); got != c.want {
			t.Errorf("BucketFloat(%g) = %d, want %d", c.v, got, c.want)
		}
	}
	random := source(2)
	for range 100_000 {
		v := math.Exp(random.Float64()*80 - 40)
		b := BucketFloat(v)
		if math.Abs(BucketValue(b)-v) > 0.01*v {
			t.Fatalf("BucketFloat(%g) = %d stands for %g", v, b, BucketValue(b))
		}
	}
}

// TestBucketByLogarithm says up to where a floating-point ceil(log(v) /
// log(1.02)), as SQL would compute it, agrees: up to 2^38, three days of
// microseconds. The first integer on which it does not is 347,880,835,541.
func TestBucketByLogarithm(t *testing.T) {
	for b := int16(1); b < MaxBucket; b++ {
		for _, v := range []uint64{integerLimits[b], integerLimits[b] + 1} {
			if v > 1<<38 {
				return
			}
			if got := math.Ceil(math.Log(float64(v)) / math.Log(Growth)); got != float64(Bucket(v)) {
				t.Errorf("%d: bucket %d, by logarithm %g", v, Bucket(v), got)
			}
		}
	}
}

func FuzzBucket(f *testing.F) {
	for _, v := range []uint64{1, 2, 127, 128, 1 << 20, 1<<63 - 1, math.MaxUint64} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v uint64) {
		if v > 0 {
			checkBucket(t, v)
		}
	})
}

func BenchmarkBucket(b *testing.B) {
	values := make([]uint64, 1024)
	random := source(3)
	for i := range values {
		values[i] = uint64(math.Exp(random.NormFloat64()*2 + 12))
	}
	var sum int16
	for i := 0; b.Loop(); i++ {
		sum += Bucket(values[i&1023])
	}
	_ = sum
}

func BenchmarkBucketFloat(b *testing.B) {
	values := make([]float64, 1024)
	random := source(3)
	for i := range values {
		values[i] = math.Exp(random.NormFloat64()*2 + 12)
	}
	var sum int16
	for i := 0; b.Loop(); i++ {
		sum += BucketFloat(values[i&1023])
	}
	_ = sum
}
