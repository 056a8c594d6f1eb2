package plugin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"tidegauge/dashboards/catalogue"
	"tidegauge/processors"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// parallel asks from many panels at once, while settings change under them.
func parallel(t *testing.T, db *storage.DB) {
	d := over(t, db, object{"maxConcurrentQueries": 3})
	want := value(t, ask(t, d, object{"metric": "requests", "service": "demo", "step": "0"}), "requests", 0)
	var group sync.WaitGroup
	for panel := range 8 {
		group.Go(func() {
			queries := []backend.DataQuery{
				request(t, "A", object{"metric": "requests", "service": "demo", "step": "0"}),
				request(t, "B", object{"metric": "gap_cv", "service": "demo", "step": "3600"}),
				request(t, "C", object{"queryType": "sql", "sql": fmt.Sprintf("SELECT %d AS n", panel)}),
				request(t, "D", object{"metric": "families", "service": "demo"}),
			}
			response, err := d.QueryData(t.Context(), &backend.QueryDataRequest{Queries: queries})
			if err != nil {
				t.Error(err)
				return
			}
			for id, r := range response.Responses {
				if r.Error != nil {
					t.Errorf("panel %d, query %s: %v", panel, id, r.Error)
					return
				}
			}
			if got := value(t, response.Responses["A"].Frames[0], "requests", 0); got != want {
				t.Errorf("panel %d has %v requests, not %v", panel, got, want)
			}
			if got := value(t, response.Responses["C"].Frames[0], "n", 0); got != float64(panel) {
				t.Errorf("panel %d has the answer of panel %v", panel, got)
			}
		})
	}
	group.Wait()
	d.Dispose()
	if r := respond(t.Context(), t, d, request(t, "A", object{"metric": "rate", "service": "demo"})); r.Error == nil {
		t.Error("a data source that was disposed of answers")
	}
}

// responses takes what a resource answers.
type responses struct {
	all []*backend.CallResourceResponse
}

func (r *responses) Send(response *backend.CallResourceResponse) error {
	r.all = append(r.all, response)
	return nil
}

func call(t testing.TB, d *Datasource, path string, to any) int {
	t.Helper()
	name, _, _ := strings.Cut(path, "?")
	var got responses
	if err := d.CallResource(t.Context(), &backend.CallResourceRequest{Method: "GET", Path: name, URL: path}, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got.all[0].Body, to); err != nil {
		t.Fatalf("%s answers %q: %v", path, got.all[0].Body, err)
	}
	return got.all[0].Status
}

func resources(t *testing.T, d *Datasource) {
	var list struct {
		Sections []string           `json:"sections"`
		Metrics  []catalogue.Metric `json:"metrics"`
	}
	if status := call(t, d, "metrics", &list); status != 200 || len(list.Metrics) != len(catalogue.All()) || len(list.Sections) == 0 {
		t.Errorf("status %d, %d metrics in %d sections", status, len(list.Metrics), len(list.Sections))
	}
	span := fmt.Sprintf("&from=%d&to=%d", start.UnixMilli(), start.Add(day).UnixMilli())
	for path, want := range map[string][]string{
		"variables?name=services" + span:                          {"demo", "marked"},
		"variables?name=services":                                 {"demo", "marked"},
		"variables?name=services&to=1000":                         {"demo", "marked"}, // one that is silent has to be there to be chosen
		"variables?name=models&service=demo" + span:               {"large-70b", "small-8b"},
		"variables?name=log_types&service=demo" + span:            {"api", "conversation"},
		"variables?name=log_types&service=no%20such%20one" + span: {},
		"variables?name=models":                                   {},
	} {
		var choices []choice
		status := call(t, d, path, &choices)
		got := []string{}
		for _, c := range choices {
			got = append(got, c.Value)
		}
		if strings.Contains(path, "models&service") { // whatever the sample calls its models
			want = slices.Compact(slices.Sorted(func(yield func(string) bool) {
				for _, r := range sample() {
					if !yield(r.Model) {
						return
					}
				}
			}))
		}
		if status != 200 || !slices.Equal(got, want) {
			t.Errorf("%s: status %d, %v, want %v", path, status, got, want)
		}
	}
	var failed map[string]string
	if status := call(t, d, "variables?name=planets", &failed); status != 400 || !strings.Contains(failed["error"], "log_types") {
		t.Errorf("status %d, %v", status, failed)
	}
	if status := call(t, d, "variables?name=services&from=yesterday", &failed); status != 400 || !strings.Contains(failed["error"], "milliseconds") {
		t.Errorf("status %d, %v", status, failed)
	}
}

// packets takes what a stream sends.
type packets chan *backend.StreamPacket

func (p packets) Send(packet *backend.StreamPacket) error {
	p <- packet
	return nil
}

