package replay

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"time"

	"tidegauge/schemas"
)

// LogConfig says how a log is replayed as a log.
type LogConfig struct {
	// Pace and Duration are as in Config. Service is whose the requests become, "" leaves each its own; Run tells this
	// replay's requests and conversations from others'.
	Pace         float64
	Duration     time.Duration
	Service, Run string
	// Sent, where given, is told how many were written so far.
	Sent func(int64)
}

// Log writes a trace's requests as if they were arriving now, in batches of those that are due, which write must not keep. They
// keep all that they say but their arrivals, their ids, and the names of their conversations; how long they took is not scaled.
func Log(ctx context.Context, c LogConfig, trace iter.Seq2[*schemas.Request, error], write func([]schemas.Request) error) (written int64, err error) {
	l := logRun{config: c, run: &run{config: Config{Run: c.Run}}, waiter: newWaiter(), write: write}
	for q, err := range trace {
		if err != nil {
			return l.written, joinFlush(&l, err)
		}
		more, err := l.add(ctx, q)
		if err != nil {
			return l.written, err
		}
		if !more {
			break
		}
	}
	return l.written, joinFlush(&l, nil)
}

// joinFlush writes what is due, whatever ended the trace.
func joinFlush(l *logRun, err error) error {
	if flush := l.flush(); err == nil {
		return flush
	}
	return err
}

type logRun struct {
	config   LogConfig
	run      *run // for names
	schedule schedule
	waiter   *waiter
	write    func([]schemas.Request) error
	batch    []schemas.Request
	number   int64
	written  int64
}

// add waits until a request is due. It reports false if that is after the end.
func (l *logRun) add(ctx context.Context, q *schemas.Request) (more bool, err error) {
	s := &l.schedule
	if !s.started {
		s.begin(time.Now(), q.ArrivalUS, l.config.Pace)
	}
	due := s.at(q.ArrivalUS)
	if l.config.Duration > 0 && due.Sub(s.start) >= l.config.Duration {
		return false, nil
	}
	if time.Until(due) > time.Millisecond {
		if err := l.flush(); err != nil {
			return false, err
		}
		for ctx.Err() == nil && time.Until(due) > 0 {
			l.waiter.until(ctx, due, true, nil)
		}
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if len(l.batch) == cap(l.batch) {
		if err := l.flush(); err != nil {
			return false, err
		}
		l.batch = slices.Grow(l.batch, 1024)
	}
	l.batch = l.batch[:len(l.batch)+1]
	to := &l.batch[len(l.batch)-1]
	labels, hashes := to.Labels[:0], to.PrefixHashes[:0]
	*to = *q
	l.number++
	to.ArrivalUS, to.Seq, to.RequestID = due.UnixMicro(), 0, l.config.Run+"-"+strconv.FormatInt(l.number, 10)
	to.PrefixHashes, to.Labels = append(hashes, q.PrefixHashes...), append(labels, q.Labels...)
	if len(to.Labels) < schemas.MaxLabels && !slices.ContainsFunc(to.Labels, func(l schemas.Label) bool { return l.Key == labelRun }) {
		to.Labels = append(to.Labels, schemas.Label{Key: labelRun, Value: l.config.Run})
	}
	if q.Conversation != "" {
		to.Conversation = l.run.name(q.Conversation)
	}
	if l.config.Service != "" {
		to.Service = l.config.Service
	}
	_, err = to.Validate()
	return true, err
}

func (l *logRun) flush() error {
	if len(l.batch) == 0 {
		return nil
	}
	if err := l.write(l.batch); err != nil {
		return err
	}
	l.written += int64(len(l.batch))
	l.batch = l.batch[:0]
	if l.config.Sent != nil {
		l.config.Sent(l.written)
	}
	return nil
}
