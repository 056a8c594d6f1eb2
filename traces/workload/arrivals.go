package workload

import (
	"math"
	"math/bits"
	"slices"
)

// A cell is cut into 2^cellBits units; a position counts units since the process began.
const (
	cellBits  = 30
	cellUnits = 1 << cellBits
)

// process is an arrival process at work: cell by cell it draws how many arrive, and then, half by half, when.
type process struct {
	arrivals *Arrivals
	source   source
	begin    int64   // microseconds, of cell 0
	cellUS   int64   // shorter than the profile's where time is compressed
	per      float64 // arrivals expected in a cell where shape and level are One
	burst    float64
	level    Values
	memory   []component
	white    float64          // weight of what forgets at once, a square root
	splits   [][][]cellSplits // by mood, halving and class
	moods    []picker
	mood     int
	leaf     int // halvings
	above    int // halvings of more than a cell, before them

	cell      int64   // the next to be drawn
	positions []int64 // of the last cell's arrivals, before them some of the cells before
	first     int     // of positions: the last cell's first
	taken     int
	load      int
	recorded  *recorded // where the levels are the log's
}

// component is a part of the level's memory.
type component struct{ value, keep, fresh, weight float64 }

// newProcess makes a process that begins at begin, or a little earlier, and need not go on beyond end. With a course, its levels are
// those of the log, where the profile has them.
func newProcess(a *Arrivals, s source, c *course, begin, end int64, scale, burst float64) *process {
	p := &process{arrivals: a, source: s, begin: begin, burst: burst, level: a.Level}
	p.cellUS = max(1, int64(float64(a.CellUS)/scale))
	p.per = float64(a.Rate*float64(a.CellUS)) / 1e6
	p.begin -= int64(s.below(uint64(p.cellUS))) // where in a cell a log begins is chance
	if a.TickUS > 0 {
		p.begin -= p.begin % a.TickUS
	}
	p.level = burstLevel(a.Level, burst)
	rest := One
	for _, m := range a.Memory {
		keep := exponential(1 / float64(m.Cells))
		c := component{keep: keep, fresh: math.Sqrt(1 - float64(keep*keep)), weight: math.Sqrt(float64(m.Weight) / One)}
		c.value = s.normal()
		p.memory = append(p.memory, c)
		rest -= m.Weight
	}
	p.white = math.Sqrt(float64(max(rest, 0)) / One)
	// Halves are made down to the clock's tick, or a thousandth of a second.
	for width := a.CellUS; width > max(a.TickUS, 1000) && p.leaf < 24; width /= 2 {
		p.leaf++
	}
	if m := a.Moods; m != nil {
		p.moods = pickers(m.Next)
		p.mood = int(s.below(uint64(len(p.moods))))
	}
	p.record(c, begin, end, scale, burst)
	p.prepare()
	return p
}

// burstLevel spreads or narrows a level about its mean and keeps the mean.
func burstLevel(level Values, burst float64) Values {
	if burst == 1 {
		return level
	}
	v := Values{N: level.N, Knots: make([]int64, len(level.Knots))}
	sum := 0.0
	for i, k := range level.Knots {
		moved := One + float64(float64(k-One)*burst)
		v.Knots[i] = int64(max(moved, 0))
	}
	for i := 1; i < len(v.Knots); i++ {
		sum += float64(v.Knots[i-1]+v.Knots[i]) / 2
	}
	if n := len(v.Knots) - 1; n > 0 && sum > 0 {
		for i, k := range v.Knots {
			v.Knots[i] = int64(float64(float64(k)*One) / (sum / float64(n)))
		}
	}
	return v
}

