package integration

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"tidegauge/dashboards"
)

// table is an answer as Grafana has it, whichever data source gave it: columns by the names that panels call them by.
type table struct {
	names   []string
	times   []time.Time // of the rows, where there are any
	numbers map[string][]float64
	texts   map[string][]string
	rows    int
}

func newTable() *table { return &table{numbers: map[string][]float64{}, texts: map[string][]string{}} }

// askClickHouse runs SQL as the official ClickHouse data source does. Where rows have a column series, each name in it becomes
// series of its own, as that data source makes of it.
func (d *day) askClickHouse(t *testing.T, sql string) *table {
	t.Helper()
	rows, err := d.db.Query(t.Context(), sql)
	if err != nil {
		t.Errorf("%v\n%s", err, sql)
		return newTable()
	}
	defer rows.Close()
	a := newTable()
	names := rows.Columns()
	for rows.Next() {
		targets := make([]any, len(names))
		for i, c := range rows.ColumnTypes() {
			targets[i] = reflect.New(c.ScanType()).Interface()
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			v := reflect.ValueOf(targets[i]).Elem()
			for v.Kind() == reflect.Pointer && !v.IsNil() {
				v = v.Elem()
			}
			switch at, isTime := v.Interface().(time.Time); {
			case isTime && name == "time":
				a.times = append(a.times, at.UTC())
			case isTime:
				a.texts[name] = append(a.texts[name], at.UTC().Format(time.RFC3339Nano))
			case v.Kind() == reflect.String:
				a.texts[name] = append(a.texts[name], v.String())
			case v.Kind() == reflect.Pointer:
				if v.Type().Elem().Kind() == reflect.String {
					a.texts[name] = append(a.texts[name], "")
				} else {
					a.numbers[name] = append(a.numbers[name], math.NaN())
				}
			case v.CanFloat():
				a.numbers[name] = append(a.numbers[name], v.Float())
			case v.CanInt():
				a.numbers[name] = append(a.numbers[name], float64(v.Int()))
			case v.CanUint():
				a.numbers[name] = append(a.numbers[name], float64(v.Uint()))
			case v.Kind() == reflect.Bool:
				a.numbers[name] = append(a.numbers[name], map[bool]float64{true: 1}[v.Bool()])
			default:
				t.Fatalf("column %s is a %s:\n%s", name, v.Type(), sql)
			}
		}
		a.rows++
	}
	if err := rows.Err(); err != nil {
		t.Errorf("%v\n%s", err, sql)
	}
	a.names = names
	return a.wide()
}

// wide makes series of rows that a column series names.
func (a *table) wide() *table {
	series, ok := a.texts["series"]
	if !ok {
		return a
	}
	out := newTable()
	place := map[time.Time]int{}
	for _, at := range a.times {
		if _, ok := place[at]; !ok {
			place[at] = len(out.times)
			out.times = append(out.times, at)
		}
	}
	for column, values := range a.numbers {
		for row, v := range values {
			name := series[row]
			if len(a.numbers) > 1 {
				name += " " + column
			}
			if _, ok := out.numbers[name]; !ok {
				out.numbers[name] = make([]float64, len(out.times))
				for i := range out.numbers[name] {
					out.numbers[name][i] = math.NaN()
				}
				out.names = append(out.names, name)
			}
			out.numbers[name][place[a.times[row]]] = v
		}
	}
	out.rows = len(out.times)
	return out
}

// request is one query as Grafana sends it to the plugin.
func request(t *testing.T, q map[string]any, from, to time.Time) backend.DataQuery {
	t.Helper()
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	return backend.DataQuery{RefID: q["refId"].(string), QueryType: q["queryType"].(string), JSON: text, MaxDataPoints: 1000,
		Interval: to.Sub(from) / 1000, TimeRange: backend.TimeRange{From: from, To: to}}
}

// askPlugin sends queries through the plugin's handler, and gives the answers by their letters.
func (d *day) askPlugin(t *testing.T, queries ...backend.DataQuery) map[string]*table {
	t.Helper()
	response, err := d.source.QueryData(t.Context(), &backend.QueryDataRequest{Queries: queries})
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]*table{}
	for _, q := range queries {
		r := response.Responses[q.RefID]
		if r.Error != nil {
			t.Errorf("%s: %v", q.JSON, r.Error)
			answers[q.RefID] = newTable()
			continue
		}
		if len(r.Frames) != 1 {
			t.Errorf("%s gives %d frames", q.JSON, len(r.Frames))
		}
		answers[q.RefID] = ofFrame(t, r.Frames[0])
	}
	return answers
}

func ofFrame(t *testing.T, frame *data.Frame) *table {
	a := newTable()
	a.rows, _ = frame.RowLen()
	for _, field := range frame.Fields {
		name := field.Name
		if field.Config != nil && field.Config.DisplayNameFromDS != "" {
			name = field.Config.DisplayNameFromDS
		}
		a.names = append(a.names, name)
		for row := range field.Len() {
			switch v, known := field.ConcreteAt(row); {
			case field.Type().Numeric():
				n, err := field.NullableFloatAt(row)
				if err != nil {
					t.Fatal(err)
				}
				if n == nil {
					n = new(math.NaN())
				}
				a.numbers[name] = append(a.numbers[name], *n)
			case field.Type().Time() && field.Name == "time":
				a.times = append(a.times, v.(time.Time).UTC())
			case !known:
				a.texts[name] = append(a.texts[name], "")
			case field.Type().Time():
				a.texts[name] = append(a.texts[name], v.(time.Time).UTC().Format(time.RFC3339Nano))
			case field.Type() == data.FieldTypeNullableBool || field.Type() == data.FieldTypeBool:
				a.numbers[name] = append(a.numbers[name], map[bool]float64{true: 1}[v.(bool)])
			default:
				a.texts[name] = append(a.texts[name], fmt.Sprint(v))
			}
		}
	}
	return a
}

// values are what a dashboard's variables stand at, for a service, in windows of step seconds.
func (d *day) values(t *testing.T, service, step string) dashboards.Values {
	v := dashboards.Values{From: d.config.Start, To: d.config.End(),
		Variables: map[string]string{"service": service, "step": step, "time_zone": "UTC"}}
	for _, variable := range dashboards.Variables() {
		if variable.Name == "step_s" { // worked out by ClickHouse
			sql, err := dashboards.Interpolate(variable.SQL, v, dashboards.ClickHouse)
			if err != nil {
				t.Fatal(err)
			}
			v.Variables["step_s"] = d.askClickHouse(t, sql).first()
		}
	}
	return v
}

// first is the first text of a table of one column.
func (a *table) first() string {
	for _, texts := range a.texts {
		return texts[0]
	}
	return ""
}

// interpolate fills the variables of a query of the plugin, as Grafana's front end does.
func interpolate(t *testing.T, q map[string]any, v dashboards.Values, f dashboards.Flavour) map[string]any {
	t.Helper()
	out := map[string]any{}
	for key, value := range q {
		if text, ok := value.(string); ok && strings.Contains(text, "$") {
			filled, err := dashboards.Interpolate(text, v, f)
			if err != nil {
				t.Fatal(err)
			}
			value = filled
		}
		out[key] = value
	}
	return out
}
