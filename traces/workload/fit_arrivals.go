package workload

import (
	"math"
	"slices"
)

const (
	secondUS = 1_000_000
	hourUS   = 3600 * secondUS
	dayUS    = 24 * hourUS

	// A cell should hold some arrivals, or its level says nothing of the rate; and a log some cells.
	arrivalsPerCell = 8
	fewestCells     = 12
	shortestCellUS  = 64 * secondUS
	longestCellUS   = 4096 * secondUS
	// Chance that explains less than this of the level's spread is left in it: cells without an arrival stay without.
	littleNoise = 0.1
)

// fitArrivals describes arrivals between from and to (microseconds, sorted). It also gives the load (0, 1, 2) of cells, for
// what depends on it.
func fitArrivals(times []int64, from, to int64, silent []span, r *Recorded, windows int64) (Arrivals, func(us int64) int) {
	a := Arrivals{Count: int64(len(times)), TickUS: tick(times)}
	to = max(to, from+secondUS, from+a.TickUS)
	a.Rate = roundTo(float64(len(times))/(float64(max(to-from-quietTime(silent), 1))/1e6), 6)
	a.Shape = fitShape(times, from, to, silent)
	a.CellUS = cellWidth(len(times), to-from, a.TickUS)
	loads := a.fitLevel(times, from, to, silent)
	above, path := 0, a.fitPath(times, r, windows)
	moods, byWindow, mood := fitMoods(times, from, to, a.CellUS)
	if path != nil {
		above, path.Moods = path.above(), byWindow
	}
	a.Moods, a.Path = moods, path
	a.Splits = fitSplits(times, from, a.CellUS, a.TickUS, above, mood)
	return a, loads
}

// tick is what all times are multiples of: a microsecond, a millisecond, a second, three seconds …
func tick(times []int64) int64 {
	var g int64
	for _, t := range times {
		g = gcd(g, t)
		if g == 1 {
			return 1
		}
	}
	// A handful of times have common divisors by chance; only clocks' ticks are believed.
	for _, t := range [...]int64{60 * secondUS, 10 * secondUS, 5 * secondUS, 3 * secondUS, secondUS, 100_000, 10_000, 1000, 100, 10} {
		if g != 0 && g%t == 0 {
			return t
		}
	}
	return 1
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, -a)
}

// cellWidth is a power of two times the tick (or a second): the shortest that holds some arrivals, if that leaves cells enough.
func cellWidth(n int, duration, tick int64) int64 {
	width := max(tick, secondUS)
	for width < shortestCellUS {
		width *= 2
	}
	for width < longestCellUS && float64(n)*float64(width)/float64(duration) < arrivalsPerCell && duration/(2*width) >= fewestCells {
		width *= 2
	}
	return width
}

// fitShape gives the week's shape of logs of two weeks, the day's of logs of two days, hours that differ by chance
// drawn towards the mean.
func fitShape(times []int64, from, to int64, silent []span) Shape {
	period, name := int64(0), "none"
	switch duration := to - from; {
	case duration >= 14*dayUS:
		period, name = 168, "week"
	case duration >= 2*dayUS:
		period, name = 24, "day"
	default:
		return Shape{Period: name, Hours: []int{One}}
	}
	slot := func(hour int64) int64 {
		if period == 168 {
			hour += 3 * 24
		}
		return hour % period
	}
	// Counts of each hour that the log covers whole.
	first, last := (from+hourUS-1)/hourUS, to/hourUS
	counts := make([]float64, max(last-first, 1))
	for _, t := range times {
		if h := t/hourUS - first; h >= 0 && h < int64(len(counts)) {
			counts[h]++
		}
	}
	sum, squares, seen := make([]float64, period), make([]float64, period), make([]float64, period)
	total, hours := 0.0, 0.0
	for h, c := range counts {
		if at := (first + int64(h)) * hourUS; quiet(silent, at, at+hourUS) {
			continue // an hour of a silence says nothing of its hour of day
		}
		hours++
		s := slot(first + int64(h))
		sum[s] += c
		squares[s] += c * c
		seen[s]++
		total += c
	}
	mean := total / max(hours, 1)
	if mean == 0 {
		return Shape{Period: "none", Hours: []int{One}}
	}
	// Empirical Bayes: the variance within slots against that between them.
	within, freedom, between := 0.0, 0.0, 0.0
	for s := range sum {
		if seen[s] > 0 {
			m := sum[s] / seen[s]
			within += squares[s] - seen[s]*m*m
			freedom += seen[s] - 1
			between += (m - mean) * (m - mean)
		}
	}
	within /= max(freedom, 1)
	between = max(between/float64(period)-within/(max(hours, 1)/float64(period)), 1e-9)
	shape := Shape{Period: name, Hours: make([]int, period)}
	for s := range sum {
		m := mean
		if seen[s] > 0 {
			trust := between / (between + within/seen[s])
			m = mean + trust*(sum[s]/seen[s]-mean)
		}
		if sum[s] < MinBucket {
			m = min(m, float64(MinBucket)/max(seen[s], 1)/2)
		}
		shape.Hours[s] = int(math.Round(m / mean * One))
	}
	return shape
}

