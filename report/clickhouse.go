package report

import (
	"context"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"tidegauge/schemas"
)

// Query says what FromClickHouse reports on.
type Query struct {
	// Service is the one to report on; empty is all of them.
	Service string
	// FromUS (included) and ToUS (excluded) limit the range; nil: not limited. As in the views, whole minutes are counted:
	// those that begin in the range; the document's range says which these are. Requests that arrived up to 24 hours
	// before it count in what is in flight, and conversations that begin in it are taken whole.
	FromUS, ToUS *int64
	// Location is the time zone of by_hour and by_weekday_hour; nil is UTC.
	Location *time.Location
	// GeneratedBy names the program and its version.
	GeneratedBy string
	// Parallelism is how many queries run at once; 0 is 4. It must not exceed the connections that conn may open.
	Parallelism int
}

// FromClickHouse computes the document from the views of schemas/ddl/views: the same numbers as a Collector, but for
// quantiles of lengths and latencies, Weibull's parameters and the Kolmogorov-Smirnov distances, which come from
// sketches (docs/metrics.md, Exactness). A stream costs a dozen queries, whatever the length of the range; two of them
// read the stream's requests, the others its minutes.
func FromClickHouse(ctx context.Context, conn driver.Conn, q Query) (*Summary, error) {
	if q.Location == nil {
		q.Location = time.UTC
	}
	if q.Parallelism <= 0 {
		q.Parallelism = 4
	}
	v := views{conn: conn, to: schemas.MaxArrivalUS, timeZone: q.Location.String()}
	out := &Summary{Schema: SchemaName, GeneratedBy: q.GeneratedBy, Range: Range{TimeZone: v.timeZone},
		Warnings: []Warning{}, Services: []Service{}}
	if q.FromUS != nil {
		v.from = beginOfMinutes(*q.FromUS)
		out.Range.FromUS = &v.from
	}
	if q.ToUS != nil {
		v.to = beginOfMinutes(*q.ToUS)
		out.Range.ToUS = &v.to
	}

	names := []string{q.Service}
	if q.Service == "" {
		var err error
		if names, err = v.listServices(ctx); err != nil {
			return nil, err
		}
	}
	services := make([]*storedService, len(names))
	group, of := errgroup.WithContext(ctx)
	group.SetLimit(q.Parallelism)
	for i, name := range names {
		services[i] = &storedService{views: v, result: Service{Service: name}}
		services[i].service = name
		group.Go(func() error { return services[i].listStreams(of) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	services = slices.DeleteFunc(services, func(s *storedService) bool { return len(s.streams) == 0 })

	group, of = errgroup.WithContext(ctx)
	group.SetLimit(q.Parallelism)
	for _, s := range services {
		for _, task := range s.tasks() {
			group.Go(func() error { return task(of) })
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, s := range services {
		s.finish()
		out.Requests += s.result.Requests
		out.Services = append(out.Services, s.result)
		out.Warnings = append(out.Warnings, s.warnings()...)
	}
	return out, nil
}

// beginOfMinutes rounds up to a whole minute.
func beginOfMinutes(us int64) int64 {
	us = min(max(us, schemas.MinArrivalUS), schemas.MaxArrivalUS)
	return (us + schemas.MinuteUS - 1) / schemas.MinuteUS * schemas.MinuteUS
}
