package workload

import (
	"fmt"
	"slices"

	"tidegauge/schemas"
)

// Limits of what a path may claim, beyond what Fit writes.
const (
	mostLevel = 100_000 // of a window or a cell, relative to what is expected
	mostPath  = 1 << 17 // windows
	mostCells = 4096    // of a window
)

func (c *checker) recorded(where string, r *Recorded) {
	if r == nil {
		return
	}
	if r.FromUS < schemas.MinArrivalUS || r.ToUS >= schemas.MaxArrivalUS || r.ToUS <= r.FromUS {
		c.wrong(where, "from_us %d and to_us %d are no time between 1970 and 2100", r.FromUS, r.ToUS)
		return
	}
	if len(r.Silences) > mostRecordedSilences {
		c.wrong(where+".silences", "there are %d, more than %d", len(r.Silences), mostRecordedSilences)
	}
	last := int64(0)
	for i, s := range r.Silences {
		if s[0] < last || s[1] <= s[0] || s[1] > (r.ToUS-r.FromUS)/secondUS {
			c.wrong(fmt.Sprintf("%s.silences[%d]", where, i), "from second %d to %d is not after the one before, or not within the log", s[0], s[1])
			return
		}
		last = s[1]
	}
}

// path checks the levels of an arrival process, window by window.
func (c *checker) path(where string, a *Arrivals, r *Recorded) {
	path := a.Path
	if path == nil {
		return
	}
	if r == nil {
		c.wrong(where, "is there, and the service has nothing recorded that says when it was")
		return
	}
	if path.Cells < 1 || path.Cells > mostCells || path.Cells&(path.Cells-1) != 0 {
		c.wrong(where+".cells", "%d is no power of two up to %d", path.Cells, mostCells)
		return
	}
	if a.CellUS < 1 || len(path.Levels) > mostPath || int64(len(path.Levels)) != path.windows(r.ToUS-r.FromUS, a.CellUS) {
		c.wrong(where+".levels", "there are %d, want one for each %d cells from recorded.from_us to recorded.to_us, and at most %d", len(path.Levels), path.Cells, mostPath)
		return
	}
	busiest := slices.Max(append([]int{0}, a.Shape.Hours...))
	window := a.Rate * float64(a.CellUS) / 1e6 * float64(path.Cells) * float64(busiest) / One
	for i, l := range path.Levels {
		if l < 0 || l > mostLevel*One {
			c.wrong(where+".levels", "%d, the level of window %d, is not between 0 and %d", l, i, mostLevel*One)
			return
		}
		if window*float64(l)/One > 1e8 {
			c.wrong(where+".levels", "window %d would have more than 100 million requests", i)
			return
		}
	}
	last := 0
	for i, t := range path.Together {
		where := fmt.Sprintf("%s.together[%d]", where, i)
		if t[0] < last || t[1] < 2 || t[1] > len(path.Levels)-t[0] {
			c.wrong(where, "%d windows from window %d on are fewer than 2, or not after the ones before, or not in the path", t[1], t[0])
			return
		}
		last = t[0] + t[1]
		if part := path.Levels[t[0]:last]; slices.Min(part) != slices.Max(part) {
			c.wrong(where, "the windows have different levels")
			return
		}
		if window*float64(path.Levels[t[0]])/One*float64(t[1]) > 1e8 {
			c.wrong(where, "the windows would have more than 100 million requests")
			return
		}
	}
	if path.Moods != "" && a.Moods == nil {
		c.wrong(where+".moods", "are there, and arrivals have no moods")
		return
	}
	for i := range path.Moods {
		if m := int(path.Moods[i]) - '0'; m < 0 || m > 9 || m >= len(a.Moods.Next) {
			c.wrong(where+".moods", "%q, the mood of window %d, is not one of %d", path.Moods[i], i, len(a.Moods.Next))
			return
		}
	}
}
