package catalogue_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"tidegauge/dashboards/catalogue"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// TestEntries holds what every reader of the catalogue relies on.
func TestEntries(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range catalogue.All() {
		if seen[m.ID] {
			t.Errorf("two metrics are called %s", m.ID)
		}
		seen[m.ID] = true
		if !slices.Contains(catalogue.Sections, m.Section) {
			t.Errorf("%s: no section %q", m.ID, m.Section)
		}
		if m.Title == "" || !strings.HasSuffix(m.Description, ".") {
			t.Errorf("%s: title %q, description %q: both are shown to people", m.ID, m.Title, m.Description)
		}
		if shown, err := m.Choose(nil); err != nil || len(shown) == 0 {
			t.Errorf("%s shows nothing: %v", m.ID, err)
		}
		if m.Kind == catalogue.Series && m.Time == "" || m.Kind == catalogue.Heatmap && (m.X == "" || m.Y == "") || m.Kind == catalogue.Distribution && m.X == "" {
			t.Errorf("%s: a %s without its axes", m.ID, m.Kind)
		}
		for _, axis := range []string{m.X, m.Y} {
			if _, ok := m.Column(axis); !ok && axis != "" && axis != m.Time {
				t.Errorf("%s: the axis %s is no column", m.ID, axis)
			}
		}
		names := map[string]bool{}
		for _, c := range m.Columns {
			if names[c.Name] || c.Title == "" {
				t.Errorf("%s: column %q, title %q", m.ID, c.Name, c.Title)
			}
			names[c.Name] = true
		}
		if _, err := json.Marshal(m); err != nil {
			t.Error(err)
		}
		if found, ok := catalogue.Find(m.ID); !ok || found.Title != m.Title {
			t.Errorf("%s is not found", m.ID)
		}
	}
	metric, _ := catalogue.Find("elapsed")
	if _, err := metric.SQL([]string{"elapsed_p42"}, arguments); err == nil || !strings.Contains(err.Error(), "elapsed_p99") {
		t.Errorf("an unknown column gives %v, which should name those that there are", err)
	}
	if _, err := metric.SQL(nil, nil); err == nil || !strings.Contains(err.Error(), "service") {
		t.Errorf("a missing argument gives %v", err)
	}
}

// arguments are for all parameters that views have.
var arguments = map[string]string{
	"service": "'chat'", "model": "NULL", "log_type": "NULL", "from_us": "0", "to_us": "3600000000", "step_s": "300", "time_zone": "'UTC'",
	"host": "NULL", "uuid": "NULL", "elapsed_s": "10", "ttft_s": "NULL", "tpot_s": "NULL",
}

// left are the columns of views that no metric has, by view.
var left = map[string]string{
	// What others are worked out from, and how much a window covers.
	"arrivals":             "window_start covered_s gaps first_arrival_us last_arrival_us positive_gaps gap_log gap_log2",
	"in_flight":            "window_start",
	"in_flight_peak":       "window_start",
	"gap_histogram":        "window_start bucket",
	"lengths":              "window_start request_positive request_log_sum",
	"length_joint":         "window_start cell request_bucket response_bucket",
	"length_profile":       "window_start",
	"outcomes":             "window_start requests", // requests are arrivals'
	"error_types":          "window_start",
	"load":                 "window_start requests",
	"latency":              "window_start",
	"goodput":              "window_start requests",
	"active_conversations": "window_start",
	"gpu":                  "window_start uuid model_name service share samples", // gpu_devices has them
	"gpu_service":          "window_start",
	"engine_load":          "window_start",
	"gpu_devices":          "first_us last_us",
	"scrape_targets":       "last_error_us last_seen_us since_us last_scrape_us",
	"fault_burn":           "window_start",
	"burst_baseline":       "window_start",
	"burst_services":       "window_start",
	"conversation_stall":   "window_start",
	"silent_services":      "last_arrival_us",
	"storing_delay":        "window_start",
	"dead_letter_counts":   "window_start",
	"failure_runs_view":    "start_us end_us length outcome", // in a text
	"late_data":            "minute requests delay_s",
	"services":             "first_arrival_us last_arrival_us", // shown as times
	"streams":              "first_arrival_us last_arrival_us",
	// Arrays over the turns, which conversation_intervals lists.
	"conversations_view": "service first_arrival_us last_arrival_us arrivals_us request_tokens response_tokens elapsed outcomes intervals think_times context_growths history_carried",
	// Rows and requests, for SQL.
	"stream_minutes": "*",
	"requests_view":  "*",
}

// TestViews asks the engine for every metric, and every view for columns that no metric shows.
func TestViews(t *testing.T) {
	db := testenv.Migrated(t)
	shown := map[string][]string{}
	for _, m := range catalogue.All() {
		shown[m.View] = append(shown[m.View], m.Time)
		for _, c := range m.Columns {
			shown[m.View] = append(shown[m.View], c.Name)
		}
		if m.Computed {
			if _, err := m.SQL(nil, arguments); err == nil {
				t.Errorf("%s is computed and has SQL", m.ID)
			}
			continue
		}
		var all []string
		for _, c := range m.Columns {
			all = append(all, c.Name)
		}
		sql, err := m.SQL(all, arguments)
		if err != nil {
			t.Error(err)
			continue
		}
		names := describe(t, db, sql)
		want := len(all)
		if m.Time != "" && m.Time != m.X {
			want++
			if names[0] != "time" {
				t.Errorf("%s: the first column is %s, not the time", m.ID, names[0])
			}
		}
		if m.Time != "" && m.Kind == catalogue.Heatmap {
			want++ // X is the time
		}
		if len(names) != want {
			t.Errorf("%s: %s gives %v", m.ID, sql, names)
		}
	}
	queries, err := schemas.ViewQueries()
	if err != nil {
		t.Fatal(err)
	}
	for _, view := range slices.Sorted(maps.Keys(queries)) {
		if left[view] == "*" {
			continue
		}
		var given []string
		for name, argument := range arguments {
			if strings.Contains(queries[view], "{"+name+":") {
				given = append(given, name+" = "+argument)
			}
		}
		for _, column := range describe(t, db, "SELECT * FROM "+view+"("+strings.Join(given, ", ")+")") {
			if !slices.Contains(shown[view], column) && !slices.Contains(strings.Fields(left[view]), column) {
				t.Errorf("no metric shows %s of view %s", column, view)
			}
		}
		for _, m := range catalogue.All() {
			if m.View == view && len(given) != len(m.Parameters) {
				t.Errorf("%s: the view has the parameters %v, not %v", m.ID, given, m.Parameters)
			}
		}
	}
}

// describe gives the names of a query's columns.
func describe(t *testing.T, db *storage.DB, sql string) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT * FROM ("+sql+") LIMIT 0")
	if err != nil {
		t.Errorf("%s: %v", sql, err)
		return []string{""}
	}
	defer rows.Close()
	if rows.Next(); rows.Err() != nil {
		t.Errorf("%s: %v", sql, rows.Err())
	}
	return rows.Columns()
}
