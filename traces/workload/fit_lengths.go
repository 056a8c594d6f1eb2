package workload

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"tidegauge/schemas"
)

const (
	fewestClasses = 3
	mostClasses   = 12
	// fewestOfModel is what a model needs to be told apart in a flow.
	fewestOfModel = 5 * MinBucket
	otherModel    = "other"
)

// fitModels describes what is asked of each model. Models with few requests are one, called other.
func (c *collection) fitModels(f *Flow, rows []row, talks [][]int32, before []int32, load func(int64) int) {
	count := map[uint16]int{}
	for i := range rows {
		count[rows[i].model]++
	}
	common := make([]uint16, 0, len(count))
	rare := 0
	for m, n := range count {
		if n >= fewestOfModel {
			common = append(common, m)
		} else {
			rare += n
		}
	}
	slices.SortFunc(common, func(a, b uint16) int {
		return cmp.Or(count[b]-count[a], cmp.Compare(c.models.text[a], c.models.text[b]))
	})
	place := map[uint16]int{}
	for i, m := range common {
		place[m] = i
	}
	other := len(common)
	if rare > 0 && rare < fewestOfModel && len(common) > 0 {
		other = 0 // so few that they count as the most common model's
	}
	total := len(common)
	if rare > 0 && other == len(common) {
		total++
	}
	of := make([]uint8, len(rows))
	for i := range rows {
		p, ok := place[rows[i].model]
		if !ok {
			p = other
		}
		of[i] = uint8(min(p, 255))
	}
	for k := range min(total, 256) {
		m := Model{Model: otherModel}
		if k < len(common) {
			m.Model, m.Operation, _ = strings.Cut(c.models.text[common[k]], "\x00")
		} else if len(count) == 1 {
			for only := range count {
				m.Model, m.Operation, _ = strings.Cut(c.models.text[only], "\x00")
			}
		}
		c.fitModel(&m, rows, before, of, uint8(k), talks != nil, load)
		f.Models = append(f.Models, m)
	}
	fitRuns(f.Models, rows, talks, of)
}

// fitRuns counts how models follow each other: in requests by runs, in conversations by what they begin with.
func fitRuns(models []Model, rows []row, talks [][]int32, of []uint8) {
	if len(models) == 1 {
		models[0].Weight = One
		return
	}
	counts := make([]int64, len(models))
	runs := make([][]int64, len(models))
	if talks != nil {
		for _, turns := range talks {
			counts[of[turns[0]]]++
		}
	} else {
		for i := 0; i < len(rows); {
			j := i
			for j < len(rows) && of[j] == of[i] {
				j++
			}
			counts[of[i]]++
			runs[of[i]] = append(runs[of[i]], int64(j-i))
			i = j
		}
		for k := range models {
			if len(runs[k]) < MinBucket { // then none has runs: independent draws by their shares
				runs, counts = nil, make([]int64, len(models))
				for i := range rows {
					counts[of[i]]++
				}
				break
			}
		}
	}
	w, ok := weights(counts, nil)
	for k := range models {
		if ok {
			models[k].Weight = w[k]
		} else {
			models[k].Weight = One / len(models)
		}
		if talks == nil && runs != nil {
			if v, ok := fitValues(runs[k], mostSteps); ok {
				models[k].Runs = &v
			}
		}
	}
}

// classes finds ranges of about equally many values, none of fewer than MinBucket: their lower bounds but for the first.
func classes(values []int64, most int) []int64 {
	values = slices.Clone(values)
	slices.Sort(values)
	var bounds []int64
	begin := 0
	for i := 1; i < most; i++ {
		b := values[min(i*len(values)/most, len(values)-1)]
		at, _ := slices.BinarySearch(values, b)
		if at-begin >= MinBucket && len(values)-at >= MinBucket {
			bounds = append(bounds, b)
			begin = at
		}
	}
	return bounds
}

func class(bounds []int64, value int64) int {
	c := 0
	for c < len(bounds) && value >= bounds[c] {
		c++
	}
	return c
}

