package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"golang.org/x/sync/errgroup"
)

// query is a panel's target, as the query editor, a dashboard or an alert rule says it. docs: dashboards/README.md.
type query struct {
	QueryType string   `json:"queryType"`
	Metric    string   `json:"metric"`
	Columns   []string `json:"columns"`
	// Service, Host and GPU are names. Model, LogType, Host and GPU may be "*", which is all, as is a missing one; a LogType of ""
	// is the log type of requests that name none.
	Service string  `json:"service"`
	Model   *string `json:"model"`
	LogType *string `json:"logType"`
	Host    *string `json:"host"`
	GPU     *string `json:"gpu"`
	// Step is "auto", or seconds: a multiple of 60, or 0 for the range as one window.
	Step     text   `json:"step"`
	TimeZone string `json:"timeZone"`
	Limits   limits `json:"limits"`
	// AllTime asks about all that is stored instead of the range. MaxRange, seconds, is how much of the range is asked about, from
	// its end: panels have it that would take too long over months.
	AllTime  bool   `json:"allTime"`
	MaxRange int64  `json:"maxRange"`
	SQL      string `json:"sql"`
	Format   string `json:"format"`

	from, to      time.Time
	interval      time.Duration
	maxDataPoints int64
	now           time.Time
	// suffix is added to names of series, where queries of one panel differ in it.
	suffix string
}

// limits are goodput's, in seconds; "" is no limit.
type limits struct {
	Elapsed text `json:"elapsed"`
	TTFT    text `json:"ttft"`
	TPOT    text `json:"tpot"`
}

// number is the text's number, nil for none.
func (t text) number() (*float64, error) {
	if t == "" {
		return nil, nil
	}
	v, err := strconv.ParseFloat(string(t), 64)
	if err != nil || v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, badQuery("limit %q is no number of seconds", t)
	}
	return &v, nil
}

// text takes a number for a string: a template variable becomes the one, and people write the other.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(from []byte) error {
	var s string
	if err := json.Unmarshal(from, &s); err == nil {
		*t = text(s)
		return nil
	}
	if string(from) == "null" {
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(from, &n); err != nil {
		return err
	}
	*t = text(n)
	return nil
}

func parseQuery(from []byte) (query, error) {
	q := query{}
	if err := json.Unmarshal(from, &q); err != nil {
		return q, badQuery("the query cannot be read: %w", err)
	}
	return q, nil
}

// QueryData answers a panel's or an alert rule's queries, as many of them at once as the data source allows. What is wrong with
// one does not touch the others.
func (d *Datasource) QueryData(ctx context.Context, request *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	queries, failed := make([]query, len(request.Queries)), make([]error, len(request.Queries))
	now := time.Now()
	for i, from := range request.Queries {
		q, err := parseQuery(from.JSON)
		if from.QueryType != "" {
			q.QueryType = from.QueryType
		}
		q.from, q.to, q.interval, q.maxDataPoints, q.now = from.TimeRange.From, from.TimeRange.To, from.Interval, from.MaxDataPoints, now
		queries[i], failed[i] = q, err
	}
	nameApart(queries)

	response := backend.NewQueryDataResponse()
	var mutex sync.Mutex
	var group errgroup.Group
	group.SetLimit(max(d.settings.MaxConcurrentQueries, 1))
	for i, from := range request.Queries {
		group.Go(func() error {
			var frames data.Frames
			err := failed[i]
			if err == nil {
				frames, err = d.answer(ctx, queries[i])
			}
			result := backend.DataResponse{Frames: frames, Status: backend.StatusOK}
			if err != nil {
				result = d.response(err)
			}
			for _, frame := range result.Frames {
				frame.RefID = from.RefID
			}
			mutex.Lock()
			defer mutex.Unlock()
			response.Responses[from.RefID] = result
			return nil
		})
	}
	return response, group.Wait()
}

// answer answers one query. A bug in doing so ends in an error on this panel, and not in the end of the plugin's process.
func (d *Datasource) answer(ctx context.Context, q query) (frames data.Frames, err error) {
	defer func() {
		if bug := recover(); bug != nil {
			backend.Logger.FromContext(ctx).Error("a bug of the plugin", "panic", bug, "stack", string(debug.Stack()))
			err = backend.PluginErrorf("a bug of the plugin (its log has more): %v", bug)
		}
	}()
	if d.wrong != nil {
		return nil, d.wrong
	}
	switch q.QueryType {
	case "metric", "":
		return d.metric(ctx, q)
	case "sql":
		return d.sql(ctx, q)
	case "annotations":
		return d.annotations(ctx, q)
	}
	return nil, badQuery("there is no queryType %q: it is metric, sql or annotations", q.QueryType)
}

// nameApart gives queries that ask for the same of different services, models or log types a suffix that tells them apart.
func nameApart(queries []query) {
	for _, part := range []func(q query) string{
		func(q query) string { return q.Service },
		func(q query) string { return named(q.Model) },
		func(q query) string { return named(q.LogType) },
		func(q query) string { return named(q.Host) },
		func(q query) string { return named(q.GPU) },
	} {
		differ := false
		for _, q := range queries {
			differ = differ || part(q) != part(queries[0])
		}
		if differ {
			for i, q := range queries {
				if name := part(q); name != "" {
					queries[i].suffix += " " + name
				}
			}
		}
	}
}

// all says whether a choice stands for all there are.
func all(choice *string) bool { return choice == nil || *choice == "*" }

// orNil is the choice as a view's parameter: nil for all.
func orNil(choice *string) *string {
	if all(choice) {
		return nil
	}
	return choice
}

// named is the choice as people read it.
func named(choice *string) string {
	switch {
	case all(choice):
		return ""
	case *choice == "":
		return "(none)"
	}
	return *choice
}

// noticef adds a remark to a frame, which Grafana shows at the panel's corner.
func noticef(frame *data.Frame, severity data.NoticeSeverity, format string, arguments ...any) {
	frame.AppendNotices(data.Notice{Severity: severity, Text: fmt.Sprintf(format, arguments...)})
}
