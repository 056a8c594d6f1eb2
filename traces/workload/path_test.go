package workload

import (
	"bytes"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"tidegauge/schemas"
)

// logOf has so many requests in each window of time, anywhere in it.
func logOf(start time.Time, width time.Duration, counts []int) iter.Seq[*schemas.Request] {
	return func(yield func(*schemas.Request) bool) {
		s := newSource(1)
		var r schemas.Request
		for w, n := range counts {
			at := make([]int64, n)
			for i := range at {
				at[i] = start.UnixMicro() + int64(w)*width.Microseconds() + int64(s.below(uint64(width.Microseconds())))
			}
			if w == 0 && n > 0 {
				at[0] = start.UnixMicro()
			}
			slices.Sort(at)
			for _, us := range at {
				r.Reset()
				r.Service, r.Model, r.Outcome, r.ArrivalUS, r.RequestTokens, r.ResponseTokens = "s", "m", schemas.OK, us, 100, 10
				if !yield(&r) {
					return
				}
			}
		}
	}
}

// countsOf counts requests by window.
func countsOf(requests iter.Seq[*schemas.Request], start time.Time, width time.Duration, windows int) []int {
	counts := make([]int, windows)
	for r := range requests {
		counts[(r.ArrivalUS-start.UnixMicro())/width.Microseconds()]++
	}
	return counts
}

// upAndDown are the counts of six hours by 64 seconds, a few of them below MinBucket.
func upAndDown() []int {
	s, counts := newSource(2), make([]int, 337)
	level := 0.0
	for i := range counts {
		level = 0.9*level + 0.5*s.normal()
		counts[i] = s.poisson(30 * math.Exp(level))
	}
	counts[336] = 25 // the log ends in it
	return counts
}

const cell = 64 * time.Second

// TestPath makes logs of a profile with a path: they have the numbers of the log it was fitted to, window by window, and
// otherwise differ.
func TestPath(t *testing.T) {
	start := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	counts := upAndDown()
	p := fitted(t, logOf(start, cell, counts), FitOptions{})
	path := p.Services[0].Flows[0].Arrivals.Path
	if path.Cells != 1 || len(path.Levels) != len(counts) || len(path.Together) == 0 {
		t.Fatalf("the path has %d windows of %d cells, %d runs of few", len(path.Levels), path.Cells, len(path.Together))
	}
	o := options(time.Duration(p.Fitted.ToUS-p.Fitted.FromUS)*time.Microsecond, 1)
	o.Start = time.Date(2026, 5, 7, 1, 2, 3, 0, time.UTC) // a log of hours has no hours to keep to
	var seeds [2][]int
	for i := range seeds {
		o.Seed = uint64(i)
		seeds[i] = countsOf(generated(t, p, o), o.Start, cell, len(counts))
	}
	told := make([]bool, len(counts)) // with others
	for _, g := range path.Together {
		want, got := 0, 0
		for w := g[0]; w < g[0]+g[1]; w++ {
			told[w] = true
			want, got = want+counts[w], got+seeds[0][w]
		}
		if want >= MinBucket && math.Abs(float64(got-want)) > 1 {
			t.Errorf("windows %d to %d have %d requests, and %d in the log", g[0], g[0]+g[1]-1, got, want)
		}
	}
	for w, want := range counts[:336] {
		if got := seeds[0][w]; want >= MinBucket && !told[w] && math.Abs(float64(got-want)) > 1 {
			t.Errorf("window %d has %d requests, and %d in the log", w, got, want)
		}
	}
	times := func(seed uint64) (all []int64) {
		o.Seed = seed
		for r := range generated(t, p, o) {
			all = append(all, r.ArrivalUS)
		}
		return all
	}
	if slices.Equal(times(0)[:100], times(1)[:100]) {
		t.Error("two seeds have the same arrivals")
	}
	o.Levels = LevelsDrawn
	without := fitted(t, logOf(start, cell, counts), FitOptions{NoPath: true})
	if s := &without.Services[0]; s.Recorded != nil || s.Flows[0].Arrivals.Path != nil {
		t.Error("a path that was not to be told is told")
	}
	drawnOf := func(p *Profile) []int { return countsOf(generated(t, p, o), o.Start, cell, len(counts)) }
	if !slices.Equal(drawnOf(without), drawnOf(p)) {
		t.Error("levels are drawn otherwise where there is no path")
	}
	if drawn := countsOf(generated(t, p, o), o.Start, cell, len(counts)); correlated(drawn, counts) > 0.5 {
		t.Errorf("drawn levels follow the log's: %v", drawn[:20])
	}
	if recorded := correlated(seeds[0], counts); recorded < 0.99 {
		t.Errorf("the counts are correlated with the log's by %.3f", recorded)
	}
}

