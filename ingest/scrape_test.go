package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"tidegauge/schemas"
)

// pageServer answers with what answer does at the moment.
type pageServer struct {
	*httptest.Server
	answer atomic.Pointer[http.HandlerFunc]
}

func newPageServer(t *testing.T) *pageServer {
	s := new(pageServer)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*s.answer.Load())(w, r) }))
	t.Cleanup(s.Close)
	s.page("DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",UUID=\"GPU-a\",Hostname=\"node-a\"} 50\n")
	return s
}

func (s *pageServer) handle(h http.HandlerFunc) { s.answer.Store(&h) }
func (s *pageServer) page(text string) {
	s.handle(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
}
func (s *pageServer) address() string { return s.Listener.Addr().String() }

func newTestScraper(t *testing.T, change func(*ScrapeConfig)) (*Scraper, *bytes.Buffer) {
	t.Helper()
	c := DefaultScrapeConfig()
	c.Timeout = 5 * time.Second
	if change != nil {
		change(&c)
	}
	var said bytes.Buffer
	s, err := NewScraper(c, ScrapeDependencies{Registerer: prometheus.NewRegistry(), Logger: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.CloseIdleConnections)
	return s, &said
}

// ups gives tidegauge_scrape_up by target.
func ups(t *testing.T, s *Scraper) map[string]float64 {
	t.Helper()
	metrics := make(chan prometheus.Metric, 100)
	s.metrics.up.Collect(metrics)
	close(metrics)
	up := make(map[string]float64)
	for m := range metrics {
		var one dto.Metric
		if err := m.Write(&one); err != nil {
			t.Fatal(err)
		}
		up[one.GetLabel()[0].GetValue()] = one.GetGauge().GetValue()
	}
	return up
}

// scrape asks a target once, as repeat does.
func scrape(t *testing.T, s *Scraper, target string, last *ScrapeState) []*schemas.GPURecord {
	t.Helper()
	of, err := ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	records, state := s.Scrape(t.Context(), of, *last)
	s.news(of, *last, state)
	*last = state
	for _, r := range records {
		if err := r.Validate(); err != nil {
			t.Error(err)
		}
	}
	return records
}

// TestScrapeDownAndUp: a target that goes down is a record, a metric and one line of the log, with the reason; so is its return.
func TestScrapeDownAndUp(t *testing.T) {
	server := newPageServer(t)
	s, said := newTestScraper(t, func(c *ScrapeConfig) { c.Timeout, c.BodyBytes, c.Interval = 200*time.Millisecond, 2<<10, time.Second })
	var last ScrapeState
	page := *server.answer.Load()
	released := make(chan struct{})
	t.Cleanup(func() { close(released) })
	for _, step := range []struct {
		name   string
		answer http.HandlerFunc
		want   string // the error
		news   bool   // something is logged
	}{
		{"first", page, "", true},
		{"again", page, "", false},
		{"status", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) }, "status 503", true},
		{"status again", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) }, "status 503", false},
		{"another page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "up 1\n") }, "no metrics of DCGM", true},
		{"too large", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("# \n", 2<<10)) }, "more than 2048 bytes", true},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, "status 302", true},
		{"silent", func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-released:
			}
		}, "no answer within 200ms", true},
		{"back", page, "", true},
	} {
		server.handle(step.answer)
		said.Reset()
		records := scrape(t, s, server.address(), &last)
		result := records[len(records)-1].Scrape
		if result == nil || result.Up != (step.want == "") || !strings.Contains(result.Error, step.want) || result.Target != server.address() ||
			result.Host != "127.0.0.1" || result.Kind != "dcgm" || result.Samples != int64(len(records)-1) {
			t.Errorf("%s: %+v", step.name, result)
		}
		if result.Up && (len(records) != 2 || records[0].GPU.AtUS != result.AtUS || records[0].GPU.Target != server.address() || *records[0].GPU.Utilisation != .5) {
			t.Errorf("%s: %d records", step.name, len(records))
		}
		if (said.Len() > 0) != step.news {
			t.Errorf("%s: the log says %q", step.name, said)
		}
		if up := ups(t, s); len(up) != 1 || (up[server.address()] == 1) != result.Up {
			t.Errorf("%s: tidegauge_scrape_up is %v", step.name, up)
		}
	}
	address := server.address()
	server.Close()
	said.Reset()
	records := scrape(t, s, address, &last)
	if e := records[0].Scrape.Error; !strings.Contains(e, "connection refused") || strings.Contains(e, "127.0.0.1") {
		t.Errorf("nobody listens: %q", e)
	}
}

