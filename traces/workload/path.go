package workload

import "slices"

// Where the levels of arrivals come from: the log that a profile was fitted to, as they followed each other in it, or
// their distribution and memory.
const (
	LevelsRecorded = "recorded"
	LevelsDrawn    = "drawn"
)

// aLittleUS is what a log of whole days may lack of them.
const aLittleUS = hourUS

// course says which time of the log that a service was fitted to each generated time is like. It goes through the log once, and
// at its end back by as many whole weeks (days, or all of it) as there are in it, again and again.
type course struct {
	offset int64 // in the log: where the generated one begins
	// In generated time: where the log's beginning lies, how long it is, and how far back its end leads.
	zero, length, jump int64
	silences           [][2]int64 // after the beginning
}

// lap is a time in which a course goes straight: the log's beginning lies at zero.
type lap struct{ zero, from, until int64 }

// newCourse lays a generated log on the one that was recorded: at the same hour of the week (of the day) where that has a week
// (a day), and of these places the last from which it goes on long enough. Where time is compressed it goes on faster from there.
func newCourse(r *Recorded, start, end int64, scale float64) *course {
	length, period := r.ToUS-r.FromUS, int64(1)
	for _, p := range [...]int64{7 * dayUS, dayUS} {
		// A log of whole weeks or days begins a little later and ends a little earlier, with requests.
		if length >= p-aLittleUS {
			period = p
			if missing := (p - length%p) % p; missing <= aLittleUS {
				length += missing
			}
			break
		}
	}
	phase := ((start-r.FromUS)%period + period) % period
	if period > 1 && phase >= period-aLittleUS {
		phase -= period
	}
	offset, room := phase, length-bounded(float64(float64(end-start)*scale))
	if room > phase {
		offset += (room - phase) / period * period
	}
	gone := func(us int64) int64 { return bounded(float64(us) / scale) }
	c := &course{offset: offset, zero: start - gone(offset), length: max(gone(length), 1), jump: max(gone(length/period*period), 1)}
	for _, s := range r.Silences {
		c.silences = append(c.silences, [2]int64{gone(s[0] * secondUS), gone(s[1] * secondUS)})
	}
	return c
}

// bounded is a time that can be added to others: what is farther is far enough.
func bounded(us float64) int64 {
	const far = 1 << 60
	return int64(max(-far, min(us, far)))
}

// lap gives the lap that a time is in.
func (c *course) lap(us int64) lap {
	if us < c.zero {
		back := (c.zero - us + c.jump - 1) / c.jump * c.jump
		return lap{c.zero - back, c.zero - back, c.zero - back + c.jump}
	}
	if us < c.zero+c.length {
		return lap{c.zero, c.zero, c.zero + c.length}
	}
	zero := c.zero + ((us-c.zero-c.length)/c.jump+1)*c.jump
	return lap{zero, zero + c.length - c.jump, zero + c.length}
}

// silence gives the silence that a time is in, or the next one of its lap; an empty one at the lap's end where there is none.
func (c *course) silence(us int64) span {
	l := c.lap(us)
	i, _ := slices.BinarySearchFunc(c.silences, us-l.zero, func(s [2]int64, at int64) int {
		if s[1] <= at {
			return -1
		}
		return 1
	})
	if i < len(c.silences) && l.zero+c.silences[i][0] < l.until {
		return span{l.zero + c.silences[i][0], min(l.zero+c.silences[i][1], l.until)}
	}
	return span{l.until, l.until}
}

// recorded is a process's levels as they followed each other in the log.
type recorded struct {
	course *course
	lap    lap
	end    int64
	levels []float64
	first  []int32 // by window: the first of those that have a level together
	moods  string
	thirds [2]float64 // of the level
	mean   float64    // of levels, as they are in the log
	carry  float64    // of the last number's rounding
	loaded int64      // the cell that load is of
	// Of the windows that are drawn together: expectations, added up, and arrivals.
	upto   []float64
	counts []int
}

// record makes a process follow the recorded levels.
func (p *process) record(c *course, begin, end int64, scale, burst float64) {
	path := p.arrivals.Path
	if path == nil || c == nil {
		return
	}
	r := &recorded{course: c, end: end, moods: path.Moods, carry: p.source.float(), loaded: -1}
	for 1<<p.above < path.Cells {
		p.above++
	}
	r.levels, r.first = make([]float64, len(path.Levels)), make([]int32, len(path.Levels))
	for i, l := range path.Levels {
		r.levels[i], r.first[i] = float64(l)/One, int32(i)
	}
	for _, t := range path.Together {
		for i := range t[1] {
			r.first[t[0]+i] = int32(t[0])
		}
	}
	for i := range r.thirds {
		r.thirds[i] = float64(p.level.at(uint64(i+1)*(1<<63/3*2))) / One
	}
	p.recorded = r
	p.enter(c.lap(begin))
	r.spread(p, scale, burst)
	r.mean = r.meanLevel(p, true)
}

