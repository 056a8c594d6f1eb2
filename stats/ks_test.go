package stats

import (
	"math"
	"slices"
	"testing"
)

func sketchInts(values []int64) Histogram {
	var a Accumulator
	for _, v := range values {
		a.Add(uint64(v))
	}
	return a.Histogram()
}

// gapShapes are the kinds of gaps that logs have, the most regular ones at the
// limits that FitHistogram names.
var gapShapes = map[string]func(normal, uniform float64) float64{
	"exponential":        func(_, u float64) float64 { return -1e6 * math.Log(u) },
	"narrow lognormal":   func(z, _ float64) float64 { return 1e6 * math.Exp(0.3*z) },
	"lognormal":          func(z, _ float64) float64 { return 1e5 * math.Exp(z) },
	"wide lognormal":     func(z, _ float64) float64 { return 1e5 * math.Exp(2.5*z) },
	"bursts":             func(_, u float64) float64 { return 1 + 1e9*math.Pow(u, 8) },
	"pareto":             func(_, u float64) float64 { return 1e4 / math.Pow(u, 0.8) },
	"regular":            func(z, _ float64) float64 { return 1e6 * math.Exp(0.04*z) },
	"regular seconds":    func(z, _ float64) float64 { return 3e7 * math.Round(10*math.Exp(0.25*z)) },
	"uniform":            func(_, u float64) float64 { return 1e6 * u },
	"microseconds":       func(_, u float64) float64 { return math.Ceil(-20 * math.Log(u)) },
	"milliseconds":       func(_, u float64) float64 { return 1e3 * math.Ceil(-30*math.Log(u)) },
	"seconds":            func(_, u float64) float64 { return 1e6 * math.Ceil(-3*math.Log(u)) },
	"many seconds":       func(_, u float64) float64 { return 1e6 * math.Ceil(-40*math.Log(u)) },
	"minutes of seconds": func(z, _ float64) float64 { return 1e6 * math.Ceil(60*math.Exp(0.3*z)) },
	"three seconds":      func(_, u float64) float64 { return 3e6 * math.Ceil(-2*math.Log(u)) },
	"a batch job": func(z, u float64) float64 { // a third at exactly 10 s, the rest smooth
		if u < 1./3 {
			return 1e7
		}
		return 1e6 * math.Exp(z)
	},
	"two clocks": func(z, u float64) float64 {
		if u < 0.5 {
			return 1e6 * math.Ceil(10*u)
		}
		return 2e5 * math.Exp(0.5*z)
	},
}

func shapedGaps(seed uint64, n int, shape func(normal, uniform float64) float64) []int64 {
	random := source(seed)
	gaps := make([]int64, n)
	for i := range gaps {
		gaps[i] = int64(max(shape(random.NormFloat64(), 1-random.Float64()), 1))
	}
	slices.Sort(gaps)
	return gaps
}

// TestFitHistogram holds fits from a sketch against those from the values:
// distances within METRICS' 0.02, Weibull's parameters within its 2 %, the rest
// the same.
func TestFitHistogram(t *testing.T) {
	for name, shape := range gapShapes {
		for _, n := range []int{10, 30, 100, 3000, 100_000} {
			if name == "regular" && n < 3000 {
				continue
			}
			gaps := shapedGaps(uint64(n), n, shape)
			m := MomentsOf(gaps, nil, 1e6)
			want, got := flat(FitSorted(gaps, 1e6, m)), flat(FitHistogram(sketchInts(gaps), 1e6, m))
			for i, v := range want {
				name := name + ": " + flatNames[i]
				switch flatNames[i] {
				case "exponential KS", "gamma KS", "weibull KS", "lognormal KS":
					if math.Abs(got[i]-v) > 0.02 {
						t.Errorf("%s of %d: got %.4f, want %.4f", name, n, got[i], v)
					}
				case "k", "lambda":
					closeTo(t, name, got[i], v, 0.02)
				case "weibull AIC":
					if math.Abs(got[i]-v) > 0.02*max(math.Abs(v), float64(n)) {
						t.Errorf("%s of %d: got %.1f, want %.1f", name, n, got[i], v)
					}
				default:
					closeTo(t, name, got[i], v, 0)
				}
			}
		}
	}
}

// TestFitHistogramWithoutSpread wants finite fits where one bucket holds all.
func TestFitHistogramWithoutSpread(t *testing.T) {
	var gaps []int64
	for v := range int64(1000) {
		gaps = append(gaps, 1_010_000+8*v)
	}
	f := FitHistogram(sketchInts(gaps), 1e6, MomentsOf(gaps, nil, 1e6))
	for i, v := range flat(f) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("%s: %g", flatNames[i], v)
		}
	}
}

// TestDistanceOfManyValues holds the search against looking at every value.
func TestDistanceOfManyValues(t *testing.T) {
	worst := 0.0
	for name, shape := range gapShapes {
		gaps := shapedGaps(7, 30_000, shape)
		m := MomentsOf(gaps, nil, 1)
		s := sortedSample{values: gaps, unit: 1}
		for family, cdf := range map[string]func(v float64) float64{
			"exponential": func(v float64) float64 { return -math.Expm1(-v / m.Mean) },
			"lognormal":   func(v float64) float64 { return 0.5 * math.Erfc((m.MeanLog-math.Log(v))/(m.SigmaLog*math.Sqrt2)) },
			"none of it":  func(v float64) float64 { return 0 },
			"all of it":   func(v float64) float64 { return 1 },
		} {
			want := 0.0
			for i := range gaps {
				p := cdf(s.value(i))
				want = max(want, float64(i+1)/30_000-p, p-float64(i)/30_000)
			}
			got := distance(s, cdf)
			worst = max(worst, want-got)
			if got > want || got < want-distanceError {
				t.Errorf("%s, %s: got %.9f, want %.9f", name, family, got, want)
			}
		}
	}
	t.Logf("at most %.2g too small", worst)
}

// TestWeibullOfManyValues holds the fit of grouped values against every value.
func TestWeibullOfManyValues(t *testing.T) {
	for name, shape := range gapShapes {
		gaps := shapedGaps(8, 30_000, shape)
		m := MomentsOf(gaps, nil, 1e6)
		every := make([]group, len(gaps))
		for i, v := range gaps {
			every[i] = group{math.Log(float64(v) / 1e6), 1}
		}
		k, lambda := weibull(every, m)
		f := FitSorted(gaps, 1e6, m)
		closeTo(t, name+": k", f.Weibull.K, k, 1e-4)
		closeTo(t, name+": lambda", f.Weibull.Lambda, lambda, 1e-4)
	}
}

// TestWeibullScore holds the fit against its own equations on distributions
// that are Weibull's: k and lambda come out as they went in.
func TestWeibullScore(t *testing.T) {
	for _, k := range []float64{0.2, 0.8, 1, 3, 50} {
		values := make([]float64, 4000)
		for i := range values {
			u := (float64(i) + 0.5) / 4000
			values[i] = 2 * math.Pow(-math.Log(1-u), 1/k)
		}
		counts := make([]uint64, len(values))
		for i := range counts {
			counts[i] = 1
		}
		f := FitValues(values, counts, MomentsOf(values, nil, 1))
		closeTo(t, "k", f.Weibull.K, k, 2e-3)
		closeTo(t, "lambda", f.Weibull.Lambda, 2, 2e-3/min(k, 1))
	}
}