func TestScrapeTokenAndTLS(t *testing.T) {
	token := writeFile(t, "token", "geheim\n")
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer geheim" || r.URL.Path != "/gpu/metrics" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "vllm:num_requests_running{model_name=\"m\"} 3\n")
	}))
	defer server.Close()
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	target := server.URL + "/gpu/metrics"
	s, _ := newTestScraper(t, func(c *ScrapeConfig) {
		c.TokenFile, c.TLS.Insecure, c.Services = token, true, []string{"chat=engine:vllm"}
	})
	var last ScrapeState
	records := scrape(t, s, target, &last)
	if len(records) != 2 || *records[0].Engine.Running != 3 || records[0].Engine.Service != "chat" || !records[1].Scrape.Up || last.Kind != "vllm" {
		t.Errorf("%d records: %v", len(records), last.Err)
	}
	s, _ = newTestScraper(t, func(c *ScrapeConfig) { c.TokenFile = token })
	if records = scrape(t, s, target, &last); len(records) != 1 || !strings.Contains(last.Err.Error(), "certificate") {
		t.Errorf("an unknown authority: %v", last.Err)
	}
	s, _ = newTestScraper(t, func(c *ScrapeConfig) { c.TokenFile, c.TLS.Insecure = token+".gone", true })
	if records = scrape(t, s, target, &last); len(records) != 1 || !strings.Contains(last.Err.Error(), "bearer token") {
		t.Errorf("no token: %v", last.Err)
	}
}

// TestScraperRuns lets targets come from a file, go and be scraped evenly, with one that is down among them.
func TestScraperRuns(t *testing.T) {
	a, b := newPageServer(t), newPageServer(t)
	down := httptest.NewServer(http.NotFoundHandler())
	defer down.Close()
	file := writeFile(t, "targets.yaml", fmt.Sprintf("- targets: [%q]\n  labels: {service: chat}\n", a.address()))
	s, _ := newTestScraper(t, func(c *ScrapeConfig) {
		c.Files, c.Targets = []string{file}, []string{down.Listener.Addr().String()}
		c.Interval, c.Timeout, c.Refresh, c.Concurrency = time.Second, time.Second, time.Second, 1
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	seen := make(map[string]int)
	err := s.Run(ctx, func(_ context.Context, records []*schemas.GPURecord) error {
		last := records[len(records)-1].Scrape
		seen[last.Target]++
		if g := records[0].GPU; g != nil && g.Target == a.address() && g.Service != "chat" {
			t.Errorf("service %q", g.Service)
		}
		switch {
		case last.Target == a.address() && seen[a.address()] == 1: // it is replaced
			if err := os.WriteFile(file, fmt.Appendf(nil, "[{\"targets\": [%q]}]", b.address()), 0o600); err != nil {
				t.Error(err)
			}
		case seen[b.address()] == 2 && seen[down.Listener.Addr().String()] > 0:
			cancel()
		}
		return nil
	})
	if err != nil || seen[b.address()] < 2 || seen[a.address()] == 0 {
		t.Errorf("%v: scraped %v", err, seen)
	}
	if up := ups(t, s); len(up) != 2 || up[b.address()] != 1 || up[down.Listener.Addr().String()] != 0 {
		t.Errorf("tidegauge_scrape_up of the two targets that there are: %v", up)
	}
}

// TestSilentTargetHoldsUpNoOther: while a target does not answer, another is scraped, also where one page is read at a time.
func TestSilentTargetHoldsUpNoOther(t *testing.T) {
	silent, server := newPageServer(t), newPageServer(t)
	asked, released := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(released) })
	var once sync.Once
	silent.handle(func(http.ResponseWriter, *http.Request) {
		once.Do(func() { close(asked) })
		<-released
	})
	s, _ := newTestScraper(t, func(c *ScrapeConfig) {
		c.Targets = []string{silent.address(), server.address()}
		c.Interval, c.Timeout, c.Concurrency = time.Second, time.Second, 1
	})
	s.config.Timeout = time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	scraped := 0
	err := s.Run(ctx, func(context.Context, []*schemas.GPURecord) error {
		select {
		case <-asked:
			if scraped++; scraped == 2 { // the first may have been on its way before
				cancel()
			}
		default:
		}
		return nil
	})
	if err != nil || scraped < 2 {
		t.Errorf("%v: scraped %d times while the other target was silent", err, scraped)
	}
}

