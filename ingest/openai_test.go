package ingest

import "testing"

func TestOpenAI(t *testing.T) {
	const head = `{"service":"openai","model":"m","log_type":"api","arrival_us":1767571201000000,"request_id":"~:1","seq":1,`
	row := func(rest string) string { return `{"created":1767571201,"request":{"model":"m"},` + rest + `}` }
	testFormats(t, []formatTest{
		{name: "request and response", text: `{"timestamp":"2026-01-05T00:00:01.249330Z","request":{"model":"llama","user":"u","messages":[{"content":"secret","model":"no"}],"max_tokens":64,"temperature":0.25,"seed":null},` +
			`"response":{"id":"x","model":"llama-3.1-8b","created":1767571203,"choices":[{"finish_reason":"length"}],"usage":{"prompt_tokens":7,"completion_tokens":64,"total_tokens":71,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":9}}},` +
			`"status":200,"duration_ms":1500.25,"ttft_ms":80}`,
			want: `{"service":"openai","model":"llama","log_type":"api","arrival_us":1767571201249330,"request_id":"~:1","seq":1,"client":"u","outcome":"ok","status_code":200,"finish_reason":"length","request_tokens":7,"response_tokens":64,"reasoning_tokens":9,"cached_tokens":4,"max_tokens":64,"elapsed_us":1500250,"ttft_us":80000,"temperature":0.25}`},
		{name: "completions as they are, in a list", text: `[{"id":"a","object":"chat.completion","created":1767571201,"model":"m","choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}},
{"created_at":1767571202,"model":"m","status":"incomplete","incomplete_details":{"reason":"content_filter"},"usage":{"input_tokens":3,"output_tokens":4,"output_tokens_details":{"reasoning_tokens":1}}}]`,
			want: head + `"outcome":"ok","finish_reason":"stop","request_tokens":1,"response_tokens":2}
{"service":"openai","model":"m","log_type":"api","arrival_us":1767571202000000,"request_id":"~:2","seq":2,"outcome":"filtered","finish_reason":"content_filter","request_tokens":3,"response_tokens":4,"reasoning_tokens":1}`},
		{name: "batch result", text: `{"id":"b","custom_id":"c","response":{"status_code":200,"body":{"created":1767571201,"model":"m","usage":{"prompt_tokens":1,"completion_tokens":0}}},"error":null}`,
			want: head + `"outcome":"empty","status_code":200,"request_tokens":1,"response_tokens":0}`},
		{name: "embedding", text: row(`"path":"/v1/embeddings","usage":{"prompt_tokens":4,"completion_tokens":0}`),
			want: `{"service":"openai","model":"m","log_type":"api","operation":"embedding","arrival_us":1767571201000000,"request_id":"~:1","seq":1,"outcome":"ok","request_tokens":4,"response_tokens":0}`},
		{name: "no usage", text: row(`"usage":null`), want: head + `"outcome":"ok"}`},
		{name: "rate limited", text: row(`"status":429,"error":{"message":"slow down","type":"rate_limit_exceeded","code":"x"}`), want: head + `"outcome":"rate_limited","status_code":429,"error_type":"rate_limit_exceeded"}`},
		{name: "gateway timeout", text: row(`"status":"504"`), want: head + `"outcome":"timeout","status_code":504}`},
		{name: "client closed", text: row(`"status":499`), want: head + `"outcome":"cancelled","status_code":499}`},
		{name: "bad request", text: row(`"status":400,"error":{"type":"invalid_request_error","code":null}`), want: head + `"outcome":"error","status_code":400,"error_type":"invalid_request_error"}`},
		{name: "unavailable", text: row(`"status":503`), want: head + `"outcome":"error","status_code":503,"error_type":"503"}`},
		{name: "error as a text", text: row(`"error":"boom: the prompt was ..."`), want: head + `"outcome":"error","error_type":"_OTHER"}`},

		{name: "no time", text: `{"request":{"model":"m"},"response":{},"timestamp":1767571201249}`, err: `log: line 1: created: is missing`},
		{name: "milliseconds", text: `{"created":1767571201249,"model":"m","usage":{}}`, err: `log: line 1: arrival_us: 1767571201249000000 is not within`},
		{name: "no model", text: `{"created":1,"usage":{}}`, err: `log: line 1: model: is missing`},
		{name: "tokens with a fraction", text: row(`"usage":{"prompt_tokens":1.5}`), err: `log: line 1: prompt_tokens: "1.5" is not a whole number`},
		{name: "duration negative", text: row(`"duration_ms":-1`), err: `log: line 1: duration_ms: "-1" is negative`},
		{name: "no object", format: "openai", text: `7`, err: `log: line 1: json: an object was expected at byte 1`},
	})
}

func FuzzOpenAI(f *testing.F) {
	fuzzFormat(f, "openai", false, `{"timestamp":"2026-01-05T00:00:01Z","request":"{\"model\":\"m\"}","response":{"created":1,"usage":{"prompt_tokens":1}},"status":"200","error":{"type":"x"},"choices":[{}]}`+"\n"+`[{"created":1,"model":"m","duration_ms":1e1}`)
}
