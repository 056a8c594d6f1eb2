package plugin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// sql runs an analyst's own query over the views. That it only reads is the server's doing: by the setting readonly (see limits),
// and because it has ClickHouse's parser find that the query could stand in the place of a subquery, where only what selects
// may stand. (readonly alone lets a user kill other queries of the same user. Run as a subquery, it could set limits aside.)
func (d *Datasource) sql(ctx context.Context, q query) (data.Frames, error) {
	sql, err := q.expand()
	if err != nil {
		return nil, errQuery{err}
	}
	if _, err := d.ask(ctx, "EXPLAIN AST SELECT * FROM (\n"+sql+"\n)"); err != nil {
		return nil, fmt.Errorf("SQL mode runs one SELECT: %w", err)
	}
	rows, err := d.ask(ctx, sql)
	if err != nil {
		return nil, err
	}
	frame := data.NewFrame("").SetMeta(&data.FrameMeta{Type: data.FrameTypeTable, TypeVersion: contract})
	for _, c := range rows.columns {
		frame.Fields = append(frame.Fields, c.field())
	}
	switch q.Format {
	case "time_series":
		if frame, err = wide(frame); err != nil {
			return nil, err
		}
	case "table", "":
	default:
		return nil, badQuery("there is no format %q: it is table or time_series", q.Format)
	}
	frame.Meta.ExecutedQueryString = sql
	if rows.cut {
		noticef(frame, data.NoticeSeverityWarning, "There are more rows, or bytes, than the data source allows: these are the first %d rows. Aggregate, or add a LIMIT.", rows.rows)
	}
	return data.Frames{frame}, nil
}

// wide makes series of rows: the first time is the axis, texts are labels, numbers are values.
func wide(rows *data.Frame) (*data.Frame, error) {
	clock := slices.IndexFunc(rows.Fields, func(f *data.Field) bool { return f.Type() == data.FieldTypeNullableTime })
	if clock < 0 {
		return nil, badQuery("a time series needs a column of times: select one, or take the format table")
	}
	if !slices.ContainsFunc(rows.Fields, func(f *data.Field) bool { return f.Type() == data.FieldTypeNullableFloat64 }) {
		return nil, badQuery("a time series needs a column of numbers: select one, or take the format table")
	}
	if rows.Rows() == 0 {
		return empty(data.FrameTypeTimeSeriesWide), nil
	}
	// Ascending times without NULL, which series are made of; other times than the axis are left out.
	order := make([]int, 0, rows.Rows())
	at := func(row int) *time.Time { v, _ := rows.Fields[clock].At(row).(*time.Time); return v }
	for row := range rows.Rows() {
		if at(row) != nil {
			order = append(order, row)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return at(a).Compare(*at(b)) })
	times := make([]time.Time, len(order))
	for i, row := range order {
		times[i] = *at(row)
	}
	long := data.NewFrame("", data.NewField(rows.Fields[clock].Name, nil, times))
	for i, field := range rows.Fields {
		if i == clock || field.Type() == data.FieldTypeNullableTime {
			continue
		}
		sorted := data.NewFieldFromFieldType(field.Type(), len(order))
		sorted.Name = field.Name
		for to, row := range order {
			sorted.Set(to, field.At(row))
		}
		long.Fields = append(long.Fields, sorted)
	}
	series := long
	if long.TimeSeriesSchema().Type == data.TimeSeriesTypeLong {
		var err error
		if series, err = data.LongToWide(long, nil); err != nil {
			return nil, badQuery("no series can be made of the rows: %w", err)
		}
	}
	return series.SetMeta(&data.FrameMeta{Type: data.FrameTypeTimeSeriesWide, TypeVersion: contract}), nil
}
