package workload

import (
	"math"
	"slices"
)

const (
	// moodWindowUS is how long a mood lasts at least: ServeGen's windows.
	moodWindowUS = 300 * secondUS
	// A window's burstiness is told by this many gaps at least, and moods by this many windows.
	fewestGaps    = 10
	fewestWindows = 100
	moods         = 3
	// mostReach is how many windows on either side may tell a window's mood.
	mostReach = 64
	// persistence is the correlation of neighbouring windows' burstiness below which there are no moods.
	persistence = 0.15
)

// fitMoods tells windows of calm from windows of jerky arrivals, and gives each time's mood, and all windows' as digits. A window's mood
// is what its neighbours say, as many as say it best: its own burstiness is partly chance, and if that chose the mood, chance would
// come twice.
func fitMoods(times []int64, from, to, cellUS int64) (*Moods, string, func(us int64) int) {
	none := func(int64) int { return 0 }
	m := &Moods{Cells: int((moodWindowUS + cellUS - 1) / cellUS)}
	width := int64(m.Cells) * cellUS
	windows := int((to - from) / width)
	if windows < fewestWindows {
		return nil, "", none
	}
	burst := make([]float64, windows)
	known := 0
	for i, w := 0, 0; w < windows; w++ {
		j := i
		for j < len(times) && times[j] < from+int64(w+1)*width {
			j++
		}
		burst[w] = math.NaN()
		if n := float64(j - i - 1); n >= fewestGaps {
			sum, squares := 0.0, 0.0
			for k := i + 1; k < j; k++ {
				gap := float64(times[k] - times[k-1])
				sum += gap
				squares += gap * gap
			}
			if mean := sum / n; mean > 0 && squares/n > mean*mean {
				burst[w] = math.Log(math.Sqrt(squares/n-mean*mean) / mean)
				known++
			}
		}
		i = j
	}
	if known < fewestWindows || correlation(burst) < persistence {
		return nil, "", none
	}
	var around, sorted []float64
	best := 0.0
	for reach := 1; reach <= mostReach && 8*reach <= windows; reach *= 2 {
		near := neighbours(burst, reach)
		c := likeness(near, burst)
		if c > best {
			best, around = c, near
		}
	}
	if around == nil {
		return nil, "", none
	}
	for _, v := range around {
		if !math.IsNaN(v) {
			sorted = append(sorted, v)
		}
	}
	slices.Sort(sorted)
	mood, last := make([]uint8, windows), uint8(moods/2)
	counts := square(moods, moods)
	for w := range mood {
		if !math.IsNaN(around[w]) {
			rank, _ := slices.BinarySearch(sorted, around[w])
			now := uint8(min(rank*moods/len(sorted), moods-1))
			if w > 0 {
				counts[last][now]++
			}
			last = now
		}
		mood[w] = last
	}
	for k := range counts {
		w, ok := weights(counts[k], nil)
		if !ok {
			return nil, "", none
		}
		m.Next = append(m.Next, w)
	}
	return m, digits(mood), func(us int64) int {
		return int(mood[max(0, min((us-from)/width, int64(windows-1)))])
	}
}

// neighbours gives the mean of each value's neighbours, so many on either side, without itself.
func neighbours(values []float64, reach int) []float64 {
	sums, known := make([]float64, len(values)+1), make([]int, len(values)+1)
	for i, v := range values {
		sums[i+1], known[i+1] = sums[i], known[i]
		if !math.IsNaN(v) {
			sums[i+1] += v
			known[i+1]++
		}
	}
	near := make([]float64, len(values))
	for i, v := range values {
		from, to := max(0, i-reach), min(len(values), i+reach+1)
		sum, n := sums[to]-sums[from], known[to]-known[from]
		if !math.IsNaN(v) {
			sum -= v
			n--
		}
		near[i] = math.NaN()
		if n > 0 {
			near[i] = sum / float64(n)
		}
	}
	return near
}

// correlation is that of neighbours.
func correlation(values []float64) float64 { return likeness(values[1:], values[:len(values)-1]) }

// likeness is the correlation of two series, as far as both are known.
func likeness(left, right []float64) float64 {
	var n, x, y, xx, yy, xy float64
	for i, a := range left {
		b := right[i]
		if math.IsNaN(a) || math.IsNaN(b) {
			continue
		}
		n++
		x += a
		y += b
		xx += a * a
		yy += b * b
		xy += a * b
	}
	spread := math.Sqrt((xx - x*x/n) * (yy - y*y/n))
	if n < 2 || !(spread > 0) {
		return 0
	}
	return (xy - x*y/n) / spread
}
