package headline

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"tidegauge/processors"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// now is a time in the middle of a window of 300 s.
var now = time.Date(2026, 3, 5, 12, 3, 10, 0, time.UTC)

// stored is a database with requests of two services in the hour before now: busy has one a second, every tenth an error,
// of 2 s and 10 tokens for 5; calm has one every ten seconds, which nothing is known of.
func stored(t *testing.T) *storage.DB {
	t.Helper()
	var log []schemas.Request
	for second := range int64(3600) {
		var r schemas.Request
		r.Reset()
		r.Model, r.ArrivalUS, r.RequestID, r.Outcome = "m", now.UnixMicro()-second*schemas.SecondUS, fmt.Sprint(second), schemas.OK
		if second%10 == 0 {
			r.Service = "calm"
			log = append(log, r)
			r.Outcome = schemas.Error
		}
		r.Service, r.ElapsedUS, r.TTFTUS, r.RequestTokens, r.ResponseTokens, r.Conversation = "busy", 2_000_000, 500_000, 5, 10, fmt.Sprint("c", second%30)
		log = append(log, r)
	}
	db := testenv.Migrated(t)
	blocks, err := processors.Evaluate(log)
	if err != nil {
		t.Fatal(err)
	}
	if err := testenv.Writer(t, db).Write(t.Context(), [][]schemas.Block{blocks}); err != nil {
		t.Fatal(err)
	}
	return db
}

// scrape gives the series at a time: by name and labels.
func scrape(t *testing.T, h *Headline, at time.Time) map[string]float64 {
	t.Helper()
	metrics := make(chan prometheus.Metric)
	go func() {
		h.collect(metrics, at)
		close(metrics)
	}()
	out := make(map[string]float64)
	for m := range metrics {
		var d dto.Metric
		if err := m.Write(&d); err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(m.Desc().String(), `Desc{fqName: "tidegauge_`), `"`)
		for _, l := range d.GetLabel() {
			name += " " + l.GetValue()
		}
		if _, twice := out[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		out[name] = d.GetGauge().GetValue()
	}
	return out
}

func count(t *testing.T, c *prometheus.CounterVec, label string) float64 {
	t.Helper()
	var d dto.Metric
	if err := c.WithLabelValues(label).Write(&d); err != nil {
		t.Fatal(err)
	}
	return d.GetCounter().GetValue()
}

// TestHeadline goes through the life of the numbers: of a process that does not show them, of one that does, with and
// without ClickHouse, with more services than it may show.
func TestHeadline(t *testing.T) {
	db, mine := stored(t), false
	h, err := New(DefaultConfig(), Dependencies{Conn: db, Mine: func() bool { return mine }, Registerer: prometheus.NewRegistry(),
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h.refresh(t.Context(), now)
	mine = true
	if got := scrape(t, h, now); len(got) != 1 {
		t.Errorf("another process shows them, and this one asks all the same: %v", got)
	}
	h.refresh(t.Context(), now)
	got := scrape(t, h, now.Add(time.Second))
	rangeEnd := now.Truncate(time.Minute).Add(-time.Minute) // less 30 s, in whole minutes
	for name, want := range map[string]float64{
		"service_requests_per_second busy": 1, "service_requests_per_second calm": 0.1, "service_failure_rate busy": 0.1,
		"service_failure_rate calm": 0, "service_tokens_per_second request busy": 5, "service_tokens_per_second response busy": 10,
		"service_tokens_per_second request calm": 0, "service_in_flight busy": 2, "service_conversations_active busy": 30,
		"service_gap_cv busy": 0, "service_gap_cv calm": 0, "service_burst_run busy": 0, "service_conversation_stalled busy": 0,
		"service_fault_rate busy 5m": 0.1, "service_fault_rate busy 30m": 0.1, "service_fault_rate busy 1h": 0.1, "service_fault_rate calm 6h": 0,
		"headline_age_seconds load": 1, "headline_range_end_timestamp_seconds load": float64(rangeEnd.Unix()),
		"headline_range_end_timestamp_seconds bursts": float64(now.Truncate(5 * time.Minute).Unix()), "headline_services_left_out": 0,
	} {
		if v, ok := got[name]; !ok || v < want-0.003 || v > want+0.003 {
			t.Errorf("%s is %v (there: %v), want %v", name, v, ok, want)
		}
	}
	for quantile := range 3 {
		level := []string{"0.5", "0.9", "0.99"}[quantile]
		for name, want := range map[string]float64{"ttft": 0.5, "elapsed": 2} {
			if v := got["service_"+name+"_seconds "+level+" busy"]; v < want*0.99 || v > want*1.01 {
				t.Errorf("%s %s is %v, want %v", name, level, v, want)
			}
		}
	}
	for _, name := range []string{"service_in_flight calm", "service_ttft_seconds 0.5 calm", "service_burst_baseline_ratio busy", "service_conversation_turns_ratio busy"} {
		if v, ok := got[name]; ok {
			t.Errorf("%s is not known and shown as %v", name, v)
		}
	}

	h.config.Services = 1
	got = scrape(t, h, now)
	if _, shown := got["service_requests_per_second calm"]; shown || got["headline_services_left_out"] != 1 || got["service_fault_rate busy 6h"] == 0 {
		t.Errorf("of two services one may be shown: %v", got)
	}

	// What is not due is not asked.
	later := now.Add(30 * time.Second)
	h.refresh(t.Context(), later)
	if got = scrape(t, h, later); got["headline_age_seconds load"] != 0 || got["headline_age_seconds faults_6h"] != 30 || got["headline_age_seconds bursts"] != 30 {
		t.Errorf("ages: %v", got)
	}

	if err := db.Exec(t.Context(), "RENAME TABLE minutes TO minutes_away"); err != nil {
		t.Fatal(err)
	}
	later = now.Add(time.Minute)
	h.refresh(t.Context(), later)
	if n := count(t, h.errors, "load"); n != 1 {
		t.Errorf("%v errors are counted", n)
	}
	if got = scrape(t, h, later); got["headline_age_seconds load"] != 30 || got["service_requests_per_second busy"] == 0 {
		t.Errorf("after an error the last numbers stay, with their age: %v", got)
	}
	if got = scrape(t, h, later.Add(10*time.Minute)); got["headline_age_seconds load"] != 630 || got["service_requests_per_second busy"] != 0 {
		t.Errorf("old numbers are still shown: %v", got)
	}
	mine = false
	if got = scrape(t, h, later); len(got) != 0 {
		t.Errorf("another process shows them now: %v", got)
	}
}

// TestRun ends with its context.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{}, 10)
	h, err := New(Config{Interval: time.Second, Services: 1}, Dependencies{Mine: func() bool { asked <- struct{}{}; return false }, Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { h.Run(ctx); close(ended) }()
	<-asked
	cancel()
	<-ended
	if _, err := New(Config{}, Dependencies{}); err == nil || !strings.Contains(err.Error(), "interval") || !strings.Contains(err.Error(), "services") {
		t.Errorf("an empty configuration: %v", err)
	}
}
