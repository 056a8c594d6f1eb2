package ingest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
)

// message is an OTLP message of a service's spans.
func message(service string, spans ...string) string {
	return `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"` + service + `"}}]},"scopeSpans":[{"spans":[` +
		strings.Join(spans, ",") + `]}]}]}`
}

// spanOf is a span of trace 1 with an id and a parent of one digit ("" for none) and times in seconds. Attributes are
// written name=value: values of digits are numbers, [a b] is a list.
func spanOf(id, parent string, kind int, start, end float64, attributes ...string) string {
	b := fmt.Sprintf(`{"traceId":"%032d","spanId":"%016s","kind":%d,"startTimeUnixNano":"%.0f","endTimeUnixNano":"%.0f"`, 1, id, kind, start*1e9, end*1e9)
	b = strings.ReplaceAll(b, " ", "0")
	if parent != "" {
		b += strings.ReplaceAll(fmt.Sprintf(`,"parentSpanId":"%16s"`, parent), " ", "0")
	}
	var list []string
	for _, a := range attributes {
		name, value, _ := strings.Cut(a, "=")
		switch {
		case name == "status":
			b += `,"status":{"code":` + value + `}`
			continue
		case strings.HasPrefix(value, "["):
			value = `{"arrayValue":{"values":[{"stringValue":"` + strings.ReplaceAll(strings.Trim(value, "[]"), " ", `"},{"stringValue":"`) + `"}]}}`
		case strings.Trim(value, "-0123456789") == "":
			value = `{"intValue":"` + value + `"}`
		case strings.Trim(value, "-0123456789.") == "":
			value = `{"doubleValue":` + value + `}`
		default:
			value = `{"stringValue":"` + value + `"}`
		}
		list = append(list, `{"key":"`+name+`","value":`+value+`}`)
	}
	return b + `,"attributes":[` + strings.Join(list, ",") + `]}`
}

// The kinds of spans, as numbers.
const (
	internal = 1
	server   = 2
	client   = 3
)

