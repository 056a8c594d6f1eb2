package integration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tidegauge/ingest"
	"tidegauge/processors"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// scrapedPages gives the pages that are replayed: the project's own and, where they are at hand, those of real exporters.
func scrapedPages(t *testing.T) (paths []string) {
	t.Helper()
	patterns := []string{filepath.Join("..", "ingest", "testdata", "scrape", "*.prom")}
	if data := os.Getenv("TIDEGAUGE_TEST_DATA"); data != "" {
		patterns = append(patterns, filepath.Join(data, "dcgm", "*.prom"))
	}
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, err)
		}
		paths = append(paths, found...)
	}
	return paths
}

// TestScrape takes pages of exporters the whole way: a server replays them, the scraper asks for them again and again and
// writes to Kafka, processors store them, and the views give what the pages say. Beside them is a GPU whose energy counter goes
// on by what 300 W come to between two scrapes, so that joules per 1,000 response tokens are known; and a target that is
// down, then up.
func TestScrape(t *testing.T) {
	p := newPipeline(t) // its topic is for GPUs here
	var mu sync.Mutex
	scrapes := 0
	file := filepath.Join(t.TempDir(), "targets.yaml")
	var groups strings.Builder
	// A target is an address: each page gets one of its own.
	page := func(handler http.HandlerFunc) string {
		s := httptest.NewServer(handler)
		t.Cleanup(s.Close)
		fmt.Fprintf(&groups, "- targets: [%q]\n", s.Listener.Addr().String())
		return s.Listener.Addr().String()
	}
	for _, path := range scrapedPages(t) {
		page(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) })
	}
	const watts, every = 300, 15 // seconds between two scrapes, by the counter
	page(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		scrapes++
		fmt.Fprintf(w, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"0\",UUID=\"GPU-300W\",Hostname=\"node-300w\"} %d\n", scrapes*watts*every*1000)
	})
	flaky := page(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if scrapes < 3 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",UUID=\"GPU-flaky\",Hostname=\"node-flaky\"} 50\n")
	})
	if err := os.WriteFile(file, []byte(groups.String()), 0o600); err != nil {
		t.Fatal(err)
	}

	stopProcessing := p.processGPUs()
	stopScraping := p.scrape(file)
	count := func(sql string) (n uint64) {
		if err := p.db.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return n
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if count("SELECT count() FROM gpu_samples FINAL WHERE uuid = 'GPU-300W'") >= 4 && count("SELECT count() FROM gpu_samples FINAL WHERE uuid = 'GPU-flaky'") >= 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("after a minute there are no samples")
		}
	}
	stopScraping()
	p.drained()
	stopProcessing()

	t.Run("rows", func(t *testing.T) { p.samePages() })
	t.Run("down and up", func(t *testing.T) {
		var up uint8
		var reason string
		var failures, scrapes uint64
		if err := p.db.QueryRow(t.Context(), fmt.Sprintf("SELECT up, last_error, failures, scrapes FROM scrape_targets(from_us = 0, to_us = %d) WHERE target = '%s'",
			int64(schemas.MaxArrivalUS), flaky)).Scan(&up, &reason, &failures, &scrapes); err != nil {
			t.Fatal(err)
		}
		if up != 1 || !strings.Contains(reason, "status 500") || failures == 0 || failures == scrapes {
			t.Errorf("up %d, last error %q, %d of %d scrapes failed", up, reason, failures, scrapes)
		}
		if n := count("SELECT count() FROM gpu_samples FINAL WHERE uuid = 'GPU-flaky' AND utilisation != 0.5"); n != 0 {
			t.Errorf("%d samples are wrong", n)
		}
	})
	t.Run("joules", func(t *testing.T) {
		// Requests of the service in each minute around: 700 response tokens a minute.
		const tokens = 700
		var log []schemas.Request
		now := time.Now().UnixMicro() / schemas.MinuteUS
		for minute := now - 3; minute <= now+1; minute++ {
			var r schemas.Request
			r.Reset()
			r.Service, r.Model, r.Outcome, r.RequestID = "chat", "m", schemas.OK, fmt.Sprint(minute)
			r.ArrivalUS, r.RequestTokens, r.ResponseTokens = minute*schemas.MinuteUS, 10, tokens
			log = append(log, r)
		}
		blocks, err := processors.Evaluate(log)
		if err != nil {
			t.Fatal(err)
		}
		if err := testenv.Writer(t, p.db).Write(t.Context(), [][]schemas.Block{blocks}); err != nil {
			t.Fatal(err)
		}
		samples := count("SELECT count() FROM gpu_samples FINAL WHERE uuid = 'GPU-300W'")
		minutes := count("SELECT uniqExact(intDiv(at_us, 60000000)) FROM gpu_samples WHERE uuid = 'GPU-300W'")
		want := float64(watts*every*(samples-1)) / float64(tokens*minutes) * 1000
		var got, energy float64
		if err := p.db.QueryRow(t.Context(), fmt.Sprintf("SELECT assumeNotNull(joules_per_1000_response_tokens), assumeNotNull(energy_j) "+
			"FROM gpu_service(service = 'chat', from_us = 0, to_us = %d, step_s = 0)", int64(schemas.MaxArrivalUS))).Scan(&got, &energy); err != nil {
			t.Fatal(err)
		}
		if diff := got/want - 1; diff > 1e-9 || diff < -1e-9 {
			t.Errorf("%v joules per 1,000 tokens (%v J of %d samples), want %v", got, energy, samples, want)
		}
	})
}

