package dashboards_test

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidegauge/dashboards"
	"tidegauge/dashboards/catalogue"
	"tidegauge/processors"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
	"tidegauge/traces"
)

// sampled is a database with the first day of the demo's log.
func sampled(t *testing.T) (*storage.DB, time.Time, time.Time) {
	t.Helper()
	config := traces.DefaultSampleConfig()
	config.Days = 1
	var log []schemas.Request
	for r := range traces.Sample(config) {
		log = append(log, *r)
	}
	db := testenv.Migrated(t)
	blocks, err := processors.Evaluate(log)
	if err != nil {
		t.Fatal(err)
	}
	if err := testenv.Writer(t, db).Write(t.Context(), [][]schemas.Block{blocks}); err != nil {
		t.Fatal(err)
	}
	return db, config.Start, config.Start.AddDate(0, 0, config.Days)
}

// answer is what a query gave: names of columns, and rows with nil for NULL.
type answer struct {
	columns []string
	rows    [][]any
}

func ask(t *testing.T, db *storage.DB, what, sql string) answer {
	t.Helper()
	rows, err := db.Query(t.Context(), sql)
	if err != nil {
		t.Errorf("%s: %v\n%s", what, err, sql)
		return answer{}
	}
	defer rows.Close()
	a := answer{columns: rows.Columns()}
	for rows.Next() {
		targets := make([]any, len(a.columns))
		for i, c := range rows.ColumnTypes() {
			targets[i] = reflect.New(c.ScanType()).Interface()
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		for i, target := range targets {
			v := reflect.ValueOf(target).Elem()
			for v.Kind() == reflect.Pointer && !v.IsNil() {
				v = v.Elem()
			}
			targets[i] = nil
			if v.Kind() != reflect.Pointer {
				targets[i] = v.Interface()
			}
		}
		a.rows = append(a.rows, targets)
	}
	if err := rows.Err(); err != nil {
		t.Errorf("%s: %v\n%s", what, err, sql)
	}
	return a
}

// empty says which of the columns have no value in any row.
func (a answer) empty() (names []string) {
	for i, name := range a.columns {
		if !slices.ContainsFunc(a.rows, func(row []any) bool { return row[i] != nil }) {
			names = append(names, name)
		}
	}
	return names
}

// nothingYet are the columns that the demo has no value of: a baseline takes weeks.
var nothingYet = map[string]bool{"A week before": true, "Usual up to": true}

var viewOf = regexp.MustCompile(`FROM (\w+)\(`)

// TestPanelsOfTheDemo runs every panel of the official ClickHouse data source on the demo's data, as Grafana would. None may be
// empty that is not said to need more, and no panel may leave out what it calls a series or a column by.
func TestPanelsOfTheDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("asks a hundred views, one after the other; the full tests do")
	}
	db, from, to := sampled(t)
	f := dashboards.ClickHouse
	values := dashboards.Values{From: from, To: to, Variables: map[string]string{"service": "demo", "step": "auto", "step_s": "1200", "time_zone": "UTC"}}
	given := map[string]answer{} // panels that ask for the same are answered once
	asked := map[string]bool{}
	for _, b := range dashboards.Boards() {
		t.Run(b.Name, func(t *testing.T) {
			for _, p := range b.Panels {
				if !p.In(f) {
					continue
				}
				queries, err := p.Queries(f)
				if err != nil {
					t.Error(err)
				}
				for _, q := range queries {
					sql, err := dashboards.Interpolate(q["rawSql"].(string), values, f)
					if err != nil {
						t.Errorf("%s: %v", p.Title, err)
						continue
					}
					if p.Need != dashboards.Nothing {
						// Without data only the columns are in question, and the catalogue's tests hold those: once a view.
						view := viewOf.FindStringSubmatch(sql)[1]
						if asked[view] {
							continue
						}
						asked[view] = true
					}
					a, ok := given[sql]
					if !ok {
						a = ask(t, db, p.Title, sql)
						given[sql] = a
					}
					if p.Need != dashboards.Nothing {
						continue
					}
					if len(a.rows) == 0 {
						t.Errorf("%s has no data:\n%s", p.Title, sql)
					}
					for _, name := range a.empty() {
						if len(a.rows) > 0 && !nothingYet[name] {
							t.Errorf("%s: %q has no value in %d rows:\n%s", p.Title, name, len(a.rows), sql)
						}
					}
					drawn(t, p.Title, p, a.columns)
				}
			}
		})
	}
	t.Run("plugin", func(t *testing.T) { pluginPanels(t, db, values) })
	t.Run("variables", func(t *testing.T) {
		for _, v := range dashboards.Variables() {
			if v.SQL == "" {
				continue
			}
			sql, err := dashboards.Interpolate(v.SQL, values, f)
			if err != nil {
				t.Error(err)
			}
			a := ask(t, db, v.Name, sql)
			gpus := v.Name == "host" || v.Name == "gpu"
			if len(a.rows) == 0 && !gpus {
				t.Errorf("variable %s has no value: %s", v.Name, sql)
			}
		}
	})
	t.Run("names", func(t *testing.T) { names(t, db, values) })
	t.Run("annotations", func(t *testing.T) {
		for _, m := range dashboards.Marks() {
			q, err := m.Query(f)
			if err != nil {
				t.Fatal(err)
			}
			sql, err := dashboards.Interpolate(q["rawSql"].(string), values, f)
			if err != nil {
				t.Error(err)
			}
			a := ask(t, db, m.Name, sql)
			if want := []string{"time", "timeEnd", "text", "tags"}; !slices.Equal(a.columns, want) {
				t.Errorf("%s gives %q, want %q", m.Name, a.columns, want)
			}
			if m.Metric == "failure_runs" && len(a.rows) == 0 {
				t.Error("the demo has runs of failures, and none is marked")
			}
		}
	})
	t.Run("storing delay", func(t *testing.T) {
		arguments := map[string]string{"service": "'demo'", "from_us": fmt.Sprint(from.UnixMicro()), "to_us": fmt.Sprint(to.UnixMicro()), "step_s": "0"}
		of := func(metric string) string {
			m, _ := catalogue.Find(metric)
			sql, err := m.SQL([]string{"delay_p50", "delay_p90", "delay_p99", "delay_max", "requests"}, arguments)
			if err != nil {
				t.Fatal(err)
			}
			return "SELECT delay_p50, delay_p90, delay_p99, delay_max, requests FROM (" + sql + ")"
		}
		one, all := ask(t, db, "one", of("storing_delay")), ask(t, db, "all", of("storing_delay_services"))
		if len(one.rows) != 1 || !cmp.Equal(one.rows, all.rows) {
			t.Errorf("of the service %v, of all services %v", one.rows, all.rows)
		}
	})
	t.Run("rules", func(t *testing.T) {
		for _, r := range dashboards.Rules() {
			for _, a := range r.Asks {
				q, err := a.Query(f)
				if err != nil {
					t.Fatal(err)
				}
				sql := dashboards.ExpandMacros(q["rawSql"].(string), to.Add(-time.Duration(a.From)*time.Second), to.Add(-time.Duration(a.To)*time.Second))
				if strings.Contains(sql, "$") {
					t.Errorf("%s %s: a rule knows no variables: %s", r.Name, a.RefID, sql)
				}
				got := ask(t, db, r.Name+" "+a.RefID, sql)
				if len(got.columns) == 0 || got.columns[len(got.columns)-1] != "value" {
					t.Errorf("%s %s: columns %q, want labels and value", r.Name, a.RefID, got.columns)
				}
				numbers := 0
				for _, row := range got.rows {
					for _, v := range row {
						if _, ok := v.(string); !ok {
							numbers++
						}
					}
				}
				if numbers != len(got.rows) {
					t.Errorf("%s %s: Grafana makes instances of rows with texts and one number: %q", r.Name, a.RefID, got.columns)
				}
				if slices.Contains([]string{"fault_burn_services", "latency_services"}, a.Metric) && len(got.rows) == 0 {
					t.Errorf("%s %s: no instance, though service demo has requests", r.Name, a.RefID)
				}
			}
		}
	})
}