// live listens to a service into which requests come.
func live(t *testing.T, db *storage.DB, d *Datasource) {
	writer := testenv.Writer(t, db)
	now := time.Now()
	var log []schemas.Request
	store := func(ago time.Duration) {
		var r schemas.Request
		r.Reset()
		r.Service, r.Model, r.Outcome, r.RequestID = "live", "m", schemas.OK, fmt.Sprint(len(log))
		r.ArrivalUS = now.Add(-ago).UnixMicro()
		log = append(log, r)
		blocks, err := processors.Evaluate(log)
		if err != nil {
			t.Error(err)
		}
		if err := writer.Write(t.Context(), [][]schemas.Block{blocks}); err != nil {
			t.Error(err)
		}
	}
	store(2 * time.Minute)
	store(0)
	q := []byte(`{"metric":"requests","service":"live"}`)
	path := "recent/" + base64.RawURLEncoding.EncodeToString(q)
	subscribed, err := d.SubscribeStream(t.Context(), &backend.SubscribeStreamRequest{Path: path})
	if err != nil || subscribed.Status != backend.SubscribeStreamStatusOK {
		t.Fatalf("subscribing: %+v, %v", subscribed, err)
	}
	var first data.Frame
	if err := json.Unmarshal(subscribed.InitialData.Data(), &first); err != nil || first.Rows() != 3 || value(t, &first, "requests", 0) != 1 || value(t, &first, "requests", 1) != 0 {
		t.Fatalf("at first there are %d windows: %v", first.Rows(), err)
	}
	for path, want := range map[string]backend.SubscribeStreamStatus{
		"elsewhere": backend.SubscribeStreamStatusNotFound, "recent/?": backend.SubscribeStreamStatusNotFound,
		"recent/" + base64.RawURLEncoding.EncodeToString([]byte(`{"metric":"families","service":"live"}`)): backend.SubscribeStreamStatusNotFound,
		"recent/sum/0123": backend.SubscribeStreamStatusOK,
	} {
		if got, err := d.SubscribeStream(t.Context(), &backend.SubscribeStreamRequest{Path: path, Data: q}); err != nil || got.Status != want {
			t.Errorf("channel %s: %+v, %v", path, got, err)
		}
	}
	if got, err := d.PublishStream(t.Context(), &backend.PublishStreamRequest{Path: path}); err != nil || got.Status != backend.PublishStreamStatusPermissionDenied {
		t.Errorf("publishing: %+v, %v", got, err)
	}

	ctx, leave := context.WithCancel(t.Context())
	sent := make(packets)
	ended := make(chan error)
	go func() {
		ended <- d.RunStream(ctx, &backend.RunStreamRequest{Path: path}, backend.NewStreamSender(sent))
	}()
	receive := func() *data.Frame {
		var frame data.Frame
		if err := json.Unmarshal((<-sent).Data, &frame); err != nil {
			t.Fatal(err)
		}
		return &frame
	}
	if frame := receive(); frame.Rows() != 3 {
		t.Errorf("the stream begins with %d windows", frame.Rows())
	}
	store(2 * time.Minute)
	// Only the window that has changed comes.
	if frame := receive(); frame.Rows() != 1 || value(t, frame, "requests", 0) != 2 || frame.Fields[1].Labels["service"] != "live" {
		t.Errorf("then %d windows come", frame.Rows())
	}
	leave()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// health asks data sources that do not work why.
func health(t *testing.T, db *storage.DB) {
	check := func(d *Datasource) *backend.CheckHealthResult {
		result, err := d.CheckHealth(t.Context(), &backend.CheckHealthRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	if result := check(over(t, db, nil)); result.Status != backend.HealthStatusOk || !strings.Contains(result.Message, "schema version") {
		t.Errorf("%v: %s", result.Status, result.Message)
	}
	other := testenv.Database(t)
	for what, d := range map[string]*Datasource{
		"nothing listens there":             over(t, db, object{"address": "clickhouse://127.0.0.1:1"}),
		"clickhouse://, clickhouses://":     over(t, db, object{"address": "127.0.0.1:9000"}),
		"user nobody is refused":            over(t, db, object{"user": "nobody"}),
		"no database nowhere":               over(t, db, object{"database": "nowhere"}),
		"has no tables of Tidegauge's yet":  over(t, other, nil),
		"does not use TLS":                  with(t, object{"address": db.Config().Address}, map[string]string{"tlsCACert": "x"}),
		"no PEM certificate":                with(t, object{"address": "clickhouses://127.0.0.1:1"}, map[string]string{"tlsCACert": "x"}),
		"both a certificate and a key":      with(t, object{"address": "clickhouses://127.0.0.1:1"}, map[string]string{"tlsClientCert": "x"}),
		"must be above zero":                over(t, db, object{"maxRows": -1}),
		"settings (jsonData) cannot be":     over(t, db, object{"maxRows": "many"}),
		"is refused: there is no such user": with(t, object{"address": db.Config().Address, "user": "someone"}, map[string]string{"password": "secret"}),
	} {
		result := check(d)
		if result.Status != backend.HealthStatusError || !strings.Contains(result.Message, what) || strings.Contains(result.Message, "secret") {
			t.Errorf("it should say %q, and says %v: %s", what, result.Status, result.Message)
		}
		// A panel says the same.
		if what != "has no tables of Tidegauge's yet" {
			if r := respond(t.Context(), t, d, request(t, "A", object{"metric": "rate", "service": "demo"})); r.Error == nil || !strings.Contains(r.Error.Error(), what) {
				t.Errorf("a panel should say %q, and says %v", what, r.Error)
			}
		}
	}

	// A schema of another version, and both numbers.
	version, err := storage.SchemaVersion(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	must := func(sql string) {
		if err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	must("INSERT INTO tidegauge_migrations (version_id, is_applied) VALUES (99, 1)")
	if result := check(over(t, db, nil)); !strings.Contains(result.Message, fmt.Sprintf("has version 99 and this program knows %d", version)) {
		t.Error(result.Message)
	}
	must(fmt.Sprintf("ALTER TABLE tidegauge_migrations DELETE WHERE version_id >= %d SETTINGS mutations_sync = 2", version))
	if result := check(over(t, db, nil)); !strings.Contains(result.Message, fmt.Sprintf("has version %d and needs %d", version-1, version)) {
		t.Error(result.Message)
	}
}
