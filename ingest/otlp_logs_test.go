package ingest

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// logMessage is an OTLP message of a service's log records.
func logMessage(service string, records ...string) string {
	return `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"` + service + `"}}]},"scopeLogs":[{"logRecords":[` +
		strings.Join(records, ",") + `]}]}]}`
}

// logOf is a log record: more is what it has beside its attributes, which are written as spanOf's.
func logOf(more string, attributes ...string) string {
	span := spanOf("1", "", 0, 0, 0, attributes...)
	return `{` + more + `,` + span[strings.Index(span, `"attributes"`):]
}

const inference = `"timeUnixNano":"2000000000","eventName":"gen_ai.client.inference.operation.details"`

func TestLogEvents(t *testing.T) {
	const claude = `"timeUnixNano":"2000000000","body":{"stringValue":"claude_code.api_`
	testFormats(t, []formatTest{
		{name: "of a call", text: logMessage("s", logOf(inference+`,"traceId":"00000000000000000000000000000001","spanId":"000000000000000a"`, "gen_ai.operation.name=chat", "gen_ai.request.model=m", "gen_ai.usage.input_tokens=5",
			"gen_ai.usage.output_tokens=6", "gen_ai.response.finish_reasons=[stop]", "gen_ai.input.messages=secret")),
			want: `{"service":"s","model":"m","log_type":"api","arrival_us":2000000,"request_id":"00000000000000000000000000000001/000000000000000a/event","outcome":"ok","finish_reason":"stop","request_tokens":5,"response_tokens":6}`},
		{name: "of a call, by the attribute, of a response, observed", text: logMessage("s", logOf(`"observedTimeUnixNano":"3000000000"`, "event.name=gen_ai.client.inference.operation.details", "gen_ai.operation.name=chat", "gen_ai.request.model=m",
			"gen_ai.response.id=r", "error.type=429")),
			want: `{"service":"s","model":"m","log_type":"api","arrival_us":3000000,"request_id":"r","outcome":"rate_limited","status_code":429,"error_type":"429"}`},
		{name: "Claude Code", text: logMessage("claude-code", logOf(claude+`request"}`, "event.name=api_request", "model=opus", "input_tokens=3", "output_tokens=20", "cache_read_tokens=100", "cache_creation_tokens=10", "duration_ms=1500", "session.id=c", "user.id=u", "request_id=req_1"),
			logOf(claude+`error"}`, "event.name=api_error", "model=opus", "error=secret", "status_code=529", "duration_ms=500", "session.id=c")),
			want: `{"service":"claude-code","model":"opus","log_type":"api","arrival_us":500000,"request_id":"req_1","conversation":"c","client":"u","outcome":"ok","request_tokens":113,"response_tokens":20,"cached_tokens":100,"elapsed_us":1500000}
{"service":"claude-code","model":"opus","log_type":"api","arrival_us":1500000,"request_id":"~:1.1","seq":1,"conversation":"c","outcome":"error","status_code":529,"error_type":"529","elapsed_us":500000}`},
		{name: "Envoy's entries, whatever else is there", text: logMessage("edge", logOf(`"timeUnixNano":"1000000000"`, "gen_ai.request.model=m", "response_code=200"), logOf(`"eventName":"gen_ai.choice"`, "gen_ai.request.model=m"), logOf(`"body":{"stringValue":"hello"}`)),
			want: `{"service":"edge","model":"m","log_type":"api","arrival_us":1000000,"request_id":"~:1","seq":1,"outcome":"ok","status_code":200}`},
		{name: "no time", text: logMessage("s", logOf(`"eventName":"`+inferenceEvent+`"`, "gen_ai.request.model=m")), err: `log: line 1: timeUnixNano: is missing`},
		{name: "Claude Code, no time", text: logMessage("s", logOf(`"body":{"stringValue":"claude_code.api_request"}`, "event.name=api_request")), err: `log: line 1: timeUnixNano: is missing`},
		{name: "of another shape", text: `{"resourceLogs":[{"scopeLogs":7}]}`, err: `log: line 1: otlp: `},
	})
}

// TestEventAndSpan: a call that shows as a span and as a log event is counted once, whichever comes first.
func TestEventAndSpan(t *testing.T) {
	span := message("s", spanOf("a", "", client, 1, 2, "gen_ai.operation.name=chat", "gen_ai.request.model=m"))
	event := func(flags string) string {
		return logMessage("s", logOf(inference+`,"traceId":"00000000000000000000000000000001","spanId":"000000000000000a"`+flags, "gen_ai.operation.name=chat", "gen_ai.request.model=m"))
	}
	for name, text := range map[string]string{"span first": span + "\n" + event(""), "event first": event("") + "\n" + span, "event twice": event("") + "\n" + event("") + "\n" + span} {
		out := readText(t, ReaderConfig{}, text)
		ids := map[string]bool{}
		for _, r := range out.requests {
			ids[r.RequestID] = true
		}
		if out.err != nil || len(ids) != 1 || out.stats.Repeated != 1 {
			t.Errorf("%s: %s%+v, %v", name, jsonOf(out.requests), out.stats, out.err)
		}
	}
	// A receiver leaves events of sampled spans to their spans.
	d := newOTLPDecoder(Options{unsampledEvents: true})
	var b Batch
	b.reset("log")
	for _, flags := range []string{`,"flags":1`, `,"flags":0`} {
		if err := d.decode(record{data: []byte(event(flags))}, &b); err != nil || len(b.faults) > 0 {
			t.Fatal(err, b.faults)
		}
	}
	if len(b.Requests) != 1 || b.sampled != 1 || b.repeated != 1 {
		t.Errorf("%d requests, %d left to their spans", len(b.Requests), b.sampled)
	}
}

