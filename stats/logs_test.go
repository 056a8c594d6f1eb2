package stats

import (
	"math"
	"testing"
)

// TestLogSums expects scipy's numbers: l = np.log(y); l.mean(), l.std(),
// (skew(l)**2 + 1) / kurtosis(l, fisher=False).
func TestLogSums(t *testing.T) {
	tests := []struct {
		name                  string
		values                []int64
		mu, sigma, bimodality float64
	}{
		{"lengths", fixtureLengths, 4.782716888175051, 0.32065963420575455, 0.8992277226813286},
		{"two modes", []int64{1, 1, 1, 1000, 1000, 1000, 1000}, math.Log(1000) * 4 / 7, math.Log(1000) * math.Sqrt(12) / 7, 1},
		{"even", []int64{1, 2, 4, 8, 16}, 2 * math.Ln2, math.Sqrt2 * math.Ln2, 0.5882352941176471},
		{"one", []int64{5}, math.Log(5), 0, math.NaN()},
		{"equal", []int64{77, 77, 77}, math.Log(77), 0, math.NaN()},
		{"only zeros", []int64{0, 0}, math.NaN(), math.NaN(), math.NaN()},
		{"nothing", nil, math.NaN(), math.NaN(), math.NaN()},
	}
	for _, test := range tests {
		check := func(how string, l LogSums) {
			t.Helper()
			closeTo(t, test.name+how+": mu", l.Mu(), test.mu, 1e-13)
			closeTo(t, test.name+how+": sigma", l.Sigma(), test.sigma, 1e-12)
			closeTo(t, test.name+how+": bimodality", l.Bimodality(), test.bimodality, 1e-11)
		}
		check("", SumLogs(test.values, nil))
		counts := make([]uint64, len(test.values))
		for i := range counts {
			counts[i] = 3
		}
		check(" thrice", SumLogs(test.values, counts))
		first, second := LogSums{Shift: 5}, LogSums{Shift: 5}
		for i, v := range test.values {
			if v > 0 && i%2 == 0 {
				first.Add(math.Log(float64(v)))
			} else if v > 0 {
				second.Add(math.Log(float64(v)))
			}
		}
		first.Merge(second)
		first.Spread = SumLogs(test.values, nil).Spread
		check(" merged", first)
	}
}
