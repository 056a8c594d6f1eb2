package stats

import (
	"math"
	"testing"
)

func pairSums(x, y []int64) PairSums {
	var s PairSums
	for i := range x {
		s.Add(x[i], y[i])
	}
	return s
}

func TestPearsonAndLine(t *testing.T) {
	nan := math.NaN()
	big := int64(1_000_000_000_000)
	tests := []struct {
		name                    string
		x, y                    []int64
		r, slope, intercept, r2 float64
	}{
		{"nothing", nil, nil, nan, nan, nan, nan},
		{"one pair", []int64{1}, []int64{2}, nan, nan, nan, nan},
		{"x without spread", []int64{5, 5, 5}, []int64{1, 2, 3}, nan, nan, nan, nan},
		{"y without spread", []int64{1, 2, 3}, []int64{5, 5, 5}, nan, nan, nan, nan},
		{"zeros", []int64{0, 0}, []int64{0, 0}, nan, nan, nan, nan},
		{"a line", []int64{1, 2, 3}, []int64{5, 7, 9}, 1, 2, 3, 1},
		{"a falling line", []int64{1, 2, 3}, []int64{9, 7, 5}, -1, -2, 11, 1},
		// Variance 2/3 is 6.7e-25 of the mean square, then 1.67e-12 of it.
		{"spread lost in the size", []int64{big - 1, big, big + 1}, []int64{1, 2, 3}, nan, nan, nan, nan},
		{"spread just kept", []int64{632_455, 632_456, 632_457}, []int64{1, 2, 3}, 1, 1, -632_454, 1},
		{"spread just lost", []int64{999_999, 1_000_000, 1_000_001}, []int64{1, 2, 3}, nan, nan, nan, nan},
		// numpy: np.polyfit(x, y, 1), np.corrcoef(x, y)
		{"lengths", []int64{10, 20, 30, 40, 50, 60, 70, 80, 90, 1000}, fixtureLengths,
			-0.08010648490622428, -0.016358081271005194, 129.87192178429575, 0.006417048924031139},
	}
	for _, test := range tests {
		s := pairSums(test.x, test.y)
		slope, intercept, r2 := s.Line()
		closeTo(t, test.name+": r", s.Pearson(), test.r, 1e-13)
		closeTo(t, test.name+": slope", slope, test.slope, 1e-13)
		closeTo(t, test.name+": intercept", intercept, test.intercept, 1e-13)
		closeTo(t, test.name+": r2", r2, test.r2, 1e-13)
	}
}

func TestPearsonOfFloats(t *testing.T) {
	// Reference: np.corrcoef(np.log(y[:-1]), np.log(y[1:])) of the fixture's
	// lengths.
	const want = -0.27466277394524713
	var logs []float64
	for _, v := range fixtureLengths {
		logs = append(logs, math.Log(float64(v)))
	}
	closeTo(t, "two passes", Pearson(logs[:9], logs[1:]), want, 1e-13)
	for _, shift := range []float64{0, 4.5, 7} {
		all, half := FloatPairSums{Shift: shift}, FloatPairSums{Shift: shift}
		for i := range logs[1:] {
			if i < 4 {
				all.Add(logs[i], logs[i+1])
			} else {
				half.Add(logs[i], logs[i+1])
			}
		}
		all.Merge(half)
		closeTo(t, "sums", all.Pearson(), want, 1e-11)
	}
}

func TestPearsonOfFloatsUndefined(t *testing.T) {
	equal := FloatPairSums{Shift: 1}
	for range 10_000 {
		equal.Add(math.Log(77), math.Log(77))
	}
	atShift := FloatPairSums{Shift: math.Log(77)}
	atShift.Add(math.Log(77), 5)
	atShift.Add(math.Log(77), 6)
	zeros := FloatPairSums{Shift: math.Log(256)}
	for range 3 {
		zeros.Add(0, 0)
	}
	zeros.Add(0, math.Log(2))
	for name, got := range map[string]float64{
		"logarithms of 1":           zeros.Pearson(),
		"nothing":                   FloatPairSums{}.Pearson(),
		"one pair":                  FloatPairSums{N: 1, X: 1, Y: 2, XX: 1, YY: 4, XY: 2}.Pearson(),
		"equal values":              equal.Pearson(),
		"equal values at the shift": atShift.Pearson(),
		"no slices":                 Pearson(nil, nil),
		"equal slices":              Pearson([]float64{.1, .1, .1}, []float64{1, 2, 3}),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%s: %g", name, got)
		}
	}
}
