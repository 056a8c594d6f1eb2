package plugin

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"tidegauge/dashboards/catalogue"
)

// custom is what frames say of themselves to the query editor and to panels.
type custom struct {
	Metric string `json:"metric,omitempty"`
	Step   int64  `json:"step,omitempty"` // seconds
	// YOrdinalDisplay are the names of a heatmap's rows, which Grafana's panel reads here.
	YOrdinalDisplay []string `json:"yOrdinalDisplay,omitempty"`
}

// contract is the version of the data plane's frame types that these frames follow. Alert rules rely on it.
var contract = data.FrameTypeVersion{0, 1}

// longRange is from where on metrics that read requests are slow on a busy service.
const longRange = 8 * 24 * time.Hour

// describe completes a frame's metadata.
func (a *asked) describe(frame *data.Frame, rows *answer, sql string) {
	if frame.Meta == nil {
		frame.Meta = &data.FrameMeta{}
	}
	about, _ := frame.Meta.Custom.(custom)
	about.Metric, about.Step = a.metric.ID, a.step
	frame.Meta.Custom, frame.Meta.ExecutedQueryString = about, sql
	switch {
	case a.shortened:
		noticef(frame, data.NoticeSeverityWarning, "Only the last %g days of the range: %s reads each request. To look further back, choose a range that ends earlier.",
			float64(a.MaxRange)/86_400, a.metric.Title)
	case a.metric.Raw && a.to.Sub(a.from) > longRange:
		noticef(frame, data.NoticeSeverityInfo, "%s reads each request of the range: over more than a week it takes seconds.", a.metric.Title)
	}
	if rows.cut {
		noticef(frame, data.NoticeSeverityWarning, "There are more rows, or bytes, than the data source allows: these are the first %d rows.", rows.rows)
	}
}

// labels are what a metric's numbers are of. They name an alert's instances.
func (a *asked) labels() data.Labels {
	labels := data.Labels{}
	for _, l := range []struct{ parameter, label, value string }{
		{"service", "service", a.Service}, {"model", "model", named(a.Model)}, {"log_type", "log_type", named(a.LogType)},
		{"host", "host", named(a.Host)}, {"uuid", "gpu", named(a.GPU)},
	} {
		if a.metric.Has(l.parameter) && l.value != "" {
			labels[l.label] = l.value
		}
	}
	return labels
}

// config is how a column is shown.
func (a *asked) config(c catalogue.Column, name string) *data.FieldConfig {
	description := c.Description
	if description == "" {
		description = a.metric.Description
	}
	return &data.FieldConfig{DisplayNameFromDS: name + a.suffix, Unit: c.Unit, Description: description}
}

// empty is an answer without rows: a frame with a type and no fields, which alert rules take for "no data".
func empty(kind data.FrameType) *data.Frame {
	return data.NewFrame("").SetMeta(&data.FrameMeta{Type: kind, TypeVersion: contract})
}

// groups are the rows of an answer by what they are about.
type group struct {
	name   string
	labels data.Labels
	rows   []int
}

func (a *asked) groups(rows *answer) []group {
	var names []string // of group columns
	for _, c := range a.columns {
		if c.Group {
			names = append(names, c.Name)
		}
	}
	at := map[string]int{}
	var groups []group
	for row := range rows.rows {
		var parts []string
		labels := a.labels()
		for _, name := range names {
			part := rows.column(name).text(row)
			labels[name] = part
			if part != "" {
				parts = append(parts, part)
			}
		}
		key := fmt.Sprintf("%q", labels)
		if _, ok := at[key]; !ok {
			at[key] = len(groups)
			groups = append(groups, group{name: strings.Join(parts, " "), labels: labels})
		}
		groups[at[key]].rows = append(groups[at[key]].rows, row)
	}
	slices.SortStableFunc(groups, func(a, b group) int { return strings.Compare(a.name, b.name) })
	return groups
}

// title is the name of a group's series of a column.
func (a *asked) title(g group, c catalogue.Column) string {
	numbers := 0
	for _, c := range a.columns {
		if !c.Group {
			numbers++
		}
	}
	switch {
	case g.name == "":
		return c.Title
	case numbers == 1:
		return g.name
	}
	return g.name + " " + c.Title
}

