package ingest

import "testing"

func TestLiteLLM(t *testing.T) {
	const payload = `{"id":"chatcmpl-1","trace_id":"t1","call_type":"acompletion","stream":true,"response_cost":0.01,"status":"success","total_tokens":128,` +
		`"prompt_tokens":100,"completion_tokens":28,"startTime":1767571201.249330,"endTime":1767571203.749830,"completionStartTime":1767571201.500000,` +
		`"model":"gpt-4o","model_id":"d1","model_group":"chat","cache_hit":null,"end_user":"u7","messages":[{"role":"user","content":"hello }{ \" ["}],` +
		`"response":{"choices":[{"finish_reason":"stop","message":{"content":"x"}}]},"error_information":null,` +
		`"metadata":{"user_api_key_team_alias":"blue","user_api_key_user_id":"owner","requester_metadata":{"session_id":"s1"},` +
		`"usage_object":{"prompt_tokens_details":{"cached_tokens":64},"completion_tokens_details":{"reasoning_tokens":8}}},` +
		`"model_parameters":{"max_tokens":256,"temperature":0.5,"top_p":1,"seed":7,"stream":true}}`
	const request = `{"service":"chat","model":"gpt-4o","log_type":"api","arrival_us":1767571201249330,"request_id":"chatcmpl-1","conversation":"s1","client":"u7","outcome":"ok","finish_reason":"stop","request_tokens":100,"response_tokens":28,"reasoning_tokens":8,"cached_tokens":64,"max_tokens":256,"elapsed_us":2500500,"ttft_us":250670,"host":"d1","temperature":0.5,"top_p":1,"seed":7,"labels":{"team":"blue"}}`
	// call is a payload of which only the part that matters is said.
	call := func(rest string) string {
		return `{"id":"c","call_type":"acompletion","model":"m","model_group":"g","startTime":1,"endTime":2,` + rest + `}`
	}
	const head = `{"service":"g","model":"m","log_type":"api","arrival_us":1000000,"request_id":"c",`
	testFormats(t, []formatTest{
		{name: "payload", text: payload, want: request},
		{name: "list of payloads", text: "[" + payload + ", \n" + payload + "]\n", want: request + "\n" + request},
		{name: "spend log", text: `{"request_id":"r1","call_type":"acompletion","api_key":"hashed","spend":0.1,"total_tokens":3,"prompt_tokens":1,"completion_tokens":2,` +
			`"startTime":"2026-01-05T00:00:01.249330Z","endTime":"2026-01-05 00:00:02.249330+00:00","completionStartTime":"2026-01-05T00:00:02.249330Z","model":"gpt-4o",` +
			`"model_id":"","model_group":"openai/*","user":"own","metadata":"{\"status\":\"success\",\"user_api_key_team_alias\":\"blue\"}","cache_hit":"True","team_id":"t9","end_user":"","session_id":"made up for each request"}`,
			want: `{"service":"litellm","model":"gpt-4o","log_type":"api","arrival_us":1767571201249330,"request_id":"r1","client":"own","outcome":"ok","request_tokens":1,"response_tokens":2,"elapsed_us":1000000,"labels":{"cache_hit":"true","team":"blue"}}`},
		{name: "no id", text: `[{"call_type":"acompletion","model":"m","startTime":1},{"call_type":"acompletion","model":"m","startTime":1},
 {"call_type":"acompletion","model":"m","startTime":2}]`,
			want: `{"service":"litellm","model":"m","log_type":"api","arrival_us":1000000,"request_id":"~:1","seq":1,"outcome":"ok"}
{"service":"litellm","model":"m","log_type":"api","arrival_us":1000000,"request_id":"~:1.1","seq":1,"outcome":"ok"}
{"service":"litellm","model":"m","log_type":"api","arrival_us":2000000,"request_id":"~:2","seq":2,"outcome":"ok"}`},
		{name: "the group names the model", text: `{"id":"c","call_type":"aembedding","model":"*","model_group":"e","startTime":1,"prompt_tokens":3,"completion_tokens":0}`,
			want: `{"service":"e","model":"e","log_type":"api","operation":"embedding","arrival_us":1000000,"request_id":"c","outcome":"ok","request_tokens":3,"response_tokens":0}`},
		{name: "nothing was counted", text: call(`"prompt_tokens":0,"completion_tokens":0`), want: head + `"outcome":"ok","elapsed_us":1000000}`},
		{name: "empty", text: call(`"prompt_tokens":5,"completion_tokens":0`), want: head + `"outcome":"empty","request_tokens":5,"response_tokens":0,"elapsed_us":1000000}`},
		{name: "rate limited", text: call(`"status":"failure","prompt_tokens":0,"completion_tokens":0,"error_information":{"error_code":"429","error_class":"RateLimitError","error_message":"long"}`),
			want: head + `"outcome":"rate_limited","status_code":429,"error_type":"RateLimitError","elapsed_us":1000000}`},
		{name: "timeout", text: call(`"status":"failure","error_information":{"error_code":"","error_class":"Timeout"}`),
			want: head + `"outcome":"timeout","error_type":"Timeout","elapsed_us":1000000}`},
		{name: "error", text: call(`"status":"failure","error_information":{"error_code":"500","error_class":"InternalServerError"}`),
			want: head + `"outcome":"error","status_code":500,"error_type":"InternalServerError","elapsed_us":1000000}`},
		{name: "error without a name", text: call(`"status":"failure"`), want: head + `"outcome":"error","error_type":"_OTHER","elapsed_us":1000000}`},
		{name: "refused by policy", text: call(`"status":"failure","error_information":{"error_code":"400","error_class":"ContentPolicyViolationError"}`),
			want: head + `"outcome":"filtered","status_code":400,"error_type":"ContentPolicyViolationError","elapsed_us":1000000}`},
		{name: "guardrail", text: call(`"status":"failure","status_fields":{"guardrail_status":"guardrail_intervened"}`), want: head + `"outcome":"filtered","elapsed_us":1000000}`},
		{name: "cancelled", text: call(`"status":"failure","error_information":{"error_code":"499"}`), want: head + `"outcome":"cancelled","status_code":499,"elapsed_us":1000000}`},
		{name: "content filter", text: call(`"response":{"choices":[{"finish_reason":"content_filter"}]}`), want: head + `"outcome":"filtered","finish_reason":"content_filter","elapsed_us":1000000}`},

		{name: "no time", text: `{"call_type":"acompletion","model_group":"g"}`, err: `log: line 1: startTime: is missing`},
		{name: "time is no time", text: `{"call_type":"acompletion","startTime":"yesterday"}`, err: `log: line 1: startTime: "yesterday" is not a number`},
		{name: "date is no date", text: `{"call_type":"acompletion","startTime":"2026-13-01T00:00:00Z"}`, err: `log: line 1: startTime: "2026-13-01T00:00:00Z" is not a time like`},
		{name: "ends before it starts", text: `{"call_type":"acompletion","model":"m","startTime":2,"endTime":1}`, err: `log: line 1: endTime: is before startTime`},
		{name: "milliseconds", text: call(`"startTime":1767571201249`), err: `log: line 1: endTime: is before startTime`},
		{name: "tokens negative", text: call(`"prompt_tokens":-1`), err: `log: line 1: prompt_tokens: "-1" is negative`},
		{name: "tokens as text", text: call(`"prompt_tokens":"1"`), err: `log: line 1: prompt_tokens: "\"1\"" is not a number`},
		{name: "no model", text: `{"call_type":"acompletion","startTime":2}`, err: `log: line 1: model: is missing`},
		{name: "second of a list", text: "[" + payload + ",\n{\"call_type\":1}]", err: `log: line 2: call_type: "1" is not a text`},
		{name: "list cut short", text: "[" + payload + ",\n" + payload[:200], err: `log: line 2: json: a digit was expected at byte`},
		{name: "metadata is no JSON", text: call(`"metadata":"{x"`), err: `log: line 1: metadata: holds a text that is no JSON`},
	})
}

func FuzzLiteLLM(f *testing.F) {
	fuzzFormat(f, "litellm", false, `[{"id":"a","call_type":"acompletion","model":"m","model_group":"g","startTime":1.5,"endTime":"2026-01-05T00:00:01Z","prompt_tokens":1,"status":"failure","error_information":{"error_code":"429"},`+
		`"metadata":"{\"usage_object\":{\"prompt_tokens_details\":{\"cached_tokens\":1}}}","model_parameters":{"temperature":1e3,"seed":-1},"response":{"choices":[{"finish_reason":"stop"}]}}, {`+"\n{}]")
}
