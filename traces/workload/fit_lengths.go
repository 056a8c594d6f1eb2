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
		c.fitModel(&m, rows, talks, before, of, uint8(k), load)
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
		b := knot(values, min(i*len(values)/most, len(values)-1))
		at, _ := slices.BinarySearch(values, b)
		if at-begin >= MinBucket && len(values)-at >= MinBucket {
			bounds = append(bounds, b)
			begin = at
		}
	}
	return bounds
}

// longClasses cuts the highest class in half, and its upper half again: the longest requests have most of the tokens.
func longClasses(values, bounds []int64) []int64 {
	for range 2 {
		if len(bounds) < fewestClasses {
			return bounds
		}
		var highest []int64
		for _, v := range values {
			if v >= bounds[len(bounds)-1] {
				highest = append(highest, v)
			}
		}
		if len(highest) < 40*MinBucket {
			return bounds
		}
		slices.Sort(highest)
		middle := knot(highest, len(highest)/2)
		if highest[MinBucket-1] >= middle || highest[len(highest)-MinBucket] < middle {
			return bounds
		}
		bounds = append(bounds, middle)
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
func fitClasses(values, bounds []int64) []Steps {
	parts := make([][]int64, len(bounds)+1)
	for _, v := range values {
		c := class(bounds, v)
		parts[c] = append(parts[c], v)
	}
	all := make([]Steps, len(parts))
	for c := range parts {
		all[c] = fitSteps(parts[c], leastOf(values, bounds, c))
	}
	return all
}

// leastOf is what no value of a class is below.
func leastOf(values, bounds []int64, class int) int64 {
	if class > 0 {
		return bounds[class-1]
	}
	return min(slices.Min(values), 1)
}

// fitModel describes the requests of one model.
func (c *collection) fitModel(m *Model, rows []row, talks [][]int32, before []int32, of []uint8, k uint8, load func(int64) int) {
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
	l.Request, l.Response, l.Topics = []Steps{}, []Steps{}, []Topic{}
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
	number := max(fewestClasses, min(int(math.Cbrt(float64(good)/12)), mostClasses))
	var x, y []int64
	if len(requests) >= MinBucket {
		x = longClasses(requests, classes(requests, number))
		l.Request = fitClasses(requests, x)
	}
	if len(responses) >= MinBucket {
		y = longClasses(responses, classes(responses, number))
		l.Response = fitClasses(responses, y)
	}
	var most, reasoning, cached []int64
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
	}
	l.fitSequences(rows, talks, before, of, k, x, y)
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

// known is a row's count, or unknown.
func known(tokens int32) int64 {
	if tokens < 0 {
		return schemas.Unknown
	}
	return int64(tokens)
}
