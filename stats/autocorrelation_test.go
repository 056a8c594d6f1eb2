package stats

import (
	"math"
	"testing"
)

func TestAutocorrelation(t *testing.T) {
	// By hand: mean 3, deviations -2 -1 0 1 2, squares 10; lag 1: 2+0+0+2 = 4; lag 2: 0-1+0 = -1; lag 4: -4.
	ramp := []int64{1, 2, 3, 4, 5}
	for lag, want := range map[int]float64{0: 1, 1: 0.4, 2: -0.1, 3: -0.4, 4: -0.4} {
		closeTo(t, "ramp", Autocorrelation(ramp, lag), want, 1e-14)
	}
	// A period of 4 comes back at its lag, less what the end cuts off.
	wave := make([]float64, 400)
	for i := range wave {
		wave[i] = 7 + []float64{1, 0, -1, 0}[i%4]
	}
	got := Autocorrelations(nil, wave, 1, 2, 4, 399)
	for i, want := range []float64{0, -398. / 400, 396. / 400, 0} {
		closeTo(t, "wave", got[i], want, 1e-12)
	}
	for _, v := range []float64{Autocorrelation(ramp, 5), Autocorrelation(ramp, -1), Autocorrelation([]int64{}, 0),
		Autocorrelation([]int64{4, 4, 4}, 1), Autocorrelation([]float64{0, 0}, 1)} {
		if !math.IsNaN(v) {
			t.Errorf("an undefined autocorrelation is %g, want NaN", v)
		}
	}
}
