package ingest

import (
	"encoding/binary"
	"iter"
	"strings"

	"github.com/cespare/xxhash/v2"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"tidegauge/schemas"
)

// Log records that are requests: OpenTelemetry's event of a call to a model, what Claude Code says of its calls, and the
// entries of Envoy AI Gateway's access log. Records that name another event are none: those of single messages and choices
// (gen_ai.choice and its like), and what Gemini CLI says in its own words beside OpenTelemetry's event, would count a call
// again.
const (
	inferenceEvent   = "gen_ai.client.inference.operation.details"
	claudeCallEvent  = "claude_code.api_request"
	claudeErrorEvent = "claude_code.api_error"
)

// isLogs says whether a message in JSON is of log records.
func isLogs(text []byte) bool { return hasKeys(text, "resourceLogs") || hasKeys(text, "resource_logs") }

// logRecords gives the records of a message, each with its resource's attributes.
func logRecords(logs plog.Logs) iter.Seq2[plog.LogRecord, pcommon.Map] {
	return func(yield func(plog.LogRecord, pcommon.Map) bool) {
		for _, rl := range logs.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, l := range sl.LogRecords().All() {
					if !yield(l, rl.Resource().Attributes()) {
						return
					}
				}
			}
		}
	}
}

// logs reads a message of log records, however it was encoded.
func (d *otlpDecoder) logs(logs plog.Logs, into *Batch) {
	d.spans = d.spans[:0]
	for l, resource := range logRecords(logs) {
		switch eventName(l) {
		case inferenceEvent:
			d.event(l, resource, into)
		case claudeCallEvent, claudeErrorEvent:
			into.oneOf(l, func(r *schemas.Request) (bool, error) { return true, d.claude(l, resource, r) })
		case "":
			into.oneOf(l, func(r *schemas.Request) (bool, error) { return d.entries.entry(l, resource, r) })
		default:
			into.other++
		}
	}
}

// eventName gives the name of an event; older SDKs have it in an attribute, and Claude Code its full name in the body.
func eventName(l plog.LogRecord) string {
	if name := l.EventName(); name != "" {
		return name
	}
	name := attributes{l.Attributes()}.text("event.name")
	if body := l.Body(); body.Type() == pcommon.ValueTypeStr && strings.HasPrefix(body.Str(), "claude_code.") && strings.HasSuffix(body.Str(), "."+name) {
		return body.Str()
	}
	return name
}

// oneOf adds the request that a log record is, if it is one.
func (b *Batch) oneOf(l plog.LogRecord, fill func(*schemas.Request) (bool, error)) {
	r := b.add()
	is, err := fill(r)
	switch {
	case err != nil:
		b.drop()
		b.refuse(err)
	case !is:
		b.drop()
		b.other++
	case r.RequestID == "" && b.occurrences != nil:
		r.RequestID = b.occurrence(contentOf(l))
	}
}

// contentOf is a hash of what a log record says: the same when it is sent again.
func contentOf(l plog.LogRecord) uint64 {
	h := xxhash.New()
	b := binary.LittleEndian.AppendUint64(nil, uint64(l.Timestamp()))
	b = binary.LittleEndian.AppendUint64(b, uint64(l.ObservedTimestamp()))
	trace, span := l.TraceID(), l.SpanID()
	b = append(append(b, trace[:]...), span[:]...)
	text := func(s string) {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	for name, v := range l.Attributes().All() {
		text(name)
		text(v.AsString())
	}
	text(l.Body().AsString())
	_, _ = h.Write(b)
	return h.Sum64()
}

// loggedAt is when a record was made, 0 where it does not say.
func loggedAt(l plog.LogRecord) int64 {
	if l.Timestamp() != 0 {
		return microseconds(uint64(l.Timestamp()))
	}
	return microseconds(uint64(l.ObservedTimestamp()))
}

// event takes OpenTelemetry's event of a call, which has the attributes of the call's span and is written when the call
// has ended: its arrival is not known, so the end stands for it, and its duration is unknown. To the views it lies below
// its span: whichever comes first counts.
func (d *otlpDecoder) event(l plog.LogRecord, resource pcommon.Map, into *Batch) {
	s := traceSpan{trace: traceID(l.TraceID()), id: spanID(l.SpanID()), kind: ptrace.SpanKindClient, start: loggedAt(l),
		failed: l.SeverityNumber() >= plog.SeverityNumberError, attributes: l.Attributes(), resource: resource}
	if s.id != "" {
		if d.unsampled && l.Flags().IsSampled() {
			into.repeated++
			into.sampled++
			return
		}
		s.id, s.parent = s.id+"/event", s.id
	}
	if s.classify(); s.role != call {
		into.other++
		return
	}
	one := [1]traceSpan{s}
	d.views.choose(one[:])
	if !one[0].counted {
		into.repeated++
		return
	}
	into.oneOf(l, func(r *schemas.Request) (bool, error) {
		if s.start == 0 {
			return true, fieldError("timeUnixNano", "is missing")
		}
		return true, d.request(&s, r)
	})
}

// claude reads a call as Claude Code logs it: when it has ended, with its duration in milliseconds. What it read from and
// wrote to the cache is not among its input tokens. The error is a message, which may quote a prompt.
func (d *otlpDecoder) claude(l plog.LogRecord, resource pcommon.Map, r *schemas.Request) error {
	a := attributes{l.Attributes()}
	end := loggedAt(l)
	if end == 0 {
		return fieldError("timeUnixNano", "is missing")
	}
	r.ArrivalUS = end
	if text := a.number("duration_ms"); text != "" {
		elapsed, err := duration("duration_ms", []byte(text), 3)
		if err != nil {
			return err
		}
		r.ArrivalUS, r.ElapsedUS = end-elapsed, elapsed
	}
	if r.Service = d.services.keep([]byte(attributes{resource}.text("service.name"))); r.Service == "" {
		r.Service = "claude-code"
	}
	if r.Model = d.few.keep([]byte(a.text("model"))); r.Model == "" {
		r.Model = "unknown"
	}
	r.LogType = "api"
	r.RequestID = validText(a.text("request_id"))
	r.Conversation, r.Client = validText(a.text("session.id")), validText(a.text("user.id"))
	var written int64 = schemas.Unknown
	for _, t := range []struct {
		name string
		into *int64
	}{{"input_tokens", &r.RequestTokens}, {"output_tokens", &r.ResponseTokens}, {"cache_read_tokens", &r.CachedTokens}, {"cache_creation_tokens", &written}} {
		if err := a.count(t.into, t.name); err != nil {
			return err
		}
	}
	if r.RequestTokens != schemas.Unknown {
		r.RequestTokens += max(r.CachedTokens, 0) + max(written, 0)
	}
	failed := eventName(l) == claudeErrorEvent
	if status, err := count("status_code", []byte(a.number("status_code"))); err == nil && status > 0 && status <= 599 {
		r.StatusCode = int32(status)
	}
	ended(r, failed)
	return nil
}

// number gives a number or a text as its text, "" where there is none.
func (a attributes) number(name string) string {
	v, ok := a.Get(name)
	if !ok {
		return ""
	}
	switch v.Type() {
	case pcommon.ValueTypeInt, pcommon.ValueTypeDouble, pcommon.ValueTypeStr:
		return v.AsString()
	}
	return ""
}
