package plugin

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/resource/httpadapter"

	"tidegauge/dashboards/catalogue"
	"tidegauge/schemas"
)

// resources serves what the query editor and template variables ask for:
//
//	GET metrics                                         the catalogue
//	GET variables?name=services                         choices for a variable: all there are, the busiest first
//	GET variables?name=models|log_types&service=&from=&to=   in the range, in milliseconds
//	GET variables?name=hosts|gpus&host=&…
func (d *Datasource) resources() backend.CallResourceHandler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"sections": catalogue.Sections, "metrics": catalogue.All()})
	})
	mux.HandleFunc("GET /variables", func(w http.ResponseWriter, r *http.Request) {
		choices, err := d.variables(r.Context(), r)
		if err != nil {
			failed := d.response(err)
			writeJSON(w, int(failed.Status), map[string]string{"error": failed.Error.Error()})
			return
		}
		writeJSON(w, http.StatusOK, choices)
	})
	return httpadapter.New(mux)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		backend.Logger.Warn("answering a resource request", "error", err)
	}
}

// choice is one value that a variable may have.
type choice struct {
	Text  string `json:"text"`
	Value string `json:"value"`
}

// variable is how a variable's choices are asked for: a view, and a column of it.
type variable struct{ view, sql string }

var variables = map[string]variable{
	"services":  {"services", "SELECT service AS value FROM %s ORDER BY requests DESC, service"},
	"models":    {"streams", "SELECT DISTINCT assumeNotNull(model) AS value FROM %s WHERE isNotNull(model) ORDER BY value"},
	"log_types": {"streams", "SELECT DISTINCT assumeNotNull(log_type) AS value FROM %s WHERE isNotNull(log_type) ORDER BY value"},
	"hosts":     {"gpu_devices", "SELECT DISTINCT host AS value FROM %s ORDER BY host"},
	// A GPU's MIG instances have its UUID.
	"gpus": {"gpu_devices", "SELECT uuid AS value, concat(host, ' ', toString(min(gpu)), ' ', any(model_name)) AS text FROM %s WHERE isNull({host:Nullable(String)}) OR host = {host:Nullable(String)} GROUP BY host, uuid ORDER BY host, min(gpu)"},
}

func (d *Datasource) variables(ctx context.Context, r *http.Request) ([]choice, error) {
	form := r.URL.Query()
	name := form.Get("name")
	v, ok := variables[name]
	if !ok {
		return nil, badQuery("there is no variable %q: there are services, models, log_types, hosts and gpus", name)
	}
	if v.view == "streams" && form.Get("service") == "" {
		return []choice{}, nil // the variable it depends on has no value yet
	}
	from, err := milliseconds(form.Get("from"), schemas.MinArrivalUS)
	if err != nil {
		return nil, err
	}
	to, err := milliseconds(form.Get("to"), schemas.MaxArrivalUS)
	if err != nil {
		return nil, err
	}
	if name == "services" {
		// One that has fallen silent is looked for, and the one that was busiest is likely to be meant.
		from, to = schemas.MinArrivalUS, schemas.MaxArrivalUS
	}
	queries, err := schemas.ViewQueries()
	if err != nil {
		return nil, err
	}
	host := form.Get("host")
	if host == "" {
		host = "*"
	}
	rows, err := d.ask(ctx, strings.Replace(v.sql, "%s", "("+queries[v.view]+")", 1), clickhouse.Named("service", form.Get("service")),
		clickhouse.Named("host", orNil(&host)), clickhouse.Named("from_us", from), clickhouse.Named("to_us", to))
	if err != nil {
		return nil, err
	}
	choices := make([]choice, 0, rows.rows)
	text := rows.column("text")
	for row := range rows.rows {
		value := rows.column("value").text(row)
		c := choice{Text: named(&value), Value: value}
		if text != nil {
			c.Text = text.text(row)
		}
		choices = append(choices, c)
	}
	return choices, nil
}

// milliseconds reads a moment as Grafana writes it, into microseconds.
func milliseconds(from string, missing int64) (int64, error) {
	if from == "" {
		return missing, nil
	}
	ms, err := strconv.ParseInt(from, 10, 64)
	if err != nil {
		return 0, badQuery("%q is no time: from and to are milliseconds since 1970", from)
	}
	return clampUS(time.UnixMilli(ms)), nil
}
