package replay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"tidegauge/schemas"
)

// Replay is one run.
type Replay struct{ run *run }

// ErrOrder is a trace that is not in the order of its arrivals.
var ErrOrder = errors.New("the trace is not in the order of arrivals")

type run struct {
	config  Config
	client  *client
	target  string // as results name it
	seed    uint64 // of the prompts' text: another run's are others, or the server would remember them
	begun   time.Time
	trace   chan *call
	results chan *call
	calls   sync.Pool

	schedule schedule
	waiter   *waiter
	sending  sync.WaitGroup

	inFlight, mostInFlight, sent, read atomic.Int64
	interrupted                        atomic.Bool

	mutex    sync.Mutex // guards what follows
	over     []ending
	measures *measures
	looked   look

	started atomic.Pointer[time.Time] // when the first request is due, once that is known

	readErr, sinkErr error // of their goroutines, until these have ended
	unsaved          int64
}

// look is when Live was last asked, and what had been sent then.
type look struct {
	at   time.Time
	sent int64
}

// ending is a turn whose answer has come to its end.
type ending struct {
	of   *conversation
	turn int
	at   time.Time
}

// New checks the configuration.
func New(c Config) (*Replay, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	r := &run{config: c, client: newClient(c), waiter: newWaiter(), trace: make(chan *call, 1024), results: make(chan *call, 4096),
		measures: newMeasures(c.Objectives)}
	r.seed = xxhash.Sum64String(c.Run)
	r.calls.New = func() any { return new(call) }
	target := *c.Target
	target.User, target.RawQuery, target.Fragment = nil, "", ""
	r.target = target.String()
	r.target = r.target[:min(len(r.target), schemas.MaxLabelValue)]
	return &Replay{r}, nil
}

// leadIn is from the beginning to the first request: what it takes for a part of the trace to be read.
const leadIn = 100 * time.Millisecond

// Run replays a trace, which is in the order of its arrivals, and hands each result to sink, from one goroutine; the
// request is reused by the next. When ctx ends, nothing more is sent, and what is in flight is given up.
//
// The summary is of all that was done, also beside an error: that of the trace, or of sink, after which no more is sent.
func (p *Replay) Run(ctx context.Context, trace iter.Seq2[*schemas.Request, error], sink func(*schemas.Request) error) (*Summary, error) {
	r := p.run
	defer r.client.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.begun = time.Now()

	var reading, collecting sync.WaitGroup
	reading.Go(func() { r.readErr = r.readTrace(ctx, trace) })
	collecting.Go(func() { r.collect(sink, cancel) })

	err := r.drive(ctx)
	if err != nil || ctx.Err() != nil {
		r.interrupted.Store(true)
		cancel()
	}
	r.sending.Wait()
	if ctx.Err() != nil { // while the last answers were waited for
		r.interrupted.Store(true)
	}
	cancel() // the trace's rest is not wanted
	reading.Wait()
	close(r.results)
	collecting.Wait()
	if r.readErr != nil && errors.Is(r.readErr, context.Canceled) {
		r.readErr = nil
	}
	return r.summary(), errors.Join(err, r.readErr, r.sinkErr)
}

