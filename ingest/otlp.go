package ingest

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"tidegauge/schemas"
)

// otlp is OpenTelemetry's traces and logs as JSON, what the collector's file exporter writes and OTLP/HTTP carries: messages
// of spans, of which those of calls to a model are requests, or of log records (otlp_logs.go). Beside it, the flat form that
// trace viewers export, whose spans have their attributes as an object. A call may show in several spans: views
// (otlp_views.go) says which one counts.
var otlp = Format{
	Name:        "otlp",
	Description: "OpenTelemetry's spans and log events of calls to models, OTLP JSON",
	recognise: func(head []byte) bool {
		head = inList(head)
		return hasKeys(head, "resourceSpans") || hasKeys(head, "resource_spans") || hasKeys(head, "resourceLogs") || hasKeys(head, "resource_logs") ||
			hasKeys(head, "trace_id", "spans")
	},
	newDecoder: newOTLPDecoder,
	objects:    true,
	ordered:    true, // which of its spans shows a call first
}

type otlpDecoder struct {
	views    *views
	spans    []traceSpan // of the message at hand
	services names
	few      names
	entries  envoyDecoder
	// unsampled has log events count only where their spans are not sampled and so will not come.
	unsampled bool
}

func newOTLPDecoder(o Options) decoder {
	d := &otlpDecoder{views: o.views, unsampled: o.unsampledEvents}
	if d.views == nil {
		d.views = &views{policy: o.Spans}
	}
	return d
}

// traceSpan is what matters of a span, of either form.
type traceSpan struct {
	trace, id, parent string // as texts; parent is "" where there is none
	kind              ptrace.SpanKind
	start, end        int64 // microseconds, 0 where unknown
	failed            bool
	exception         string
	attributes        pcommon.Map
	resource          pcommon.Map
	operation         string // what it does, where it is a call
	role              role
	counted           bool
}

// name says which span it is, for messages.
func (s *traceSpan) name() string {
	if s.id == "" {
		return "a span without an id"
	}
	return "span " + s.id
}

func (d *otlpDecoder) decode(in record, into *Batch) error {
	// pdata's parser takes more for JSON than is, and nests without a bound.
	c := cursor{data: in.data}
	if c.peek() != '{' {
		return c.fail("an object was expected")
	}
	if err := c.skip(); err != nil {
		return err
	}
	if err := c.end(); err != nil {
		return err
	}
	if isLogs(in.data) {
		var u plog.JSONUnmarshaler
		logs, err := u.UnmarshalLogs(in.data)
		if err != nil {
			return otlpError(err)
		}
		d.logs(logs, into)
		return nil
	}
	d.spans = d.spans[:0]
	if hasKeys(in.data, "spans") {
		if err := d.flat(in.data); err != nil {
			return err
		}
		d.message(into)
		return nil
	}
	var u ptrace.JSONUnmarshaler
	traces, err := u.UnmarshalTraces(in.data)
	if err != nil {
		return otlpError(err)
	}
	d.traces(traces, into)
	return nil
}

// traces reads a message of spans, however it was encoded.
func (d *otlpDecoder) traces(traces ptrace.Traces, into *Batch) {
	d.spans = d.spans[:0]
	for _, rs := range traces.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				d.spans = append(d.spans, traceSpan{
					trace: traceID(s.TraceID()), id: spanID(s.SpanID()), parent: spanID(s.ParentSpanID()), kind: s.Kind(),
					start: microseconds(uint64(s.StartTimestamp())), end: microseconds(uint64(s.EndTimestamp())),
					failed: s.Status().Code() == ptrace.StatusCodeError, exception: exceptionOf(s),
					attributes: s.Attributes(), resource: rs.Resource().Attributes(),
				})
			}
		}
	}
	d.message(into)
}

// message turns the spans at hand into requests.
func (d *otlpDecoder) message(into *Batch) {
	for i := range d.spans {
		d.spans[i].classify()
	}
	d.views.choose(d.spans)
	for i := range d.spans {
		s := &d.spans[i]
		switch {
		case s.role != call:
			into.other++
		case !s.counted:
			into.repeated++
		default:
			if err := d.request(s, into.add()); err != nil {
				into.drop()
				into.refuse(ofSpan(err, s))
			}
		}
	}
	clear(d.spans) // prompts are among the attributes
}

// otlpError gives what pdata says of a message that is not OTLP, without the text around the place, which may be a prompt.
func otlpError(err error) error {
	reason, _, _ := strings.Cut(err.Error(), ", error found in")
	return fieldError("otlp", "%s", reason)
}