func TestOTLP(t *testing.T) {
	// call is a span of which only the part that matters is said.
	call := func(attributes ...string) string {
		return message("s", spanOf("a", "", client, 1, 2, append([]string{"gen_ai.operation.name=chat", "gen_ai.request.model=m"}, attributes...)...))
	}
	const head = `{"service":"s","model":"m","log_type":"api","arrival_us":1000000,"request_id":"00000000000000000000000000000001/000000000000000a",`
	testFormats(t, []formatTest{
		{name: "new names", text: `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"chat"}},{"key":"host.name","value":{"stringValue":"h1"}},{"key":"service.version","value":{"stringValue":"v2"}},` +
			`{"key":"cloud.region","value":{"stringValue":"eu"}}]},"scopeSpans":[{"spans":[` +
			spanOf("a", "", client, 1767571201.5, 1767571204, "gen_ai.operation.name=chat", "gen_ai.provider.name=openai", "gen_ai.request.model=gpt", "gen_ai.response.model=gpt-2", "gen_ai.response.id=resp-1",
				"gen_ai.usage.input_tokens=100", "gen_ai.usage.output_tokens=20", "gen_ai.usage.cache_read.input_tokens=64", "gen_ai.usage.reasoning.output_tokens=5", "gen_ai.response.finish_reasons=[stop length]",
				"gen_ai.conversation.id=c1", "gen_ai.request.max_tokens=256", "gen_ai.request.temperature=0.5", "gen_ai.request.top_p=1", "gen_ai.request.seed=-3", "gen_ai.response.time_to_first_chunk=0.25", "user.id=u1",
				"gen_ai.input.messages=secret", "new.attribute=1") + `]}]}]}`,
			want: `{"service":"chat","model":"gpt","log_type":"api","arrival_us":1767571201500000,"request_id":"resp-1","conversation":"c1","client":"u1","outcome":"ok","finish_reason":"stop","request_tokens":100,"response_tokens":20,"reasoning_tokens":5,"cached_tokens":64,"max_tokens":256,"elapsed_us":2500000,"ttft_us":250000,"config":"v2","host":"h1","temperature":0.5,"top_p":1,"seed":-3,"labels":{"provider":"openai","region":"eu"}}`},
		{name: "vLLM", text: message("vllm", spanOf("a", "", server, 1, 3, "gen_ai.latency.time_to_first_token=0.1", "gen_ai.latency.e2e=2.0", "gen_ai.latency.time_in_queue=0.05", "gen_ai.usage.prompt_tokens=7", "gen_ai.usage.completion_tokens=9",
			"gen_ai.request.id=cmpl-1", "gen_ai.request.max_tokens=16")),
			want: `{"service":"vllm","model":"unknown","log_type":"api","arrival_us":1000000,"request_id":"cmpl-1","outcome":"ok","request_tokens":7,"response_tokens":9,"max_tokens":16,"elapsed_us":2000000,"ttft_us":100000,"queue_us":50000}`},
		{name: "OpenInference", text: message("s", spanOf("a", "", internal, 1, 2, "openinference.span.kind=LLM", "llm.model_name=m", "llm.token_count.prompt=7", "llm.token_count.completion=2.0", "llm.token_count.prompt_details.cache_read=4", "llm.token_count.completion_details.reasoning=1", "session.id=c")),
			want: head + `"conversation":"c","outcome":"ok","request_tokens":7,"response_tokens":2,"reasoning_tokens":1,"cached_tokens":4,"elapsed_us":1000000}`},
		{name: "OpenLLMetry", text: message("s", spanOf("a", "", client, 1, 2, "llm.request.type=chat", "gen_ai.request.model=m", "llm.usage.prompt_tokens=7", "gen_ai.usage.completion_tokens=3")),
			want: head + `"outcome":"ok","request_tokens":7,"response_tokens":3,"elapsed_us":1000000}`},
		{name: "the new name wins", text: call("gen_ai.usage.prompt_tokens=1", "gen_ai.usage.input_tokens=2"), want: head + `"outcome":"ok","request_tokens":2,"elapsed_us":1000000}`},
		{name: "a count that is missing is unknown, 0 is none", text: call("gen_ai.usage.output_tokens=0"), want: head + `"outcome":"empty","response_tokens":0,"elapsed_us":1000000}`},
		{name: "embedding", text: message("s", spanOf("a", "", client, 1, 2, "gen_ai.operation.name=embeddings", "gen_ai.request.model=m", "gen_ai.usage.input_tokens=3", "gen_ai.usage.output_tokens=0")),
			want: strings.Replace(head, `"arrival`, `"operation":"embedding","arrival`, 1) + `"outcome":"ok","request_tokens":3,"response_tokens":0,"elapsed_us":1000000}`},
		{name: "snake case, no end", text: `{"resource_spans":[{"scope_spans":[{"spans":[{"trace_id":"00000000000000000000000000000001","span_id":"000000000000000a","start_time_unix_nano":1000000500,"attributes":[{"key":"gen_ai.request.model","value":{"string_value":"m"}}]}]}]}]}`,
			want: strings.Replace(head, `"s"`, `"otlp"`, 1) + `"outcome":"ok"}`},
		{name: "no ids at all", text: `{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"1000000000","attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"m"}}]},` + "\n" + `{"startTimeUnixNano":"1000000000","attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"m"}}]}]}]}]}`,
			want: `{"service":"otlp","model":"m","log_type":"api","arrival_us":1000000,"request_id":"~:1","seq":1,"outcome":"ok"}
{"service":"otlp","model":"m","log_type":"api","arrival_us":1000000,"request_id":"~:1.1","seq":1,"outcome":"ok"}`},

		{name: "rate limited", text: call("error.type=429", "status=2"), want: head + `"outcome":"rate_limited","status_code":429,"error_type":"429","elapsed_us":1000000}`},
		{name: "timeout by name", text: call("error.type=openai.APITimeoutError"), want: head + `"outcome":"timeout","error_type":"openai.APITimeoutError","elapsed_us":1000000}`},
		{name: "timeout by status", text: call("error.type=x", "http.response.status_code=504"), want: head + `"outcome":"timeout","status_code":504,"error_type":"x","elapsed_us":1000000}`},
		{name: "cancelled", text: call("error.type=asyncio.CancelledError"), want: head + `"outcome":"cancelled","error_type":"asyncio.CancelledError","elapsed_us":1000000}`},
		{name: "error without a name", text: call("status=2"), want: head + `"outcome":"error","error_type":"_OTHER","elapsed_us":1000000}`},
		{name: "error by its exception", text: strings.Replace(call("status=2"), `"attributes":[{"key":"gen`, `"events":[{"name":"exception","attributes":[{"key":"exception.type","value":{"stringValue":"ValueError"}}]}],"attributes":[{"key":"gen`, 1),
			want: head + `"outcome":"error","error_type":"ValueError","elapsed_us":1000000}`},
		{name: "content filter", text: call("gen_ai.response.finish_reasons=[content_filter]"), want: head + `"outcome":"filtered","finish_reason":"content_filter","elapsed_us":1000000}`},

		{name: "no start", text: `{"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":"000000000000000a","attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"m"}}]}]}]}]}`,
			err: `log: line 1: startTimeUnixNano: is missing (span 000000000000000a)`},
		{name: "ends before it starts", text: message("s", spanOf("a", "", client, 2, 1, "gen_ai.request.model=m")), err: `log: line 1: endTimeUnixNano: is before startTimeUnixNano (span 000000000000000a)`},
		{name: "tokens negative", text: call("gen_ai.usage.prompt_tokens=-1"), err: `log: line 1: gen_ai.usage.prompt_tokens: "-1" is negative (span 000000000000000a)`},
		{name: "tokens as a list", text: call("gen_ai.usage.input_tokens=[1 2]"), err: `log: line 1: gen_ai.usage.input_tokens: is not a number (span`},
		{name: "latency negative", text: call("gen_ai.latency.time_in_queue=-0.5"), err: `log: line 1: gen_ai.latency.time_in_queue: -0.5 is negative or no number (span`},
		{name: "id of the wrong length", text: strings.Replace(call(), `000000000000000a`, `0a`, 1), err: `log: line 1: otlp: `},
		{name: "no JSON", format: "otlp", text: `{"resourceSpans":[}`, err: `log: line 1: json: a number was expected at byte 19`},
		{name: "deep", format: "otlp", text: `{"resourceSpans":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`, err: `log: line 1: json: nested too deeply`},
		{name: "flat, no time", text: `{"trace_id":"t","spans":[{"span_id":"x","start_time":"noon","attributes":{}}]}`, err: `log: line 1: start_time: "noon" is not a time like`},
		{name: "flat, of another shape", text: `{"trace_id":"t","spans":[7]}`, err: `log: line 1: spans: json: cannot unmarshal number`},
	})
}

