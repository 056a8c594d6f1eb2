package plugin

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// storeGPUs stores ten minutes, from ten o'clock on, of a host with two GPUs and an engine, which serve the sample's service at
// 300 W each.
func storeGPUs(t testing.TB, db *storage.DB) {
	t.Helper()
	half, watts := 0.5, 300.0
	var records []*schemas.GPURecord
	for i := range 40 {
		at := start.Add(10*time.Hour + time.Duration(i)*15*time.Second).UnixMicro()
		energy, running, count := 15*watts*float64(i), float64(i%4), float64(i)
		for gpu := range 2 {
			records = append(records, &schemas.GPURecord{GPU: &schemas.GPUSample{Host: "node", UUID: fmt.Sprint("GPU-", gpu), AtUS: at, GPU: fmt.Sprint(gpu),
				ModelName: "H100", Service: "demo", Share: 1, Utilisation: &half, PowerW: &watts, EnergyJ: &energy}})
		}
		records = append(records,
			&schemas.GPURecord{Engine: &schemas.EngineSample{Host: "node", Target: "node:8000", Model: "m", AtUS: at, Engine: "vllm", Service: "demo",
				Running: &running, Waiting: &half, KVCacheUsage: &half, Preemptions: &count}},
			&schemas.GPURecord{Scrape: &schemas.ScrapeSample{Host: "node", Target: "node:9400", AtUS: at, Kind: "dcgm", Up: i != 20, Samples: 2}})
	}
	store := storage.NewStore(db, testenv.Writer(t, db))
	if _, err := store.Write(t.Context(), [][]schemas.Block{schemas.GPUBlocks(records)}, nil); err != nil {
		t.Fatal(err)
	}
	rewrites, err := schemas.Rewrites()
	if err != nil {
		t.Fatal(err)
	}
	for _, rewrite := range rewrites {
		var keys []schemas.HostMinute
		for _, r := range records {
			if table, key, ok := r.Minute(); ok && table == rewrite.Samples {
				keys = append(keys, key)
			}
		}
		if err := store.RewriteMinutes(t.Context(), rewrite, keys); err != nil {
			t.Fatal(err)
		}
	}
}

// gpus looks at series by GPU, and at a service beside its GPUs.
func gpus(t *testing.T, d *Datasource) {
	power := ask(t, d, object{"metric": "gpu_power", "step": "60"})
	if len(power.Fields) != 5 || power.Rows() != 10 || power.Fields[1].Labels["host"] != "node" || power.Fields[3].Labels["gpu"] != "1" ||
		power.Fields[1].Config.DisplayNameFromDS != "node 0 power" || power.Fields[1].Config.Unit != "watt" {
		t.Errorf("power of %d fields and %d rows: %v, %+v", len(power.Fields), power.Rows(), power.Fields[1].Labels, power.Fields[1].Config)
	}
	same(t, "power", value(t, power, "power_w_mean", 3), 300)
	if one := ask(t, d, object{"metric": "gpu_power", "host": "node", "gpu": "GPU-1", "columns": []string{"power_w_mean"}}); len(one.Fields) != 2 || one.Fields[1].Labels["gpu"] != "1" {
		t.Errorf("one GPU's power has the fields %v", names(one))
	}
	// Each by itself is an alert's instance.
	if now := ask(t, d, object{"metric": "gpu_xid", "step": "0"}); now.Meta.Type != data.FrameTypeNumericLong || now.Rows() != 2 {
		t.Errorf("XID errors of the range: %d rows of %s", now.Rows(), now.Meta.Type)
	}
	cost := ask(t, d, object{"metric": "joules_per_1000_response_tokens", "service": "demo", "step": "0"})
	tokens := ask(t, d, object{"metric": "gpu_service_power", "service": "demo", "step": "0", "columns": []string{"energy_j", "response_tokens"}})
	same(t, "energy", value(t, tokens, "energy_j", 0), 2*39*15*300)
	same(t, "joules", value(t, cost, "joules_per_1000_response_tokens", 0), 2*39*15*300/value(t, tokens, "response_tokens", 0)*1000)

	var choices []choice
	if call(t, d, "variables?name=hosts", &choices); len(choices) != 1 || choices[0].Value != "node" {
		t.Errorf("hosts %v", choices)
	}
	for _, host := range []string{"", "node", "*"} {
		if call(t, d, "variables?name=gpus&host="+host, &choices); len(choices) != 2 || choices[1] != (choice{"node 1 H100", "GPU-1"}) {
			t.Errorf("GPUs of host %q: %v", host, choices)
		}
	}
	if call(t, d, "variables?name=gpus&host=other", &choices); len(choices) != 0 {
		t.Errorf("GPUs of another host: %v", choices)
	}
}

