package headline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"tidegauge/schemas"
)

// numbers are what one query gives of every service.
type numbers struct {
	name   string        // in the metrics about the queries
	view   string        // a view with one row a service
	width  time.Duration // of the range
	every  time.Duration // how often at most; a query of a long range costs more and changes less
	settle time.Duration // how long ago the range ends
	step   time.Duration // ranges end at a multiple of it
	series []series
}

// series is one column of the answer and the metric that it becomes.
type series struct {
	column string
	metric *metric
	label  string // the value of the metric's second label
}

// metric is one gauge by service, with a second label where it has one.
type metric struct {
	name, help, label string
	description       *prometheus.Desc
}

func newMetric(name, help, label string) *metric {
	labels := []string{"service"}
	if label != "" {
		labels = append(labels, label)
	}
	return &metric{name: name, help: help, label: label,
		description: prometheus.NewDesc("tidegauge_service_"+name, help, labels, nil)}
}

const (
	recent = 5 * time.Minute
	// Requests are logged when they end, so the last seconds are never all there. Faults count by when they end.
	settling = 30 * time.Second
)

// allNumbers is what there is to show.
func allNumbers() []numbers {
	var (
		rate     = newMetric("requests_per_second", "Requests a second, over five minutes.", "")
		failures = newMetric("failure_rate", "Share of requests that failed, over five minutes.", "")
		tokens   = newMetric("tokens_per_second", "Tokens of requests and of responses a second, over five minutes.", "direction")
		flying   = newMetric("in_flight", "Mean number of requests in flight, over five minutes.", "")
		ttft     = newMetric("ttft_seconds", "Quantiles of the time to the first token, over five minutes.", "quantile")
		elapsed  = newMetric("elapsed_seconds", "Quantiles of the time to the complete answer, over five minutes.", "quantile")
		talks    = newMetric("conversations_active", "Conversations with turns in five minutes.", "")
		cv       = newMetric("gap_cv", "Coefficient of variation of the gaps between arrivals in the last complete window of 300 s.", "")
		above    = newMetric("burst_baseline_ratio", "gap_cv by the 99th percentile of it at this hour of the week.", "")
		run      = newMetric("burst_run", "Windows of 300 s in a row whose gap_cv is above that percentile.", "")
		faults   = newMetric("fault_rate", "Share of faults among the requests that ended in the window.", "window")
		stall    = newMetric("conversation_turns_ratio", "Follow-up turns by those of a week before, over 15 minutes.", "")
		stalled  = newMetric("conversation_stalled", "1 while conversations start and do not go on, over 15 minutes.", "")
	)
	all := []numbers{
		{name: "load", view: "load_services", width: recent, settle: settling, series: []series{{"rate", rate, ""}, {"failure_rate", failures, ""},
			{"request_tokens_per_s", tokens, "request"}, {"response_tokens_per_s", tokens, "response"}, {"in_flight_mean", flying, ""}}},
		{name: "latency", view: "latency_services", width: recent, settle: settling, series: []series{
			{"ttft_p50", ttft, "0.5"}, {"ttft_p90", ttft, "0.9"}, {"ttft_p99", ttft, "0.99"},
			{"elapsed_p50", elapsed, "0.5"}, {"elapsed_p90", elapsed, "0.9"}, {"elapsed_p99", elapsed, "0.99"}}},
		{name: "conversations", view: "conversation_services", width: recent, settle: settling, series: []series{{"conversations", talks, ""}}},
		// Reads four weeks, and changes with the window only.
		{name: "bursts", view: "burst_services", width: recent, settle: 2 * settling, step: recent, every: recent, series: []series{
			{"gap_cv", cv, ""}, {"baseline_ratio", above, ""}, {"run", run, ""}}},
		{name: "stalls", view: "stall_services", width: 15 * time.Minute, settle: settling, every: recent, series: []series{
			{"ratio", stall, ""}, {"stalled", stalled, ""}}},
	}
	for _, w := range []struct {
		name  string
		width time.Duration
	}{{"5m", recent}, {"30m", 30 * time.Minute}, {"1h", time.Hour}, {"6h", 6 * time.Hour}} {
		all = append(all, numbers{name: "faults_" + w.name, view: "fault_burn_services", width: w.width, every: w.width / 60,
			series: []series{{"fault_rate", faults, w.name}}})
	}
	return all
}

// end is where the range ends that is asked about at a time.
func (n numbers) end(now time.Time) time.Time {
	return now.Add(-n.settle).Truncate(max(n.step, time.Minute))
}

// row is what an answer says of one service: a value for each series, nil where it is not defined.
type row struct {
	service string
	values  []*float64
}

// Deadlines of a query, and what it may take of the server: what is asked here must not slow what is written.
const (
	queryTimeout = 60 * time.Second
	queryThreads = 2
)

// ask gives the rows of all services for the range that ends there.
func (n numbers) ask(ctx context.Context, conn driver.Conn, end time.Time) (out []row, err error) {
	queries, err := schemas.ViewQueries()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_threads": queryThreads}))
	columns := make([]string, len(n.series))
	for i, s := range n.series {
		columns[i] = "toNullable(toFloat64(" + s.column + "))"
	}
	rows, err := conn.Query(ctx, "SELECT toString(service), "+strings.Join(columns, ", ")+" FROM ("+queries[n.view]+")",
		clickhouse.Named("from_us", end.Add(-n.width).UnixMicro()), clickhouse.Named("to_us", end.UnixMicro()))
	if err != nil {
		return nil, fmt.Errorf("reading view %s: %w", n.view, err)
	}
	defer rows.Close()
	for rows.Next() {
		r := row{values: make([]*float64, len(n.series))}
		targets := []any{&r.service}
		for i := range r.values {
			targets = append(targets, &r.values[i])
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, fmt.Errorf("reading view %s: %w", n.view, err)
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading view %s: %w", n.view, err)
	}
	return out, nil
}
