package report

import (
	"runtime"
	"slices"
	"strings"
	"time"

	"tidegauge/schemas"
)

// Options says how a Collector computes and what it writes beside the numbers.
type Options struct {
	// GeneratedBy names the program and its version.
	GeneratedBy string
	// Range is copied into the document: what the caller let through. The Collector filters nothing.
	Range Range
	// Location is the time zone of by_hour and by_weekday_hour; nil is UTC.
	Location *time.Location
	// Parallelism is how many goroutines Summary uses; 0 is GOMAXPROCS.
	Parallelism int
	// InferConversations, if > 0, makes conversations of the requests that name none but a client: those of one client
	// with no longer pause between arrivals than this. The document then carries the warning WarnInferred.
	InferConversations time.Duration
	// Ordered, if given, is shown each service's requests, as they are computed from.
	Ordered func(Ordered)
}

// Collector keeps every request of a log, compactly, and computes the summary document from them. Nothing depends on
// the order of Add, nor on adding a request with an id twice. It needs 22 to 60 bytes a request, depending on which
// fields the log has (see chunk), about 27 more for each conversation, and about 20 more a request while Summary runs.
// Not for concurrent use.
type Collector struct {
	options  Options
	services map[string]*store
	last     *store // of the request before: logs rarely alternate between services
	warnings []Warning
	requests int64
}

// NewCollector gives an empty Collector.
func NewCollector(o Options) *Collector {
	if o.Parallelism <= 0 {
		o.Parallelism = runtime.GOMAXPROCS(0)
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	return &Collector{options: o, services: map[string]*store{}}
}

// Add takes in one request, which must be valid (schemas.Request.Validate). It keeps no string of r.
func (c *Collector) Add(r *schemas.Request) {
	s := c.last
	if s == nil || s.name != r.Service {
		s = c.service(r.Service)
	}
	c.requests++
	s.add(r)
}

func (c *Collector) service(name string) *store {
	s := c.services[name]
	if s == nil {
		name = strings.Clone(name)
		s = newStore(name, c.options.InferConversations > 0)
		c.services[name] = s
	}
	c.last = s
	return s
}

// Warn adds a warning of the caller's own, such as about lines that could not be read.
func (c *Collector) Warn(w Warning) { c.warnings = append(c.warnings, w) }

// Requests is how many requests were added, copies included.
func (c *Collector) Requests() int64 { return c.requests }

// Bytes is how much memory the requests take.
func (c *Collector) Bytes() int64 {
	var total int64
	for _, s := range c.services {
		total += s.bytes()
	}
	return total
}

// Summary computes the document from all requests added. It consumes the collector, which is empty afterwards.
// The error is ErrTooManyRequests.
func (c *Collector) Summary() (*Summary, error) {
	stores := make([]*store, 0, len(c.services))
	for _, s := range c.services {
		if s.requests > maxRequests {
			return nil, ErrTooManyRequests
		}
		stores = append(stores, s)
	}
	slices.SortFunc(stores, func(a, b *store) int { return strings.Compare(a.name, b.name) })
	c.services, c.last, c.requests = map[string]*store{}, nil, 0

	out := &Summary{Schema: SchemaName, GeneratedBy: c.options.GeneratedBy, Range: c.options.Range,
		Warnings: append([]Warning{}, c.warnings...), Services: []Service{}}
	if out.Range.TimeZone == "" {
		out.Range.TimeZone = c.options.Location.String()
	}
	services, warnings := summarise(stores, c.options)
	for _, s := range services {
		out.Requests += s.Requests
	}
	out.Services = append(out.Services, services...)
	out.Warnings = append(out.Warnings, warnings...)
	return out, nil
}