// processGPUs starts processors of the topic's samples; stop ends them cleanly.
func (p *pipeline) processGPUs() (stop func()) {
	config := processors.DefaultConfig()
	config.Brokers, config.Topic, config.Group, config.FlushInterval = []string{p.broker}, p.topic, p.group, 200*time.Millisecond
	runner, err := processors.NewGPU(config, processors.GPUDependencies{
		Store: storage.NewStore(p.db, testenv.Writer(p.t, p.db)), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.background("processors", runner.Run)
}

// scrape starts a scraper of a file of targets that writes to the topic; stop ends it when all is written.
func (p *pipeline) scrape(file string) (stop func()) {
	config := ingest.DefaultScrapeConfig()
	config.Files, config.Interval, config.Timeout = []string{file}, time.Second, time.Second
	config.Services = []string{"chat=host:node-300w", "reserved=namespace:runai-*"}
	scraper, err := ingest.NewScraper(config, ingest.ScrapeDependencies{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		p.t.Fatal(err)
	}
	producing := ingest.DefaultProducerConfig()
	producing.Kafka.Brokers, producing.Topic, producing.Partitions = []string{p.broker}, p.topic, 0
	producer, err := ingest.NewProducer(producing)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := producer.Start(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	return p.background("the scraper", func(ctx context.Context) error {
		err := scraper.Run(ctx, producer.WriteRecords)
		return errors.Join(err, producer.Flush(context.WithoutCancel(ctx)), producer.Close())
	})
}

// background runs something until stop is called.
func (p *pipeline) background(what string, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			p.t.Errorf("%s ended with %v", what, err)
		}
	})
}

// samePages wants in the database what stands on the pages, in every sample.
func (p *pipeline) samePages() {
	t := p.t
	for _, c := range []struct{ uuid, instance, column, want string }{
		{"GPU-bbbb", "", "sm_active", "1"}, {"GPU-bbbb", "", "sm_occupancy", "0.5"}, {"GPU-bbbb", "", "power_w", "nan"}, {"GPU-cccc", "", "power_w", "70.5"},
		{"GPU-cccc", "", "utilisation", "nan"}, {"GPU-shared", "", "utilisation", "0.4"}, {"GPU-mig", "1", "energy_j", "5"}, {"GPU-cccc", "", "temperature_c", "-5"},
		{"GPU-473571f2-fb37-ef7e-50fe-9885b74a23cd", "8", "graphics_active", "0.408493"},
		{"GPU-473571f2-fb37-ef7e-50fe-9885b74a23cd", "8", "utilisation", "nan"},
		{"GPU-473571f2-fb37-ef7e-50fe-9885b74a23cd", "5", "share", "0.4"},
		{"GPU-473571f2-fb37-ef7e-50fe-9885b74a23cd", "5", "fb_used_bytes", "13631488"},
		{"GPU-473571f2-fb37-ef7e-50fe-9885b74a23cd", "5", "energy_j", "6890.956"},
		{"GPU-34319582-d595-d1c7-d1d2-179bcfa61660", "", "pcie_rx_bytes_per_s", "97863601"},
		{"GPU-34319582-d595-d1c7-d1d2-179bcfa61660", "13", "tensor_active", "0.930433"},
		{"GPU-74f7fe3b-48f2-6d8b-3cb4-e70426fb669c", "", "utilisation", "0"},
		{"GPU-74f7fe3b-48f2-6d8b-3cb4-e70426fb669c", "", "power_w", "nan"},
		{"GPU-0781f3bb-da15-f334-d5db-37b3f19542d0", "", "sm_clock_hz", "1365000000"},
		{"GPU-7a2e92f2-be71-d37e-a744-541600ffc722", "", "service", "reserved"},
		{"GPU-7a2e92f2-be71-d37e-a744-541600ffc722", "", "power_w", "28.722"},
		{"GPU-5f587dd4-6505-0873-c6db-8324dbfe5ba9", "", "fb_total_bytes", "15686696960"},
	} {
		if strings.Count(c.uuid, "-") > 1 && os.Getenv("TIDEGAUGE_TEST_DATA") == "" {
			continue
		}
		var got []string
		if err := p.db.QueryRow(t.Context(), fmt.Sprintf("SELECT groupUniqArray(toString(%s)) FROM gpu_samples FINAL WHERE uuid = '%s' AND gpu_instance = '%s'",
			c.column, c.uuid, c.instance)).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%s of %s %s: %q, want %s", c.column, c.uuid, c.instance, got, c.want)
		}
	}
}