// TestBadSpan: under Skip a span that cannot be read costs only itself.
func TestBadSpan(t *testing.T) {
	out := readText(t, ReaderConfig{OnError: Skip}, message("s", spanOf("a", "", client, 1, 2, "gen_ai.request.model=m"), spanOf("b", "", client, 2, 1, "gen_ai.request.model=m"),
		spanOf("c", "", client, 3, 4, "gen_ai.request.model=m"), spanOf("d", "", client, 5e9, 5e9, "gen_ai.request.model=m")))
	if out.err != nil || len(out.requests) != 2 || out.requests[1].ArrivalUS != 3*schemas.SecondUS || out.stats.Refused != 2 {
		t.Errorf("%s%+v, %v", jsonOf(out.requests), out.stats, out.err)
	}
}

// TestPromptsStayOut: what cannot be read is said without the text around it.
func TestPromptsStayOut(t *testing.T) {
	for name, text := range map[string]string{
		"otlp":    `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"gen_ai.input.messages","value":{"stringValue":"secret"}}],"name":7}]}]}]}`,
		"envoy":   `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"secret"},"severityText":7}]}]}]}`,
		"litellm": `{"messages":"secret","call_type":7,"response":"secret"}`,
		"openai":  `{"request":{"messages":"secret","model":7,"prompt":"secret"}}`,
		"sglang":  `{"request_parameters":"{\"text\":\"secret\",\"received_time\":true,\"x\":\"secret\"}"}`,
	} {
		out := readText(t, ReaderConfig{Format: name}, text)
		if out.err == nil || strings.Contains(out.err.Error(), "secret") {
			t.Errorf("%s: %v", name, out.err)
		}
	}
}