// spread widens or narrows the levels about their mean, and keeps that. Where time is compressed, levels and hours no longer belong together.
func (r *recorded) spread(p *process, scale, burst float64) {
	if burst != 1 {
		before := r.meanLevel(p, scale == 1)
		for i, l := range r.levels {
			r.levels[i] = max(0, before+float64((l-before)*burst))
		}
		if after := r.meanLevel(p, scale == 1); after > 0 {
			for i := range r.levels {
				r.levels[i] *= before / after
			}
		}
	}
	if scale != 1 {
		if m := r.meanLevel(p, false); m > 0 {
			for i := range r.levels {
				r.levels[i] /= m
			}
		}
	}
}

// meanLevel is the mean by windows, or by what is expected in them.
func (r *recorded) meanLevel(p *process, weighted bool) float64 {
	sum, total := 0.0, 0.0
	for i, l := range r.levels {
		e := 1.0
		if weighted {
			e = p.expected(int64(i)<<p.above, p.above)
		}
		sum += float64(e * l)
		total += e
	}
	return sum / max(total, 1e-9)
}

// enter begins a lap.
func (p *process) enter(l lap) {
	p.recorded.lap, p.begin = l, l.zero
	if tick := p.arrivals.TickUS; tick > 1 {
		p.begin -= (p.begin%tick + tick) % tick
	}
	p.cell = max(0, (l.from-p.begin)/p.cellUS)
	p.positions, p.first, p.taken = p.positions[:0], 0, 0
}

// expected is how many arrivals 2^above cells have where the level is One.
func (p *process) expected(cell int64, above int) float64 {
	sum := 0.0
	for range 1 << above {
		sum += float64(p.per * p.arrivals.Shape.at(p.begin+cell*p.cellUS+p.cellUS/2))
		cell++
	}
	return sum
}

// drawRecorded makes the arrivals of the windows that have a level together with the next one. Their number is the log's: the
// level has its chance in it already, and what is drawn is how they lie.
func (p *process) drawRecorded() {
	r := p.recorded
	from := p.cell >> p.above
	to, level := from+1, r.levels[min(from, int64(len(r.levels)-1))]
	if from < int64(len(r.levels)) {
		first := r.first[from]
		for from = int64(first); to < int64(len(r.levels)) && r.first[to] == first; to++ {
		}
	}
	r.upto, r.counts = r.upto[:0], r.counts[:0]
	sum := 0.0
	for w := from; w < to; w++ {
		sum += p.expected(w<<p.above, p.above)
		r.upto, r.counts = append(r.upto, sum), append(r.counts, 0)
	}
	if again := r.lap.zero > r.course.zero; again && r.mean > 1.01 {
		level /= r.mean // conversations from before the log are still under way now
	}
	n := p.number(float64(sum * level))
	if len(r.counts) == 1 {
		r.counts[0] = n
	} else { // each anywhere among them
		for range n {
			w, _ := slices.BinarySearch(r.upto, float64(p.source.float()*sum))
			r.counts[min(w, len(r.counts)-1)]++
		}
	}
	for i, n := range r.counts {
		p.divide((from+int64(i))<<p.above<<cellBits, -p.above, n)
	}
	p.cell = to << p.above
}

// setMood makes the mood that of a place.
func (r *recorded) setMood(p *process, position int64) {
	if len(r.moods) > 0 {
		window := int(position >> cellBits / int64(p.arrivals.Moods.Cells))
		p.mood = int(r.moods[min(window, len(r.moods)-1)] - '0')
	}
}

// number rounds an expectation: what one loses the next gains. Without all of the burstiness, chance comes in its place.
func (p *process) number(expected float64) int {
	if p.burst < 1 && p.source.float() >= p.burst {
		return p.source.poisson(expected)
	}
	sum := expected + p.recorded.carry
	n := int(sum)
	p.recorded.carry = sum - float64(n)
	return n
}

// loadOf says which third of levels a cell is in, by its arrivals from the last taken on.
func (p *process) loadOf(cell int64) int {
	r := p.recorded
	if cell == r.loaded {
		return p.load
	}
	r.loaded = cell
	n := 1
	for i := p.taken; i < len(p.positions) && p.positions[i]>>cellBits == cell; i++ {
		n++
	}
	e := p.expected(cell, 0)
	p.load = 0
	for _, third := range r.thirds {
		if float64(n) > float64(e*third) {
			p.load++
		}
	}
	return p.load
}
