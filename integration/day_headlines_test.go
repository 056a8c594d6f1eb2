package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"tidegauge/dashboards"
	"tidegauge/report"
	"tidegauge/schemas"
	"tidegauge/traces"
)

// headlines says where tidegauge report --json has what panels show of the whole range: the panel, the column, the key.
var headlines = [][3]string{
	{"burstiness/1", "Burstiness of gaps (CV)", "arrivals.gap_cv"}, {"burstiness/2", "Gamma shape (--burstiness)", "arrivals.gamma_shape"},
	{"burstiness/3", "CV p10", "arrivals.windows.300.gap_cv.p10"}, {"burstiness/3", "CV p50", "arrivals.windows.300.gap_cv.p50"},
	{"burstiness/3", "CV p90", "arrivals.windows.300.gap_cv.p90"}, {"burstiness/4", "Bursty windows", "arrivals.windows.300.share_bursty"},
	{"burstiness/5", "Memory M", "arrivals.memory"},
	{"conversations/1", "Conversations", "conversations.conversations"}, {"conversations/2", "Turns mean", "conversations.turns_per_conversation.mean"},
	{"conversations/3", "Single turn", "conversations.single_turn_share"}, {"conversations/4", "History carried", "conversations.history_carried_share"},
	{"conversations/5", "Interval p50", "conversations.interval.p50"}, {"conversations/6", "Think time p50", "conversations.think_time.p50"},
	{"lengths/1", "Request p50", "lengths.request.p50"}, {"lengths/1", "Request p90", "lengths.request.p90"}, {"lengths/1", "Request p99", "lengths.request.p99"},
	{"lengths/2", "Response p50", "lengths.response.p50"}, {"lengths/2", "Response p90", "lengths.response.p90"}, {"lengths/2", "Response max", "lengths.response.max"},
	{"lengths/3", "Slope", "lengths.slope"}, {"lengths/3", "R²", "lengths.r2"}, {"lengths/3", "Correlation", "lengths.pearson"},
	{"latency/1", "Time to first token p50", "latency.ttft.p50"}, {"latency/1", "Time to first token p90", "latency.ttft.p90"},
	{"latency/1", "Time to first token p99", "latency.ttft.p99"}, {"latency/2", "Time per token p50", "latency.tpot.p50"},
	{"latency/2", "Time per token p99", "latency.tpot.p99"}, {"latency/3", "End to end p50", "latency.elapsed.p50"},
	{"latency/3", "End to end p90", "latency.elapsed.p90"}, {"latency/3", "End to end p99", "latency.elapsed.p99"},
	{"failures/1", "Failure rate", "failures.failure_rate"}, {"failures/1", "95 % low", "failures.wilson.low"}, {"failures/1", "95 % high", "failures.wilson.high"},
	{"failures/2", "Fault rate", "failures.fault_rate"}, {"failures/3", "with the rate", "failures.load_correlation.rate"},
	{"failures/3", "with burstiness", "failures.load_correlation.gap_cv"}, {"failures/3", "with requests in flight", "failures.load_correlation.in_flight_mean"},
}

// report holds the numbers of the whole day, in both flavours, against the document that tidegauge report --json prints.
func (d *day) report(t *testing.T) {
	from, to := d.config.Start.UnixMicro(), d.config.End().UnixMicro()
	document, err := report.FromClickHouse(t.Context(), d.db, report.Query{Service: d.config.Service, FromUS: &from, ToUS: &to})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var tree struct{ Services []map[string]any }
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	service := tree.Services[0]
	lookup := func(path string) float64 {
		var at any = service
		if !strings.HasPrefix(path, "conversations.") {
			at = service["streams"].([]any)[0]
		}
		for _, key := range strings.Split(path, ".") {
			at = at.(map[string]any)[key]
		}
		v, ok := at.(float64)
		if !ok {
			t.Errorf("%s is %v, no number", path, at)
		}
		return v
	}
	for _, f := range dashboards.Flavours() {
		panels := d.panelsOf[f.Name]
		for _, h := range headlines {
			values := panels[h[0]].by["A"].numbers[h[1]]
			if len(values) != 1 || !near(values[0], lookup(h[2]), 1e-9) {
				t.Errorf("%s (%s): %s is %v, and %s of the report %v", panels[h[0]].name(), f.Name, h[1], values, h[2], lookup(h[2]))
			}
		}
		for hour, v := range panels["burstiness/31"].by["A"].numbers["Requests"] {
			if want := service["by_hour"].([]any)[hour].(map[string]any)["requests"]; v != want {
				t.Errorf("%v requests in hour %d, and %v in the report (%s)", v, hour, want, f.Name)
			}
		}
	}
}