// fitClasses describes each class of values.
func fitClasses(values, bounds []int64) []Values {
	parts := make([][]int64, len(bounds)+1)
	for _, v := range values {
		c := class(bounds, v)
		parts[c] = append(parts[c], v)
	}
	all := make([]Values, len(parts))
	for c := range parts {
		all[c], _ = fitValues(parts[c], mostSteps)
	}
	return all
}

// fitModel describes the requests of one model.
func (c *collection) fitModel(m *Model, rows []row, before []int32, of []uint8, k uint8, talks bool, load func(int64) int) {
	var requests, responses []int64
	failed, cancelled, good := 0, 0, 0
	noRequest, noResponse := 0, 0
	for i := range rows {
		r := &rows[i]
		if of[i] != k {
			continue
		}
		m.Requests++
		if r.outcome >= endFailed {
			failed++
			continue
		}
		good++
		if r.outcome == endCancelled {
			cancelled++
		}
		if r.request >= 0 {
			requests = append(requests, int64(r.request))
		} else {
			noRequest++
		}
		if r.response >= 0 {
			responses = append(responses, int64(r.response))
		} else {
			noResponse++
		}
	}
	l := &m.Lengths
	l.N = int64(good)
	l.Request, l.Response = []Values{}, []Values{}
	l.First, l.Following, l.Answer = []int{}, [][]int{}, [][]int{}
	m.FailureFactor = One
	if failed > 0 && m.Requests > 0 {
		m.FailureFactor = int(math.Round(float64(failed) / float64(m.Requests) * One)) // made relative by fitFailures
	} else {
		m.FailureFactor = 0
	}
	if good < MinBucket {
		return
	}
	m.Cancelled = portionOf(cancelled, good)
	l.RequestUnknown, l.ResponseUnknown = portionOf(noRequest, good), portionOf(noResponse, good)
	number := max(fewestClasses, min(int(math.Cbrt(float64(good)/8)), mostClasses))
	var x, y []int64
	if len(requests) >= MinBucket {
		x = classes(requests, number)
		l.Request = fitClasses(requests, x)
	}
	if len(responses) >= MinBucket {
		y = classes(responses, number)
		l.Response = fitClasses(responses, y)
	}
	t := newLengthTables(len(l.Request), len(l.Response))
	var extra, most, reasoning, cached []int64
	for i := range rows {
		r := &rows[i]
		if of[i] != k || r.outcome >= endFailed {
			continue
		}
		if r.maxTokens >= 0 {
			most = append(most, int64(r.maxTokens))
		}
		if r.reasoning >= 0 && r.response > 0 {
			reasoning = append(reasoning, int64(min(r.reasoning, r.response))*One/int64(r.response))
		}
		if r.cached >= 0 && r.request > 0 {
			cached = append(cached, int64(min(r.cached, r.request))*One/int64(r.request))
		}
		cx, cy := -1, -1
		if len(l.Request) > 0 && r.request >= 0 {
			cx = class(x, int64(r.request))
		}
		if len(l.Response) > 0 && r.response >= 0 {
			cy = class(y, int64(r.response))
		}
		px, py := -1, -1
		var p *row
		if before[i] >= 0 {
			p = &rows[before[i]]
			if len(l.Request) > 0 && p.request >= 0 && p.outcome < endFailed {
				px = class(x, int64(p.request))
			}
			if len(l.Response) > 0 && p.response >= 0 && p.outcome < endFailed {
				py = class(y, int64(p.response))
			}
		}
		carried := false
		if talks && p != nil && cx >= 0 && px >= 0 && p.response >= 0 {
			carried = 10*(int64(r.request)-int64(p.request)) >= 9*int64(p.response)
			t.carried(px, carried)
			if carried {
				extra = append(extra, int64(r.request)-int64(p.request)-int64(p.response))
			}
		}
		t.count(cx, cy, px, py, carried, !talks || p == nil)
	}
	t.fit(l, talks)
	if v, ok := fitValues(extra, mostSteps); ok && talks {
		l.Said = &v
	} else {
		l.Carried = nil
	}
	l.MaxTokens = fitPortion(most, good)
	l.Reasoning = fitPortion(reasoning, good)
	l.Cached = fitPortion(cached, good)
	c.fitReasons(m, rows, of, k, y)
	fitLatency(&m.Latency, rows, of, k, x, y, good, load)
}

