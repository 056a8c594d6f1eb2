package ingest

import (
	"strings"
	"testing"
)

func TestEnvoy(t *testing.T) {
	const head = `{"service":"m","model":"m","log_type":"api","arrival_us":1767571201249000,"request_id":"~:1","seq":1,`
	row := func(rest string) string {
		return `{"start_time":"2026-01-05T00:00:01.249Z","genai_model_name":"m","response_code":200,` + rest + `}`
	}
	attribute := func(name, value string) string {
		return `{"key":"` + name + `","value":{"stringValue":"` + value + `"}}`
	}
	testFormats(t, []formatTest{
		{name: "documented fields", text: `{":authority":"api","bytes_received":105,"connection_termination_details":null,"duration":1526,"genai_backend_name":"default/tars","genai_model_name":"gpt-4o-mini","genai_model_name_override":null,` +
			`"genai_tokens_input":15,"genai_tokens_output":7,"genai_tokens_total":22,"response_code":200,"response_flags":"-","start_time":"2026-01-05T00:00:01.249Z","upstream_host":"10.0.0.1:443","x-envoy-origin-path":"/v1/chat/completions","x-request-id":"83b6"}`,
			want: `{"service":"gpt-4o-mini","model":"gpt-4o-mini","log_type":"api","arrival_us":1767571201249000,"request_id":"~:1","seq":1,"outcome":"ok","status_code":200,"request_tokens":15,"response_tokens":7,"elapsed_us":1526000,"host":"10.0.0.1:443","labels":{"route":"default/tars"}}`},
		{name: "OpenTelemetry's names, texts for numbers", text: `{"start_time":"2026-01-05T00:00:01.249Z","gen_ai.request.model":"m","gen_ai.response.model":"m2","gen_ai.usage.input_tokens":"15","gen_ai.usage.output_tokens":"-","response_code":"200","duration":"3","session.id":"c","service.name":"edge"}`,
			want: `{"service":"edge","model":"m","log_type":"api","arrival_us":1767571201249000,"request_id":"~:1","seq":1,"conversation":"c","outcome":"ok","status_code":200,"request_tokens":15,"elapsed_us":3000}`},
		{name: "embedding", text: row(`"x-envoy-origin-path":"/v1/embeddings","genai_tokens_output":0`), want: strings.Replace(head, `"arrival`, `"operation":"embedding","arrival`, 1) + `"outcome":"ok","status_code":200,"response_tokens":0}`},
		{name: "empty", text: row(`"genai_tokens_output":0`), want: head + `"outcome":"empty","status_code":200,"response_tokens":0}`},
		{name: "client gone in the middle", text: row(`"response_flags":"DC"`), want: head + `"outcome":"cancelled","status_code":200}`},
		{name: "client gone before", text: `{"start_time":"2026-01-05T00:00:01.249Z","genai_model_name":"m","response_code":0,"response_flags":"DC"}`, want: head + `"outcome":"cancelled"}`},
		{name: "timeout", text: row(`"response_code":504,"response_flags":"UT"`), want: head + `"outcome":"timeout","status_code":504}`},
		{name: "idle", text: row(`"response_flags":"SI"`), want: head + `"outcome":"timeout","status_code":200}`},
		{name: "rate limited", text: row(`"response_code":429`), want: head + `"outcome":"rate_limited","status_code":429}`},
		{name: "broken off", text: row(`"response_flags":"UC,X"`), want: head + `"outcome":"error","status_code":200,"error_type":"UC"}`},
		{name: "upstream's error", text: row(`"response_code":500,"llm_error_type":"server_error"`), want: head + `"outcome":"error","status_code":500,"error_type":"server_error"}`},
		{name: "OTLP logs", text: `{"resourceLogs":[{"resource":{"attributes":[` + attribute("service.name", "edge") + `]},"scopeLogs":[{"logRecords":[` +
			`{"timeUnixNano":"1767571201249000000","attributes":[` + attribute("gen_ai.request.model", "m") + `,` + attribute("gen_ai.usage.input_tokens", "5") + `,{"key":"response_code","value":{"intValue":"200"}}]},` +
			`{"timeUnixNano":"1767571201249000000","body":{"stringValue":"hello"}},` +
			`{"attributes":[` + attribute("genai_model_name", "m") + `,` + attribute("start_time", "2026-01-05T00:00:02Z") + `]}]}]}]}`,
			want: `{"service":"edge","model":"m","log_type":"api","arrival_us":1767571201249000,"request_id":"~:1","seq":1,"outcome":"ok","status_code":200,"request_tokens":5}
{"service":"edge","model":"m","log_type":"api","arrival_us":1767571202000000,"request_id":"~:1.1","seq":1,"outcome":"ok"}`},

		{name: "no time", text: `{"start_time":null,"genai_model_name":"m","response_code":200}`, err: `log: line 1: start_time: is missing`},
		{name: "time is no time", text: `{"start_time":"1767571201","genai_model_name":"m","response_code":200}`, err: `log: line 1: start_time: "1767571201" is not a time like`},
		{name: "tokens are none", text: row(`"genai_tokens_input":"many"`), err: `log: line 1: genai_tokens_input: "many" is not a number`},
		{name: "duration negative", text: row(`"duration":-1`), err: `log: line 1: duration: "-1" is negative`},
		{name: "status is none", text: row(`"response_code":"OK"`), err: `log: line 1: response_code: "OK" is not a number`},
		{name: "OTLP logs, no time", text: `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[` + attribute("genai_model_name", "m") + `]}]}]}]}`, err: `log: line 1: start_time: is missing`},
		{name: "OTLP logs of another shape", text: `{"resourceLogs":[{"scopeLogs":7}]}`, err: `log: line 1: otlp: `},
	})

	// What names no model, and calls of tools, are no requests.
	out := readText(t, ReaderConfig{Format: "envoy"}, `{"start_time":"2026-01-05T00:00:01Z","genai_model_name":null,"response_code":401}`+"\n"+row(`"mcp_method":"tools/call"`)+"\n"+row(`"mcp_method":null`))
	if out.err != nil || out.stats.Other != 2 || len(out.requests) != 1 {
		t.Errorf("%+v, %v", out.stats, out.err)
	}
}

func FuzzEnvoy(f *testing.F) {
	fuzzFormat(f, "envoy", false, `{"start_time":"2026-01-05T00:00:01.249Z","genai_model_name":"m","genai_tokens_input":"15","genai_tokens_output":7,"response_code":200,"response_flags":"UC,DC","duration":1.5,"upstream_host":"-","mcp_method":null}`,
		`{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1767571201249000000","attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"m"}},{"key":"duration","value":{"doubleValue":1.5}}]}]}]}]}`)
}
