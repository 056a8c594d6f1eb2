package workload

import (
	"cmp"
	"math"
	"slices"

	"tidegauge/schemas"
)

// mostSteps is how many steps of probability a distribution is told in at most.
const mostSteps = 32

// fitValues gives the distribution of values, which it sorts. Every knot is the mean of MinBucket neighbours, or a value
// that as many share; the outermost are placed so that the outermost steps keep their means, which come of as many. With
// fewer than MinBucket values it is none.
func fitValues(values []int64, steps int) (Values, bool) {
	n := len(values)
	if n < MinBucket {
		return Values{}, false
	}
	slices.Sort(values)
	steps = max(1, min(steps, n/MinBucket))
	v := Values{N: int64(n), Knots: make([]int64, steps+1)}
	for i := 1; i < steps; i++ {
		v.Knots[i] = knot(values, i*n/steps)
	}
	if steps == 1 {
		// One step: the mean, and as much to each side as keeps the spread, as far as the values go.
		mean, deviation := meanAndDeviation(values)
		reach := int64(math.Sqrt(3) * deviation)
		low, high := mean-reach, mean+reach
		if values[0] >= 0 && low < 0 {
			low, high = 0, 2*mean
		}
		v.Knots[0], v.Knots[1] = low, high
		return v, true
	}
	// A step's mean is half of its ends' sum.
	first, _ := meanAndDeviation(values[:n/steps])
	// The last step is cut in half as long as its upper half has enough of them.
	lastFrom, lastKnot := (steps-1)*n/steps, v.Knots[steps-1]
	for len(v.Tail) < 32 && (n-lastFrom)/2 >= MinBucket && values[n-1] > lastKnot {
		lastFrom += (n - lastFrom) / 2
		lastKnot = max(knot(values, lastFrom), lastKnot)
		v.Tail = append(v.Tail, lastKnot)
	}
	last, _ := meanAndDeviation(values[lastFrom:])
	v.Knots[0] = 2*first - v.Knots[1]
	if values[0] >= 0 {
		v.Knots[0] = max(v.Knots[0], 0)
	}
	if values[0] > 0 {
		v.Knots[0] = max(v.Knots[0], 1)
	}
	v.Knots[0] = min(v.Knots[0], v.Knots[1])
	v.Knots[steps] = max(2*last-lastKnot, lastKnot)
	return v, true
}

// knot is the quantile at index i of sorted values: the value itself where MinBucket share it, else the mean of as many.
func knot(values []int64, i int) int64 {
	value := values[i]
	low, _ := slices.BinarySearch(values, value)
	high, _ := slices.BinarySearch(values, value+1)
	if high-low >= MinBucket {
		return value
	}
	from := max(0, min(i-MinBucket/2, len(values)-MinBucket))
	mean, _ := meanAndDeviation(values[from : from+MinBucket])
	return mean
}

// limit keeps a distribution between bounds, which its outermost knots may lie beyond.
func (v *Values) limit(least, most int64) {
	for i, k := range v.Knots {
		v.Knots[i] = min(max(k, least), most)
	}
	for i, k := range v.Tail {
		v.Tail[i] = min(max(k, least), most)
	}
}

// stepsPart bounds the steps that values are told in: one is at most that part of all, or that part of its value, wide, where that is MinBucket.
const (
	stepsPart = 256
	valuePart = 64
)

// fitSteps gives the distribution of values, of MinBucket or more, which it sorts. A value that MinBucket share stands for itself where it is
// below valuePart or one in 2 stepsPart have it; others are told together, by their mean and spread, but none below least.
func fitSteps(values []int64, least int64) Steps {
	slices.Sort(values)
	type step struct{ from, to, n int64 }
	var steps, apart []step
	rest := make([]int64, 0, len(values))
	for i := 0; i < len(values); {
		v := values[i]
		j := i + 1
		for j < len(values) && values[j] == v {
			j++
		}
		if n := j - i; n >= MinBucket && (v < valuePart || n*2*stepsPart >= len(values)) {
			apart = append(apart, step{v, v, int64(n)})
		} else {
			rest = append(rest, values[i:j]...)
		}
		i = j
	}
	for i := 0; i < len(rest); {
		j := min(i+MinBucket, len(rest))
		for j < len(rest) && (rest[j] == rest[j-1] || (j-i)*stepsPart < len(values) && (rest[j]-rest[i])*valuePart <= rest[i]) {
			j++
		}
		if len(rest)-j < MinBucket {
			j = len(rest)
		}
		if j-i < MinBucket { // the few that share no value: they count as the nearest that is shared
			for ; i < j; i++ {
				near := 0
				for k := range apart {
					if max(apart[k].from-rest[i], rest[i]-apart[k].from) < max(apart[near].from-rest[i], rest[i]-apart[near].from) {
						near = k
					}
				}
				apart[near].n++
			}
			break
		}
		// As wide as whole numbers must be that lie evenly and have this spread; but not below the step before.
		mean, deviation := meanAndDeviation(rest[i:j])
		reach := (int64(math.Round(math.Sqrt(12*deviation*deviation+1))) - 1) / 2
		if len(steps) > 0 {
			least = steps[len(steps)-1].to
		}
		from := min(max(mean-reach, least), mean)
		steps = append(steps, step{from, min(2*mean-from, schemas.MaxTokens), int64(j - i)})
		i = j
	}
	steps = append(steps, apart...)
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	var d Steps
	for _, s := range steps {
		d.From, d.To, d.N = append(d.From, s.from), append(d.To, s.to), append(d.N, s.n)
	}
	return d
}

func meanAndDeviation(values []int64) (int64, float64) {
	sum := 0.0
	for _, v := range values {
		sum += float64(v)
	}
	mean := sum / float64(len(values))
	squares := 0.0
	for _, v := range values {
		squares += (float64(v) - mean) * (float64(v) - mean)
	}
	return int64(math.Round(mean)), math.Sqrt(squares / float64(len(values)))
}

// weights gives counts as weights of One. Counts below MinBucket are pooled and their sum is divided like a base
// distribution (nil: evenly) among them; it says false where fewer than MinBucket were counted at all.
func weights(counts []int64, base []int) ([]int, bool) {
	var total, rare int64
	var rareBase float64
	share := func(i int) float64 {
		if base == nil {
			return 1
		}
		return float64(base[i])
	}
	for i, c := range counts {
		total += c
		if c < MinBucket {
			rare += c
			rareBase += share(i)
		}
	}
	if total < MinBucket {
		return nil, false
	}
	w := make([]int, len(counts))
	for i, c := range counts {
		amount := float64(c)
		if c < MinBucket {
			amount = 0
			if rareBase > 0 {
				amount = float64(rare) * share(i) / rareBase
			}
		}
		w[i] = int(math.Round(amount / float64(total) * One))
	}
	return w, true
}

func square(a, b int) [][]int64 {
	s := make([][]int64, a)
	for i := range s {
		s[i] = make([]int64, b)
	}
	return s
}
