package contrast

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tidegauge/report"
	"tidegauge/schemas"
)

// Recorder takes in one side's requests, all of which are one load, whatever their services are called. It keeps what
// report.Collector keeps of a request. Not for concurrent use.
type Recorder struct {
	name      string
	collector *report.Collector
	ordered   []report.Ordered
	services  map[string]int64 // requests by service
	first     string           // the first service met
	spare     schemas.Request  // the one that is added, under other names
	mapping   Mapping
}

// Mapping renames the models and log types of a side, so that they meet those of the other.
type Mapping struct{ Models, LogTypes map[string]string }

// ErrEmpty says that there is nothing to compare.
var ErrEmpty = errors.New("no requests")

// NewRecorder gives an empty Recorder. name is what the side is called by in all that is written.
func NewRecorder(name string, m Mapping, o report.Options) *Recorder {
	r := &Recorder{name: name, services: map[string]int64{}, mapping: m}
	o.Ordered = func(ordered report.Ordered) { r.ordered = append(r.ordered, ordered) }
	r.collector = report.NewCollector(o)
	return r
}

// Add takes in a request, which must be valid. It keeps no string of it.
//
// Conversations are those of one service (docs/metrics.md), so the name of each service but the first goes before them: two
// services' conversation 1 stays two.
func (r *Recorder) Add(q *schemas.Request) {
	service := q.Service
	if _, known := r.services[service]; !known {
		service = strings.Clone(service)
		if len(r.services) == 0 {
			r.first = service
		}
	}
	r.services[service]++
	r.spare = *q
	r.spare.Service = side
	if to, ok := r.mapping.Models[q.Model]; ok {
		r.spare.Model = to
	}
	if to, ok := r.mapping.LogTypes[q.LogType]; ok {
		r.spare.LogType = to
	}
	if service != r.first {
		r.spare.Conversation, r.spare.Client = within(service, q.Conversation), within(service, q.Client)
	}
	r.collector.Add(&r.spare)
}

// side is the one service that a side's requests are taken for.
const side = "all"

func within(service, id string) string {
	if id == "" {
		return ""
	}
	return service + "\x00" + id
}

// Requests is how many requests were added.
func (r *Recorder) Requests() int64 { return r.collector.Requests() }

// Warn adds a warning of the caller's own.
func (r *Recorder) Warn(w report.Warning) { r.collector.Warn(w) }

// Workload is one side, ready to be compared, any number of times.
type Workload struct {
	Name string
	// Services are the names that were met, with their requests.
	Services map[string]int64
	// Summary has all numbers of docs/metrics.md, of one service.
	Summary *report.Summary
	rows    report.Ordered
}

// Workload computes the side. It consumes the Recorder. The error is ErrEmpty or report's.
func (r *Recorder) Workload() (*Workload, error) {
	if r.Requests() == 0 {
		return nil, fmt.Errorf("%s: %w", r.name, ErrEmpty)
	}
	summary, err := r.collector.Summary()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	if len(r.services) > 1 { // two services may well use one id
		summary.Warnings = slices.DeleteFunc(summary.Warnings, func(w report.Warning) bool { return w.Code == report.WarnConflictingIDs })
	}
	return &Workload{Name: r.name, Services: r.services, Summary: summary, rows: r.ordered[0]}, nil
}

// service is the summary's only one.
func (w *Workload) service() *report.Service { return &w.Summary.Services[0] }

// stream gives the requests of a model and a log type, nil being all.
func (w *Workload) stream(model, logType *string) *stream {
	o := &w.rows
	s := &stream{service: w, summary: find(w.service().Streams, model, logType), t: o.ArrivalUS, request: o.RequestTokens,
		response: o.ResponseTokens, elapsed: o.ElapsedUS, ttft: o.TTFTUS}
	if s.summary == nil {
		return nil
	}
	if model == nil && logType == nil {
		s.outcome = make([]schemas.Outcome, len(s.t))
		for i := range s.t {
			s.outcome[i] = o.Outcome(i)
		}
		s.conversation = o.Conversation
		return s
	}
	taken := make([]bool, len(o.Kinds))
	for i, k := range o.Kinds {
		taken[i] = (model == nil || *model == k.Model) && (logType == nil || *logType == k.LogType)
	}
	rows := make([]uint32, 0, s.summary.Requests)
	for i, k := range o.Kind {
		if taken[k] {
			rows = append(rows, uint32(i))
			s.outcome = append(s.outcome, o.Outcome(i))
		}
	}
	s.t, s.request, s.response = pick(s.t, rows), pick(s.request, rows), pick(s.response, rows)
	s.elapsed, s.ttft = pick(s.elapsed, rows), pick(s.ttft, rows)
	return s
}

func pick[T any](column []T, rows []uint32) []T {
	if column == nil {
		return nil
	}
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = column[r]
	}
	return out
}

func find(streams []report.Stream, model, logType *string) *report.Stream {
	i := slices.IndexFunc(streams, func(s report.Stream) bool { return same(s.Model, model) && same(s.LogType, logType) })
	if i < 0 {
		return nil
	}
	return &streams[i]
}

func same(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// stream is what one stream's numbers are computed from, in METRICS' order.
type stream struct {
	service           *Workload
	summary           *report.Stream
	t                 []int64 // arrivals, microseconds
	request, response []int32
	elapsed, ttft     []int64 // nil where no request of the service knows it
	outcome           []schemas.Outcome
	conversation      []uint32 // nil where none is named, and for streams that are a part of the service
	counted           *counted // once somebody asked for counts
}
