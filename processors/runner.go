package processors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
)

// ErrRefused is what Run's error wraps when log and database do not belong together: processing on would lose or mix
// data, so a person has to decide. The message says what was found and what to do.
var ErrRefused = errors.New("refused to start")

// Dependencies are what a Runner needs of its surroundings.
type Dependencies struct {
	Store      Store
	Dialer     *kafka.Dialer         // how to reach Kafka (TLS, SASL); nil: plainly
	Registerer prometheus.Registerer // nil: no metrics
	Logger     *slog.Logger          // nil: slog.Default
}

// Runner drives workers from a Kafka consumer group: one goroutine for each partition that this process owns.
type Runner struct {
	config  Config
	store   Store
	dialer  *kafka.Dialer
	log     *slog.Logger
	metrics *metrics

	began  time.Time
	turns  chan struct{} // holds one for each partition whose turn it is to read a large batch
	cached atomic.Int64  // bytes of the partitions' sets
	idle   *idleFlushes

	mu      sync.Mutex
	joined  bool
	writing map[int]time.Time // by partition: since when a flush has been under way
	refused error
	refuse  context.CancelFunc
}

// New checks the configuration and makes a Runner. It starts nothing.
func New(c Config, d Dependencies) (*Runner, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("processors: %w", err)
	}
	if d.Store == nil {
		return nil, errors.New("processors: no store")
	}
	r := &Runner{
		config: c, began: time.Now(), store: d.Store, dialer: d.Dialer, log: d.Logger, metrics: newMetrics(d.Registerer),
		turns:   make(chan struct{}, 2*runtime.GOMAXPROCS(0)), // some decode while others are being stored
		writing: make(map[int]time.Time),
	}
	r.idle = &idleFlushes{most: cap(r.turns)}
	// A fetch without records comes back after FetchWait: five that are missing and a second are no chance any more.
	r.metrics.lags.silence = time.Second + 5*c.FetchWait
	if r.log == nil {
		r.log = slog.Default()
	}
	if r.dialer == nil {
		r.dialer = &kafka.Dialer{Timeout: 10 * time.Second, DualStack: true}
	}
	return r, nil
}

// beat counts flush intervals. Batches are flushed at the turn of one, those of all partitions: the store then gets them
// together. Each a flush interval after its own first record would be an insert for each partition, which at some hundred
// records a flush is nearly all that ClickHouse has to do.
func (r *Runner) beat(t time.Time) int64 { return int64(t.Sub(r.began) / r.config.FlushInterval) }

// joinBackoff is how long kafka-go waits before it joins again after an error; its default of 5 s is also paid by the
// very first join on a broker whose coordinator is still being made.
const joinBackoff = 500 * time.Millisecond

