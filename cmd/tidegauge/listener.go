package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// listener serves metrics and health. It is started first, so that a start that takes long can be watched, and each
// part adds its own check once there is something to check.
type listener struct {
	address  string
	profiles bool
	logger   *slog.Logger
	registry *prometheus.Registry

	mu     sync.Mutex
	checks []check
	server *http.Server
}

// check is one condition of readiness.
type check struct {
	name  string
	ready func(context.Context) error
}

// newListener makes the listener and the registry behind it. It listens nowhere if the address is "off".
func newListener(address string, profiles bool, logger *slog.Logger) *listener {
	l := &listener{address: address, profiles: profiles, logger: logger, registry: prometheus.NewRegistry()}
	l.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "tidegauge", Name: "build_info", Help: "1, with the version as a label.",
		ConstLabels: prometheus.Labels{"version": version()},
	})
	info.Set(1)
	l.registry.MustRegister(info)
	return l
}

// check adds or replaces a condition of readiness.
func (l *listener) check(name string, ready func(context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.checks {
		if l.checks[i].name == name {
			l.checks[i].ready = ready
			return
		}
	}
	l.checks = append(l.checks, check{name, ready})
}

// pending makes /readyz say that the named parts are not started yet.
func (l *listener) pending(names ...string) {
	for _, name := range names {
		l.check(name, func(context.Context) error { return errors.New("starting") })
	}
}

func (l *listener) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.InstrumentMetricHandler(l.registry, promhttp.HandlerFor(l.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(l.logger.Handler(), slog.LevelError),
	})))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", l.readyz)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "tidegauge %s\n\n/metrics\n/healthz\n/readyz\n", version())
	})
	if l.profiles {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// readyz lists every condition; the status is 503 as soon as one does not hold.
func (l *listener) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	l.mu.Lock()
	checks := append([]check(nil), l.checks...)
	l.mu.Unlock()
	status, lines := http.StatusOK, ""
	for _, c := range checks {
		if err := c.ready(ctx); err != nil {
			status = http.StatusServiceUnavailable
			lines += fmt.Sprintf("%s: not ready: %v\n", c.name, err)
		} else {
			lines += c.name + ": ok\n"
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprint(w, lines)
}

// start listens. The address is then the real one, also where port 0 was asked for; "" where it is off.
func (l *listener) start(ctx context.Context) error {
	if l.address == "off" {
		l.address = ""
		return nil
	}
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp", l.address)
	if err != nil {
		return fmt.Errorf("%w (give it another place with --listen HOST:PORT, or --listen off)", err)
	}
	l.address = ln.Addr().String()
	l.server = &http.Server{
		Handler: l.handler(),
		// Whoever is slower than this is not a scraper.
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(l.logger.Handler(), slog.LevelWarn),
	}
	go func() {
		if err := l.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			l.logger.Error("the metrics listener has ended", "error", err)
		}
	}()
	return nil
}

func (l *listener) stop(ctx context.Context) error {
	if l.server == nil {
		return nil
	}
	// A profile that is being taken is not worth waiting for.
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := l.server.Shutdown(ctx); err != nil {
		return l.server.Close()
	}
	return nil
}
