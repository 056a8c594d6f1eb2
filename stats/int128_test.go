package stats

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// anyInt returns an integer of any size, often an extreme one.
func anyInt(random *rand.Rand) int64 {
	switch random.IntN(8) {
	case 0:
		return math.MinInt64
	case 1:
		return math.MaxInt64
	case 2:
		return int64(random.IntN(3)) - 1
	}
	return int64(random.Uint64()) >> random.IntN(64)
}

func TestInt128AgainstBig(t *testing.T) {
	random := source(1)
	for range 20_000 {
		a, b, c := anyInt(random), anyInt(random), anyInt(random)
		u := random.Uint64()
		var s Int128
		s.AddProduct(a, b)
		s.AddInt(c)
		s.AddUint(u)
		want := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		want.Add(want, big.NewInt(c)).Add(want, new(big.Int).SetUint64(u))
		if s.Big().Cmp(want) != 0 || s.Sign() != want.Sign() || s.String() != want.String() {
			t.Fatalf("%d * %d + %d + %d = %s, want %s", a, b, c, u, s, want)
		}
		if back, ok := FromBig(want); !ok || back != s {
			t.Fatalf("%s came back as %s", want, back)
		}
		if f, _ := new(big.Float).SetInt(want).Float64(); s.Float64() != f {
			t.Fatalf("%s as float: %g, want %g", want, s.Float64(), f)
		}
		var other Int128
		other.AddProduct(b, c)
		square := new(big.Int).Mul(want, other.Big())
		if f, _ := new(big.Float).SetInt(square).Float64(); product(s, other).float() != f {
			t.Fatalf("%s * %s as float: %g, want %g", s, other, product(s, other).float(), f)
		}
		difference := new(big.Int).Sub(square, want)
		if f, _ := new(big.Float).SetInt(difference).Float64(); product(s, other).minus(product(s, Int(1))).float() != f {
			t.Fatalf("%s * %s - %s: want %g", s, other, s, f)
		}
	}
}

func TestFromBigLimits(t *testing.T) {
	limit := new(big.Int).Lsh(big.NewInt(1), 127)
	if _, ok := FromBig(limit); ok {
		t.Error("2^127 fits")
	}
	largest := new(big.Int).Sub(limit, big.NewInt(1))
	if v, ok := FromBig(largest); !ok || v.Big().Cmp(largest) != 0 {
		t.Errorf("2^127-1 came back as %s", v)
	}
	if v, ok := FromBig(new(big.Int).Neg(largest)); !ok || v.Sign() != -1 {
		t.Errorf("-(2^127-1) came back as %s", v)
	}
	if v, ok := FromBig(new(big.Int)); !ok || v.Sign() != 0 {
		t.Errorf("0 came back as %s", v)
	}
}

func BenchmarkInt128AddProduct(b *testing.B) {
	var s Int128
	for i := int64(0); b.Loop(); i++ {
		s.AddProduct(i, -i)
	}
}
