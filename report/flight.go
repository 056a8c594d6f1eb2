package report

import (
	"tidegauge/schemas"
	"tidegauge/stats"
)

// flight is what a stream's durations say about requests in flight.
type flight struct {
	mean, peak Number
	// windows is the mean in flight during each of the stream's windows of 300 s, nil where no request knows its elapsed.
	windows []float64
}

// passFlight goes through requests in order. most is the longest elapsed of the service, microseconds.
func passFlight(t, elapsed []int64, windows []window, most int64, s *scratch) flight {
	f := flight{mean: Null, peak: Null, windows: grow(&s.flying, len(windows))}
	low := t[0] / schemas.MinuteUS * schemas.MinuteUS
	high := (t[len(t)-1]/schemas.MinuteUS + 1) * schemas.MinuteUS
	sky, spill := newSky(s, t[0], most), newSpill(s, most)
	var total stats.Int128
	known := 0
	for w, v := range windows {
		end := (v.number + 1) * windowUS
		limit := min(end, high)
		begin, lengths := t[v.first:v.last], elapsed[v.first:v.last]
		inside := spill.advance(v.number) // microseconds in flight in the window
		until := int64(0)                 // microseconds in flight until high
		for i, e := range lengths {
			if e < 0 {
				continue
			}
			known++
			inside += e
			until += e
			if finish := begin[i] + e; finish > limit {
				inside -= max(finish-end, 0)
				until -= max(finish-high, 0)
				spill.add(v.number, finish)
			}
		}
		total.AddInt(until)
		f.windows[w] = float64(inside) / windowUS
		if len(begin) >= denseWindow {
			sky.dense(begin, lengths, end-windowUS)
		} else {
			sky.sparse(begin, lengths)
		}
	}
	if known == 0 {
		f.windows = nil
		return f
	}
	f.mean, f.peak = Number(total.Float64()/float64(high-low)), Number(sky.peak)
	return f
}

// sky counts the requests in flight at whole seconds s: those with floor(arrival) <= s < ceil(end). Changes to come
// stand in a ring of seconds that the longest request fits into.
type sky struct {
	ring   []int32 // what a second changes
	mask   int64
	second int64 // up to which changes are taken in
	active int64 // in flight at second
	peak   int64
}

// denseWindow is how many requests a window of 300 s must have for it to be cheaper to look at every one of its
// seconds than to follow the arrivals, whose branches cannot be foreseen.
const denseWindow = 50

func newSky(s *scratch, first, most int64) sky {
	size := int64(1)
	for size < (most+windowUS)/schemas.SecondUS+3 {
		size *= 2
	}
	ring := grow(&s.ring, int(size))
	clear(ring)
	return sky{ring: ring, mask: size - 1, second: first/schemas.SecondUS - 1}
}

// advance takes in the changes up to a second before which nothing arrives.
func (k *sky) advance(to int64) {
	for ; k.active > 0 && k.second < to; k.second++ {
		at := (k.second + 1) & k.mask
		k.active += int64(k.ring[at])
		k.ring[at] = 0
	}
	k.second = max(k.second, to)
}

// sparse takes in the requests of a window one by one. The number in flight is looked at when all arrivals of a second
// are in.
func (k *sky) sparse(t, elapsed []int64) {
	for i, e := range elapsed {
		if e < 0 {
			continue
		}
		second, end := t[i]/schemas.SecondUS, (t[i]+e+schemas.SecondUS-1)/schemas.SecondUS
		if second != k.second {
			k.peak = max(k.peak, k.active)
			k.advance(second)
		}
		if end > second {
			k.active++
			k.ring[end&k.mask]--
		}
	}
	k.peak = max(k.peak, k.active)
}

// dense notes the changes of a window that begins at begin, then goes through its seconds.
func (k *sky) dense(t, elapsed []int64, begin int64) {
	first := begin / schemas.SecondUS
	k.advance(first - 1)
	ring, mask := k.ring, k.mask
	for i, e := range elapsed {
		if e < 0 {
			continue
		}
		since := uint64(t[i] - begin)
		ring[(first+int64(uint32(since)/schemas.SecondUS))&mask]++
		ring[(first+int64((since+uint64(e)+schemas.SecondUS-1)/schemas.SecondUS))&mask]--
	}
	active, peak := k.active, k.peak
	for second := max(first, k.second+1); second < first+300; second++ {
		at := second & mask
		active += int64(ring[at])
		ring[at] = 0
		peak = max(peak, active)
	}
	k.active, k.peak, k.second = active, peak, first+299
}

// spill is the time in flight that requests carry into later windows, in a ring as long as the longest request.
type spill struct {
	ring   []int64
	number int64 // the current window
}

func newSpill(s *scratch, most int64) spill {
	ring := grow(&s.spill, int(most/windowUS)+2)
	clear(ring)
	return spill{ring: ring, number: -1}
}

// advance moves on to a later window and gives what earlier requests carry into it.
func (s *spill) advance(number int64) int64 {
	size := int64(len(s.ring))
	if s.number < 0 || number-s.number > size {
		clear(s.ring)
	} else {
		for n := s.number; n < number; n++ {
			s.ring[n%size] = 0
		}
	}
	s.number = number
	return s.ring[number%size]
}

// add spreads a request that ends at finish over the windows after its own.
func (s *spill) add(number, finish int64) {
	for n := number + 1; n*windowUS < finish; n++ {
		s.ring[n%int64(len(s.ring))] += min(finish-n*windowUS, windowUS)
	}
}