// ofSpan says in an error which span of a message it is about.
func ofSpan(err error, s *traceSpan) error {
	if field, ok := errors.AsType[*schemas.FieldError](err); ok {
		return fieldError(field.Field, "%s (%s)", field.Reason, s.name())
	}
	return err
}

func traceID(id pcommon.TraceID) string {
	if id.IsEmpty() {
		return ""
	}
	return hex.EncodeToString(id[:])
}

func spanID(id pcommon.SpanID) string {
	if id.IsEmpty() {
		return ""
	}
	return hex.EncodeToString(id[:])
}

// microseconds rounds nanoseconds half to even.
func microseconds(ns uint64) int64 {
	us, rest := ns/1000, ns%1000
	if rest > 500 || (rest == 500 && us&1 == 1) {
		us++
	}
	return int64(us)
}

func exceptionOf(s ptrace.Span) string {
	for _, e := range s.Events().All() {
		if v, ok := e.Attributes().Get("exception.type"); ok && e.Name() == "exception" {
			return v.AsString()
		}
	}
	return ""
}

// flatTrace is a trace as viewers export it.
type flatTrace struct {
	TraceID string `json:"trace_id"`
	Spans   []struct {
		TraceID    string         `json:"trace_id"`
		SpanID     string         `json:"span_id"`
		ParentID   string         `json:"parent_span_id"`
		Kind       string         `json:"kind"`
		Start      string         `json:"start_time"`
		End        string         `json:"end_time"`
		Attributes map[string]any `json:"attributes"`
		Resource   map[string]any `json:"resource_attributes"`
		Status     struct {
			Code int `json:"code"`
		} `json:"status"`
	} `json:"spans"`
}

var spanKinds = map[string]ptrace.SpanKind{
	"SPAN_KIND_INTERNAL": ptrace.SpanKindInternal, "SPAN_KIND_SERVER": ptrace.SpanKindServer, "SPAN_KIND_CLIENT": ptrace.SpanKindClient,
	"SPAN_KIND_PRODUCER": ptrace.SpanKindProducer, "SPAN_KIND_CONSUMER": ptrace.SpanKindConsumer,
}

func (d *otlpDecoder) flat(data []byte) error {
	var t flatTrace
	if err := json.Unmarshal(data, &t); err != nil {
		return fieldError("spans", "%v", err)
	}
	for _, f := range t.Spans {
		s := traceSpan{trace: f.TraceID, id: f.SpanID, parent: f.ParentID, kind: spanKinds[f.Kind], failed: f.Status.Code == int(ptrace.StatusCodeError),
			attributes: pcommon.NewMap(), resource: pcommon.NewMap()}
		if s.trace == "" {
			s.trace = t.TraceID
		}
		for _, time := range []struct {
			field, text string
			into        *int64
		}{{"start_time", f.Start, &s.start}, {"end_time", f.End, &s.end}} {
			if time.text == "" {
				continue
			}
			us, err := clock([]byte(time.text))
			if err != nil {
				return ofSpan(fieldError(time.field, "%s %v", clip([]byte(time.text)), err), &s)
			}
			*time.into = us
		}
		if s.attributes.FromRaw(f.Attributes) != nil || s.resource.FromRaw(f.Resource) != nil {
			return ofSpan(fieldError("attributes", "hold a value that no attribute can have"), &s)
		}
		d.spans = append(d.spans, s)
	}
	return nil
}

