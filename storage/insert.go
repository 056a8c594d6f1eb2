package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/cenkalti/backoff/v5"
)

const (
	// refusedLimit is after how many refused rows in a row, none accepted between them, it is no longer believed that
	// the rows are at fault. From there on the writer holds instead of emptying the stream into quarantine.
	refusedLimit = 64
	// splitAfter is after how many failures a chunk is halved although its rows are not at fault: what is too much for
	// the server's memory or takes longer than InsertTimeout would be so forever.
	splitAfter = 3
	// splitRows is what is not halved any further for that reason.
	splitRows = 1000
	// warnEvery keeps the log readable while the server is away.
	warnEvery = 10 * time.Second
)

// insert brings a chunk into ClickHouse, all but the rows that go to quarantine. It returns early only when ctx ends.
func (w *Writer) insert(ctx context.Context, g *group, c chunk) {
	delays := w.delays()
	for {
		err := w.attempt(ctx, g, c)
		if err == nil || ctx.Err() != nil {
			return
		}
		bad, systemic := w.search(ctx, g, c, err)
		if !systemic {
			w.banish(g, bad)
			return
		}
		w.trouble(c, "refused", fmt.Errorf("%d rows in a row were refused and none accepted, so that it is held to be the table's fault: %w", refusedLimit, err))
		wait(ctx, delays.NextBackOff())
	}
}

