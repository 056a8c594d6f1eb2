package report

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"tidegauge/schemas"
)

// views runs the views' queries (schemas.ViewQueries) for the numbers of one stream, or of one service, in a range.
type views struct {
	conn           driver.Conn
	service        string
	model, logType *string // nil: all
	from, to       int64
	timeZone       string
}

// wholeRange is the width of the one window that is the range.
const wholeRange = 0

// field is one column of an answer and where its values go: a *Number (NULL is Null), an *int64, a *string or a
// **string (NULL is nil).
type field struct {
	name string
	to   any
}

// each runs a view's query over windows of step seconds, if the view knows any, and calls row for each of the answer's
// rows, whose values are then where the fields say.
func (v views) each(ctx context.Context, view string, step int, fields []field, row func()) error {
	queries, err := schemas.ViewQueries()
	if err != nil {
		return err
	}
	names, targets := make([]string, len(fields)), make([]any, len(fields))
	for i, f := range fields {
		names[i], targets[i] = f.name, f
	}
	rows, err := v.conn.Query(ctx, "SELECT "+strings.Join(names, ", ")+" FROM ("+queries[view]+")",
		clickhouse.Named("service", v.service), clickhouse.Named("model", v.model), clickhouse.Named("log_type", v.logType),
		clickhouse.Named("from_us", v.from), clickhouse.Named("to_us", v.to), clickhouse.Named("time_zone", v.timeZone),
		clickhouse.Named("step_s", step))
	if err != nil {
		return fmt.Errorf("reading view %s of service %q: %w", view, v.service, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return fmt.Errorf("reading view %s: %w", view, err)
		}
		row()
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading view %s of service %q: %w", view, v.service, err)
	}
	return nil
}

// one is each for views whose answer is one row.
func (v views) one(ctx context.Context, view string, step int, fields ...field) error {
	n := 0
	err := v.each(ctx, view, step, fields, func() { n++ })
	if err == nil && n != 1 {
		err = fmt.Errorf("view %s of service %q gave %d rows, not 1: were rows deleted meanwhile?", view, v.service, n)
	}
	return err
}

// Scan implements sql.Scanner.
func (f field) Scan(v any) error {
	switch to := f.to.(type) {
	case *Number:
		number, ok := asFloat(v)
		if !ok && v != nil {
			return fmt.Errorf("column %s: %T is not a number", f.name, v)
		}
		*to = Null
		if ok {
			*to = Number(number)
		}
	case *int64:
		n, ok := asInt(v)
		if !ok {
			return fmt.Errorf("column %s: %T is not a whole number", f.name, v)
		}
		*to = n
	case *string:
		text, ok := v.(string)
		if !ok {
			return fmt.Errorf("column %s: %T is not a text", f.name, v)
		}
		*to = text
	case **string:
		*to = nil
		if text, ok := v.(string); ok {
			*to = &text
		}
	default:
		return fmt.Errorf("column %s: no way to keep it in a %T", f.name, f.to)
	}
	return nil
}

// asInt takes the whole numbers that views give; NULL is none.
func asInt(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case uint64:
		return int64(v), true
	case uint32:
		return int64(v), true
	case int32:
		return int64(v), true
	case int16:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint8:
		return int64(v), true
	}
	return 0, false
}

func asFloat(v any) (float64, bool) {
	if f, ok := v.(float64); ok {
		return f, true
	}
	n, ok := asInt(v)
	return float64(n), ok
}

// tokenFields are the columns of view lengths that describe request or response tokens.
func tokenFields(prefix string, t *Tokens) []field {
	return []field{
		{prefix + "_mean", &t.Mean}, {prefix + "_cv", &t.CV}, {prefix + "_p5", &t.P5}, {prefix + "_p25", &t.P25},
		{prefix + "_p50", &t.P50}, {prefix + "_p75", &t.P75}, {prefix + "_p90", &t.P90}, {prefix + "_p95", &t.P95},
		{prefix + "_p99", &t.P99}, {prefix + "_max", &t.Max}, {prefix + "_lognormal_mu", &t.LognormalMu},
		{prefix + "_lognormal_sigma", &t.LognormalSigma},
	}
}

// secondsFields are the columns of view latency that describe one of its durations.
func secondsFields(prefix string, s *Seconds) []field {
	return []field{
		{prefix + "_n", &s.N}, {prefix + "_mean", &s.Mean}, {prefix + "_p50", &s.P50}, {prefix + "_p90", &s.P90},
		{prefix + "_p95", &s.P95}, {prefix + "_p99", &s.P99}, {prefix + "_max", &s.Max},
	}
}
