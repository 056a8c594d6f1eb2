package fidelity

import (
	"math"
	"math/rand/v2"
	"sort"
)

// newRandom gives a stream of random numbers for a model and a seed.
func newRandom(seed uint64, model string) *rand.Rand {
	mixed := uint64(14695981039346656037) // FNV-1a
	for i := range len(model) {
		mixed = (mixed ^ uint64(model[i])) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, mixed))
}

// gamma draws from the Gamma distribution of scale 1 (Marsaglia & Tsang 2000; below shape 1 with their correction).
func gamma(random *rand.Rand, shape float64) float64 {
	if shape < 1 {
		// In logarithms, as a power of 1/shape underflows.
		return math.Exp(math.Log(gamma(random, shape+1)) - random.ExpFloat64()/shape)
	}
	d := shape - 1./3
	c := 1 / math.Sqrt(9*d)
	for {
		x := random.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v *= v * v
		if u := random.Float64(); u < 1-0.0331*x*x*x*x || math.Log(u) < x*x/2+d*(1-v+math.Log(v)) {
			return d * v
		}
	}
}

// weibull draws from the Weibull distribution of scale 1.
func weibull(random *rand.Rand, k float64) float64 { return math.Pow(random.ExpFloat64(), 1/k) }

// zipf is a power law on 1 … most.
type zipf struct{ upto []float64 }

// newZipf makes the law of P(x) proportional to x^-exponent.
func newZipf(exponent float64, most int) *zipf {
	z := &zipf{make([]float64, most)}
	sum := 0.0
	for i := range z.upto {
		sum += math.Pow(float64(i+1), -exponent)
		z.upto[i] = sum
	}
	return z
}

func (z *zipf) draw(random *rand.Rand) int32 {
	return int32(sort.SearchFloat64s(z.upto, random.Float64()*z.upto[len(z.upto)-1])) + 1
}

// zipfExponent is the maximum-likelihood exponent of the law on 1 … most for values whose logarithms have a mean of
// meanLog, between 0 and 10.
func zipfExponent(meanLog float64, most int) float64 {
	logs := make([]float64, most)
	for i := range logs {
		logs[i] = math.Log(float64(i + 1))
	}
	// The mean logarithm under the law falls as the exponent grows.
	low, high := 0.0, 10.0
	for range 40 {
		middle := (low + high) / 2
		var weights, sum float64
		for _, l := range logs {
			p := math.Exp(-middle * l)
			weights += p
			sum += p * l
		}
		if sum/weights > meanLog {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// chance draws the index of a weight.
type chance struct{ upto []float64 }

func newChance(weights []float64) chance {
	c := chance{make([]float64, len(weights))}
	sum := 0.0
	for i, w := range weights {
		sum += w
		c.upto[i] = sum
	}
	return c
}

func (c chance) total() float64 {
	if len(c.upto) == 0 {
		return 0
	}
	return c.upto[len(c.upto)-1]
}

func (c chance) draw(random *rand.Rand) int {
	u := random.Float64() * c.total()
	return sort.Search(len(c.upto)-1, func(i int) bool { return c.upto[i] > u })
}
