package workload

import (
	"math"
	"math/bits"
)

const (
	// A window of a path should hold twice what every number has to cover, or most of them would have to be told together.
	arrivalsPerWindow = 2 * MinBucket
	// What bounds the document: windows of a flow (a month has some of two minutes), and of a service, of which each flow has
	// its part by its requests, or so many anyway.
	mostWindows        = 1 << 15
	mostServiceWindows = 2 * mostWindows
	fewestWindowsOf    = 1 << 10
	// Recorded silences are rounded to minutes, inwards.
	silenceGridUS        = 60 * secondUS
	mostRecordedSilences = 4096
)

// fitRecorded tells the log's time, and its silences to the minute.
func fitRecorded(from, to int64, silent []span) *Recorded {
	r := &Recorded{FromUS: from, ToUS: max(to, from+secondUS)}
	for _, s := range silent {
		begin := (s.from - from + silenceGridUS - 1) / silenceGridUS * silenceGridUS
		end := (s.to - from) / silenceGridUS * silenceGridUS
		if begin < end && len(r.Silences) < mostRecordedSilences {
			r.Silences = append(r.Silences, [2]int64{begin / secondUS, end / secondUS})
		}
	}
	return r
}

// fitPath tells the levels of at most so many windows (0: none), from the log's beginning to its end. They are relative to the rate and
// the shape, which are to be known by now.
func (a *Arrivals) fitPath(times []int64, r *Recorded, most int64) *Path {
	if most == 0 {
		return nil
	}
	path := &Path{Cells: 1}
	length := r.ToUS - r.FromUS
	n := path.windows(length, a.CellUS)
	for path.Cells < mostCells && (n > most || n > 1 && int64(len(times)) < arrivalsPerWindow*n) {
		path.Cells *= 2
		n = path.windows(length, a.CellUS)
	}
	if n > most {
		return nil // a log of centuries
	}
	width := int64(path.Cells) * a.CellUS
	counts, expected := make([]int64, n), make([]float64, n)
	for _, t := range times {
		counts[min((t-r.FromUS)/width, n-1)]++
	}
	next := 0 // silence
	for cell := int64(0); cell*a.CellUS < length; cell++ {
		begin, end := cell*a.CellUS, min((cell+1)*a.CellUS, length)
		heard := end - begin
		for next < len(r.Silences) && r.Silences[next][1]*secondUS <= begin {
			next++
		}
		for i := next; i < len(r.Silences) && r.Silences[i][0]*secondUS < end; i++ {
			heard -= min(end, r.Silences[i][1]*secondUS) - max(begin, r.Silences[i][0]*secondUS)
		}
		expected[cell/int64(path.Cells)] += a.Rate * float64(heard) / 1e6 * a.Shape.at(r.FromUS+cell*a.CellUS+a.CellUS/2)
	}
	path.tell(counts, expected)
	return path
}

// tell makes levels of counts. Each covers MinBucket arrivals: windows with fewer are told together with their neighbours in
// a run of such. A run that has not as many in all is told as MinBucket or as none, whichever is nearer, and what it loses or gains so
// the next such run gains or loses. And where MinBucket were expected and none came it is told that none came.
func (path *Path) tell(counts []int64, expected []float64) {
	path.Levels = make([]int, len(counts))
	set := func(from, to int, n int64) {
		sum := 0.0
		for _, e := range expected[from:to] {
			sum += e
		}
		level := int(math.Round(min(float64(n)/max(sum, 1e-6), mostLevel) * One))
		for i := from; i < to; i++ {
			path.Levels[i] = level
		}
		if to > from+1 && n > 0 {
			path.Together = append(path.Together, [2]int{from, to - from})
		}
	}
	owed := int64(0)
	run := func(from, to int) {
		first, total, pieces := from, int64(0), [][2]int{}
		for i := from; i < to; i++ {
			if total += counts[i]; total >= MinBucket {
				pieces = append(pieces, [2]int{first, i + 1})
				first, total = i+1, 0
			}
		}
		if len(pieces) == 0 {
			owed += total
			told := int64(0)
			if owed >= MinBucket/2 {
				told = MinBucket
			}
			owed -= told
			set(from, to, told)
			return
		}
		pieces[len(pieces)-1][1] = to
		for _, p := range pieces {
			n := int64(0)
			for _, c := range counts[p[0]:p[1]] {
				n += c
			}
			set(p[0], p[1], n)
		}
	}
	for i := 0; i < len(counts); {
		if counts[i] >= MinBucket {
			set(i, i+1, counts[i])
			i++
			continue
		}
		// A run of few, up to where none came though some were expected.
		from := i
		for i < len(counts) && counts[i] < MinBucket {
			j, missed := i, 0.0
			for ; j < len(counts) && counts[j] == 0; j++ {
				missed += expected[j]
			}
			if j > i && missed >= MinBucket {
				break
			}
			i = max(j, i+1)
		}
		if i > from {
			run(from, i)
		}
		for i < len(counts) && counts[i] == 0 {
			i++ // none: a level of 0
		}
	}
}

// digits writes moods, a digit each.
func digits(moods []uint8) string {
	text := make([]byte, len(moods))
	for i, m := range moods {
		text[i] = '0' + m
	}
	return string(text)
}

// windows is how many windows cover a time.
func (path *Path) windows(length, cellUS int64) int64 {
	return (length-1)/(int64(path.Cells)*cellUS) + 1
}

// above is how often a path's windows are halved before they are cells.
func (path *Path) above() int { return bits.Len(uint(path.Cells)) - 1 }