// series makes a wide frame of rows by window. Views do not list windows without requests. Between the first and the last one that
// is listed all requests are stored, so there a missing window is 0 of what is counted, and nothing of the rest. Before and after
// them nothing is known, and nothing is shown: a pipeline that stands still looks like no data, not like no traffic.
func (a *asked) series(rows *answer) (*data.Frame, error) {
	if rows.rows == 0 {
		return empty(data.FrameTypeTimeSeriesWide), nil
	}
	at := rows.column("time")
	if at == nil || at.times == nil {
		return nil, fmt.Errorf("metric %s: the view gives no time", a.metric.ID)
	}
	listed := map[int64]bool{}
	for _, t := range at.times {
		listed[t.Unix()] = true
	}
	seconds := slices.Sorted(maps.Keys(listed))
	if a.regular() {
		first, last := seconds[0], seconds[len(seconds)-1]
		seconds = seconds[:0:0]
		for s := first; s <= last; s += a.step {
			seconds = append(seconds, s)
		}
	}
	index := make(map[int64]int, len(seconds))
	times := make([]time.Time, len(seconds))
	for i, s := range seconds {
		index[s], times[i] = i, time.Unix(s, 0).UTC()
	}
	clock := data.NewField("time", nil, times)
	if a.regular() {
		clock.SetConfig(&data.FieldConfig{Interval: float64(a.step * 1000)})
	}
	frame := data.NewFrame("", clock).SetMeta(&data.FrameMeta{Type: data.FrameTypeTimeSeriesWide, TypeVersion: contract})
	for _, g := range a.groups(rows) {
		for _, c := range a.columns {
			if c.Group {
				continue
			}
			values := make([]*float64, len(seconds))
			if c.Zero {
				for i := range values {
					values[i] = new(float64)
				}
			}
			from := rows.column(c.Name)
			for _, row := range g.rows {
				values[index[at.times[row].Unix()]] = from.numbers[row]
			}
			frame.Fields = append(frame.Fields, data.NewField(c.Name, g.labels.Copy(), values).SetConfig(a.config(c, a.title(g, c))))
		}
	}
	return frame, nil
}

// regular says that the view gives a row for each window of step seconds, and not at times of its own.
func (a *asked) regular() bool { return a.metric.Has("step_s") }

// numbers makes a frame of one row of numbers: a wide one, or a long one where there is a row for each group.
func (a *asked) numbers(rows *answer) *data.Frame {
	if rows.rows == 0 {
		return empty(data.FrameTypeNumericWide)
	}
	if slices.ContainsFunc(a.columns, func(c catalogue.Column) bool { return c.Group }) {
		frame := a.table(rows)
		frame.Meta.Type = data.FrameTypeNumericLong
		return frame
	}
	frame := data.NewFrame("").SetMeta(&data.FrameMeta{Type: data.FrameTypeNumericWide, TypeVersion: contract})
	for _, c := range a.columns {
		if from := rows.column(c.Name); from.numbers != nil {
			frame.Fields = append(frame.Fields, data.NewField(c.Name, a.labels(), from.numbers[:1]).SetConfig(a.config(c, c.Title)))
		}
	}
	return frame
}

// table makes a frame of rows as they are.
func (a *asked) table(rows *answer) *data.Frame {
	frame := data.NewFrame("").SetMeta(&data.FrameMeta{Type: data.FrameTypeTable, TypeVersion: contract})
	for _, c := range a.columns {
		field := rows.column(c.Name).field()
		field.Name = c.Name
		frame.Fields = append(frame.Fields, field.SetConfig(&data.FieldConfig{DisplayNameFromDS: c.Title, Unit: c.Unit, Description: c.Description}))
	}
	return frame
}

// field is a column as a frame's field.
func (c *column) field() *data.Field {
	switch {
	case c.texts != nil:
		return data.NewField(c.name, nil, c.texts)
	case c.times != nil:
		return data.NewField(c.name, nil, c.times)
	case c.flags != nil:
		return data.NewField(c.name, nil, c.flags)
	}
	return data.NewField(c.name, nil, c.numbers)
}
