package stats

import "math"

// z95 is the standard normal distribution's 0.975 quantile.
const z95 = 1.959963984540054

// Wilson returns the 95 % score interval of a share of failures in n (Wilson
// 1927, without continuity correction); its ends are exactly 0 and 1 where the
// share is. NaN without trials.
func Wilson(failures, n uint64) (low, high float64) {
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	trials := float64(n)
	p, z2 := float64(failures)/trials, z95*z95
	centre := p + z2/(2*trials)
	half := z95 * math.Sqrt(p*(1-p)/trials+z2/(4*trials*trials))
	scale := 1 + z2/trials
	low, high = (centre-half)/scale, (centre+half)/scale
	if failures == 0 {
		low = 0
	}
	if failures == n {
		high = 1
	}
	return low, high
}