// request fills the request that a span shows.
func (d *otlpDecoder) request(s *traceSpan, r *schemas.Request) error {
	a := attributes{s.attributes}
	resource := attributes{s.resource}
	if s.start == 0 {
		return fieldError("startTimeUnixNano", "is missing")
	}
	if s.end != 0 && s.end < s.start {
		return fieldError("endTimeUnixNano", "is before startTimeUnixNano")
	}
	r.ArrivalUS = s.start
	if s.end != 0 {
		r.ElapsedUS = s.end - s.start
	}
	if r.Service = d.services.keep([]byte(resource.text("service.name"))); r.Service == "" {
		r.Service = "otlp"
	}
	if r.Model = d.few.keep([]byte(a.text(modelNames...))); r.Model == "" {
		r.Model = "unknown"
	}
	r.LogType = "api"
	r.Operation = d.few.keep([]byte(s.operation))
	if r.RequestID = validText(a.text(callIDNames...)); r.RequestID == "" && s.id != "" {
		r.RequestID = validText(s.trace + "/" + s.id)
	}
	r.Conversation = validText(a.text(conversationNames...))
	r.Client = validText(a.text("user.id", "enduser.id"))
	for _, t := range []struct {
		into  *int64
		names []string
	}{
		{&r.RequestTokens, requestTokenNames}, {&r.ResponseTokens, responseTokenNames}, {&r.CachedTokens, cachedTokenNames},
		{&r.ReasoningTokens, reasoningTokenNames}, {&r.MaxTokens, maxTokenNames},
	} {
		if err := a.count(t.into, t.names...); err != nil {
			return err
		}
	}
	if err := a.seconds(&r.TTFTUS, ttftNames...); err != nil {
		return err
	}
	if err := a.seconds(&r.QueueUS, "gen_ai.latency.time_in_queue"); err != nil {
		return err
	}
	a.real(&r.Temperature, "gen_ai.request.temperature")
	a.real(&r.TopP, "gen_ai.request.top_p")
	if v, ok := a.first("gen_ai.request.seed", "gen_ai.openai.request.seed"); ok && v.Type() == pcommon.ValueTypeInt {
		r.Seed, r.HasSeed = v.Int(), true
	}
	r.Host = d.few.keep([]byte(resource.text("host.name", "k8s.pod.name", "service.instance.id")))
	r.Config = d.few.keep([]byte(resource.text("service.version")))
	for _, l := range labelNames {
		value := a.text(l.names...)
		if value == "" {
			value = resource.text(l.names...)
		}
		if value != "" && len(value) <= schemas.MaxLabelValue {
			r.Labels = append(r.Labels, schemas.Label{Key: l.key, Value: d.few.keep([]byte(value))})
		}
	}
	if v, ok := a.first("http.response.status_code", "http.status_code"); ok && v.Type() == pcommon.ValueTypeInt && v.Int() > 0 && v.Int() <= 599 {
		r.StatusCode = int32(v.Int())
	}
	r.ErrorType = d.few.keep([]byte(a.text("error.type")))
	failed := s.failed || r.ErrorType != ""
	if failed && r.ErrorType == "" {
		r.ErrorType = d.few.keep([]byte(s.exception))
	}
	r.FinishReason = d.few.keep([]byte(a.finishReason()))
	ended(r, failed)
	return nil
}

// attributes reads attributes by the names that they have had: the first that is there.
type attributes struct{ pcommon.Map }

func (a attributes) first(names ...string) (pcommon.Value, bool) {
	for _, n := range names {
		if v, ok := a.Get(n); ok && v.Type() != pcommon.ValueTypeEmpty {
			return v, true
		}
	}
	return pcommon.Value{}, false
}

// text gives a text, or a number or a truth as one; "" where there is none.
func (a attributes) text(names ...string) string {
	v, ok := a.first(names...)
	if !ok {
		return ""
	}
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return v.Str()
	case pcommon.ValueTypeInt, pcommon.ValueTypeBool:
		return v.AsString()
	}
	return ""
}

// count reads a number of tokens, which some write as a real number or a text. What is not there stays unknown.
func (a attributes) count(into *int64, names ...string) (err error) {
	for _, n := range names {
		v, ok := a.Get(n)
		if !ok || v.Type() == pcommon.ValueTypeEmpty {
			continue
		}
		switch v.Type() {
		case pcommon.ValueTypeInt, pcommon.ValueTypeDouble, pcommon.ValueTypeStr:
			*into, err = count(n, []byte(v.AsString()))
		default:
			err = fieldError(n, "is not a number")
		}
		return err
	}
	return nil
}

// seconds reads a time span in seconds.
func (a attributes) seconds(into *int64, names ...string) error {
	for _, n := range names {
		v, ok := a.Get(n)
		if !ok {
			continue
		}
		var s float64
		switch v.Type() {
		case pcommon.ValueTypeDouble:
			s = v.Double()
		case pcommon.ValueTypeInt:
			s = float64(v.Int())
		default:
			continue
		}
		if math.IsNaN(s) || s < 0 {
			return fieldError(n, "%v is negative or no number", s)
		}
		*into = int64(math.RoundToEven(min(s*1e6, 1e15)))
		return nil
	}
	return nil
}

func (a attributes) real(into *float64, name string) {
	v, ok := a.Get(name)
	if !ok {
		return
	}
	switch v.Type() {
	case pcommon.ValueTypeDouble:
		if !math.IsInf(v.Double(), 0) {
			*into = v.Double()
		}
	case pcommon.ValueTypeInt:
		*into = float64(v.Int())
	}
}

// finishReason gives the reason of the first choice; newer names hold a list.
func (a attributes) finishReason() string {
	v, ok := a.first("gen_ai.response.finish_reasons", "gen_ai.response.finish_reason", "llm.response.finish_reason")
	if !ok {
		return ""
	}
	if v.Type() == pcommon.ValueTypeSlice {
		if v.Slice().Len() == 0 {
			return ""
		}
		return v.Slice().At(0).AsString()
	}
	return v.AsString()
}
