package plugin

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"tidegauge/dashboards/catalogue"
	"tidegauge/schemas"
)

// asked is a query of a metric, with all that is to be chosen chosen.
type asked struct {
	query
	metric       catalogue.Metric
	columns      []catalogue.Column
	fromUS, toUS int64
	step         int64 // seconds; 0: the range is one window
	// shortened says that the range is longer than the query's MaxRange.
	shortened bool

	elapsed, ttft, tpot *float64 // limits, seconds
}

// metric answers a query of the catalogue.
func (d *Datasource) metric(ctx context.Context, q query) (data.Frames, error) {
	a, err := q.choose()
	if err != nil {
		return nil, err
	}
	if a.step > 0 {
		if windows := (a.toUS - a.fromUS) / schemas.SecondUS / a.step; windows > d.settings.MaxRows {
			return nil, badQuery("a step of %d s makes %d windows of this range, and the data source allows %d rows: choose a coarser step", a.step, windows, d.settings.MaxRows)
		}
	}
	if a.metric.Computed {
		return d.computed(ctx, a)
	}
	rows, sql, err := d.askView(ctx, a, a.metric.View, func(source string) (string, error) {
		return a.metric.Select(source, a.names(), native)
	})
	if err != nil {
		return nil, err
	}
	var frame *data.Frame
	switch {
	case a.metric.Kind == catalogue.Heatmap:
		frame, err = a.heatmap(rows)
	case a.metric.Kind == catalogue.Series && (a.step > 0 || !a.regular()):
		frame, err = a.series(rows)
	case a.metric.Kind == catalogue.Series || a.metric.Kind == catalogue.Stat:
		frame = a.numbers(rows)
	default:
		frame = a.table(rows)
	}
	if err != nil {
		return nil, err
	}
	a.describe(frame, rows, sql)
	return data.Frames{frame}, nil
}

// native are the view's parameters as ClickHouse takes them: apart from the query, never part of its text.
var native = map[string]string{"step_s": "{step_s:UInt32}", "from_us": "{from_us:Int64}", "to_us": "{to_us:Int64}"}

// choose finds the metric and its columns, and fits range and step to each other.
func (q query) choose() (*asked, error) {
	if q.Metric == "" {
		return nil, badQuery("no metric is chosen")
	}
	m, ok := catalogue.Find(q.Metric)
	if !ok {
		return nil, badQuery("there is no metric %q: see the list in the query editor, or GET resources/metrics", q.Metric)
	}
	columns, err := m.Choose(q.Columns)
	if err != nil {
		return nil, errQuery{err}
	}
	if m.Has("service") && q.Service == "" {
		return nil, badQuery("metric %s needs a service: choose one (a variable that has no value gives none)", m.ID)
	}
	a := &asked{query: q, metric: m, columns: columns, fromUS: clampUS(q.from), toUS: clampUS(q.to)}
	if q.AllTime {
		a.fromUS, a.toUS = schemas.MinArrivalUS, schemas.MaxArrivalUS
	}
	if least := a.toUS - q.MaxRange*schemas.SecondUS; q.MaxRange > 0 && a.fromUS < least {
		a.fromUS, a.shortened = least, true
	}
	if a.TimeZone == "" || a.TimeZone == "browser" {
		a.TimeZone = "UTC"
	}
	for _, limit := range []struct {
		from text
		to   **float64
	}{{q.Limits.Elapsed, &a.elapsed}, {q.Limits.TTFT, &a.ttft}, {q.Limits.TPOT, &a.tpot}} {
		if *limit.to, err = limit.from.number(); err != nil {
			return nil, err
		}
	}
	if !m.Has("step_s") || m.Width == 0 && m.Time == "" {
		return a, nil // the range as one
	}
	if a.step, err = q.step(); err != nil {
		return nil, err
	}
	if m.Width > 0 {
		if q.Step == "" || q.Step == "auto" || a.step == 0 {
			a.step = int64(m.Width)
		}
		return a, nil
	}
	if a.step > 0 {
		a.alignRange()
	}
	return a, nil
}

// alignRange begins the range with a window, so that the first one is whole, and ends it with the last minute that is over: the
// running one would show as a fall at the right edge of every panel. Range and step of 0 are taken as they are.
func (a *asked) alignRange() {
	step := a.step * schemas.SecondUS
	a.fromUS = a.fromUS / step * step
	if over := a.now.UnixMicro() / schemas.MinuteUS * schemas.MinuteUS; over > a.fromUS {
		a.toUS = min(a.toUS, over)
	}
}