// TestViews: which span of a call is counted. A span is its id, its parent's, what it is, its kind, and when; what is counted
// is told by the spans' ids.
func TestViews(t *testing.T) {
	chat := []string{"gen_ai.operation.name=chat", "gen_ai.request.model=m"}
	with := func(attributes ...string) []string { return append(attributes, chat...) }
	agent := []string{"gen_ai.operation.name=invoke_agent", "gen_ai.request.model=m"}
	tool := []string{"gen_ai.operation.name=execute_tool"}
	http := []string{"http.request.method=POST"}
	// An agent's call, through the client's HTTP span, a gateway and its HTTP span, to the engine.
	stack := []string{
		spanOf("1", "", internal, 0.5, 9.5, agent...),
		spanOf("2", "1", internal, 1, 9, chat...),
		spanOf("3", "2", client, 1.1, 8.9, http...),
		spanOf("4", "3", server, 1.2, 8.8, chat...),
		spanOf("5", "4", client, 1.3, 8.7, http...),
		spanOf("6", "5", server, 1.4, 8.6, "gen_ai.usage.prompt_tokens=1"),
	}
	one := func(spans ...string) []string { return []string{message("s", spans...)} }
	apart := func(spans []string, order ...int) (messages []string) {
		for _, i := range order {
			messages = append(messages, message("s", spans[i]))
		}
		return messages
	}
	for _, test := range []struct {
		name            string
		policy          SpanPolicy
		messages        []string
		want            string // the ids of what is counted
		repeated, other int64
	}{
		{name: "innermost in a message", messages: one(stack...), want: "6", repeated: 2, other: 3},
		{name: "innermost across messages, as spans end", messages: apart(stack, 5, 4, 3, 2, 1, 0), want: "6", repeated: 2, other: 3},
		{name: "across messages, the caller's first", messages: apart(stack, 0, 1, 2, 3, 4, 5), want: "2", repeated: 2, other: 3},
		{name: "across messages, the gateway's first", messages: apart(stack, 4, 3, 5, 2, 1, 0), want: "4", repeated: 2, other: 3},
		{name: "what is between them came last", messages: apart(stack, 5, 3, 4), want: "6 4", other: 1},
		{name: "server", policy: SpansServer, messages: one(stack...), want: "6", repeated: 2, other: 3},
		{name: "client", policy: SpansClient, messages: one(stack...), want: "2", repeated: 2, other: 3},
		{name: "client, the engine's first", policy: SpansClient, messages: apart(stack, 5, 4, 3, 2, 1, 0), want: "2", repeated: 2, other: 3},
		{name: "all", policy: SpansAll, messages: one(stack...), want: "2 4 6", other: 3},
		{name: "retries of a gateway are requests of the engine", messages: one(spanOf("1", "", server, 1, 9, chat...), spanOf("2", "1", client, 2, 3, chat...), spanOf("3", "1", client, 4, 5, chat...)), want: "2 3", repeated: 1},
		{name: "an agent's calls are many", messages: one(spanOf("1", "", internal, 1, 9, agent...), spanOf("2", "1", client, 2, 3, chat...), spanOf("3", "1", client, 4, 5, chat...)), want: "2 3", other: 1},
		{name: "what a tool calls is a call of its own", messages: one(spanOf("1", "", client, 1, 9, chat...), spanOf("2", "1", internal, 2, 8, tool...), spanOf("3", "2", client, 3, 7, chat...)), want: "1 3", other: 1},
		{name: "the same, as spans end", messages: apart([]string{spanOf("1", "", client, 1, 9, chat...), spanOf("2", "1", internal, 2, 8, tool...), spanOf("3", "2", client, 3, 7, chat...)}, 2, 1, 0), want: "3 1", other: 1},
		{name: "the same, the tool's first", messages: apart([]string{spanOf("1", "", client, 1, 9, chat...), spanOf("2", "1", internal, 2, 8, tool...), spanOf("3", "2", client, 3, 7, chat...)}, 1, 2, 0), want: "3 1", other: 1},
		{name: "twins of one response", messages: one(spanOf("1", "", internal, 1, 9, with("gen_ai.response.id=r")...), spanOf("2", "", client, 2, 8, with("gen_ai.response.id=r")...)), want: "2", repeated: 1},
		{name: "twins in two messages", messages: append(one(spanOf("1", "", client, 1, 9, with("gen_ai.response.id=r")...)), one(spanOf("2", "", server, 2, 8, with("gen_ai.request.id=r")...))...), want: "1", repeated: 1},
		{name: "a twin's parent", messages: one(spanOf("1", "", client, 0.5, 9, chat...), spanOf("2", "1", client, 1, 9, with("gen_ai.response.id=r")...), spanOf("3", "", server, 2, 8, with("gen_ai.response.id=r")...)), want: "2", repeated: 2},
		{name: "a server that names all responses alike", messages: one(spanOf("1", "", client, 1, 2, with("gen_ai.response.id=r")...), spanOf("2", "", client, 3, 4, with("gen_ai.response.id=r")...)), want: "1 2"},
		{name: "requests side by side", messages: one(spanOf("1", "", client, 1, 2, chat...), spanOf("2", "", client, 1, 2, chat...)), want: "1 2"},
		{name: "a message that comes twice", messages: append(one(stack...), one(stack...)...), want: "6 6", repeated: 4, other: 6},
		{name: "parents in a ring", messages: one(spanOf("1", "2", client, 1, 2, chat...), spanOf("2", "1", client, 1, 2, chat...)), want: "1", repeated: 1},
		{name: "its own parent", messages: one(spanOf("1", "1", client, 1, 2, chat...)), want: "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := &otlpDecoder{views: &views{policy: test.policy}}
			var b Batch
			b.reset("log")
			var got []string
			for _, m := range test.messages {
				b.Requests = b.Requests[:0]
				if err := d.decode(record{data: []byte(m)}, &b); err != nil || len(b.faults) > 0 {
					t.Fatal(err, b.faults)
				}
				for i := range b.Requests {
					// What names the response tells its span by its start.
					got = append(got, idOfStart(t, m, b.Requests[i].ArrivalUS, b.Requests[i].RequestID))
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" || b.repeated != test.repeated || b.other != test.other {
				t.Errorf("%d repeated, %d others; %s", b.repeated, b.other, diff)
			}
		})
	}
}

