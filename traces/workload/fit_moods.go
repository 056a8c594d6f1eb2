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
	// persistence is the correlation of neighbouring windows' burstiness below which there are no moods.
	persistence = 0.15
)

// fitMoods tells windows of calm from windows of jerky arrivals, and gives each time's mood. A window's mood is what its
// two neighbours say: its own burstiness is partly chance, and if that chose the mood, chance would come twice.
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
	around := make([]float64, windows)
	var sorted []float64
	for w := range around {
		sum, n := 0.0, 0.0
		for _, v := range []int{w - 1, w + 1} {
			if v >= 0 && v < windows && !math.IsNaN(burst[v]) {
				sum += burst[v]
				n++
			}
		}
		around[w] = math.NaN()
		if n > 0 {
			around[w] = sum / n
			sorted = append(sorted, around[w])
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

// correlation is that of neighbours, as far as both are known.
func correlation(values []float64) float64 {
	var n, x, y, xx, yy, xy float64
	for i := 1; i < len(values); i++ {
		a, b := values[i-1], values[i]
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
