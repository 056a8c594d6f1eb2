package processors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/segmentio/kafka-go"
)

// partitionRun is one partition's part of one generation: it fetches, lets the worker prepare flushes, and stores one
// while the next is being read.
type partitionRun struct {
	runner     *Runner
	generation *kafka.Generation
	id         int
	committed  int64 // the group's offset when the generation began; negative: none
	share      int   // partitions among which the process's memory is shared
	progress   *progress
	worker     work
	log        *slog.Logger

	conn    *kafka.Conn                 // nil after an error
	delays  *backoff.ExponentialBackOff // before it is tried again
	buffer  []byte
	since   time.Time // when the first record of the batch was read
	stamp   time.Time // its timestamp in Kafka, zero if it has none
	writing chan written
	flush   *pending
	safe    int64 // the offset after the last flush that was stored
	turn    bool  // at a large batch
	behind  bool  // there was more to read than the last fetch brought
	cached  int64 // bytes of sets, as accounted
}

// written is how storing a flush has ended: all of it was stored, or all but the position, as a revision has changed.
type written struct {
	all bool
	err error
}

// run works until ctx ends, then flushes what it has read, within StopTimeout.
func (p *partitionRun) run(ctx context.Context) {
	r := p.runner
	p.log = r.log.With("partition", p.id)
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-hard.Done():
		case <-time.After(r.config.StopTimeout):
			cancel()
		}
	})()
	defer p.close()
	p.buffer = make([]byte, max(64<<10, r.config.FetchBytes/4))
	if err := r.retry(ctx, "starting a partition", func() error { return p.start(ctx) }); err != nil {
		if errors.Is(err, ErrRefused) {
			p.log.Error("refused to start", "error", err)
			r.fail(err)
		}
		// A function of a generation that returns ends the generation: stay until it has ended.
		<-ctx.Done()
		return
	}
	defer p.leave()
	for ctx.Err() == nil {
		if p.flush != nil {
			p.finish(ctx, p.full())
		}
		if p.due() && p.flush == nil {
			p.begin(hard)
			p.evict()
		}
		switch {
		case p.full():
		case p.filled(p.small()) && p.flush != nil:
			p.finish(ctx, true)
		case p.filled(p.small()) && !p.turn:
			p.takeTurn(ctx)
		default:
			p.fetch(ctx)
			if p.worker.empty() {
				p.evict() // nothing comes, and others may need the memory
			} else {
				p.account()
			}
		}
	}
	p.stop(hard)
}

// account tells the runner how large this partition's cache is.
func (p *partitionRun) account() {
	cached := int64(p.worker.held())
	p.runner.cached.Add(cached - p.cached)
	p.cached = cached
}

// leave takes this partition out of the runner's accounts.
func (p *partitionRun) leave() {
	p.endTurn()
	p.runner.cached.Add(-p.cached)
}

// evict drops sets while the process holds more than its budget and this partition more than its fair part of it. So a
// busy partition uses what idle ones leave, and gives way when they wake.
func (p *partitionRun) evict() {
	p.account()
	budget := p.runner.config.CacheBytes
	if over := p.runner.cached.Load() - budget; over > 0 {
		p.worker.evict(int(max(p.cached-over, budget/int64(p.share))))
		p.account()
	}
	p.runner.metrics.cacheBytes.WithLabelValues(strconv.Itoa(p.id)).Set(float64(p.cached))
}

// use makes a worker this partition's, with its part of the process's memory.
func (p *partitionRun) use(w work) {
	if w, ok := w.(*worker); ok {
		w.hot.most, w.idle = int(min(p.runner.config.CacheBytes/hotShare, mostHot)/int64(p.share)), p.runner.idle
	}
	p.worker = w
}

// hotShare is the part of the cache that evaluations may take which are kept to go on with, as a divisor, up to mostHot.
const hotShare = 8

// stop stores what was read and commits it.
func (p *partitionRun) stop(hard context.Context) {
	if p.flush != nil {
		p.finish(hard, true)
	}
	if p.flush == nil && !p.worker.empty() {
		p.begin(hard)
		if p.flush != nil {
			p.finish(hard, true)
		}
	}
}