// names: whatever a log calls its services and models, in SQL it is a text and nothing else.
func names(t *testing.T, db *storage.DB, values dashboards.Values) {
	panel := dashboards.Boards()[0].Panels[0]
	queries, err := panel.Queries(dashboards.ClickHouse)
	if err != nil {
		t.Fatal(err)
	}
	sql := queries[0]["rawSql"].(string)
	text := regexp.MustCompile(`model = (nullIf\(.*?, '\*'\))`).FindStringSubmatch(sql)[1]
	for _, name := range []string{"plain", `ends in \`, `\' OR 1 = 1 --`, "it's \"so\"", `100 % + more; ü/日本 $service ${model}`, ""} {
		values.Variables = maps.Clone(values.Variables)
		values.Variables["model"] = name
		filled, err := dashboards.Interpolate("SELECT ifNull("+text+", 'all')", values, dashboards.ClickHouse)
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, db, name, filled); len(got.rows) != 1 || got.rows[0][0] != name {
			t.Errorf("%q is %q in %s", name, got.rows, filled)
		}
		if filled, err = dashboards.Interpolate(sql, values, dashboards.ClickHouse); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, db, name, filled); len(got.rows) != 0 {
			t.Errorf("a model %q that there is not has %d windows", name, len(got.rows))
		}
	}
	delete(values.Variables, "model")
	filled, err := dashboards.Interpolate("SELECT ifNull("+text+", 'all')", values, dashboards.ClickHouse)
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, db, "all", filled); len(got.rows) != 1 || got.rows[0][0] != "all" {
		t.Errorf("All is %q in %s", got.rows, filled)
	}
}

// drawn: what the panel draws or sorts by is among the names of what its query gave.
func drawn(t *testing.T, what string, p dashboards.Panel, names []string) {
	t.Helper()
	for _, name := range append(slices.Clone(p.Y), p.X, p.Size, p.Sort) {
		if name != "" && !slices.Contains(names, name) {
			t.Errorf("%s draws %q, and the query gives %q", what, name, names)
		}
	}
}