// frame is a message after its length.
func frame(message []byte) string {
	return string(append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...))
}

// frames are messages as the collector's file exporter writes them: spans, logs and metrics, plain, compressed and as JSON.
func protoFrames(t testing.TB) (all []string) {
	t.Helper()
	must := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var ju ptrace.JSONUnmarshaler
	traces, err := ju.UnmarshalTraces([]byte(message("s", spanOf("a", "", client, 1, 2, "gen_ai.operation.name=chat", "gen_ai.request.model=m", "gen_ai.usage.input_tokens=5"))))
	if err != nil {
		t.Fatal(err)
	}
	var jl plog.JSONUnmarshaler
	logs, err := jl.UnmarshalLogs([]byte(logMessage("s", logOf(inference, "gen_ai.operation.name=chat", "gen_ai.request.model=m", "gen_ai.response.id=r"))))
	if err != nil {
		t.Fatal(err)
	}
	metrics := pmetric.NewMetrics()
	metrics.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetName("gen_ai.client.token.usage")
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, b := range [][]byte{must(new(ptrace.ProtoMarshaler).MarshalTraces(traces)), must(new(plog.ProtoMarshaler).MarshalLogs(logs)), must(new(pmetric.ProtoMarshaler).MarshalMetrics(metrics)),
		must(new(ptrace.JSONMarshaler).MarshalTraces(traces))} {
		all = append(all, frame(b), frame(z.EncodeAll(b, nil)))
	}
	return all
}

func TestProtoFiles(t *testing.T) {
	frames := protoFrames(t)
	const span = `{"service":"s","model":"m","log_type":"api","arrival_us":1000000,"request_id":"00000000000000000000000000000001/000000000000000a","outcome":"ok","request_tokens":5,"elapsed_us":1000000}` + "\n"
	const event = `{"service":"s","model":"m","log_type":"api","arrival_us":2000000,"request_id":"r","outcome":"ok"}` + "\n"
	out := readText(t, ReaderConfig{}, strings.Join(frames, ""))
	if diff := cmp.Diff(span+span+event+event+span+span, jsonOf(out.requests)); diff != "" || out.err != nil || out.stats.Other != 2 {
		t.Errorf("%v, %+v: %s", out.err, out.stats, diff)
	}
	if diff := cmp.Diff([]int64{1, 2, 3, 4, 7, 8}, out.lines); diff != "" {
		t.Error("numbers of messages", diff)
	}
	// Larger than a block and than a buffer, many times over.
	out = readText(t, ReaderConfig{}, strings.Repeat(frames[0], 2000)+frame([]byte(`{"resourceSpans":[`+strings.Repeat(" ", 3*blockBytes)+`]}`))+frames[2])
	if out.err != nil || len(out.requests) != 2001 || out.stats.Other != 1 {
		t.Errorf("%d requests, %+v, %v", len(out.requests), out.stats, out.err)
	}
	for name, c := range map[string]struct{ text, err string }{
		"cut short":           {frames[0] + frames[0][:20], "log: line 2: row: the file ends inside this message"},
		"a length too large":  {frames[0] + "\x7f\x00\x00\x00abcd", "log: message 2, at byte "},
		"no protobuf":         {frame([]byte("\n\x02\x12\x09abc")), "log: line 1: otlp: "},
		"no zstd":             {frame([]byte("\x28\xb5\x2f\xfdabc")), "log: line 1: zstd: "},
		"of another encoding": {frame([]byte(`{"resourceSpans":7}`)), "log: line 1: otlp: "},
	} {
		if out := readText(t, ReaderConfig{Format: "otlp-proto"}, c.text); !strings.HasPrefix(errText(out.err), c.err) {
			t.Errorf("%s: %v", name, out.err)
		}
	}
	// Under Skip what is damaged costs only itself.
	out = readText(t, ReaderConfig{OnError: Skip}, frames[0]+frame([]byte("\n\x02\x12\x09abc"))+frames[2]+"\x00\x00")
	if out.err != nil || len(out.requests) != 2 || out.stats.Refused != 2 {
		t.Errorf("%s%+v, %v", jsonOf(out.requests), out.stats, out.err)
	}
}

// TestZstdBombInAFile: a message that unpacks to more than a message may have is refused.
func TestZstdBombInAFile(t *testing.T) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := readText(t, ReaderConfig{Format: "otlp-proto"}, frame(z.EncodeAll(make([]byte, 4*maxObject), nil)))
	if !strings.HasPrefix(errText(out.err), "log: line 1: zstd: ") {
		t.Error(out.err)
	}
}

func FuzzOTLPLogs(f *testing.F) {
	fuzzFormat(f, "otlp", false, logMessage("s", logOf(inference, "gen_ai.operation.name=chat", "gen_ai.request.model=m", "gen_ai.response.id=r")),
		logMessage("s", logOf(`"observedTimeUnixNano":"1","body":{"stringValue":"claude_code.api_error"}`, "event.name=api_error", "input_tokens=1", "duration_ms=1", "status_code=x")),
		logMessage("not\xff UTF-8", logOf(`"timeUnixNano":"1"`, "gen_ai.request.model=m")))
}

func FuzzOTLPProto(f *testing.F) {
	fuzzFormat(f, "otlp-proto", false, append(protoFrames(f), strings.Join(protoFrames(f), ""))...)
}