func correlated(a, b []int) float64 {
	n, x, y, xx, yy, xy := float64(len(a)), 0.0, 0.0, 0.0, 0.0, 0.0
	for i := range a {
		u, v := float64(a[i]), float64(b[i])
		x, y, xx, yy, xy = x+u, y+v, xx+u*u, yy+v*v, xy+u*v
	}
	return (xy - x*y/n) / math.Sqrt((xx-x*x/n)*(yy-y*y/n))
}

// TestPathByLoad changes the load of a log with a path.
func TestPathByLoad(t *testing.T) {
	start := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	counts := upAndDown()
	p := fitted(t, logOf(start, cell, counts), FitOptions{})
	length := time.Duration(p.Fitted.ToUS-p.Fitted.FromUS) * time.Microsecond
	log := func(scale float64, by string, burst float64, duration time.Duration) []int {
		o := options(duration, 1)
		o.Scale, o.ScaleBy, o.Burstiness = scale, by, burst
		return countsOf(generated(t, p, o), o.Start, cell, int(duration/cell)+1)
	}
	total := func(counts []int) (n float64) {
		for _, c := range counts {
			n += float64(c)
		}
		return n
	}
	// Twice as fast: in half the time the same, so in a window what two had.
	fast := log(2, ScaleCompress, 1, length/2)
	pairs := make([]int, len(fast))
	for i, c := range counts {
		pairs[i/2] += c
	}
	if r := correlated(fast, pairs); r < 0.99 || math.Abs(total(fast)/total(counts)-1) > 0.03 {
		t.Errorf("at twice the speed %.0f requests of %.0f, correlated by %.3f", total(fast), total(counts), r)
	}
	// Three copies, of which one goes up and down as the log did.
	many := log(3, ScaleSuperpose, 1, length)
	if r := correlated(many, counts); r < 0.3 || r > 0.9 || total(many) < 2*total(counts) || total(many) > 4.5*total(counts) {
		t.Errorf("of three copies %.0f requests of %.0f, correlated by %.3f", total(many), total(counts), r)
	}
	// Without burstiness nothing is left of it, with twice as much the mean is kept.
	calm := log(1, ScaleCompress, 0, length)
	if r := correlated(calm, counts); math.Abs(r) > 0.25 || math.Abs(total(calm)/total(counts)-1) > 0.05 {
		t.Errorf("without burstiness %.0f requests of %.0f, correlated by %.3f", total(calm), total(counts), r)
	}
	wild := log(1, ScaleCompress, 2, length)
	if math.Abs(total(wild)/total(counts)-1) > 0.05 || slices.Max(wild) < 3*slices.Max(counts)/2 {
		t.Errorf("with twice the burstiness %.0f requests of %.0f, at most %d of %d in a window", total(wild), total(counts), slices.Max(wild), slices.Max(counts))
	}
}

// TestPathAtAnyScale generates as fast and as slowly as options allow.
func TestPathAtAnyScale(t *testing.T) {
	p := fitted(t, logOf(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), 30*cell, upAndDown()), FitOptions{}) // a week
	for _, c := range []struct {
		scale    float64
		duration time.Duration
	}{{1e-6, 10 * 365 * 24 * time.Hour}, {1e-3, 10 * 365 * 24 * time.Hour}, {1e3, time.Hour}, {1e6, time.Second}, {1e6, 10 * 365 * 24 * time.Hour}} {
		o := options(c.duration, 1)
		o.Scale = c.scale
		n, last := 0.0, int64(0)
		for r := range generated(t, p, o) {
			if n++; r.ArrivalUS < last {
				t.Fatalf("at a scale of %g request %.0f comes before the one before it", c.scale, n)
			}
			if last = r.ArrivalUS; n == 20_000 {
				break
			}
		}
		if want := c.scale * p.Rate() * c.duration.Seconds(); n < 20_000 && math.Abs(n/want-1) > 0.5 {
			t.Errorf("at a scale of %g %.0f requests, want about %.0f", c.scale, n, want)
		}
	}
}

