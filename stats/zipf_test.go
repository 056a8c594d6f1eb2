package stats

import (
	"math"
	"testing"
)

// TestZeta expects mpmath's digits: zeta(a) - 1 and diff(zeta, a).
func TestZeta(t *testing.T) {
	for _, c := range []struct{ a, tail, slope float64 }{
		{1.001, 999.57728847601163, -999999.92719406617},
		{1.5, 1.6123753486854883, -3.9322397374311015},
		{2, 0.64493406684822644, -0.93754825431584375},
		{3.7, 0.10628824146467924, -0.09220632335339039},
		{10, 0.00099457512781808534, -0.00069703300817139369},
		{40, 9.0949478402638893e-13, -6.3041377863301422e-13},
		{64, 5.4210108624566543e-20, -3.7575583951084697e-20},
	} {
		tail, slope := zeta(c.a)
		// a itself, as a float64, is off by 1e-16, which counts for much near
		// 1.
		tolerance := 1e-14 + 3e-16/(c.a-1)
		closeTo(t, "zeta - 1", tail, c.tail, tolerance)
		closeTo(t, "zeta'", slope, c.slope, 2*tolerance)
	}
}

// TestZipf expects the root of the score by mpmath with 30 digits. (Minimising
// the likelihood in floating point finds it to about 1e-8; where nearly all
// values are 1, to less.)
func TestZipf(t *testing.T) {
	tests := []struct {
		name    string
		n       uint64
		sumLog  float64
		largest uint64
		alpha   float64
	}{
		{"fixture", 10, 12.42761491547741, 40, 1.579293401697827},
		{"one 2 in a thousand", 1000, math.Ln2, 2, 10.00652096431737},
		{"one 2 in five million", 5_000_001, math.Ln2, 2, 22.25377295878081},
		{"long", 4, 29.933606208922594, 20000, 1.124408165825335},
		{"all 2", 10, 10 * math.Ln2, 2, 1.879100672278463},
		{"all 1", 10, 0, 1, math.NaN()},
		{"none", 0, 0, 0, math.NaN()},
	}
	for _, test := range tests {
		alpha, standardError := Zipf(test.n, test.sumLog, test.largest)
		closeTo(t, test.name, alpha, test.alpha, 1e-13)
		closeTo(t, test.name+": error", standardError, (test.alpha-1)/math.Sqrt(float64(test.n)), 1e-12)
	}
	alpha, _ := Zipf(10, 12.42761491547741, 40)
	closeTo(t, "the fixture's digits", alpha, 1.579293, 5e-7)
}