// markedHour is when service marked has its burst and its run of failures.
var markedHour = start.Add(10 * time.Hour)

// storeMarked stores service marked: a burst after four quiet weeks, a run of failures.
func storeMarked(t *testing.T, db *storage.DB) {
	t.Helper()
	var log []schemas.Request
	add := func(at time.Time, outcome schemas.Outcome) {
		var r schemas.Request
		r.Reset()
		r.Service, r.Model, r.Outcome, r.RequestID, r.ArrivalUS = "marked", "m", outcome, fmt.Sprint(len(log)), at.UnixMicro()
		log = append(log, r)
	}
	for week := range 5 {
		for i := range 360 {
			at := markedHour.AddDate(0, 0, 7*(week-4)).Add(time.Duration(i) * 10 * time.Second)
			if window := i / 30; week == 4 && window >= 3 && window < 7 {
				at = at.Add(-time.Duration(i%10) * 10 * time.Second) // ten at once
			}
			outcome := schemas.OK
			if week == 4 && i >= 300 && i < 312 {
				outcome = schemas.Timeout
			}
			add(at, outcome)
		}
	}
	fill(t, db, log)
}

// marks looks at annotations: of storeMarked's requests, and that they are late.
func marks(t *testing.T, d *Datasource) {
	at := func(minutes int) time.Time { return markedHour.Add(time.Duration(minutes) * time.Minute) }
	for metric, want := range map[string]struct {
		from, to time.Time
		text     string
	}{
		"bursts":       {at(15), at(35), "Burst: CV up to 3"},
		"failure_runs": {at(50), at(51).Add(50 * time.Second), "12 failures in a row, the first: timeout"},
		"late_data":    {at(0), at(17), "110 requests were stored late, by up to "}, // then come minutes without any
	} {
		frame := ask(t, d, object{"queryType": "annotations", "metric": metric, "service": "marked"})
		if got := names(frame); !slices.Equal(got, []string{"time", "timeEnd", "text", "tags"}) || frame.Rows() != 1 && metric != "late_data" {
			t.Errorf("%s: %d rows of %v", metric, frame.Rows(), got)
			continue
		}
		from, _ := frame.Fields[0].ConcreteAt(0)
		to, _ := frame.Fields[1].ConcreteAt(0)
		text, _ := frame.Fields[2].ConcreteAt(0)
		if !from.(time.Time).Equal(want.from) || !to.(time.Time).Equal(want.to) || !strings.HasPrefix(text.(string), want.text) {
			t.Errorf("%s from %v to %v: %v", metric, from, to, text)
		}
		if frame.Meta.ExecutedQueryString == "" {
			t.Errorf("%s does not say which query was run", metric)
		}
	}
	if r := respond(t.Context(), t, d, request(t, "A", object{"queryType": "annotations", "metric": "rate", "service": "marked"})); r.Error == nil || !strings.Contains(r.Error.Error(), "late_data") {
		t.Errorf("annotations of a rate: %v", r.Error)
	}

	// The same as series and as alert rules ask for it.
	baseline := ask(t, d, object{"metric": "burst_baseline", "service": "marked", "columns": []string{"gap_cv", "run"}})
	if baseline.Rows() != 12 || value(t, baseline, "run", 6) != 4 || value(t, baseline, "run", 7) != 0 || baseline.Meta.Type != data.FrameTypeTimeSeriesWide {
		t.Errorf("%d windows beside the baseline", baseline.Rows())
	}
	rule := request(t, "A", object{"metric": "fault_burn_services"})
	rule.TimeRange = backend.TimeRange{From: at(50), To: at(55)}
	rule.MaxDataPoints, rule.Interval = 43_200, time.Second
	response := respond(t.Context(), t, d, rule)
	if response.Error != nil {
		t.Fatal(response.Error)
	}
	frame := response.Frames[0]
	for row := range frame.Rows() {
		if service, _ := frame.Fields[0].ConcreteAt(row); service == "marked" {
			same(t, "the fault rate of five minutes", value(t, frame, "fault_rate", row), 12./30)
		}
	}
	if frame.Meta.Type != data.FrameTypeNumericLong || len(frame.Fields) != 2 {
		t.Errorf("an alert rule gets a %s frame of %v", frame.Meta.Type, names(frame))
	}
	rule.TimeRange = backend.TimeRange{From: start.AddDate(1, 0, 0), To: start.AddDate(1, 0, 1)}
	if response = respond(t.Context(), t, d, rule); response.Error != nil || len(response.Frames[0].Fields) != 0 {
		t.Errorf("an alert rule over nothing gets %v of %v, not no data", response.Error, names(response.Frames[0]))
	}
}