// TestPathOfWeeks lays logs on one of three weeks: at the same hours of the week, the last weeks that are long enough, and
// again from the first week on where there are no more.
func TestPathOfWeeks(t *testing.T) {
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // a Monday
	const busy = 2*24 + 14                               // Wednesday, 14:00
	counts := make([]int, 3*168)
	for i := range counts {
		counts[i] = 120
		if i%168 == busy {
			counts[i] = 1000 * (1 + i/168)
		}
	}
	p := fitted(t, logOf(start, time.Hour, counts), FitOptions{})
	for _, c := range []struct {
		from     string
		duration time.Duration
		want     []int // requests of the busy hours
	}{
		{"2026-01-07", 24 * time.Hour, []int{3000}},
		{"2026-01-05", 14 * 24 * time.Hour, []int{2000, 3000}},
		{"2026-01-08", 7 * 24 * time.Hour, []int{3000}},
		{"2026-01-05", 35 * 24 * time.Hour, []int{1000, 2000, 3000, 1000, 2000}},
	} {
		o := options(c.duration, 5)
		o.Start, _ = time.Parse(time.DateOnly, c.from)
		got := countsOf(generated(t, p, o), o.Start, time.Hour, int(c.duration/time.Hour))
		var found []int
		for h := range got {
			if at := o.Start.Add(time.Duration(h) * time.Hour); at.Weekday() == time.Wednesday && at.Hour() == 14 {
				found = append(found, got[h-1]+got[h]+got[h+1]-240) // windows are no hours
			}
		}
		near := len(found) == len(c.want)
		for i := range found {
			near = near && math.Abs(float64(found[i]-c.want[i])) < 200
		}
		if !near {
			t.Errorf("%s of %s: the Wednesdays at 14:00 have %v requests, want %v", c.duration, c.from, found, c.want)
		}
	}
}

// TestCourse walks beyond both ends of a log.
func TestCourse(t *testing.T) {
	const hour = hourUS
	day := func(n int64) int64 { return n * dayUS }
	for name, c := range map[string]struct {
		from, to, start, end int64
		scale                float64
		at, want             []int64 // generated times, and the log's, after its beginning
	}{
		"hours": {from: 100 * hour, to: 103 * hour, start: day(50), end: day(50) + hour, scale: 1,
			at: []int64{day(50), day(50) + hour, day(50) - 2*hour, day(50) - 3*hour}, want: []int64{2 * hour, 0, 0, 2 * hour}},
		"longer": {from: 100 * hour, to: 103 * hour, start: day(50), end: day(51), scale: 1,
			at: []int64{day(50), day(50) + 4*hour, day(50) - hour}, want: []int64{0, hour, 2 * hour}},
		"days": {from: day(8) + 6*hour, to: day(10) + 18*hour, start: day(50), end: day(51), scale: 1,
			at: []int64{day(50), day(51), day(52) + 12*hour}, want: []int64{18*hour + day(0), day(1) + 18*hour, day(1) + 6*hour}},
		"nearly a day": {from: day(8), to: day(9) - 60*secondUS, start: day(50) + hour, end: day(51), scale: 1,
			at: []int64{day(50) + hour, day(51), day(51) + hour}, want: []int64{hour, 0, hour}},
		"twice as fast": {from: 100 * hour, to: 103 * hour, start: day(50), end: day(50) + hour, scale: 2,
			at: []int64{day(50), day(50) + hour}, want: []int64{hour, 0}},
	} {
		got := newCourse(&Recorded{FromUS: c.from, ToUS: c.to}, c.start, c.end, c.scale)
		for i, at := range c.at {
			l := got.lap(at)
			if x := int64(float64(at-l.zero) * c.scale); x != c.want[i] || at < l.from || at >= l.until {
				t.Errorf("%s: %s after the start is %s of the log, in a lap from %d to %d; want %s", name, time.Duration(at-c.start)*time.Microsecond,
					time.Duration(x)*time.Microsecond, l.from, l.until, time.Duration(c.want[i])*time.Microsecond)
			}
		}
	}
}

// TestPathTellsNoFew holds the levels of any counts to MinBucket, and to their sum.
func TestPathTellsNoFew(t *testing.T) {
	s := newSource(3)
	for round := range 200 {
		counts, expected := make([]int64, 1+s.below(200)), []float64{}
		total := 0.0
		for i := range counts {
			if i > 0 && !s.chance(One/3) {
				counts[i] = int64(s.poisson([...]float64{0, 1, 6, 30}[s.below(4)]))
			}
			total += float64(counts[i])
			expected = append(expected, 20)
		}
		path := &Path{Cells: 1}
		path.tell(counts, expected)
		told, next := 0.0, 0
		for i := 0; i < len(counts); {
			n := 1
			if next < len(path.Together) && path.Together[next][0] == i {
				n = path.Together[next][1]
				next++
			}
			covers := float64(path.Levels[i]*20*n) / One
			if path.Levels[i] != 0 && covers < MinBucket-0.1 {
				t.Errorf("round %d: the level of windows %d to %d is of %.1f requests: %v", round, i, i+n-1, covers, counts)
			}
			told += covers
			i += n
		}
		if next != len(path.Together) || math.Abs(told-total) > MinBucket/2+0.1 {
			t.Errorf("round %d: the levels are of %.1f requests, and the log has %.0f", round, told, total)
		}
	}
}

