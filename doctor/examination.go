package doctor

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"tidegauge/schemas"
)

// Examination looks at a log, request by request. It is for one goroutine.
type Examination struct {
	nowUS    int64
	sources  []Source
	fields   []fieldCount
	labels   map[string]*fieldCount
	services map[string]uint32
	rows     []row
	refusals map[string]*Refusal

	previous     int64 // the arrival before, of the same source
	speed        fieldCount
	counts       [signs]int64
	examples     [signs]string
	farthestBack int64
	failures     int64
}

// row is what is kept of a request: 32 bytes.
type row struct {
	id, content uint64 // hashes; 0 is no id
	arrival     int64
	service     uint32
	made        bool // the id was made from file and line
}

// sign numbers what may be wrong with a single request.
type sign int

const (
	ttftAfterEnd sign = iota
	queueAfterTTFT
	cachedAboveRequest
	reasoningAboveResponse
	responseAboveMax
	backwards
	tooEarly
	future
	signs
)

// New begins an examination. nowUS is the present, in microseconds since 1970: what arrives later is wrong.
func New(nowUS int64) *Examination {
	return &Examination{nowUS: nowUS, fields: make([]fieldCount, len(kinds)), labels: make(map[string]*fieldCount),
		services: make(map[string]uint32), refusals: make(map[string]*Refusal)}
}

// Add looks at a request of a source, which begins on a line.
func (e *Examination) Add(r *schemas.Request, source, format string, line int64) {
	first := e.source(source, format)
	e.sources[len(e.sources)-1].Requests++
	for i := range kinds {
		e.fields[i].add(&kinds[i], r)
	}
	for _, l := range r.Labels {
		e.label(l)
	}
	e.keep(r)
	if r.Outcome.Failed() {
		e.failures++
	}
	if r.ElapsedUS > 0 && r.ResponseTokens > 0 && r.Outcome == schemas.OK {
		e.speed.addNumber(float64(r.ResponseTokens)/float64(r.ElapsedUS)*schemas.SecondUS, true)
	}
	see := func(s sign, is bool) {
		if is {
			if e.counts[s] == 0 {
				e.examples[s] = place(source, line)
			}
			e.counts[s]++
		}
	}
	see(ttftAfterEnd, r.TTFTUS >= 0 && r.ElapsedUS >= 0 && r.TTFTUS > r.ElapsedUS)
	see(queueAfterTTFT, r.QueueUS >= 0 && r.TTFTUS >= 0 && r.QueueUS > r.TTFTUS)
	see(cachedAboveRequest, r.RequestTokens >= 0 && r.CachedTokens > r.RequestTokens)
	see(reasoningAboveResponse, r.ResponseTokens >= 0 && r.ReasoningTokens > r.ResponseTokens)
	see(responseAboveMax, r.MaxTokens > 0 && r.ResponseTokens > r.MaxTokens)
	see(tooEarly, r.ArrivalUS < year2000 && !ownOrigin(format) && (format != "canonical" || wrongUnit(r.ArrivalUS)))
	see(future, r.ArrivalUS > e.nowUS+dayUS)
	if !first && r.ArrivalUS < e.previous {
		see(backwards, true)
		e.farthestBack = max(e.farthestBack, e.previous-r.ArrivalUS)
	}
	e.previous = r.ArrivalUS
}

const (
	dayUS = 24 * 60 * schemas.MinuteUS
	// year2000 is before every log there is: a wall clock that shows less counts in another unit.
	year2000 = 946_684_800 * schemas.SecondUS
)

// ownOrigin says whether a format's times count from the trace's own start.
func ownOrigin(format string) bool {
	return slices.Contains([]string{"burstgpt", "mooncake", "bailian", "guidellm", "vidur", "splitwise", "blis"}, format)
}

// wrongUnit says whether an arrival of 1970 is one of our days that is counted in seconds or milliseconds in place of
// microseconds. Other times of 1970 are those of traces that count from their own start.
func wrongUnit(us int64) bool {
	const from, to = year2000 / schemas.SecondUS, 2_500_000_000 // seconds, from 2000 to 2049
	return us >= from && us < to || us/1000 >= from && us/1000 < to
}

func place(source string, line int64) string { return fmt.Sprintf("%s:%d", source, line) }

// source notes which source the requests are of now. It says whether that one has just begun.
func (e *Examination) source(name, format string) bool {
	if n := len(e.sources); n > 0 && e.sources[n-1].Name == name && e.sources[n-1].Format == format {
		return e.sources[n-1].Requests == 0
	}
	e.sources = append(e.sources, Source{Name: name, Format: format})
	return true
}