// fitLevel fits the cells' level and its memory.
func (a *Arrivals) fitLevel(times []int64, from, to int64, silent []span) func(us int64) int {
	cells := int((to - from) / a.CellUS)
	if cells < 2 {
		a.Level = Values{N: int64(max(cells, 1)), Knots: []int64{One}}
		a.Memory = []Memory{}
		return func(int64) int { return 1 }
	}
	counts := make([]float64, cells)
	for _, t := range times {
		if c := (t - from) / a.CellUS; c < int64(cells) {
			counts[c]++
		}
	}
	// Cells of silences are left out, and those before and after are neighbours: place is where a cell's level stands.
	levels, place := make([]float64, 0, cells), make([]int, cells)
	expected, meanLevel, shape := 0.0, 0.0, 0.0
	for c := range counts {
		place[c] = max(len(levels)-1, 0)
		at := from + int64(c)*a.CellUS
		if quiet(silent, at, at+a.CellUS) {
			continue
		}
		place[c] = len(levels)
		e := max(a.Rate*float64(a.CellUS)/1e6*a.Shape.at(at+a.CellUS/2), 1e-3)
		levels = append(levels, counts[c]/e)
		expected += 1 / e
		meanLevel += counts[c]
		shape += e
	}
	all := cells
	cells = len(levels)
	if cells < 2 {
		a.Level, a.Memory = Values{N: int64(cells), Knots: []int64{One}}, []Memory{}
		return func(int64) int { return 1 }
	}
	meanLevel /= shape
	variance := 0.0
	for c := range levels {
		levels[c] /= max(meanLevel, 1e-9)
		variance += (levels[c] - 1) * (levels[c] - 1)
	}
	variance /= float64(cells)
	// What chance alone would give is taken out of the spread, and out of the memory's dilution.
	noise := min(expected/float64(cells)/max(variance, 1e-12), 1)
	narrow := math.Sqrt(1 - noise)
	if noise < littleNoise {
		narrow = 1
	}
	rank := ranks(levels)
	values := make([]int64, cells)
	for c, l := range levels {
		values[c] = int64(math.Round(max(0, 1+(l-1)*narrow) * One))
	}
	var lost float64
	a.Memory, lost = fitMemory(rank, max(1-noise, 0.05))
	if lost > 0 {
		for c, v := range values { // and its spread is too small by as much
			values[c] = int64(max(0, One+float64(v-One)/math.Sqrt(1-lost)))
		}
	}
	a.Level = levelValues(values, a.Count)
	begin, width := from, a.CellUS
	return func(us int64) int {
		c := min(max((us-begin)/width, 0), int64(all-1))
		return min(int(rank[place[c]]*3), 2)
	}
}

// levelValues gives the level's quantiles. A cell's count is of several requests, so a step may be as narrow as one
// cell where cells hold MinBucket of them on average.
func levelValues(values []int64, requests int64) Values {
	n := len(values)
	slices.Sort(values)
	per := int(math.Ceil(MinBucket / max(float64(requests)/float64(n), 1)))
	steps := max(1, min(2*mostSteps, n/max(per, 1)))
	if steps == 1 {
		v, ok := fitValues(values, 1)
		if !ok {
			return Values{N: int64(n), Knots: []int64{One}}
		}
		return v
	}
	// Steps' means, and between them the knots: the mean of the distribution is kept.
	means := make([]float64, steps)
	for i := range means {
		part := values[i*n/steps : (i+1)*n/steps]
		for _, v := range part {
			means[i] += float64(v)
		}
		means[i] /= float64(len(part))
	}
	v := Values{N: int64(n), Knots: make([]int64, steps+1)}
	for i := 1; i < steps; i++ {
		v.Knots[i] = int64(math.Round((means[i-1] + means[i]) / 2))
	}
	v.Knots[0] = max(0, min(v.Knots[1], int64(math.Round(2*means[0]))-v.Knots[1]))
	v.Knots[steps] = max(v.Knots[steps-1], int64(math.Round(2*means[steps-1]))-v.Knots[steps-1])
	sum := 0.0
	for i := 1; i <= steps; i++ {
		sum += float64(v.Knots[i-1]+v.Knots[i]) / 2
	}
	if sum > 0 {
		for i := range v.Knots {
			v.Knots[i] = int64(math.Round(float64(v.Knots[i]) * One * float64(steps) / sum))
		}
	}
	return v
}

