package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"tidegauge/schemas"
)

// maxPostErrors is how many refused records an answer shows; all are counted.
const maxPostErrors = 100

// receiveWorker decodes one post at a time.
type receiveWorker struct {
	*worker
	base        Options
	block       block
	occurrences map[uint64]int64
}

func newReceiveWorker(o Options) *receiveWorker {
	w := &receiveWorker{worker: newWorker(o, Skip), base: o, occurrences: make(map[uint64]int64)}
	w.shown = maxPostErrors
	return w
}

// overrule has a post's requests be of another service, model and log type, where they are given.
func (w *receiveWorker) overrule(service, model, logType string) {
	w.options.Service, w.options.Model, w.options.LogType = service, model, logType
}

// begin empties the batch. Records without ids are named by what they say, unless key names the post.
func (w *receiveWorker) begin(key string) *Batch {
	w.options = w.base
	clear(w.occurrences)
	out := &w.block.batch
	out.reset("body")
	if key == "" {
		out.occurrences = w.occurrences
	}
	return out
}

// body decodes a text in a format, as lines or as objects.
func (w *receiveWorker) body(f *Format, text []byte, key string) {
	text = trimBOM(text)
	if n := len(text); !f.frames && n > 0 && text[n-1] != '\n' {
		text = append(text, '\n')
	}
	from := &origin{name: "body", format: f}
	if key != "" {
		from.prefix = fmt.Sprintf("%016x:", schemas.IDHash(key))
	}
	first := bytes.TrimLeft(text, " \t\r\n")
	w.block.from, w.block.buffer, w.block.start, w.block.end, w.block.line = from, text, 0, len(text), 1
	w.block.list = len(first) > 0 && first[0] == '['
	w.decode(&w.block)
	w.block.buffer = nil
}

// traces and logs decode OTLP's messages.
func (w *receiveWorker) traces(traces ptrace.Traces) {
	out := &w.block.batch
	w.decoder(&otlp).(*otlpDecoder).traces(traces, out)
	w.settle(out)
}

func (w *receiveWorker) logs(logs plog.Logs) {
	out := &w.block.batch
	w.decoder(&otlp).(*otlpDecoder).logs(logs, out)
	w.settle(out)
}

// settle finishes a message, which has no lines.
func (w *receiveWorker) settle(out *Batch) {
	w.accept(out, 0, place{})
	w.refuse(out, 0, "")
}

// taken is what became of a post.
type taken struct {
	Accepted int64 `json:"accepted"`
	Refused  int64 `json:"refused"`
	// Repeated counts spans and events of calls that others show, Other records that are no requests.
	Repeated int64       `json:"repeated,omitempty"`
	Other    int64       `json:"other,omitempty"`
	Errors   []postError `json:"errors,omitempty"`

	sampled int64
}

// postError is one record that was refused.
type postError struct {
	Line   int64  `json:"line,omitempty"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// take decodes a post and has its requests written. The claim is given up when they are out of the way.
func (r *Receiver) take(ctx context.Context, endpoint string, c *claim, decode func(*receiveWorker)) (t taken, denied *denial) {
	d, t, denied := r.queue(ctx, c, decode)
	if denied != nil {
		return t, denied
	}
	large, err := r.writer.outcome(ctx, d)
	if err != nil {
		return t, away(r.config.Wait)
	}
	for _, e := range large {
		t.Accepted--
		if t.Refused++; len(t.Errors) < maxPostErrors {
			t.Errors = append(t.Errors, postError{Field: "record", Reason: e.Error()})
		}
	}
	for result, n := range map[string]int64{"accepted": t.Accepted, "refused": t.Refused, "repeated": t.Repeated, "other": t.Other} {
		r.metrics.requests.WithLabelValues(endpoint, result).Add(float64(n))
	}
	return t, nil
}

// queue is take up to the point where only Kafka is waited for.
func (r *Receiver) queue(ctx context.Context, c *claim, decode func(*receiveWorker)) (d *delivery, t taken, denied *denial) {
	var w *receiveWorker
	select {
	case w = <-r.workers:
	case <-ctx.Done():
		return nil, t, away(r.config.Wait)
	}
	defer func() {
		if p := recover(); p != nil {
			// One post is not worth the others. What it was half-way through is thrown away with the worker.
			r.logger.Error("decoding a post failed: please report this", "panic", p, "stack", string(debug.Stack()))
			w = newReceiveWorker(w.base)
			d, denied = nil, &denial{status: 500, code: 13, reason: "the post cannot be decoded: see the receiver's log"}
		}
		r.workers <- w
	}()
	decode(w)
	b := &w.block.batch
	d, err := r.writer.add(b.Requests, c)
	if err != nil {
		if !errors.Is(err, errAway) {
			r.logger.Error("a post could not be queued", "error", err)
		}
		return nil, t, away(r.config.Wait)
	}
	t = taken{Accepted: int64(len(b.Requests)), Refused: b.refused, Repeated: b.repeated, Other: b.other, sampled: b.sampled}
	for _, e := range b.refusals {
		t.Errors = append(t.Errors, postError{e.Line, e.Field, e.Reason})
	}
	return d, t, nil
}