// Run reads, computes and writes until ctx ends; then it flushes, commits, leaves the group and returns nil. It waits
// for Kafka and ClickHouse where they are away. It returns an error, wrapping ErrRefused, only where log and database
// contradict each other.
func (r *Runner) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r.refuse = stop
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: r.config.Group, Brokers: r.config.Brokers, Topics: []string{r.config.Topic}, Dialer: r.dialer,
		SessionTimeout: r.config.SessionTimeout, HeartbeatInterval: r.config.SessionTimeout / 5,
		RebalanceTimeout: r.config.StopTimeout + 20*time.Second, JoinGroupBackoff: joinBackoff,
		WatchPartitionChanges: true, StartOffset: kafka.FirstOffset,
		ErrorLogger: kafka.LoggerFunc(func(format string, v ...any) { r.log.Debug(fmt.Sprintf("consumer group: "+format, v...)) }),
	})
	if err != nil {
		return fmt.Errorf("making the consumer group: %w", err)
	}
	var workers sync.WaitGroup
	var last string
	for {
		generation, err := group.Next(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			r.metrics.errors.WithLabelValues("joining the group").Inc()
			level := slog.LevelDebug
			if err.Error() != last { // the same error again and again is one piece of news
				level, last = slog.LevelWarn, err.Error()
			}
			r.log.Log(ctx, level, "cannot join the consumer group, trying again", "group", r.config.Group, "topic", r.config.Topic, "error", err)
			continue
		}
		last = ""
		r.generation(ctx, generation, &workers)
	}
	// Workers still belong to the generation: they flush and commit before the group is left.
	workers.Wait()
	if err := group.Close(); err != nil {
		r.log.Warn("leaving the consumer group", "error", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused
}

func (r *Runner) generation(ctx context.Context, g *kafka.Generation, workers *sync.WaitGroup) {
	assigned := g.Assignments[r.config.Topic]
	r.metrics.rebalances.Inc()
	r.metrics.assigned.Set(float64(len(assigned)))
	r.mu.Lock()
	r.joined = true
	r.mu.Unlock()
	r.log.Info("joined the consumer group", "group", r.config.Group, "generation", g.ID, "partitions", len(assigned))
	// A partition that is lost is somebody else's to report.
	r.metrics.cacheBytes.Reset()
	r.metrics.lag.Reset()
	r.metrics.position.Reset()
	ids := make([]int, len(assigned))
	for i, a := range assigned {
		ids[i] = a.ID
	}
	r.metrics.lags.assign(ids, time.Now())
	for _, a := range assigned {
		workers.Add(1)
		g.Start(func(ended context.Context) {
			defer workers.Done()
			soft, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(ended, cancel)()
			p := &partitionRun{runner: r, generation: g, id: a.ID, committed: a.Offset, share: len(assigned),
				progress: r.metrics.lags.of(a.ID)}
			p.run(soft)
		})
	}
	g.Start(func(ended context.Context) { // keeps a member without partitions in its generation, and notes the end
		select {
		case <-ended.Done():
		case <-ctx.Done():
			return
		}
		r.mu.Lock()
		r.joined = false
		r.mu.Unlock()
		r.metrics.assigned.Set(0)
	})
}

// Ready says why the runner cannot do its work at the moment, nil if it can.
func (r *Runner) Ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refused != nil {
		return r.refused
	}
	if !r.joined {
		return fmt.Errorf("not in consumer group %s of topic %s", r.config.Group, r.config.Topic)
	}
	for partition, since := range r.writing {
		if d := time.Since(since); d > slowFlush {
			return fmt.Errorf("ClickHouse has not acknowledged a flush of partition %d for %v", partition, d.Round(time.Second))
		}
	}
	return nil
}

// Owns says whether a partition is this process's. As with its metrics, that ends when the group has given the partition to
// another process, not while the group makes up its mind.
func (r *Runner) Owns(partition int) bool { return r.metrics.lags.of(partition) != nil }

// slowFlush is how long a flush may take before the process says that it is not ready.
const slowFlush = 30 * time.Second

// fail ends Run with an error that wraps ErrRefused.
func (r *Runner) fail(err error) {
	r.mu.Lock()
	if r.refused == nil {
		r.refused = err
	}
	r.mu.Unlock()
	r.refuse()
}

// retryMax is the longest pause between two tries, give or take the half of it by chance. What is left of a pause when
// Kafka or ClickHouse is back is added to the wait; a try costs them a connection, or a query for each partition.
const retryMax = 3 * time.Second

func delays() *backoff.ExponentialBackOff {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 100*time.Millisecond, retryMax
	return wait
}

// retry calls do until it succeeds, ctx ends or it returns a permanent error, which it gives back.
func (r *Runner) retry(ctx context.Context, doing string, do func() error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, do() },
		backoff.WithBackOff(delays()), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, next time.Duration) { r.failed(doing, err, next) }))
	return err
}

// failed notes an error of what is tried again.
func (r *Runner) failed(doing string, err error, next time.Duration) {
	r.metrics.errors.WithLabelValues(doing).Inc()
	r.log.Warn("trying again: "+doing, "error", err, "in", next.Round(time.Millisecond))
}