// ranks gives each value's place among all, between 0 and 1. Equal values share their places in the order of time turned about,
// so that a plateau (nights without a request) has no trend.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case values[i] < values[j]:
			return -1
		case values[i] > values[j]:
			return 1
		}
		return 0
	})
	r := make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for i := from; i < to; i++ {
			r[order[i]] = (float64(from+to)/2 + 0) / float64(len(values))
		}
		from = to
	}
	return r
}

// fitMemory fits weights of components with time constants of 1, 2, 4, … cells to the autocorrelation of the levels' normal scores
// (those of Gaussian processes have exactly the sum of the components'), by least squares without negative weights. It also says which part
// of the variance the log's own mean hides.
func fitMemory(rank []float64, signal float64) ([]Memory, float64) {
	n := len(rank)
	scores := make([]float64, n)
	mean, variance := 0.0, 0.0
	for i, r := range rank {
		scores[i] = math.Sqrt2 * math.Erfinv(2*min(max(r, 0.5/float64(n)), 1-0.5/float64(n))-1)
		mean += scores[i]
	}
	mean /= float64(n)
	for i := range scores {
		scores[i] -= mean
		variance += scores[i] * scores[i]
	}
	memory := []Memory{}
	if variance == 0 || n < fewestCells {
		return memory, 0
	}
	var lags []int
	for lag := 1; lag <= n/4 && lag <= 4096; lag = max(lag+1, lag*5/4) {
		lags = append(lags, lag)
	}
	target := make([]float64, len(lags))
	for i, lag := range lags {
		sum := 0.0
		for j := lag; j < n; j++ {
			sum += scores[j] * scores[j-lag]
		}
		target[i] = min(sum/variance*float64(n)/float64(n-lag)/signal, 1)
	}
	var constants []int
	// What remembers a third of a log is seen once or twice in it. A short one may hold nothing else; a long one tells less.
	longest := n / 3
	if n > 20*fewestCells {
		longest = n / 20
	}
	for c := 1; c <= max(1, longest) && c <= 4096; c *= 2 {
		constants = append(constants, c)
	}
	w := make([]float64, len(constants))
	part := make([][]float64, len(constants)) // what is left of a component after each lag
	for k := range part {
		part[k] = make([]float64, len(lags))
		for i, lag := range lags {
			part[k][i] = math.Exp(-float64(lag) / float64(constants[k]))
		}
	}
	// A lag of few cells is known best.
	trust := func(i int) float64 { return float64(n-lags[i]) / float64(n) / float64(1+i) }
	// A log's mean is its own, so that its autocorrelations are too small, by the variance of the mean. That
	// depends on the weights; a few rounds settle it.
	lost := 0.0
	for range 20 {
		for range 100 {
			for k := range w {
				up, down := 0.0, 1e-12
				for i := range lags {
					rest := target[i]*(1-lost) + lost
					for l := range w {
						if l != k {
							rest -= w[l] * part[l][i]
						}
					}
					p := part[k][i]
					up += trust(i) * rest * p
					down += trust(i) * p * p
				}
				w[k] = max(0, up/down)
			}
		}
		lost = 0
		for k, x := range w {
			// The variance of a mean of n values whose correlation falls by q a step.
			q := math.Exp(-1 / float64(constants[k]))
			lost += x * ((1+q)/(1-q) - 2*q*(1-math.Pow(q, float64(n)))/float64(n)/(1-q)/(1-q)) / float64(n)
		}
		lost = min(lost*signal, 0.5)
	}
	sum := 0.0
	for _, x := range w {
		sum += x
	}
	for k, x := range w {
		if amount := int(x / max(sum, 1) * One); amount > 0 {
			memory = append(memory, Memory{Cells: constants[k], Weight: amount})
		}
	}
	return memory, lost
}

func roundTo(x float64, digits int) float64 {
	if x == 0 {
		return 0
	}
	power := math.Pow(10, float64(digits)-math.Ceil(math.Log10(math.Abs(x))))
	return math.Round(x*power) / power
}