// begin prepares a flush and starts to store it.
func (p *partitionRun) begin(hard context.Context) {
	var f *pending
	r := p.runner
	err := r.retry(hard, "reloading sets", func() (err error) {
		f, err = p.worker.flush(hard)
		return err
	})
	if err != nil {
		p.log.Warn("stopped before what was read could be flushed; it will be read again", "error", err)
		return
	}
	p.flush, p.writing = f, make(chan written, 1)
	p.progress.flushing()
	started, stamp, records := time.Now(), p.stamp, f.records
	r.mu.Lock()
	r.writing[p.id] = started
	r.mu.Unlock()
	go func(done chan<- written) {
		all, err := f.write(hard)
		if err == nil {
			r.metrics.flushTime.Observe(time.Since(started).Seconds())
			r.metrics.flushRecords.Observe(float64(records))
			if !stamp.IsZero() { // a clock that is ahead makes no negative delays
				r.metrics.delay.Observe(max(0, time.Since(stamp).Seconds()))
			}
		}
		r.mu.Lock()
		delete(r.writing, p.id)
		r.mu.Unlock()
		done <- written{all, err}
	}(p.writing)
}

// finish commits the flush under way once it is stored. It waits for that only if told to.
func (p *partitionRun) finish(ctx context.Context, wait bool) {
	var end written
	select {
	case end = <-p.writing:
	default:
		if !wait {
			return
		}
		select {
		case end = <-p.writing:
		case <-ctx.Done():
			return
		}
	}
	f := p.flush
	p.flush = nil
	p.endTurn()
	if end.err != nil || !end.all {
		if end.err != nil {
			// The store gives up when this partition's time is over: its next owner starts at the last commit. Were it for
			// another reason, nothing that was read after the flush may be stored either.
			p.log.Warn("stopped before a flush was stored; its records will be read again", "records", f.records, "error", end.err)
		} else {
			p.log.Info("a recompute has begun, reading again from the last position", "offset", p.safe, "records", f.records)
		}
		p.again(ctx)
		return
	}
	next := f.next
	p.safe = next
	f.stored()
	p.account()
	p.runner.metrics.flushes.Inc()
	p.commit(next)
}

// again reads on from the last position, with nothing in memory. What was read beyond it is forgotten at once: no flush of
// it may come before the records that are read again.
func (p *partitionRun) again(ctx context.Context) {
	// An error is the end of ctx, and of this run.
	_ = p.runner.retry(ctx, "starting a partition again", func() error {
		p.use(p.worker.again()) // each time: what it has learned of some services may be of an older revision than the rest
		p.account()
		return p.worker.assign(ctx, p.safe)
	})
}

func (p *partitionRun) commit(next int64) {
	topic := p.runner.config.Topic
	err := p.generation.CommitOffsets(map[string]map[int]int64{topic: {p.id: next}})
	switch {
	case err == nil:
		p.progress.committed()
		p.runner.metrics.position.WithLabelValues(strconv.Itoa(p.id)).Set(float64(next))
	case errors.Is(err, kafka.IllegalGeneration), errors.Is(err, kafka.RebalanceInProgress), errors.Is(err, kafka.UnknownMemberId):
		// The partition belongs to somebody else by now, who reads from the last commit: repetition, not loss.
		p.log.Info("the group has moved on, not committed", "offset", next)
	default:
		// The next flush commits more than this one.
		p.runner.metrics.errors.WithLabelValues("committing").Inc()
		p.log.Warn("cannot commit, the next flush will", "offset", next, "error", err)
	}
}