// attempt repeats a chunk's insert until it is acknowledged (nil), the rows are at fault (their error), or ctx ends.
func (w *Writer) attempt(ctx context.Context, g *group, c chunk) error {
	delays := w.delays()
	for failures := 0; ; {
		err := w.send(ctx, g, c)
		if err == nil {
			if failures > 0 {
				w.recovered(c)
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		kind := classify(err)
		w.metrics.inserts.WithLabelValues(c.target.table, kind.String()).Inc()
		if kind == row {
			return err
		}
		w.metrics.retries.WithLabelValues(c.target.table).Inc()
		w.trouble(c, kind.String(), err)
		failures++
		wait(ctx, delays.NextBackOff())
		if kind == transient && !unreached(err) && failures >= splitAfter && c.rows > splitRows {
			return w.attemptHalves(ctx, g, c)
		}
	}
}

// attemptHalves is attempt in two halves; an error of either makes the whole chunk be searched, which is harmless.
func (w *Writer) attemptHalves(ctx context.Context, g *group, c chunk) error {
	for _, half := range c.halves() {
		if err := w.attempt(ctx, g, half); err != nil {
			return err
		}
	}
	return nil
}

// suspect is rows that were refused together, and why.
type suspect struct {
	chunk chunk
	err   error
}

// search halves a chunk that was refused with err until it has found the rows at fault; what is not at fault is
// inserted on the way. It gives up (systemic) when nothing seems to be right.
func (w *Writer) search(ctx context.Context, g *group, c chunk, err error) (bad []suspect, systemic bool) {
	accepted := false // anything at all
	for suspects := []suspect{{c, err}}; len(suspects) > 0; {
		last := suspects[len(suspects)-1]
		suspects = suspects[:len(suspects)-1]
		if last.chunk.rows == 1 {
			bad = append(bad, last)
			if w.refuse(c.target.table) >= refusedLimit && !accepted {
				return nil, true
			}
			continue
		}
		for _, half := range last.chunk.halves() {
			err := w.attempt(ctx, g, half)
			if ctx.Err() != nil {
				return nil, false
			}
			if err != nil {
				suspects = append(suspects, suspect{half, err})
			}
			accepted = accepted || err == nil
		}
	}
	return bad, false
}

// refuse counts one more refused row of the table, and returns how many there were since one was accepted.
func (w *Writer) refuse(table string) int {
	w.troubleMu.Lock()
	defer w.troubleMu.Unlock()
	w.refused[table]++
	return w.refused[table]
}

// banish hands rows to quarantine, those whose caller is still there.
func (w *Writer) banish(g *group, bad []suspect) {
	g.reading.RLock()
	defer g.reading.RUnlock()
	w.banishing.Lock()
	defer w.banishing.Unlock()
	for _, f := range bad {
		if f.chunk.pieces[0].call.gone {
			continue
		}
		table := f.chunk.target.table
		w.metrics.quarantined.WithLabelValues(table).Inc()
		w.trouble(f.chunk, "quarantined", f.err)
		w.quarantine(table, f.chunk.row(), f.err)
	}
}

// insertSettings are what acknowledgement means here: stored, on every shard, now. Deduplication of inserts is off
// because it would silently drop a row that is written again after it was deleted; repeated rows are the tables' own
// business, which keep one of each identity.
var insertSettings = clickhouse.Settings{
	"async_insert":                  0,
	"insert_deduplicate":            0,
	"distributed_foreground_insert": 1,
	// The server makes LowCardinality of plain strings itself, at a fraction of what it costs clickhouse-go.
	"low_cardinality_allow_in_native_format": 0,
	// Rows of one key are merged in their own time. Doing it in every insert as well took longer than writing them.
	"optimize_on_insert": 0,
}

// send makes one insert, bounded by InsertTimeout.
func (w *Writer) send(ctx context.Context, g *group, c chunk) (err error) {
	began := time.Now()
	ctx, end := w.insertContext(ctx)
	defer func() { end(err) }()
	settings := maps.Clone(insertSettings)
	for name, value := range w.config.Settings {
		settings[name] = value
	}
	batch, err := w.db.PrepareBatch(clickhouse.Context(ctx, clickhouse.WithSettings(settings)), c.target.query())
	if err != nil {
		return w.timeout(ctx, err)
	}
	rows, err := fill(batch, g, c)
	if err != nil || rows == 0 { // no rows: all their callers have left
		return errors.Join(w.timeout(ctx, err), ignoreSent(batch.Abort()))
	}
	if err := batch.Send(); err != nil {
		return w.timeout(ctx, err)
	}
	w.metrics.inserts.WithLabelValues(c.target.table, "ok").Inc()
	w.metrics.rows.WithLabelValues(c.target.table).Add(float64(rows))
	w.metrics.batchRows.WithLabelValues(c.target.table).Observe(float64(rows))
	w.metrics.seconds.WithLabelValues(c.target.table).Observe(time.Since(began).Seconds())
	w.troubleMu.Lock()
	delete(w.refused, c.target.table)
	w.troubleMu.Unlock()
	return nil
}

// insertContext is a context that ends with its parent, after InsertTimeout, and with an insert that failed, but never
// because an insert has succeeded. clickhouse-go watches a batch's context in a goroutine of its own that closes the
// connection when the context ends; one that has not run by the time Send has returned (a busy machine) would find both
// the batch sent and its context ended, and half of the time close a connection that is in the pool again, under
// whatever uses it next. So a successful insert's context is left to the garbage collector: nothing refers to it.
func (w *Writer) insertContext(parent context.Context) (ctx context.Context, end func(error)) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	released := context.AfterFunc(parent, func() { cancel(context.Cause(parent)) })
	timer := time.AfterFunc(w.config.InsertTimeout, func() { cancel(errInsertTimeout) })
	return ctx, func(err error) {
		released()
		timer.Stop()
		if err != nil {
			cancel(err)
		}
	}
}

// errInsertTimeout is InsertTimeout's end, told apart from the callers' leaving.
var errInsertTimeout = errors.New("the server did not answer in time")

// timeout names InsertTimeout as the cause where it is.
func (w *Writer) timeout(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errInsertTimeout) {
		return fmt.Errorf("%w (%s): %w", errInsertTimeout, w.config.InsertTimeout, err)
	}
	return err
}

func ignoreSent(err error) error {
	if errors.Is(err, clickhouse.ErrBatchAlreadySent) {
		return nil
	}
	return err
}

// unreached is an error of connecting: nothing of the insert was sent, so its size is not the matter.
func unreached(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "dial"
}

func (w *Writer) delays() *backoff.ExponentialBackOff {
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval, delays.MaxInterval, delays.Multiplier = w.config.RetryInitial, w.config.RetryMax, 2
	return delays
}

func wait(ctx context.Context, delay time.Duration) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
