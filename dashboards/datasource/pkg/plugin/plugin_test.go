package plugin

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"tidegauge/processors"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
	"tidegauge/traces"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// start is the sample log's first midnight; the tests' range is the day that follows.
var start = traces.DefaultSampleConfig().Start

const day = 24 * time.Hour

// sample is a log of one day of about 28,000 requests, some of them with prompts.
var sample = sync.OnceValue(func() (log []schemas.Request) {
	c := traces.DefaultSampleConfig()
	c.Days = 1
	for r := range traces.Sample(c) {
		log = append(log, *r)
		log[len(log)-1].Labels = slices.Clone(r.Labels)
	}
	return log
})

// filled is a database with the sample log's requests, and the rows that processors make of them.
func filled(t testing.TB) *storage.DB {
	t.Helper()
	db := testenv.Migrated(t)
	fill(t, db, sample())
	return db
}

func fill(t testing.TB, db *storage.DB, log []schemas.Request) {
	t.Helper()
	blocks, err := processors.Evaluate(log)
	if err != nil {
		t.Fatal(err)
	}
	if err := testenv.Writer(t, db).Write(t.Context(), [][]schemas.Block{blocks}); err != nil {
		t.Fatal(err)
	}
}

type object = map[string]any

// over is a data source over a database, with some of its settings changed.
func over(t testing.TB, db *storage.DB, changed object) *Datasource {
	t.Helper()
	settings := object{"address": db.Config().Address, "database": db.Database()}
	for name, value := range changed {
		settings[name] = value
	}
	d := with(t, settings, nil)
	return d
}

func with(t testing.TB, settings object, secrets map[string]string) *Datasource {
	t.Helper()
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := New(t.Context(), backend.DataSourceInstanceSettings{UID: "tidegauge", JSONData: text, DecryptedSecureJSONData: secrets})
	if err != nil {
		t.Fatal(err)
	}
	d := instance.(*Datasource)
	t.Cleanup(d.Dispose)
	return d
}

// request is a query of a panel of 1,000 points over the sample's day.
func request(t testing.TB, refID string, q object) backend.DataQuery {
	t.Helper()
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	kind, _ := q["queryType"].(string)
	return backend.DataQuery{RefID: refID, QueryType: kind, JSON: text, MaxDataPoints: 1000, Interval: time.Minute,
		TimeRange: backend.TimeRange{From: start, To: start.Add(day)}}
}

// respond gives the answer to one query.
func respond(ctx context.Context, t testing.TB, d *Datasource, q backend.DataQuery) backend.DataResponse {
	t.Helper()
	response, err := d.QueryData(ctx, &backend.QueryDataRequest{Queries: []backend.DataQuery{q}})
	if err != nil {
		t.Fatal(err)
	}
	return response.Responses[q.RefID]
}

// ask gives the one frame of an answer, and fails if there is an error.
func ask(t testing.TB, d *Datasource, q object) *data.Frame {
	t.Helper()
	response := respond(t.Context(), t, d, request(t, "A", q))
	if response.Error != nil {
		t.Fatalf("%v: %v", q, response.Error)
	}
	if len(response.Frames) != 1 {
		t.Fatalf("%v gives %d frames", q, len(response.Frames))
	}
	if _, err := json.Marshal(response.Frames[0]); err != nil {
		t.Fatalf("%v: %v", q, err)
	}
	return response.Frames[0]
}

// value is a number of a frame, NaN for nothing.
func value(t testing.TB, frame *data.Frame, name string, row int) float64 {
	t.Helper()
	field, _ := frame.FieldByName(name)
	if field == nil {
		t.Fatalf("the frame has no %s but %v", name, names(frame))
	}
	v, err := field.NullableFloatAt(row)
	if err != nil {
		t.Fatal(err)
	}
	if v == nil {
		return math.NaN()
	}
	return *v
}

func names(frame *data.Frame) (names []string) {
	for _, field := range frame.Fields {
		names = append(names, field.Name)
	}
	return names
}

// same fails unless two numbers are the same but for rounding.
func same(t testing.TB, what string, got, want float64) {
	t.Helper()
	if !(got == want || math.IsNaN(got) && math.IsNaN(want) || math.Abs(got-want) <= 1e-9*max(math.Abs(want), 1)) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