// start holds log, group and database against each other and learns what is stored.
func (p *partitionRun) start(ctx context.Context) error {
	p.close()
	c := p.runner.config
	conn, partitions, err := p.dial(ctx)
	if err != nil {
		return err
	}
	p.conn = conn
	first, last, err := conn.ReadOffsets()
	if err != nil {
		return fmt.Errorf("reading the offsets of partition %d of topic %s: %w", p.id, c.Topic, err)
	}
	// Before the store is asked: the lag must be known also while that is away.
	if err := p.peek(max(first, p.committed), last); err != nil {
		return fmt.Errorf("reading the oldest record of partition %d of topic %s: %w", p.id, c.Topic, err)
	}
	positions, err := p.runner.kind.positions(ctx, c.Group, c.Topic)
	if err != nil {
		return fmt.Errorf("reading positions: %w", err)
	}
	refuse := func(format string, arguments ...any) error {
		return backoff.Permanent(fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, arguments...)))
	}
	for id, position := range positions {
		if position.Partitions != partitions && p.runner.kind.owned {
			return refuse("topic %s has %d partitions, but had %d when group %s wrote the position of partition %d. A service's "+
				"requests may now lie in two partitions, whose owners would count apart. Make a new topic with the partitions you "+
				"want, re-key this one into it, and process it with a new --topic and --group",
				c.Topic, partitions, position.Partitions, c.Group, id)
		}
	}
	position, known := positions[p.id]
	next := first
	switch {
	case p.committed < 0:
	case !known || p.committed > position.Offset:
		stored := "none"
		if known {
			stored = strconv.FormatInt(position.Offset, 10)
		}
		return refuse("group %s has committed offset %d of partition %d of topic %s, but this ClickHouse has its records only up to "+
			"offset %s: it is another or an older database (a restored backup?). To read the topic again from its start into it, use a "+
			"new group: --group %s-2. Nothing is counted twice",
			c.Group, p.committed, p.id, c.Topic, stored, c.Group)
	case p.committed > last:
		return refuse("group %s has committed offset %d of partition %d, but topic %s ends at %d: the topic was deleted and made again. "+
			"Use a new group to read it from its start: --group %s-2. What is stored stays",
			c.Group, p.committed, p.id, c.Topic, last, c.Group)
	case p.committed < first:
		p.log.Error("records were deleted by the topic's retention before they were read", "committed", p.committed, "first", first,
			"lost", first-p.committed)
		p.runner.metrics.errors.WithLabelValues("reading records deleted by retention").Add(float64(first - p.committed))
	default:
		next = p.committed
	}
	p.safe = next
	p.use(p.runner.kind.work(p.id, partitions))
	return p.worker.assign(ctx, next)
}

// dial connects to the partition's leader and says how many partitions the topic has.
func (p *partitionRun) dial(ctx context.Context) (*kafka.Conn, int, error) {
	c := p.runner.config
	var errs []error
	for _, broker := range c.Brokers {
		partitions, err := p.runner.dialer.LookupPartitions(ctx, "tcp", broker, c.Topic)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		conn, err := readAhead(p.runner.dialer).DialLeader(ctx, "tcp", broker, c.Topic, p.id)
		if err == nil {
			err = conn.SetDeadline(time.Now().Add(c.FetchWait + fetchTimeout)) // until the first fetch sets its own
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		return conn, len(partitions), nil
	}
	return nil, 0, fmt.Errorf("connecting to partition %d of topic %s: %w", p.id, c.Topic, errors.Join(errs...))
}

func (p *partitionRun) close() {
	if p.conn != nil {
		p.conn.Close()
		p.conn = nil
	}
}

// fetch brings one fetch's records to the worker. After an error it connects anew, one try a call: what was read is flushed
// meanwhile, and the turn is another's.
func (p *partitionRun) fetch(ctx context.Context) {
	if p.conn == nil {
		p.connect(ctx)
		return
	}
	err := p.read()
	if err == nil || ctx.Err() != nil {
		return
	}
	if errors.Is(err, io.ErrShortBuffer) {
		p.buffer = make([]byte, 2*len(p.buffer)) // a record larger than any before it
		return
	}
	p.runner.metrics.errors.WithLabelValues("fetching").Inc()
	p.log.Warn("cannot fetch, connecting again", "offset", p.worker.position().next, "error", err)
	p.close()
	p.delays = delays()
	p.behind = false // nothing comes for now, whatever there is
}

// connect tries to connect to the partition again. After an error it waits a little.
func (p *partitionRun) connect(ctx context.Context) {
	conn, _, err := p.dial(ctx)
	if err == nil {
		p.conn = conn
		err = p.recheck()
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	delay := p.delays.NextBackOff()
	p.runner.failed("connecting to a partition", err, delay)
	wait := time.NewTimer(delay)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}

// recheck says what has become of the offset to read next, after a fetch failed.
func (p *partitionRun) recheck() error {
	first, last, err := p.conn.ReadOffsets()
	switch next := p.worker.position().next; {
	case err != nil:
		p.close()
		return err
	case next > last:
		err := fmt.Errorf("%w: offset %d of partition %d was read before, but topic %s now ends at %d: records that were acknowledged "+
			"are gone (the topic was deleted and made again, or an unclean leader was elected). Use a new group to read what there is "+
			"from its start: --group %s-2", ErrRefused, next, p.id, p.runner.config.Topic, last, p.runner.config.Group)
		p.runner.fail(err) // which ends this run
		return err
	case next < first:
		p.log.Error("records were deleted by the topic's retention before they were read", "next", next, "first", first, "lost", first-next)
		p.runner.metrics.errors.WithLabelValues("reading records deleted by retention").Add(float64(first - next))
		p.worker.position().next = first
	}
	return nil
}
