package stats

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mathext"
)

// flat lists a fit's numbers in one order.
func flat(f Families) []float64 {
	return []float64{
		f.Exponential.AIC, f.Exponential.KS, f.Exponential.Rate,
		f.Gamma.AIC, f.Gamma.KS, f.Gamma.Shape, f.Gamma.Scale,
		f.Weibull.AIC, f.Weibull.KS, f.Weibull.K, f.Weibull.Lambda,
		f.Lognormal.AIC, f.Lognormal.KS, f.Lognormal.Mu, f.Lognormal.Sigma,
	}
}

var flatNames = []string{"exponential AIC", "exponential KS", "rate", "gamma AIC", "gamma KS", "shape", "scale",
	"weibull AIC", "weibull KS", "k", "lambda", "lognormal AIC", "lognormal KS", "mu", "sigma"}

// fitSorted fits microseconds in seconds, as streams do.
func fitSorted(gaps []int64) Families {
	sorted := slices.Sorted(slices.Values(gaps))
	return FitSorted(sorted, 1e6, MomentsOf(sorted, nil, 1e6))
}

// TestFixtureFamilies holds the numbers of METRICS' fixture.
func TestFixtureFamilies(t *testing.T) {
	f := fitSorted(fixtureGaps)
	within := func(name string, got, want, absolute float64) {
		if math.Abs(got-want) > absolute {
			t.Errorf("%s: got %.12g, want %.12g", name, got, want)
		}
	}
	within("gamma_shape_mle", f.Gamma.Shape, .7372085359, 5.1e-11)
	within("gamma_scale_mle", f.Gamma.Scale, 1.5802855545, 5.1e-11)
	within("weibull k", f.Weibull.K, .7993057543, 5.1e-11)
	within("weibull lambda", f.Weibull.Lambda, 1.0167224489, 5.1e-11)
	within("lognormal mu", f.Lognormal.Mu, -.6612105037, 5.1e-11)
	within("lognormal sigma", f.Lognormal.Sigma, 1.3642411388, 5.1e-11)
	within("exponential AIC", f.Exponential.AIC, 25.0544, 5.1e-5)
	within("gamma AIC", f.Gamma.AIC, 26.3636, 5.1e-5)
	within("weibull AIC", f.Weibull.AIC, 26.0913, 5.1e-5)
	within("lognormal AIC", f.Lognormal.AIC, 25.3665, 5.1e-5)
	within("exponential KS", f.Exponential.KS, .20939, 5.1e-6)
	within("gamma KS", f.Gamma.KS, .16094, 5.1e-6)
	within("weibull KS", f.Weibull.KS, .13796, 5.1e-6)
	within("lognormal KS", f.Lognormal.KS, .09650, 5.1e-6)
	if f.Best != Exponential {
		t.Errorf("best %q", f.Best)
	}
}