func TestScraperStopsWithWrite(t *testing.T) {
	server := newPageServer(t)
	s, _ := newTestScraper(t, func(c *ScrapeConfig) {
		c.Targets, c.Interval, c.Timeout = []string{server.address()}, time.Second, time.Second
	})
	err := s.Run(t.Context(), func(context.Context, []*schemas.GPURecord) error { return os.ErrClosed })
	if err != os.ErrClosed {
		t.Errorf("%v", err)
	}
}

// TestUntilNext: a target's moments are an interval apart, wherever one begins to look, and those of many targets are spread
// over it.
func TestUntilNext(t *testing.T) {
	const interval = 15 * time.Second
	var quarters [4]int
	for i := range 400 {
		address := fmt.Sprintf("gpu-%d:9400", i)
		start := time.UnixMicro(1_700_000_000_000_000 + int64(i)*777_777)
		moment := start.Add(untilNext(start, interval, address))
		quarters[moment.UnixNano()%int64(interval)*4/int64(interval)]++
		for _, later := range []time.Duration{1, time.Second, interval - 1} {
			from := moment.Add(-later)
			if next := from.Add(untilNext(from, interval, address)); !next.Equal(moment) {
				t.Fatalf("%v before %v it is %v", later, moment, next)
			}
		}
		if next := untilNext(moment, interval, address); next != interval {
			t.Fatalf("at its moment the next is in %v", next)
		}
	}
	for _, n := range quarters {
		if n < 60 {
			t.Errorf("by quarter of the interval: %v", quarters)
		}
	}
}