// idOfStart gives the id's digit of the span that a request is from: by its own id, else by the start.
func idOfStart(t *testing.T, message string, startUS int64, id string) string {
	t.Helper()
	if strings.Contains(id, "/") {
		return id[len(id)-1:]
	}
	before, _, ok := strings.Cut(message, fmt.Sprintf(`"startTimeUnixNano":"%d"`, startUS*1000))
	if !ok {
		t.Fatalf("no span starts at %d", startUS)
	}
	return before[strings.LastIndex(before, `","kind"`)-1:][:1]
}

// TestViewsForget: what is remembered of spans is bounded.
func TestViewsForget(t *testing.T) {
	var v views
	for i := range 3 * maxSpans {
		v.span(spanKey{1, uint64(i + 1)}).counted = true
	}
	if n := len(v.young.spans) + len(v.old.spans); n > 2*maxSpans || n < maxSpans {
		t.Errorf("%d are remembered", n)
	}
	if !v.span(spanKey{1, 3 * maxSpans}).counted || v.span(spanKey{1, 1}).counted {
		t.Error("the wrong ones are remembered")
	}
}

func TestRealSpans(t *testing.T) {
	dir := testData(t)
	for file, want := range map[string]struct {
		requests int
		first    string
	}{
		"simple_chain.json":                {3, `{"service":"test-service","model":"gpt-4","log_type":"api","arrival_us":1772013600000000,"request_id":"paris_conversation_chain/capital_question","outcome":"ok","max_tokens":500,"elapsed_us":2500000,"temperature":0.7,"labels":{"provider":"openai"}}`},
		"parallel_requests.json":           {5, `{"service":"test-service","model":"gpt-4","log_type":"api","arrival_us":1772013600000000,"request_id":"test_trace_002/span_001","outcome":"ok","max_tokens":500,"elapsed_us":2000000,"temperature":0.7,"labels":{"provider":"openai"}}`},
		"customer_support_escalation.json": {9, `{"service":"coordinator-agent","model":"gpt-4","log_type":"api","arrival_us":1773734400000000,"request_id":"test_trace_006/span_001_initial_complaint","outcome":"ok","max_tokens":500,"elapsed_us":2000000,"temperature":0.7,"labels":{"provider":"openai"}}`},
	} {
		out := readFiles(t, ReaderConfig{}, filepath.Join(dir, "otel", file))
		if out.err != nil || len(out.requests) != want.requests || out.stats.Other+out.stats.Repeated != 0 {
			t.Fatalf("%s: %d requests, %+v, %v", file, len(out.requests), out.stats, out.err)
		}
		if diff := cmp.Diff(want.first+"\n", jsonOf(out.requests[:1])); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func FuzzOTLP(f *testing.F) {
	fuzzFormat(f, "otlp", false, message("s", spanOf("1", "2", client, 1, 2, "gen_ai.operation.name=chat", "gen_ai.request.model=m", "gen_ai.usage.input_tokens=5", "gen_ai.response.finish_reasons=[stop]", "gen_ai.request.temperature=0.5", "gen_ai.response.id=r"),
		spanOf("2", "", server, 1, 2, "gen_ai.latency.e2e=1.5", "error.type=429", "status=2")), `{"trace_id":"t","spans":[{"span_id":"a","parent_span_id":"b","kind":"SPAN_KIND_CLIENT","start_time":"2026-02-25T10:00:00.5","attributes":{"gen_ai.request.model":"m","gen_ai.usage.prompt_tokens":1.0,"x":[1,{"y":null}]}}]}`)
}