// TestFamilies expects what scipy finds for 20,000 gaps: expon, gamma and
// lognorm by .fit(v, floc=0), weibull_min likewise, with Newton's method to
// 1e-12 instead of its simplex; kstest(v, cdf).statistic.
func TestFamilies(t *testing.T) {
	second := func(u float64) float64 { return math.Ceil(math.Floor(-3e6*math.Log(u))/1e6) * 1e6 }
	tests := []struct {
		name     string
		quantile func(u float64) float64
		best     Family
		want     []float64
	}{
		{"pareto", func(u float64) float64 { return 1000 / math.Pow(u, 0.8) }, Lognormal, []float64{
			-176899.78355782753, 0.2545488108912691, 226.45462391695528,
			-177223.2236596706, 0.23686269828194137, 0.857825499652404, 0.00514777854212698,
			-180960.05530353056, 0.30648058128279065, 0.8022430040643279, 0.003500729045760535,
			-196528.07184803527, 0.1585587345179269, -6.108174155940854, 0.799262242667569}},
		{"exponential", func(u float64) float64 { return -2e6 * math.Log(u) }, Exponential, []float64{
			67720.79566080689, 0.0001626434510136887, 0.5000886523782019,
			67722.7938215687, 0.00016398369236814148, 1.000377715977951, 1.9988904404924526,
			67722.7927065876, 0.0001680874338937377, 1.000299776180972, 1.9998987383265665,
			71338.74819590908, 0.07069366410534567, 0.11599772839875032, 1.28201421078701}},
		{"whole seconds", second, Lognormal, []float64{
			90420.47310029092, 0.24687424326680085, 0.2835230575126522,
			86834.65301466774, 0.15672973152535802, 1.8195005871966519, 1.9384714821302753,
			87975.95159221707, 0.15483363332250014, 1.3188185712738831, 3.8634758727292424,
			84611.7252607202, 0.17834203630567041, 0.961163906681839, 0.7672755322903694}},
		{"regular", func(u float64) float64 { return 1e6 * (1 + 0.01*u) }, Gamma, []float64{
			40201.483550984725, 0.6302859189925143, 0.9950253261059934,
			-177144.4092436731, 0.05740378788062028, 121208.34530885267, 8.291504536582417e-06,
			-175934.34568531823, 0.08108878867637796, 385.2616149293392, 1.006432413212814,
			-177144.35316201244, 0.057451751802648277, 0.004982963640443113, 0.0028723340384831796}},
		{"wide", func(u float64) float64 { return 1 + 1e9*math.Pow(u, 8) }, Gamma, []float64{
			228419.66214778626, 0.4774291682358665, 0.009000802367325516,
			102199.67250978433, 0.05188452810523832, 0.1481429957013132, 749.9592248607076,
			105605.93893782495, 0.0748563202608965, 0.22247825563774484, 10.160155626983633,
			110370.70241498001, 0.11713472237842393, -0.48704417170479025, 6.216911244176532}},
	}
	for _, test := range tests {
		gaps := golden(20_000, test.quantile)
		got := fitSorted(gaps)
		if got.Best != test.best {
			t.Errorf("%s: best %q", test.name, got.Best)
		}
		checkFlat(t, test.name, flat(got), test.want)

		// The same by distinct values and counts, with all else unequal.
		slices.Sort(gaps)
		var values []float64
		var counts []uint64
		for i, v := range gaps {
			if i == 0 || v != gaps[i-1] {
				values, counts = append(values, float64(v)/1e6), append(counts, 0)
			}
			counts[len(counts)-1]++
		}
		checkFlat(t, test.name+", weighted", flat(FitValues(values, counts, MomentsOf(values, counts, 1))), test.want)
	}
}

// checkFlat allows what FitSorted promises.
func checkFlat(t *testing.T, name string, got, want []float64) {
	t.Helper()
	for i, v := range want {
		name := name + ": " + flatNames[i]
		switch flatNames[i] {
		case "exponential KS", "gamma KS", "weibull KS", "lognormal KS":
			if math.Abs(got[i]-v) > 2*distanceError {
				t.Errorf("%s: got %.9g, want %.9g", name, got[i], v)
			}
		case "weibull AIC":
			closeTo(t, name, got[i], v, 1e-4)
		case "k", "lambda":
			closeTo(t, name, got[i], v, 1e-4)
		default:
			closeTo(t, name, got[i], v, 1e-8)
		}
	}
}

func TestFamiliesUndefined(t *testing.T) {
	want := flat(fit(FitMoments{}, nil, nil))
	for name, gaps := range map[string][]int64{
		"nothing":              nil,
		"zeros":                {0, 0, 0},
		"one positive":         {0, 0, 5},
		"equal":                {7, 7, 7, 7},
		"equal as far as seen": {1_000_000, 1_000_001, 1_000_002},
	} {
		f := fitSorted(gaps)
		if f.Best != "" || !math.IsNaN(f.Gamma.Shape) || !math.IsNaN(f.Lognormal.KS) {
			t.Errorf("%s: %+v", name, f)
		}
		var h Accumulator
		for _, v := range gaps {
			h.Add(uint64(v))
		}
		f = FitHistogram(h.Histogram(), 1e6, MomentsOf(gaps, nil, 1e6))
		if diff := cmp.Diff(want, flat(f), cmp.Comparer(func(a, b float64) bool { return math.IsNaN(a) && math.IsNaN(b) })); diff != "" {
			t.Errorf("%s, sketched:\n%s", name, diff)
		}
	}
}