// TestPathOfSilences repeats a log's silences: nothing comes in them.
func TestPathOfSilences(t *testing.T) {
	start := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	counts := make([]int, 24*60)
	for i := range counts {
		if counts[i] = 6; i%600 > 300 && i%600 < 360 { // an hour without any
			counts[i] = 0
		}
	}
	p := fitted(t, logOf(start, time.Minute, counts), FitOptions{})
	silences := p.Services[0].Recorded.Silences
	if len(silences) != 2 {
		t.Fatalf("%d silences, want 2", len(silences))
	}
	o := options(24*time.Hour, 1)
	o.Start = start.AddDate(0, 1, 0)
	n := 0
	for r := range generated(t, p, o) {
		n++
		for _, s := range silences {
			if at := (r.ArrivalUS - o.Start.UnixMicro()) / secondUS; at >= s[0] && at < s[1] {
				t.Fatalf("a request at second %d, and a silence from %d to %d", at, s[0], s[1])
			}
		}
	}
	if want := 6 * (24*60 - 2*59); math.Abs(float64(n)/float64(want)-1) > 0.03 {
		t.Errorf("%d requests, want about %d", n, want)
	}
}

// TestPathDamaged refuses paths that cannot be, and says where.
func TestPathDamaged(t *testing.T) {
	p := fitted(t, logOf(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), cell, upAndDown()), FitOptions{})
	var good bytes.Buffer
	if err := p.Write(&good); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Service, *Path){
		"arrivals.path: is there, and the service has nothing recorded":                 func(s *Service, _ *Path) { s.Recorded = nil },
		"services[0].recorded: from_us":                                                 func(s *Service, _ *Path) { s.Recorded.ToUS = s.Recorded.FromUS },
		"recorded.silences[0]: from second 5 to 3":                                      func(s *Service, _ *Path) { s.Recorded.Silences = [][2]int64{{5, 3}} },
		"path.cells: 3 is no power of two":                                              func(_ *Service, p *Path) { p.Cells = 3 },
		"path.levels: there are 336, want one for each":                                 func(_ *Service, p *Path) { p.Levels = p.Levels[1:] },
		"path.levels: -1, the level of window 7, is not between 0 and":                  func(_ *Service, p *Path) { p.Levels[7] = -1 },
		"path.levels: window 3 would have more than 100 million requests":               func(s *Service, p *Path) { s.Flows[0].Arrivals.Rate, p.Levels[3] = 1e6, 90_000*One },
		"path.together[0]: 3 windows from window 336 on are fewer than 2, or not after": func(_ *Service, p *Path) { p.Together = [][2]int{{336, 3}} },
		"path.together[0]: the windows have different levels":                           func(_ *Service, p *Path) { p.Together = [][2]int{{0, 300}} },
		"path.moods: are there, and arrivals have no moods":                             func(s *Service, p *Path) { s.Flows[0].Arrivals.Moods, p.Moods = nil, "0" },
		"path.moods: '2', the mood of window 1, is not one of 2": func(s *Service, p *Path) {
			s.Flows[0].Arrivals.Moods, p.Moods = &Moods{Cells: 5, Next: [][]int{{1, 1}, {1, 1}}}, "02"
		},
	} {
		damaged, err := Read(bytes.NewReader(good.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		change(&damaged.Services[0], damaged.Services[0].Flows[0].Arrivals.Path)
		var text bytes.Buffer
		if err := damaged.Write(&text); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(&text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestPathOfConversations holds a log's course to the number of its requests: those of conversations that began before it look
// as if they began in it, and come once.
func TestPathOfConversations(t *testing.T) {
	o := options(8*time.Hour, 1)
	o.Scale = 0.2
	want := 0
	count := func(yield func(*schemas.Request) bool) {
		for r := range generated(t, shippedProfile(t, "chat"), o) {
			if want++; !yield(r) {
				return
			}
		}
	}
	p := fitted(t, count, FitOptions{})
	o.Scale = 1
	total, seeds := 0.0, 4
	for seed := range seeds {
		o.Seed = uint64(seed)
		for range generated(t, p, o) {
			total++
		}
	}
	if got := total / float64(seeds); math.Abs(got/float64(want)-1) > 0.08 {
		t.Errorf("%.0f requests on average, and %d in the log", got, want)
	}
}
