package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"tidegauge/schemas"
)

// Batch is some requests of one source, in the order of its rows. It belongs to the reader, which uses it again.
type Batch struct {
	// Requests are valid (schemas.Request.Validate) and carry their ids. The slice, and the requests' PrefixHashes and
	// Labels, are used again after the following call of Next; strings stay valid, but a string kept keeps up to
	// 64 KiB alive: clone the few that are kept of many.
	Requests []schemas.Request
	// Lines are the physical lines, from 1, on which the requests' records begin.
	Lines []int64
	// Source names the log.
	Source string

	other, repeated, refused, cut int64
	sampled                       int64 // of repeated: log events that were left to their spans
	first, last                   int64 // arrivals, microseconds
	refusals                      []*LineError
	stopped                       *LineError // under Stop: the row after Requests
	faults                        []error    // of the record at hand
	// occurrences, where there are some, have records without ids named by what they say (occurrence), not by their place.
	occurrences map[uint64]int64
}

func (b *Batch) reset(source string) {
	*b = Batch{Requests: b.Requests[:0], Lines: b.Lines[:0], Source: source, faults: b.faults[:0], first: math.MaxInt64, last: math.MinInt64}
}

// occurrence is the id of a record of which only a hash of what it says is known: that hash, and which of the batch's
// equal records it is.
func (b *Batch) occurrence(hash uint64) string {
	b.occurrences[hash]++
	return fmt.Sprintf("%016x:%d", hash, b.occurrences[hash])
}

// add gives a new request of the batch, of which nothing is known yet.
func (b *Batch) add() *schemas.Request {
	n := len(b.Requests)
	if n < cap(b.Requests) {
		b.Requests = b.Requests[:n+1] // keeps the slices of the request that was there before
	} else {
		b.Requests = append(b.Requests, schemas.Request{})
	}
	r := &b.Requests[n]
	r.Reset()
	return r
}

// drop takes the last request back.
func (b *Batch) drop() { b.Requests = b.Requests[:len(b.Requests)-1] }

// refuse notes that one of the things in the record at hand cannot be read.
func (b *Batch) refuse(err error) { b.faults = append(b.faults, err) }

// LineError says which row of which log cannot be read, and why.
type LineError struct {
	File string
	Line int64 // physical line of the text, from 1
	// Field is the log's name of the field, or the request's where the log gives a value that no request can have.
	Field, Reason string
}

// Error gives "file: line 12: field: reason".
func (e *LineError) Error() string {
	return e.File + ": line " + strconv.FormatInt(e.Line, 10) + ": " + e.Field + ": " + e.Reason
}

func lineError(file string, line int64, err error) *LineError {
	e := &LineError{File: file, Line: line, Field: "row"}
	// Validate joins everything that is wrong: the first names the field, the rest follow the reason.
	if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) > 0 {
		all := joined.Unwrap()
		e = lineError(file, line, all[0])
		for _, more := range all[1:] {
			e.Reason += "; " + more.Error()
		}
		return e
	}
	if field, ok := errors.AsType[*schemas.FieldError](err); ok {
		e.Field, e.Reason = field.Field, field.Reason
	} else {
		e.Reason = err.Error()
	}
	e.Reason = strings.ToValidUTF8(e.Reason, "\ufffd")
	return e
}

// worker decodes blocks. It keeps a decoder for each format that it met.
type worker struct {
	options  Options
	skip     bool // OnError is Skip
	shown    int  // how many refusals of a batch are kept
	decoders map[*Format]decoder
	ids      texts
	hashes   *pseudonyms // nil where ids stay as they are
}

func newWorker(o Options, onError OnError) *worker {
	w := &worker{options: o, skip: onError == Skip, shown: MaxRefusals, decoders: make(map[*Format]decoder)}
	if o.HashKey != nil {
		w.hashes = newPseudonyms(o.HashKey)
	}
	return w
}

func (w *worker) decoder(f *Format) decoder {
	d, ok := w.decoders[f]
	if !ok {
		d = f.newDecoder(w.options)
		w.decoders[f] = d
	}
	return d
}

// decode fills the block's batch with the requests of its records, under Stop up to the first row it has to refuse.
func (w *worker) decode(b *block) {
	out := &b.batch
	occurrences := out.occurrences
	out.reset(b.from.name)
	out.occurrences = occurrences
	d := w.decoder(b.from.format)
	switch {
	case b.from.format.frames:
		w.decodeFrames(b, d)
		return
	case b.from.format.objects || b.list:
		w.decodeObjects(b, d)
		return
	}
	data, line := b.buffer[b.start:b.end], b.line
	for len(data) > 0 {
		at := line
		n := bytes.IndexByte(data, '\n') + 1
		if b.quoted {
			n = max(recordCSV(data), n) // 0: a quote that nothing closes, which spoils its line only
			line += int64(bytes.Count(data[:n], []byte("\n")))
		} else {
			line++
		}
		text := data[:n-1] // blocks end with a newline
		data = data[n:]
		if len(text) > 0 && text[len(text)-1] == '\r' {
			text = text[:len(text)-1]
		}
		if len(text) == 0 || (text[0] <= ' ' && len(bytes.TrimSpace(text)) == 0) {
			continue
		}
		if !w.record(b, d, record{text, b.layout, b.quoted}, at, 0) {
			return
		}
	}
}