func portionOf(part, whole int) int {
	return int(math.Round(float64(part) / float64(max(whole, 1)) * One))
}

func fitPortion(values []int64, of int) *Portion {
	known := portionOf(len(values), of)
	v, ok := fitValues(values, mostSteps)
	if !ok || known == 0 {
		return nil
	}
	return &Portion{Known: known, Values: v}
}

// fitReasons counts finish reasons by the response's class.
func (c *collection) fitReasons(m *Model, rows []row, of []uint8, k uint8, y []int64) {
	counts := map[uint16][]int64{}
	totals := make([]int64, len(y)+1)
	for i := range rows {
		r := &rows[i]
		if of[i] != k || r.outcome >= endFailed {
			continue
		}
		cy := 0
		if r.response >= 0 {
			cy = class(y, int64(r.response))
		}
		if counts[r.reason] == nil {
			counts[r.reason] = make([]int64, len(totals))
		}
		counts[r.reason][cy]++
		totals[cy]++
	}
	for number, name := range c.reason.text {
		per := counts[uint16(min(number, 1<<16-1))]
		reason, sum := Reason{Reason: name, Weights: make([]int, len(totals))}, int64(0)
		for cy, n := range per {
			if n >= MinBucket {
				reason.Weights[cy] = portionOf(int(n), int(totals[cy]))
				sum += n
			}
		}
		if sum >= MinBucket {
			m.FinishReasons = append(m.FinishReasons, reason)
		}
	}
	if len(m.FinishReasons) == 1 && m.FinishReasons[0].Reason == "" {
		m.FinishReasons = nil
	}
}

// lengthTables count classes.
type lengthTables struct {
	first       []int64
	following   [][]int64
	answer      [][]int64
	answerAfter [][][]int64
	pairs, kept []int64 // by the previous request's class: follow-ups, and those that carry the history
}

func newLengthTables(x, y int) *lengthTables {
	t := &lengthTables{first: make([]int64, x), following: square(x, x), answer: square(max(x, 1), y), pairs: make([]int64, x), kept: make([]int64, x)}
	for range max(x, 1) {
		t.answerAfter = append(t.answerAfter, square(y, y))
	}
	return t
}

func square(a, b int) [][]int64 {
	s := make([][]int64, a)
	for i := range s {
		s[i] = make([]int64, b)
	}
	return s
}

func (t *lengthTables) carried(px int, kept bool) {
	t.pairs[px]++
	if kept {
		t.kept[px]++
	}
}

func (t *lengthTables) count(cx, cy, px, py int, carried, first bool) {
	if cx >= 0 {
		if first {
			t.first[cx]++
		}
		if px >= 0 && !carried {
			t.following[px][cx]++
		}
	}
	if cy >= 0 {
		t.answer[max(cx, 0)][cy]++
		if py >= 0 {
			t.answerAfter[max(cx, 0)][py][cy]++
		}
	}
}

