package workload

import (
	"math"
	"slices"
)

// standing is a pair of lengths in classes, and where they stand in them.
type standing struct {
	class int
	a, b  float64
}

// rankCorrelation gives, by class, the share of pairs that stand alike: with that chance of standing alike, and else
// independent, two ranks have just that correlation.
func rankCorrelation(pairs []standing, number int) []int {
	shares := make([]int, number)
	any := false
	for c := range shares {
		var n, x, y, xx, yy, xy float64
		for _, p := range pairs {
			if p.class == c {
				n++
				x, y = x+p.a, y+p.b
				xx, yy, xy = xx+p.a*p.a, yy+p.b*p.b, xy+p.a*p.b
			}
		}
		spread := math.Sqrt(max(xx-x*x/n, 0) * max(yy-y*y/n, 0))
		if n >= 3*MinBucket && spread > 0 {
			if r := (xy - x*y/n) / spread; r > 2/math.Sqrt(n) {
				shares[c] = int(r * One)
				any = true
			}
		}
	}
	if !any {
		return nil
	}
	return shares
}

// rank says where a value stands in its class, 0 to 1.
func (d *stepped) rank(value int64) float64 {
	i, _ := slices.BinarySearch(d.From, value+1)
	i = max(i-1, 0)
	within := float64(value-d.From[i]) + 0.5
	if width := float64(d.To[i]-d.From[i]) + 1; within < width {
		within /= width
	} else {
		within = 1
	}
	return (float64(d.before[i]) + max(within, 0)*float64(d.N[i])) / float64(d.all)
}
