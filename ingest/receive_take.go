package ingest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"runtime/debug"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"google.golang.org/grpc/codes"

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

// refuse counts a record that was refused, and shows it if it is among the first.
func (t *taken) refuse(e postError) {
	if len(t.Errors) < maxPostErrors {
		t.Errors = append(t.Errors, e)
	}
}

// intake is a post that is being decoded.
type intake struct {
	*receiveWorker
	taken
	queue func([]schemas.Request) *denial
}

// batch counts what the worker's batch holds and queues its requests.
func (i *intake) batch() *denial {
	b := &i.block.batch
	i.Accepted += int64(len(b.Requests))
	i.Refused += b.refused
	i.Repeated += b.repeated
	i.Other += b.other
	i.sampled += b.sampled
	for _, e := range b.refusals {
		i.refuse(postError{e.Line, e.Field, e.Reason})
	}
	denied := i.queue(b.Requests)
	if cap(b.Requests) > keptRequests {
		b.Requests, b.Lines = nil, nil
	}
	return denied
}

// keptRequests is the largest batch whose memory is kept for the next post, about half a megabyte.
const keptRequests = 1024

// body decodes a text in a format, as lines or as objects, a block at a time: a hundred thousand requests are many times as
// large as the text that they are in.
func (i *intake) body(f *Format, text []byte, key string) *denial {
	text = trimBOM(text)
	if n := len(text); !f.frames && n > 0 && text[n-1] != '\n' {
		text = append(text, '\n')
	}
	from := &origin{name: "body", format: f}
	if key != "" {
		from.prefix = fmt.Sprintf("%016x:", schemas.IDHash(key))
	}
	first := bytes.TrimLeft(text, " \t\r\n")
	b := &i.block
	b.from, b.line, b.nth = from, 1, 0
	b.list = len(first) > 0 && first[0] == '['
	for len(text) > 0 {
		n, next, lines := i.cut(text)
		b.buffer, b.start, b.end = text[:n], 0, n
		i.decode(b)
		b.buffer = nil
		if denied := i.batch(); denied != nil {
			return denied
		}
		b.line, b.nth = b.line+lines, next
		text = text[n:]
	}
	return nil
}

// cut gives the length of the next block of a text, how many objects begin on the line where it ends, and how many lines it
// has; of frames, how many frames.
func (i *intake) cut(text []byte) (n, next int, lines int64) {
	switch b := &i.block; {
	case b.from.format.frames:
		for n < len(text) && n < blockBytes {
			end, whole, err := nextFrame(text[n:])
			if err != nil || !whole {
				i.Refused++
				i.refuse(postError{b.line + lines, "row", "the body ends inside this message, or its length is none"})
				return len(text), 0, 0
			}
			n += end
			lines++
		}
		return n, 0, lines
	case b.from.format.objects || b.list:
		n, next = wholeObjects(text, b.nth, true, blockBytes)
	default:
		n = min(len(text), blockBytes)
		n += bytes.IndexByte(text[n-1:], '\n') // the text ends with one
	}
	return n, next, int64(bytes.Count(text[:n], []byte("\n")))
}

// message finishes a message of OTLP, which has no lines.
func (i *intake) message() *denial {
	out := &i.block.batch
	i.accept(out, 0, place{})
	i.receiveWorker.refuse(out, 0)
	return i.batch()
}

// traces and logs decode OTLP's messages.
func (i *intake) traces(traces ptrace.Traces) *denial {
	i.decoder(&otlp).(*otlpDecoder).traces(traces, &i.block.batch)
	return i.message()
}

func (i *intake) logs(logs plog.Logs) *denial {
	i.decoder(&otlp).(*otlpDecoder).logs(logs, &i.block.batch)
	return i.message()
}

// take decodes a post and has its requests written. The claim is given up when they are out of the way.
func (r *Receiver) take(ctx context.Context, endpoint string, c *claim, decode func(*intake) *denial) (taken, *denial) {
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
		t.Refused++
		t.refuse(postError{Field: "record", Reason: e.Error()})
	}
	for result, n := range map[string]int64{"accepted": t.Accepted, "refused": t.Refused, "repeated": t.Repeated, "other": t.Other} {
		r.metrics.requests.WithLabelValues(endpoint, result).Add(float64(n))
	}
	return t, nil
}

// queue is take up to the point where only Kafka is waited for.
func (r *Receiver) queue(ctx context.Context, c *claim, decode func(*intake) *denial) (d *delivery, t taken, denied *denial) {
	var w *receiveWorker
	select {
	case w = <-r.workers:
	case <-ctx.Done():
		return nil, t, away(r.config.Wait)
	}
	d, err := r.writer.begin(c)
	if err != nil {
		r.workers <- w
		return nil, t, away(r.config.Wait)
	}
	defer func() {
		if p := recover(); p != nil {
			// One post is not worth the others. What it was half-way through is thrown away with the worker.
			r.logger.Error("decoding a post failed: please report this", "panic", p, "stack", string(debug.Stack()))
			w = newReceiveWorker(w.base)
			denied = &denial{http.StatusInternalServerError, codes.Internal, 0, "the post cannot be decoded: the receiver's log says more"}
		}
		r.workers <- w
		if denied != nil {
			d.giveUp()
		} else {
			d.end()
		}
	}()
	in := &intake{receiveWorker: w, queue: func(requests []schemas.Request) *denial {
		if r.writer.add(d, requests) != nil {
			return away(r.config.Wait)
		}
		return nil
	}}
	denied = decode(in)
	return d, in.taken, denied
}
