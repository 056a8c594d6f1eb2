package stats

import (
	"math"
	"math/big"
	"testing"
)

// TestFixtureMoments holds the numbers of METRICS' fixture.
func TestFixtureMoments(t *testing.T) {
	gaps := powerSums(fixtureGaps...)
	closeTo(t, "mean", gaps.Mean()/1e6, 1.165, 1e-15)
	closeTo(t, "gap_cv", gaps.CV(), 1.2635895787, 4e-11)
	lengths := powerSums(fixtureLengths...)
	closeTo(t, "mean", lengths.Mean(), 127.5, 1e-15)
	closeTo(t, "std", lengths.StdDev(), 58.41, 1e-4)
}

func TestMomentsUndefined(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name           string
		values         []int64
		mean, variance float64
		cv             float64
	}{
		{"nothing", nil, nan, nan, nan},
		{"one", []int64{5}, 5, 0, nan},
		{"zeros", []int64{0, 0, 0}, 0, 0, nan},
		{"equal", []int64{7, 7, 7}, 7, 0, 0},
		{"both signs", []int64{-3, 3}, 0, 9, nan},
		{"negative", []int64{-3, -5}, -4, 1, -0.25},
	}
	for _, test := range tests {
		s := powerSums(test.values...)
		closeTo(t, test.name+": mean", s.Mean(), test.mean, 0)
		closeTo(t, test.name+": variance", s.Variance(), test.variance, 0)
		closeTo(t, test.name+": cv", s.CV(), test.cv, 0)
	}
}

// TestCVKeepsDigits looks at gaps around a month that differ by microseconds,
// where floating-point sums would have no digit left.
func TestCVKeepsDigits(t *testing.T) {
	random := source(4)
	var s PowerSums
	sum, squares, n := new(big.Int), new(big.Int), int64(1000)
	for range n {
		v := 2_600_000_000_000 + random.Int64N(20)
		s.Add(v)
		sum.Add(sum, big.NewInt(v))
		squares.Add(squares, new(big.Int).Mul(big.NewInt(v), big.NewInt(v)))
	}
	scatter := new(big.Int).Mul(big.NewInt(n), squares)
	scatter.Sub(scatter, new(big.Int).Mul(sum, sum))
	exact := new(big.Float).SetPrec(200).SetInt(scatter)
	exact.Sqrt(exact).Quo(exact, new(big.Float).SetPrec(200).SetInt(sum))
	want, _ := exact.Float64()
	closeTo(t, "cv", s.CV(), want, 1e-15)
}

func TestMergeIsUnion(t *testing.T) {
	random := source(5)
	var all, first, second PowerSums
	var pairs, firstPairs, secondPairs PairSums
	for i := range 1000 {
		x, y := anyInt(random)>>4, anyInt(random)>>4
		all.Add(x)
		pairs.Add(x, y)
		if i%3 == 0 {
			first.Add(x)
			firstPairs.Add(x, y)
		} else {
			second.Add(x)
			secondPairs.Add(x, y)
		}
	}
	second.Merge(first)
	secondPairs.Merge(firstPairs)
	if second != all || secondPairs != pairs {
		t.Error("merged sums differ from one pass")
	}
}

// TestFixtureBurstiness holds the numbers of METRICS' fixture.
func TestFixtureBurstiness(t *testing.T) {
	gaps := powerSums(fixtureGaps...)
	cv := gaps.CV()
	closeTo(t, "burstiness", Burstiness(cv), .1164476021, 4e-10)
	closeTo(t, "burstiness_finite", BurstinessFinite(cv, gaps.N), .2553464680, 2e-10)
	closeTo(t, "gamma_shape", GammaShape(cv), 1/(1.2635895787*1.2635895787), 1e-10)
	closeTo(t, "gamma_scale", GammaScale(cv, gaps.Mean()/1e6), 1.165*1.2635895787*1.2635895787, 1e-10)

	var n, squares, peak uint64
	for _, count := range []uint64{3, 0, 7, 1, 0, 12, 2, 5} {
		n, squares, peak = n+count, squares+count*count, max(peak, count)
	}
	closeTo(t, "idc", IndexOfDispersion(8, n, Uint(squares)), 3.983333, 1e-7)
	closeTo(t, "peak_to_mean", PeakToMean(8, n, peak), 3.2, 1e-15)
}

func TestBurstinessUndefined(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name      string
		got, want float64
	}{
		{"shape of a clock", GammaShape(0), nan},
		{"scale of a clock", GammaScale(0, 5), nan},
		{"shape", GammaShape(nan), nan},
		{"scale", GammaScale(nan, 5), nan},
		{"burstiness of a clock", Burstiness(0), -1},
		{"burstiness", Burstiness(nan), nan},
		{"finite burstiness of a clock", BurstinessFinite(0, 100), -1},
		{"finite burstiness", BurstinessFinite(nan, 100), nan},
		{"finite burstiness of one gap", BurstinessFinite(1, 1), nan},
		{"the largest finite burstiness", BurstinessFinite(math.Sqrt(99), 100), 1},
		{"idc without bins", IndexOfDispersion(0, 0, Int128{}), nan},
		{"idc of empty bins", IndexOfDispersion(10, 0, Int128{}), nan},
		{"idc of equal bins", IndexOfDispersion(2, 6, Uint(18)), 0},
		{"peak without bins", PeakToMean(0, 0, 0), nan},
		{"peak of empty bins", PeakToMean(10, 0, 0), nan},
	}
	for _, test := range tests {
		closeTo(t, test.name, test.got, test.want, 1e-14)
	}
}