func TestMomentsFromSums(t *testing.T) {
	logs := LogSums{Shift: 13, Spread: true}
	sum := int64(0)
	for _, v := range fixtureGaps {
		logs.Add(math.Log(float64(v)))
		sum += v
	}
	got, want := MomentsFromSums(float64(sum), logs, 1e6), MomentsOf(append(fixtureGaps, 0, 0), nil, 1e6)
	if got.N != 10 || want.N != 10 {
		t.Errorf("%d and %d gaps", got.N, want.N)
	}
	closeTo(t, "mean", got.Mean, want.Mean, 1e-15)
	closeTo(t, "mean log", got.MeanLog, want.MeanLog, 1e-13)
	closeTo(t, "sigma", got.SigmaLog, want.SigmaLog, 1e-13)
	closeTo(t, "s", got.S, want.S, 1e-13)
}

// TestGammaMLE expects the root of ln(a) - digamma(a) = s by mpmath with 40
// digits.
func TestGammaMLE(t *testing.T) {
	for _, c := range []struct{ s, shape, relative float64 }{
		{1e-6, 500000.16666661113, 1e-9}, // the iteration ends at 1e-10
		{1e-3, 500.16661108153954, 1e-10},
		{.3, 1.8155497629688563, 1e-14},
		{2, 0.33811677188001255, 1e-14},
		{20, 0.044224815677747824, 1e-14},
		{0.99e-6, math.NaN(), 0},
	} {
		shape, scale := GammaMLE(FitMoments{N: 2, Mean: 3, S: c.s})
		closeTo(t, "shape", shape, c.shape, c.relative)
		closeTo(t, "scale", scale, 3/c.shape, c.relative)
	}
}

// TestSpecialFunctions expects mpmath's log(x) - digamma(x), and
// scipy.special's polygamma(1, x) and gammainc, where the fits use them.
func TestSpecialFunctions(t *testing.T) {
	for _, c := range []struct{ x, difference, trigamma float64 }{
		{1e-3, 993.66781665282814, 1000001.6425331959},
		{.3, 2.2985514178741971, 12.245364546107734},
		{1, 0.57721566490153286, 1.6449340668482266},
		{5, 0.1033202440022999, 0.22132295573711533},
		{5e5, 1.0000003333333333e-6, 2.000002000001333e-06},
	} {
		closeTo(t, "ln - digamma", logMinusDigamma(c.x), c.difference, 1e-14)
		closeTo(t, "trigamma", mathext.Zeta(2, c.x), c.trigamma, 1e-14)
	}
	for _, c := range []struct{ a, x, want float64 }{
		{.01, 1e-5, 0.8963367982671969}, {.3, .1, 0.5459128495917965}, {2, 5, 0.9595723180054873},
		{50, 45, 0.24680203440017026}, {1000, 1010, 0.6276789447369947}, {5e5, 500300, 0.6644543094000676},
	} {
		closeTo(t, "gammainc", mathext.GammaIncReg(c.a, c.x), c.want, 1e-9)
	}
}

func BenchmarkFitSorted(b *testing.B) {
	for _, c := range []struct {
		name     string
		quantile func(u float64) float64
	}{
		{"exponential", func(u float64) float64 { return -2e6 * math.Log(u) }},
		{"bursty", func(u float64) float64 { return 1 + 1e9*math.Pow(u, 8) }},
		{"seconds", func(u float64) float64 { return math.Ceil(-3*math.Log(u)) * 1e6 }},
	} {
		sorted := golden(1_000_000, c.quantile)
		slices.Sort(sorted)
		m := MomentsOf(sorted, nil, 1e6)
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				FitSorted(sorted, 1e6, m)
			}
		})
	}
}

func BenchmarkMomentsOf(b *testing.B) {
	sorted := golden(1_000_000, func(u float64) float64 { return -2e6 * math.Log(u) })
	slices.Sort(sorted)
	for b.Loop() {
		MomentsOf(sorted, nil, 1e6)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(sorted)), "ns/value")
}

func BenchmarkFitHistogram(b *testing.B) {
	values := golden(100_000, func(u float64) float64 { return -2e6 * math.Log(u) })
	m := MomentsOf(values, nil, 1e6)
	h := sketchInts(values)
	for b.Loop() {
		FitHistogram(h, 1e6, m)
	}
}

func BenchmarkZipf(b *testing.B) {
	for b.Loop() {
		Zipf(10, 12.42761491547741, 40)
	}
}