func TestParseTarget(t *testing.T) {
	for text, want := range map[string]string{
		"gpu-1:9400": "gpu-1:9400 http://gpu-1:9400/metrics", "http://v:8000": "v:8000 http://v:8000/metrics",
		"https://v/gpu/metrics?x=1": "v:443/gpu/metrics?x=1 https://v:443/gpu/metrics?x=1", "[::1]:9400": "[::1]:9400 http://[::1]:9400/metrics",
	} {
		if got, err := ParseTarget(text); err != nil || got.Name()+" "+got.URL() != want {
			t.Errorf("%s: %s %s %v", text, got.Name(), got.URL(), err)
		}
	}
	for _, text := range []string{"", "gpu-1", "gpu-1:", "gpu-1:x", "gpu-1:0", ":9400", "ftp://a:1", "http://", "http://u:p@a:1", "://"} {
		if got, err := ParseTarget(text); err == nil {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
}

func TestScrapeConfigValidate(t *testing.T) {
	c := DefaultScrapeConfig()
	c.Targets, c.DNS, c.Files, c.Services = []string{"x"}, []string{"name"}, []string{"["}, []string{"y"}
	c.Interval, c.Timeout, c.Concurrency, c.BodyBytes, c.Refresh, c.TLS.CertFile = 0, 0, 0, 0, 0, "z"
	err := c.Validate()
	for _, want := range []string{`target "x"`, `DNS name "name"`, `file of targets "["`, `"y" is no rule`, "interval", "timeout", "concurrency", "page size", "refresh", "certificate"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	c = DefaultScrapeConfig()
	if c.Interval = time.Minute; c.Validate() == nil { // some minutes would be without a sample
		t.Error("an interval of a minute is taken")
	}
}

// addresses gives what a discovery finds now.
func addresses(t *testing.T, d *discovery) string {
	t.Helper()
	var all []string
	for _, of := range d.find(t.Context()) {
		all = append(all, of.URL())
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// TestDiscoveryFiles: files are read again when they change; one that is broken or gone is as it was.
func TestDiscoveryFiles(t *testing.T) {
	folder := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	c := DefaultScrapeConfig()
	c.Files, c.Targets = []string{filepath.Join(folder, "*.yaml"), filepath.Join(folder, "one.json")}, []string{"http://static:1/gpu"}
	d, err := newDiscovery(c, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	step := func(want string, says ...string) {
		t.Helper()
		said.Reset()
		if got := addresses(t, d); got != want {
			t.Errorf("found %s, want %s", got, want)
		}
		if len(says) == 0 && said.Len() > 0 {
			t.Errorf("nothing has happened, and the log says %s", said.String())
		}
		for _, text := range says {
			if !strings.Contains(said.String(), text) {
				t.Errorf("the log does not say %q: %s", text, said.String())
			}
		}
	}
	step("http://static:1/gpu", "one.json")
	step("http://static:1/gpu") // the same trouble is no news
	put("a.yaml", "- targets: ['a:1', 'static:1']\n  labels:\n    __scheme__: https\n    __metrics_path__: /gpu\n")
	put("one.json", `[{"targets": ["b:2"], "labels": {"service": "chat"}}]`)
	step("http://b:2/metrics http://static:1/gpu https://a:1/gpu", "a.yaml", "one.json")
	step("http://b:2/metrics http://static:1/gpu https://a:1/gpu")
	put("a.yaml", "- targets: ['a']\n")
	step("http://b:2/metrics http://static:1/gpu https://a:1/gpu", "not host:port")
	put("a.yaml", "- targets: ['c:3']\n")
	step("http://b:2/metrics http://c:3/metrics http://static:1/gpu", "a.yaml")
	if err := os.Remove(filepath.Join(folder, "one.json")); err != nil {
		t.Fatal(err)
	}
	step("http://b:2/metrics http://c:3/metrics http://static:1/gpu", "one.json") // given by name: kept
	if err := os.Remove(filepath.Join(folder, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	step("http://b:2/metrics http://static:1/gpu") // found by a pattern: gone
}

// dnsServer is a resolver's server on loopback that answers every SRV question with records of two targets, for as long as
// it is up.
func dnsServer(t *testing.T, up *atomic.Bool) *net.Resolver {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { socket.Close(); <-done })
	go func() {
		defer close(done)
		buffer := make([]byte, 1500)
		for {
			n, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			end := 12 + bytes.IndexByte(buffer[12:n], 0) + 5 // of the question: name, type, class
			answer := slices.Clone(buffer[:end])
			binary.BigEndian.PutUint16(answer[2:], 0x8180)
			binary.BigEndian.PutUint16(answer[10:], 0) // no additional records
			if !up.Load() {
				binary.BigEndian.PutUint16(answer[2:], 0x8182) // the server failed
			} else {
				binary.BigEndian.PutUint16(answer[6:], 2)
				for i := range 2 {
					name := fmt.Sprintf("\x05gpu-%d\x04test\x00", i)
					answer = append(answer, 0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 1, 0, byte(6+len(name)), 0, 0, 0, 0)
					answer = append(binary.BigEndian.AppendUint16(answer, uint16(9400+i)), name...)
				}
			}
			if _, err := socket.WriteTo(answer, from); err != nil {
				return
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}
}

// TestDiscoveryDNS: SRV records have ports of their own, other names the given one; a name that does not resolve at the moment is as it was.
func TestDiscoveryDNS(t *testing.T) {
	var up atomic.Bool
	up.Store(true)
	c := DefaultScrapeConfig()
	c.DNS, c.Resolver = []string{"_metrics._tcp.gpu.test.", "127.0.0.1:9400"}, dnsServer(t, &up)
	d, err := newDiscovery(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	const want = "http://127.0.0.1:9400/metrics http://gpu-0.test:9400/metrics http://gpu-1.test:9401/metrics"
	for _, now := range []bool{true, false} {
		up.Store(now)
		if got := addresses(t, d); got != want {
			t.Errorf("with a server that is up (%v): %s", now, got)
		}
	}
}