// fit makes weights of the counts.
func (t *lengthTables) fit(l *Lengths, talks bool) {
	all := make([]int64, len(t.first))
	for c, n := range t.first {
		all[c] += n
		if talks {
			for p := range t.following {
				all[c] += t.following[p][c]
			}
		}
	}
	marginal, _ := weights(all, nil)
	first, ok := weights(t.first, marginal)
	if !ok {
		first = marginal
	}
	if first != nil {
		l.First = first
	}
	for px := range t.following {
		w, ok := weights(t.following[px], marginal)
		if !ok {
			w = []int{}
		}
		l.Following = append(l.Following, w)
	}
	byClass := make([]int64, len(l.Response))
	for cx := range t.answer {
		for cy, n := range t.answer[cx] {
			byClass[cy] += n
		}
	}
	responses, _ := weights(byClass, nil)
	if len(l.Response) > 0 {
		for cx := range t.answer {
			w, ok := weights(t.answer[cx], responses)
			if !ok {
				w = responses
			}
			l.Answer = append(l.Answer, w)
			var rows [][]int
			for py := range t.answerAfter[cx] {
				after, ok := weights(t.answerAfter[cx][py], w)
				if !ok {
					after = []int{}
				}
				rows = append(rows, after)
			}
			l.AnswerAfter = append(l.AnswerAfter, rows)
		}
	}
	if talks {
		var pairs, kept int64
		for px := range t.pairs {
			pairs += t.pairs[px]
			kept += t.kept[px]
		}
		for px := range t.pairs {
			share := portionOf(int(kept), int(pairs))
			if t.pairs[px] >= 2*MinBucket {
				share = portionOf(int(t.kept[px]), int(t.pairs[px]))
			}
			l.Carried = append(l.Carried, share)
		}
	}
}

// loads is how many classes of load there are.
const loads = 3

// fitLatency describes how long answers take.
func fitLatency(l *Latency, rows []row, of []uint8, k uint8, x, y []int64, good int, load func(int64) int) {
	known, first := 0, 0
	var durations []int64
	for i := range rows {
		r := &rows[i]
		if of[i] == k && r.outcome < endFailed && r.elapsed >= 0 {
			known++
			durations = append(durations, r.elapsed)
			if r.ttft >= 0 && r.ttft <= r.elapsed {
				first++
			}
		}
	}
	if known < MinBucket {
		return
	}
	l.TickUS = tick(durations)
	l.Known, l.TTFTKnown = portionOf(known, good), portionOf(first, known)
	split := first >= MinBucket && first*2 > known // most have one, so elapsed is told in two parts
	if !split {
		l.TTFTKnown = 0
	}
	rest := make([][][]int64, loads)
	ttft := make([][][]int64, loads)
	for q := range loads {
		rest[q], ttft[q] = make([][]int64, len(y)+1), make([][]int64, len(x)+1)
	}
	for i := range rows {
		r := &rows[i]
		if of[i] != k || r.outcome >= endFailed || r.elapsed < 0 {
			continue
		}
		cx, cy, q := 0, 0, load(r.at)
		if r.request >= 0 {
			cx = class(x, int64(r.request))
		}
		if r.response >= 0 {
			cy = class(y, int64(r.response))
		}
		took := r.elapsed
		if split {
			if r.ttft < 0 || r.ttft > r.elapsed {
				continue
			}
			ttft[q][cx] = append(ttft[q][cx], r.ttft)
			took -= r.ttft
		}
		rest[q][cy] = append(rest[q][cy], took)
	}
	l.RestUS = tables(rest)
	if split {
		l.TTFTUS = tables(ttft)
	}
}

// tables describes values by load and class; where there are few, those of the class whatever the load, or of all.
func tables(values [][][]int64) [][]Values {
	result := make([][]Values, len(values))
	var all []int64
	for c := range values[0] {
		for q := range values {
			all = append(all, values[q][c]...)
		}
	}
	every, _ := fitValues(all, mostSteps/2)
	for c := range values[0] {
		var together []int64
		for q := range values {
			together = append(together, values[q][c]...)
		}
		pooled, ok := fitValues(together, mostSteps/2)
		if !ok {
			pooled = every
		}
		for q := range values {
			v := pooled
			if len(values[q][c]) >= 5*MinBucket {
				v, _ = fitValues(values[q][c], mostSteps/2)
			}
			result[q] = append(result[q], v)
		}
	}
	return result
}

// known is a row's count, or unknown.
func known(tokens int32) int64 {
	if tokens < 0 {
		return schemas.Unknown
	}
	return int64(tokens)
}
