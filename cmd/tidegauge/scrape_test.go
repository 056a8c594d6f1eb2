package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// testScrape scrapes a page into a running pipeline, and a target that is not there.
func testScrape(t *testing.T, s *shell) {
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",UUID=\"GPU-a\",Hostname=\"node-a\",modelName=\"Tesla T4\"} 50\n")
	}))
	defer exporter.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	scraping := s.start("scrape", "--target", exporter.Listener.Addr().String(), "--target", gone.Listener.Addr().String(),
		"--service-rule", "chat=host:node-*", "--scrape-interval", "1s", "--scrape-timeout", "1s", "--listen", "127.0.0.1:0", "--log-format", "json")
	sql := func(query string) string { return s.ok("sql", query) }
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		devices := sql("SELECT host, model_name, service, samples FROM gpu_devices(from_us = 0, to_us = 4102444800000000)")
		if strings.Contains(devices, "node-a") && strings.Contains(devices, "Tesla T4") && strings.Contains(devices, "chat") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after a minute the GPU is not there:\n%s%s", devices, scraping.text())
		}
	}
	targets := sql("SELECT target, up, last_error FROM scrape_targets(from_us = 0, to_us = 4102444800000000)")
	if !strings.Contains(targets, "connection refused") || !strings.Contains(targets, exporter.Listener.Addr().String()) {
		t.Errorf("targets:\n%s", targets)
	}
	listen := regexp.MustCompile(`"msg":"scraping".*"listen":"([^"]+)"`).FindStringSubmatch(scraping.text())
	if listen == nil {
		t.Fatalf("it does not say where it listens:\n%s", scraping.text())
	}
	if status, body := get(t, "http://"+listen[1]+"/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: %s", body)
	}
	_, metrics := get(t, "http://"+listen[1]+"/metrics")
	for _, want := range []string{`tidegauge_scrape_up\{target="` + regexp.QuoteMeta(exporter.Listener.Addr().String()) + `"\} 1`,
		`tidegauge_scrape_up\{target="` + regexp.QuoteMeta(gone.Listener.Addr().String()) + `"\} 0`, `tidegauge_scrape_targets 2`,
		`tidegauge_scrape_samples_total\{kind="dcgm"\} [1-9]`, `tidegauge_scrape_dropped_total 0`} {
		if !regexp.MustCompile("(?m)^" + want).MatchString(metrics) {
			t.Errorf("no %s in\n%s", want, metrics)
		}
	}
	for _, name := range checkTypes(t, metrics) {
		if strings.HasPrefix(name, "tidegauge_scrape_") {
			t.Errorf("/metrics lacks %s", name)
		}
	}
	scraping.stop(syscall.SIGTERM)
}

func TestScrapeUsage(t *testing.T) {
	s := newShell(t)
	for _, c := range []struct {
		arguments string
		status    int
		want      string
	}{
		{"scrape --brokers 127.0.0.1:1", exitUsage, "nothing to scrape"},
		{"scrape --target gpu-1 --service-rule x --brokers 127.0.0.1:1", exitUsage, `"x" is no rule`},
		{"scrape --target gpu-1 --brokers 127.0.0.1:1", exitUsage, `target "gpu-1" is not host:port`},
		{"scrape --target gpu-1:9400", exitUnreachable, "no Kafka broker"},
		{"process --gpu-topic t --topic t --brokers 127.0.0.1:1 --clickhouse clickhouse://127.0.0.1:1", exitUsage, "a topic each"},
	} {
		if r := s.run(strings.Fields(c.arguments)...); r.status != c.status || !strings.Contains(r.err, c.want) {
			t.Errorf("%s: %+v", c.arguments, r)
		}
	}
}