// mostLabels bounds the keys of labels that are looked at.
const mostLabels = 64

func (e *Examination) label(l schemas.Label) {
	c, ok := e.labels[l.Key]
	if !ok {
		if len(e.labels) == mostLabels {
			return
		}
		c = new(fieldCount)
		e.labels[strings.Clone(l.Key)] = c
	}
	c.addText(l.Value, true)
}

// madeID is the shape of ids that are made for rows of logs without ids.
var madeID = regexp.MustCompile(`^[0-9a-f]{16}:[0-9]+(\.[0-9]+)?$`)

func (e *Examination) keep(r *schemas.Request) {
	service, ok := e.services[r.Service]
	if !ok {
		service = uint32(len(e.services))
		e.services[strings.Clone(r.Service)] = service
	}
	made := len(r.RequestID) > 17 && r.RequestID[16] == ':' && madeID.MatchString(r.RequestID)
	k := row{arrival: r.ArrivalUS, service: service, content: r.Content(), made: made}
	if r.RequestID != "" {
		k.id = xxhash.Sum64String(r.RequestID)
	}
	e.rows = append(e.rows, k)
}

// Refuse notes a row that cannot be read.
func (e *Examination) Refuse(file string, line int64, field, reason string) {
	reason = withoutValues(reason)
	key := field + "\x00" + reason
	r, ok := e.refusals[key]
	if !ok {
		r = &Refusal{Field: field, Reason: reason}
		e.refusals[key] = r
	}
	if r.Count++; len(r.Rows) < shownRows {
		r.Rows = append(r.Rows, place(file, line))
	}
}

// shownRows is how many rows of one reason are named.
const shownRows = 5

// values are the parts of a reason that differ from row to row.
var values = regexp.MustCompile(`"(?:[^"\\]|\\.)*"…?|-?[0-9]+(?:\.[0-9]+)?`)

// withoutValues makes one reason of those that differ in the value they are about, but for what a field should be like.
func withoutValues(reason string) string {
	head, tail, found := strings.Cut(reason, " is ")
	if !found {
		head, tail = reason, ""
	} else {
		tail = " is " + tail
	}
	if strings.HasSuffix(head, "byte") || strings.Contains(head, " at byte") {
		tail = values.ReplaceAllString(tail, "…")
	}
	return values.ReplaceAllString(head, "…") + tail
}

// Totals are what the reader counted beside requests.
type Totals struct{ Refused, Other, Repeated, CutDurations int64 }

// Diagnose judges what was seen.
func (e *Examination) Diagnose(t Totals) *Diagnosis {
	d := &Diagnosis{Schema: Schema, Sources: e.sources, Requests: int64(len(e.rows)), Refused: t.Refused, Other: t.Other, Repeated: t.Repeated}
	for i := range kinds {
		d.Fields = append(d.Fields, e.fields[i].field(&kinds[i]))
	}
	if d.Field("conversation").Known > 0 {
		d.Field("client").Costs = "" // which would take their place
	}
	for _, key := range slices.Sorted(maps.Keys(e.labels)) {
		k := fieldKind{name: "label " + key, text: func(*schemas.Request) string { return "" }, optional: true}
		f := e.labels[key].field(&k)
		f.Of = d.Requests
		d.Fields = append(d.Fields, f)
	}
	d.Refusals = slices.SortedFunc(func(yield func(Refusal) bool) {
		for _, r := range e.refusals {
			if !yield(*r) {
				return
			}
		}
	}, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Reason, b.Reason))
	})
	slices.SortFunc(e.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.service, b.service), cmp.Compare(a.arrival, b.arrival))
	})
	if len(e.rows) > 0 {
		d.FirstArrivalUS, d.LastArrivalUS = e.rows[0].arrival, e.rows[0].arrival
		for i := range e.rows {
			d.FirstArrivalUS, d.LastArrivalUS = min(d.FirstArrivalUS, e.rows[i].arrival), max(d.LastArrivalUS, e.rows[i].arrival)
		}
		e.judge(d, t)
		e.sections(d)
		d.Advice = advise(d)
	}
	slices.SortStableFunc(d.Findings, func(a, b Finding) int { return cmp.Compare(rank(a), rank(b)) })
	return d
}

func rank(f Finding) int {
	if f.Level == Wrong {
		return 0
	}
	return 1
}