// readTrace copies the trace's requests, and numbers them.
func (r *run) readTrace(ctx context.Context, trace iter.Seq2[*schemas.Request, error]) error {
	defer close(r.trace)
	for q, err := range trace {
		if err != nil {
			return err
		}
		c := r.calls.Get().(*call)
		hashes, labels := c.request.PrefixHashes[:0], c.request.Labels[:0]
		c.request = *q
		c.request.PrefixHashes, c.request.Labels = append(hashes, q.PrefixHashes...), append(labels, q.Labels...)
		c.number = r.read.Add(1)
		select {
		case r.trace <- c:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// drive sends what is due when it is due, until there is no more or ctx ends.
func (r *run) drive(ctx context.Context) error {
	open, err := r.fill(ctx)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		r.takeEnded()
		now := time.Now()
		limited := r.config.Duration > 0 && r.schedule.started
		if limited && !now.Before(r.end()) {
			return nil
		}
		if open, err = r.readAhead(open, now); err != nil {
			return err
		}
		c, at, known := r.schedule.next(now)
		if c != nil {
			r.send(ctx, c)
			continue
		}
		if !open && r.schedule.held == 0 {
			return nil
		}
		if limited {
			if end := r.end(); !known || at.After(end) {
				at, known = end, true
			}
		}
		var trace <-chan *call
		if open && r.schedule.wants(now) {
			trace = r.trace
		}
		c, more := r.waiter.until(ctx, at, known, trace)
		switch {
		case !more:
			open = false
		case c != nil:
			if err := r.add(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// fillPatience is how long the beginning waits for the trace's next request, once it has the first: a stream may be slow.
const fillPatience = 100 * time.Millisecond

// fill reads what is read ahead before anything is due, so that reading does not make the first requests late, and begins the
// schedule. It reports whether there may be more of the trace.
func (r *run) fill(ctx context.Context) (open bool, err error) {
	var calls []*call
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	open = true
	for waits := true; waits && open && len(calls) < lookAhead; {
		select {
		case c, more := <-r.trace:
			if open = more; more {
				calls = append(calls, c)
				timer.Reset(fillPatience)
			}
		case <-timer.C:
			waits = len(calls) == 0
		case <-ctx.Done():
			return open, nil
		}
	}
	for _, c := range calls {
		if err := r.add(c); err != nil {
			return open, err
		}
	}
	return open, nil
}

// readAtOnce bounds what is read of the trace before it is looked again at what is due.
const readAtOnce = 64

// readAhead adds some of what there is of the trace, as far as it is wanted. It reports whether there may be more.
func (r *run) readAhead(open bool, now time.Time) (bool, error) {
	for n := 0; n < readAtOnce && open && r.schedule.wants(now); n++ {
		select {
		case c, more := <-r.trace:
			if !more {
				return false, nil
			}
			if err := r.add(c); err != nil {
				return true, err
			}
		default:
			return true, nil
		}
	}
	return open, nil
}

// end is when the last request may be due.
func (r *run) end() time.Time { return r.schedule.start.Add(r.config.WarmUp + r.config.Duration) }

// add hands a call to the schedule, which begins with the first.
func (r *run) add(c *call) error {
	s := &r.schedule
	if !s.started {
		start := time.Now().Add(leadIn)
		r.started.Store(&start)
		s.begin(start, c.request.ArrivalUS, r.config.Pace)
	}
	if !s.add(c) {
		return fmt.Errorf("%w: request %d arrived %s before one that was read earlier", ErrOrder, c.number,
			time.Duration(s.last-c.request.ArrivalUS)*time.Microsecond)
	}
	return nil
}

// takeEnded tells the schedule of turns that have ended.
func (r *run) takeEnded() {
	r.mutex.Lock()
	over := r.over
	r.over = nil
	r.mutex.Unlock()
	for _, e := range over {
		r.schedule.ended(e.of, e.turn, e.at)
	}
}

// send starts a call, and waits for nothing.
func (r *run) send(ctx context.Context, c *call) {
	c.warm = c.due.Before(r.schedule.start.Add(r.config.WarmUp))
	tokens := max(c.request.RequestTokens-r.config.PromptOverhead, 1)
	c.prompt = newPrompt(&c.request, tokens, r.seed, c.number, c.conv)
	if n := r.inFlight.Add(1); n > int64(r.config.MaxInFlight) {
		r.sending.Go(func() {
			c.answer.reset()
			c.answer.end = time.Now()
			c.answer.fail(schemas.Cancelled, kindInFlight, "as many requests were in flight as --max-in-flight allows")
			r.ended(c)
		})
		return
	} else if n > r.mostInFlight.Load() {
		r.mostInFlight.Store(n)
	}
	r.sent.Add(1)
	r.sending.Go(func() {
		r.client.do(ctx, c)
		r.ended(c)
	})
}

// ended says that a call is over: first to those who wait for it, then to who counts it.
func (r *run) ended(c *call) {
	r.inFlight.Add(-1)
	if c.conv != nil {
		r.mutex.Lock()
		r.over = append(r.over, ending{c.conv, c.turn, c.answer.end})
		r.mutex.Unlock()
		select {
		case r.waiter.wake <- struct{}{}:
		default:
		}
	}
	r.results <- c
}

// collect counts results, and hands them on until that fails.
func (r *run) collect(sink func(*schemas.Request) error, stop context.CancelFunc) {
	var q schemas.Request
	for c := range r.results {
		r.mutex.Lock()
		r.measures.add(c)
		r.mutex.Unlock()
		if r.sinkErr == nil {
			r.result(c, &q)
			if _, err := q.Validate(); err != nil {
				r.sinkErr = fmt.Errorf("the result of request %d of the trace: %w", c.number, err)
			} else {
				r.sinkErr = sink(&q)
			}
			if r.sinkErr != nil {
				stop()
			}
		}
		if r.sinkErr != nil {
			r.unsaved++
		}
		c.conv = nil
		r.calls.Put(c)
	}
}