// steps are the widths that "auto" takes, seconds. Each divides the next one or the day, so windows lie the same on every day.
var steps = []int64{60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 7 * 86_400, 28 * 86_400}

// maxHeatmapWindows is how many windows "auto" makes of a heatmap at the most.
const maxHeatmapWindows = 250

// step gives the width of windows in seconds.
func (q query) step() (int64, error) {
	if q.Step != "" && q.Step != "auto" {
		step, err := strconv.ParseInt(string(q.Step), 10, 64)
		if err != nil || step < 0 || step%60 != 0 || step > 366*86_400 {
			return 0, badQuery("step %q: it is auto, or seconds: a multiple of 60, or 0 for the whole range as one window", q.Step)
		}
		return step, nil
	}
	points := q.maxDataPoints
	if m, _ := catalogue.Find(q.Metric); m.Kind == catalogue.Heatmap {
		// Each window has some dozens of cells, and a cell takes a few pixels to be seen.
		if points = maxHeatmapWindows; q.maxDataPoints > 0 {
			points = min(points, q.maxDataPoints)
		}
	}
	return autoStep(q.to.Sub(q.from), q.interval, points), nil
}

// autoStep is the least step that is not finer than the panel's interval and gives no more windows than the panel has points.
func autoStep(span, interval time.Duration, points int64) int64 {
	least := interval
	if points > 0 {
		least = max(least, span/time.Duration(points))
	}
	for _, step := range steps {
		if time.Duration(step)*time.Second >= least {
			return step
		}
	}
	return steps[len(steps)-1]
}

func clampUS(t time.Time) int64 {
	return min(max(t.UnixMicro(), schemas.MinArrivalUS), schemas.MaxArrivalUS)
}

// names are the chosen columns'.
func (a *asked) names() []string {
	names := make([]string, len(a.columns))
	for i, c := range a.columns {
		names[i] = c.Name
	}
	return names
}

// parameters are the arguments of every view's parameters.
func (a *asked) parameters() map[string]any {
	return map[string]any{
		"service": a.Service, "model": orNil(a.Model), "log_type": orNil(a.LogType), "host": orNil(a.Host), "uuid": orNil(a.GPU),
		"from_us": a.fromUS, "to_us": a.toUS, "step_s": a.step, "time_zone": a.TimeZone,
		"elapsed_s": a.elapsed, "ttft_s": a.ttft, "tpot_s": a.tpot,
	}
}

// askView runs a query over a view. It runs the view's own query rather than the view, which ClickHouse would analyse twice; the
// text that it returns, for the query inspector, calls the view and is otherwise the same.
func (d *Datasource) askView(ctx context.Context, a *asked, view string, over func(source string) (string, error)) (*answer, string, error) {
	queries, err := schemas.ViewQueries()
	if err != nil {
		return nil, "", err
	}
	query, ok := queries[view]
	if !ok {
		return nil, "", fmt.Errorf("metric %s reads view %s, which is not there", a.metric.ID, view)
	}
	sql, err := over("(" + query + ")")
	if err != nil {
		return nil, "", errQuery{err}
	}
	var given []any
	var literals []string
	call := map[string]string{}
	for name, value := range a.parameters() {
		if strings.Contains(query, "{"+name+":") {
			given = append(given, clickhouse.Named(name, value))
		}
		call[name] = literal(value)
	}
	for _, name := range a.metric.Parameters {
		if strings.Contains(query, "{"+name+":") {
			literals = append(literals, name+" = "+call[name])
		}
	}
	shown, err := over(view + "(" + strings.Join(literals, ", ") + ")")
	if err != nil {
		return nil, "", err
	}
	for name, parameter := range native {
		shown = strings.ReplaceAll(shown, parameter, call[name])
	}
	rows, err := d.ask(ctx, sql, given...)
	return rows, shown, err
}

// literal is an argument in SQL, to be shown.
func literal(value any) string {
	switch v := value.(type) {
	case string:
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v) + "'"
	case *string:
		if v != nil {
			return literal(*v)
		}
		return "NULL"
	case *float64:
		if v != nil {
			return strconv.FormatFloat(*v, 'g', -1, 64)
		}
		return "NULL"
	}
	return fmt.Sprint(value)
}