// annotations looks at the marks of the day: one burst, the outage's runs, three late requests, and nothing else.
func (d *day) annotations(t *testing.T) {
	v := d.values(t, d.config.Service, "300")
	want := map[string][][3]string{}
	moment := func(at time.Time) string { return at.UTC().Format(time.RFC3339) }
	burst := d.config.Incident(traces.Burst)
	want["bursts"] = [][3]string{{moment(burst.From), moment(burst.To), "Burst: CV up to "}}
	var run []*schemas.Request
	flush := func() {
		if len(run) >= 10 {
			want["failure_runs"] = append(want["failure_runs"], [3]string{moment(time.UnixMicro(run[0].ArrivalUS)),
				moment(time.UnixMicro(run[len(run)-1].ArrivalUS)), fmt.Sprintf("%d failures in a row, the first: error", len(run))})
		}
		run = nil
	}
	for i := range d.log {
		r := &d.log[i]
		if r.Service != d.config.Service || r.ArrivalUS < d.config.Start.UnixMicro() {
			continue
		}
		if d.config.Late(r) {
			minute := time.UnixMicro(r.ArrivalUS).Truncate(time.Minute)
			want["late_data"] = append(want["late_data"], [3]string{moment(minute), moment(minute.Add(time.Minute)),
				"1 requests were stored late, by up to 2"}) // 2,400 s, and up to a second more or less
		}
		if !r.Outcome.Failed() {
			flush()
			continue
		}
		run = append(run, r)
	}
	flush()
	if n := len(want["failure_runs"]); n < 7 {
		t.Errorf("the outage has %d runs of %d faults", n, traces.OutageFaults)
	}
	for _, m := range dashboards.Marks() {
		for _, f := range dashboards.Flavours() {
			q, err := m.Query(f)
			if err != nil {
				t.Fatal(err)
			}
			q = interpolate(t, q, v, f)
			var a *table
			if f == dashboards.ClickHouse {
				a = d.askClickHouse(t, q["rawSql"].(string))
			} else {
				a = d.askPlugin(t, request(t, q, v.From, v.To))["annotation"]
			}
			if a.rows != len(want[m.Metric]) {
				t.Errorf("%s (%s): %d marks, want %d: %v", m.Name, f.Name, a.rows, len(want[m.Metric]), a.texts["text"])
				continue
			}
			for row, w := range want[m.Metric] {
				begin, over := moment(a.times[row]), a.texts["timeEnd"][row]
				if end, err := time.Parse(time.RFC3339Nano, over); err != nil || begin != w[0] || moment(end) != w[1] || !strings.HasPrefix(a.texts["text"][row], w[2]) {
					t.Errorf("%s (%s): %q from %s to %s, want %q from %s to %s", m.Name, f.Name, a.texts["text"][row], begin, over, w[2], w[0], w[1])
				}
			}
		}
	}
}

// variables looks at what dashboards let people choose.
func (d *day) variables(t *testing.T) {
	v := d.values(t, d.config.Service, "300")
	machines, gpus := []string{traces.DayHost, traces.DayControlHost}, []string{}
	for gpu := range traces.DayGPUs {
		gpus = append(gpus, traces.DayGPUUUID(traces.DayHost, gpu))
	}
	for gpu := range traces.DayControlGPUs {
		gpus = append(gpus, traces.DayGPUUUID(traces.DayControlHost, gpu))
	}
	for name, want := range map[string][]string{"service": {d.config.Service, d.config.Control}, "model": {"large-70b", "small-8b"},
		"log_type": {"api", "conversation"}, "host": machines, "gpu": gpus} {
		for _, variable := range dashboards.Variables() {
			if variable.Name != name {
				continue
			}
			sql, err := dashboards.Interpolate(variable.SQL, v, dashboards.ClickHouse)
			if err != nil {
				t.Fatal(err)
			}
			a := d.askClickHouse(t, sql)
			got := slices.Sorted(slices.Values(a.texts[a.names[0]]))
			if !slices.Equal(got, want) {
				t.Errorf("variable %s (SQL) has %q, want %q", name, got, want)
			}
			if got := d.choices(t, variable.Plugin); !slices.Equal(got, want) {
				t.Errorf("variable %s (plugin) has %q, want %q", name, got, want)
			}
		}
	}
}

// choices asks the plugin for a variable's values.
func (d *day) choices(t *testing.T, name string) []string {
	milliseconds := func(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }
	url := "variables?name=" + name + "&service=" + d.config.Service + "&from=" + milliseconds(d.config.Start) + "&to=" + milliseconds(d.config.End())
	var body []byte
	err := d.source.CallResource(t.Context(), &backend.CallResourceRequest{Method: http.MethodGet, Path: "variables", URL: url},
		backend.CallResourceResponseSenderFunc(func(r *backend.CallResourceResponse) error {
			body = append(body, r.Body...)
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	var choices []struct{ Value string }
	if err := json.Unmarshal(body, &choices); err != nil {
		t.Fatalf("%s: %s", name, body)
	}
	var values []string
	for _, c := range choices {
		values = append(values, c.Value)
	}
	slices.Sort(values)
	return values
}
