package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/netutil"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"
)

// Receiver listens for requests and writes them to the topic. A post is answered only when Kafka has acknowledged what was
// in it, on all replicas in sync, so that a client which repeats what was not answered, or not with success, loses nothing;
// and because a post's requests have the same identity each time, it doubles nothing either.
//
// A post goes from receive_http.go or receive_grpc.go, through receive_admit.go (who, how often) and receive_claim.go (how
// much at once), to receive_take.go (what is in it) and receive_group.go (into Kafka).
type Receiver struct {
	config  ReceiverConfig
	logger  *slog.Logger
	metrics *receiveMetrics
	writer  *groupWriter
	budget  budget
	workers chan *receiveWorker // decoding takes a core: there are as many as cores

	admission admission
	http      *http.Server
	grpc      *grpc.Server
	httpAddr  string
	grpcAddr  string

	running context.Context // ended by Stop
	stop    context.CancelFunc
	parts   sync.WaitGroup
	failed  chan error
}

// ReceiverDependencies are what a receiver does not make itself. All may be nil.
type ReceiverDependencies struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// maxConnections bounds each listener: more wait to be accepted.
const maxConnections = 4096

// NewReceiver checks the configuration. Start listens.
func NewReceiver(c ReceiverConfig, d ReceiverDependencies) (*Receiver, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if c.patience == 0 {
		c.patience = postPatience
	}
	c.Producer.Patience = c.Wait
	producer, err := NewProducer(c.Producer)
	if err != nil {
		return nil, err
	}
	r := &Receiver{config: c, logger: d.Logger, failed: make(chan error, 3)}
	r.budget.limit = c.Memory
	r.metrics = newReceiveMetrics(d.Registerer, func() float64 { return float64(r.budget.used.Load()) })
	r.writer = &groupWriter{producer: producer, wait: c.Wait, metrics: r.metrics, logger: d.Logger}
	options := c.Options
	options.views, options.unsampledEvents = &views{policy: c.Options.Spans}, !c.SampledEvents
	r.workers = make(chan *receiveWorker, runtime.GOMAXPROCS(0))
	for range cap(r.workers) {
		r.workers <- newReceiveWorker(options)
	}
	r.admission = admission{each: rate.Limit(c.ClientRate), now: time.Now}
	if c.Rate > 0 {
		r.admission.all = newLimiter(rate.Limit(c.Rate))
	}
	if len(c.Tokens) > 0 || c.TokensFile != "" {
		r.admission.tokens, err = newReloaded(d.Logger, func() ([][32]byte, error) { return loadTokens(c.Tokens, c.TokensFile) }, c.TokensFile)
		if err != nil {
			return nil, err
		}
	}
	secure, err := serverTLS(c, d.Logger)
	if err != nil {
		return nil, err
	}
	r.http, r.grpc = r.httpServer(secure), r.grpcServer(secure)
	r.running, r.stop = context.WithCancel(context.Background())
	return r, nil
}

// Start listens, and begins to look for Kafka: until it is there, posts are told to come again.
func (r *Receiver) Start(ctx context.Context) error {
	for _, l := range []struct {
		address string
		real    *string
		serve   func(net.Listener) error
	}{{r.config.HTTP, &r.httpAddr, r.serveHTTP}, {r.config.GRPC, &r.grpcAddr, r.grpc.Serve}} {
		if l.address == "" {
			continue
		}
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp", l.address)
		if err != nil {
			return errors.Join(err, r.Stop(ctx))
		}
		*l.real = listener.Addr().String()
		r.parts.Go(func() {
			if err := l.serve(netutil.LimitListener(listener, maxConnections)); err != nil && !errors.Is(err, http.ErrServerClosed) {
				r.failed <- fmt.Errorf("listening on %s: %w", *l.real, err)
			}
		})
	}
	r.parts.Go(func() {
		if err := r.writer.connect(r.running); err != nil {
			r.failed <- err
		}
	})
	return nil
}

// HTTPAddr and GRPCAddr are where it listens, "" where it does not.
func (r *Receiver) HTTPAddr() string { return r.httpAddr }
func (r *Receiver) GRPCAddr() string { return r.grpcAddr }

// Secure says whether strangers are kept out: by tokens or by certificates.
func (r *Receiver) Secure() bool { return r.admission.tokens != nil || r.config.ClientCAFile != "" }

// Failed gives what ended the receiver by itself.
func (r *Receiver) Failed() <-chan error { return r.failed }

// Ready says why posts cannot be stored at the moment.
func (r *Receiver) Ready(ctx context.Context) error { return r.writer.ready(ctx) }

// Stop takes no more posts, answers those that it has, and closes. What is still under way when ctx ends is not answered.
func (r *Receiver) Stop(ctx context.Context) error {
	var httpErr error
	var both sync.WaitGroup
	both.Go(func() {
		if httpErr = r.http.Shutdown(ctx); httpErr != nil {
			_ = r.http.Close()
		}
	})
	both.Go(func() {
		done := make(chan struct{})
		go func() {
			r.grpc.GracefulStop()
			close(done)
		}()
		select {
		case <-done:
		case <-ctx.Done():
			r.grpc.Stop()
			<-done
		}
	})
	both.Wait()
	r.stop()
	r.parts.Wait()
	return errors.Join(httpErr, r.writer.close(ctx))
}