// record decodes one record, which begins on a line as the nth there. It says whether to go on.
func (w *worker) record(b *block, d decoder, r record, line int64, nth int) bool {
	out := &b.batch
	before, counted := len(out.Requests), out.other+out.repeated
	first, last, cut := out.first, out.last, out.cut
	out.faults = out.faults[:0]
	if err := d.decode(r, out); err != nil {
		out.Requests = out.Requests[:before]
		out.faults = append(out.faults[:0], err)
	} else if len(out.Requests) == before && len(out.faults) == 0 && out.other+out.repeated == counted {
		out.other++
	}
	w.accept(out, before, place{b.from.prefix, line, line, nth, r.data})
	if len(out.faults) == 0 {
		return true
	}
	if !w.skip {
		out.Requests = out.Requests[:before]
		out.Lines = out.Lines[:before]
		out.first, out.last, out.cut = first, last, cut
		out.stopped = lineError(out.Source, line, out.faults[0])
		return false
	}
	w.refuse(out, line)
	return true
}

// refuse counts the faults of the record at hand and keeps the first few of the batch's.
func (w *worker) refuse(out *Batch, line int64) {
	for _, err := range out.faults {
		if out.refused++; len(out.refusals) < w.shown {
			out.refusals = append(out.refusals, lineError(out.Source, line, err))
		}
	}
}

// place is where a record lies: its line, and what ids are made of where it has none: a prefix, a number, which is the line
// where the prefix names the log, and how many requests came before it there.
type place struct {
	prefix       string
	number, line int64
	nth          int
	// text is what a batch with occurrences makes ids of, in place of the others.
	text []byte
}

// occurring makes the place of a request by what its record says, or what it says itself where there is no text.
func (b *Batch) occurring(at place, r *schemas.Request) place {
	text := at.text
	if text == nil {
		text = schemas.AppendJSON(nil, r)
	}
	hash := xxhash.Sum64(text)
	b.occurrences[hash]++
	return place{prefix: fmt.Sprintf("%016x:", hash), number: b.occurrences[hash], line: at.line}
}

// accept finishes the requests of one record: what the options overrule, the identity. What cannot be accepted becomes
// a fault.
func (w *worker) accept(out *Batch, from int, at place) {
	to := from
	for i := from; i < len(out.Requests); i++ {
		r := &out.Requests[i]
		if w.options.Service != "" {
			r.Service = w.options.Service
		}
		if w.options.Model != "" {
			r.Model = w.options.Model
		}
		if w.options.LogType != "" {
			r.LogType = w.options.LogType
		}
		if w.hashes != nil {
			r.Conversation, r.Client = w.hashes.of("conversation", r.Conversation), w.hashes.of("client", r.Client)
		}
		if w.options.Labels != nil {
			r.Labels = slices.DeleteFunc(r.Labels, func(l schemas.Label) bool { return !slices.Contains(w.options.Labels, l.Key) })
		}
		if r.RequestID == "" {
			if out.occurrences != nil {
				w.stamp(r, out.occurring(at, r), 0)
			} else {
				w.stamp(r, at, i-from)
			}
		}
		n, err := r.Validate()
		if err != nil {
			out.refuse(err)
			continue
		}
		out.cut += int64(n)
		out.first, out.last = min(out.first, r.ArrivalUS), max(out.last, r.ArrivalUS)
		out.Lines = append(out.Lines, at.line)
		if to != i {
			out.Requests[to], out.Requests[i] = out.Requests[i], out.Requests[to]
		}
		to++
	}
	out.Requests = out.Requests[:to]
}

// stamp gives a request of a log without ids the id and the seq that its place in the log makes: (source, line). They
// are the same however often and under whatever name the log is read, which is what makes reading it again harmless. A
// request beyond the first of one line adds its number.
func (w *worker) stamp(r *schemas.Request, at place, beyond int) {
	w.ids.room(len(at.prefix) + 40)
	start := len(w.ids.chunk)
	id := append(w.ids.chunk, at.prefix...)
	id = strconv.AppendInt(id, at.number, 10)
	if nth := at.nth + beyond; nth > 0 {
		id = strconv.AppendInt(append(id, '.'), int64(nth), 10)
	}
	w.ids.chunk = id
	r.RequestID = w.ids.since(start)
	if r.Seq == 0 {
		r.Seq = at.number
	}
}