// next gives the next arrival, in microseconds, and the load at it (0, 1, 2). It goes on for ever.
func (p *process) next() (us int64, load int) {
	for {
		for p.taken == len(p.positions) {
			if r := p.recorded; r != nil && p.begin+p.cell*p.cellUS >= r.lap.until {
				if r.lap.until >= r.end {
					return r.end, 0
				}
				p.enter(r.course.lap(r.lap.until))
			}
			p.draw()
		}
		position := p.positions[p.taken]
		p.taken++
		cell, inside := position>>cellBits, position&(cellUnits-1)
		us = p.begin + cell*p.cellUS
		high, low := bits.Mul64(uint64(inside), uint64(p.cellUS))
		us += int64(high<<(64-cellBits) | low>>cellBits)
		if tick := p.arrivals.TickUS; tick > 1 {
			us -= us % tick
		}
		r := p.recorded
		if r == nil {
			return us, p.load
		}
		if us >= r.lap.from && us < r.lap.until {
			return us, p.loadOf(cell)
		}
	}
}

// draw makes the arrivals of the next cell.
func (p *process) draw() {
	// What came before a cell's first half is looked up among the positions of the cell before.
	keep := p.positions[p.first:]
	p.positions = append(p.positions[:0], keep...)
	p.first = len(p.positions)
	p.taken = p.first

	if p.recorded != nil {
		p.drawRecorded()
		return
	}
	if m := p.arrivals.Moods; m != nil && p.cell%int64(m.Cells) == 0 && !p.moods[p.mood].empty() {
		p.mood = p.moods[p.mood].pick(p.source)
	}
	z := float64(p.white * p.source.normal())
	for i := range p.memory {
		m := &p.memory[i]
		z += float64(m.weight * m.value)
		m.value = float64(m.keep*m.value) + float64(m.fresh*p.source.normal())
	}
	u := normalProbability(z)
	p.load = min(int(u*3), 2)
	level := p.level.at(uint64(min(u, 1-1.0/(1<<50))*(1<<53)) << 11)
	expected := float64(float64(p.per*p.arrivals.Shape.at(p.begin+p.cell*p.cellUS+p.cellUS/2)) * (float64(level) / One))
	p.divide(p.cell<<cellBits, 0, p.source.poisson(expected))
	p.cell++
}

// divide places n arrivals in the interval of a cell that is halved so many times.
func (p *process) divide(from int64, halvings, n int) {
	for n > 0 {
		size := int64(cellUnits) << p.above >> (halvings + p.above)
		if halvings <= 0 && p.recorded != nil {
			p.recorded.setMood(p, from)
		}
		if halvings >= p.leaf {
			p.scatter(from, size, n)
			return
		}
		half := size / 2
		before := beforeClass(p.since(from-half, n), n)
		if n == 1 && before == 0 {
			// Nothing near: anywhere in the interval.
			p.positions = append(p.positions, from+int64(p.source.below(uint64(size))))
			return
		}
		class := min(countClass(n), countClasses-1)
		left := p.left(p.splits[p.mood][halvings+p.above][class][before], class, n)
		halvings++
		if left > 0 {
			p.divide(from, halvings, left)
		}
		from, n = from+half, n-left
	}
}

// since counts the arrivals from a position on, as far as it matters beside n.
func (p *process) since(position int64, n int) int {
	if n <= 16 {
		count := 0
		for i := len(p.positions) - 1; i >= 0 && p.positions[i] >= position && count <= n; i-- {
			count++
		}
		return count
	}
	i, _ := slices.BinarySearch(p.positions, position)
	return len(p.positions) - i
}

// scatter places n arrivals anywhere in an interval.
func (p *process) scatter(from, size int64, n int) {
	first := len(p.positions)
	for range n {
		p.positions = append(p.positions, from+int64(p.source.below(uint64(size))))
	}
	if n > 1 {
		slices.Sort(p.positions[first:])
	}
}

// at gives the shape's relative rate at a time.
func (s *Shape) at(us int64) float64 {
	if len(s.Hours) <= 1 {
		return 1
	}
	const hour = 3600 * 1_000_000
	hours := us / hour
	if len(s.Hours) == 168 {
		hours += 3 * 24 // 1970-01-01 was a Thursday
	}
	n := int64(len(s.Hours))
	return float64(s.Hours[(hours%n+n)%n]) / One
}
