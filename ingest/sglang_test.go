package ingest

import "testing"

func TestSGLang(t *testing.T) {
	const head = `{"service":"sglang","model":"sglang","log_type":"api","arrival_us":100000000,"request_id":"~:1","seq":1,`
	row := func(rest string) string {
		return `{"request_parameters":"{}","id":"r","request_received_ts":100.0,` + rest + `}`
	}
	testFormats(t, []formatTest{
		{name: "whole", opts: Options{Model: "llama"}, text: `{"request_parameters":"{\"rid\":\"r\",\"text\":\"secret \\\"}\",\"sampling_params\":{\"max_new_tokens\":128,\"temperature\":0.5,\"top_p\":1},\"stream\":true,\"session_params\":{\"id\":\"s1\"},\"lora_path\":\"fr\",\"received_time\":99}",` +
			`"id":"r","finish_reason":{"type":"stop","matched":2},"prompt_tokens":20,"weight_version":"v3","num_retractions":0,"reasoning_tokens":1,"completion_tokens":5,"cached_tokens":16,"cached_tokens_details":{"device":16},"dp_rank":null,` +
			`"e2e_latency":1.25000049,"queue_time":0.05,"request_received_ts":1767571201.24933,"prefill_finished_time":1767571201.34933,"response_sent_to_client_ts":1767571202.5,"brand_new":[{"x":1}]}`,
			want: `{"service":"sglang","model":"llama","log_type":"api","arrival_us":1767571201249330,"request_id":"~:1","seq":1,"conversation":"s1","outcome":"ok","finish_reason":"stop","request_tokens":20,"response_tokens":5,"reasoning_tokens":1,"cached_tokens":16,"max_tokens":128,"elapsed_us":1250000,"ttft_us":100000,"queue_us":50000,"config":"v3","temperature":0.5,"top_p":1,"labels":{"adapter":"fr"}}`},
		{name: "arrival from the end", text: `{"request_parameters":"{}","id":"r","finish_reason":{"type":"length","length":3},"prompt_tokens":1,"completion_tokens":3,"e2e_latency":2.5,"response_sent_to_client_ts":102.5,"weight_version":"default"}`,
			want: head + `"outcome":"ok","finish_reason":"length","request_tokens":1,"response_tokens":3,"elapsed_us":2500000}`},
		{name: "client went away", text: row(`"finish_reason":{"type":"abort","message":"x","status_code":null},"completion_tokens":0`), want: head + `"outcome":"cancelled","finish_reason":"abort","response_tokens":0}`},
		{name: "turned away", text: row(`"finish_reason":{"type":"abort","status_code":503,"err_type":"ServiceUnavailable"}`), want: head + `"outcome":"error","status_code":503,"error_type":"ServiceUnavailable","finish_reason":"abort"}`},
		{name: "bad request", text: row(`"finish_reason":{"type":"abort","status_code":400,"err_type":"BadRequestError"}`), want: head + `"outcome":"error","status_code":400,"error_type":"BadRequestError","finish_reason":"abort"}`},
		{name: "empty", text: row(`"finish_reason":{"type":"stop"},"completion_tokens":0`), want: head + `"outcome":"empty","finish_reason":"stop","response_tokens":0}`},
		{name: "no counts", text: row(`"finish_reason":null`), want: head + `"outcome":"ok"}`},
		{name: "embedding", text: `{"request_parameters":"{\"is_cross_encoder_request\":false}","id":"r","request_received_ts":100,"prompt_tokens":4,"completion_tokens":0}`,
			want: `{"service":"sglang","model":"sglang","log_type":"api","operation":"embedding","arrival_us":100000000,"request_id":"~:1","seq":1,"outcome":"ok","request_tokens":4,"response_tokens":0}`},

		{name: "no time", text: `{"request_parameters":"{}","id":"r","e2e_latency":1}`, err: `log: line 1: request_received_ts: is missing`},
		{name: "parameters are no JSON", text: `{"request_parameters":"{\"a\":","id":"r"}`, err: `log: line 1: request_parameters: holds a text that is no JSON`},
		{name: "latency negative", text: row(`"e2e_latency":-1`), err: `log: line 1: e2e_latency: "-1" is negative`},
		{name: "tokens a list", text: row(`"prompt_tokens":[1]`), err: `log: line 1: prompt_tokens: "[1]" is not a number`},
		{name: "cut short", text: `{"request_parameters":"{}","id":"r` + "\n", err: `log: line 1: json: the line ends inside a text`},
	})
}

func FuzzSGLang(f *testing.F) {
	fuzzFormat(f, "sglang", true, `{"request_parameters":"{\"sampling_params\":{\"max_new_tokens\":1,\"temperature\":0.5},\"is_cross_encoder_request\":true,\"lora_path\":\"x\"}","finish_reason":{"type":"abort","status_code":503},"prompt_tokens":1,"e2e_latency":0.5,"request_received_ts":1,"weight_version":"v"}`,
		`{"request_parameters":"","finish_reason":"stop","response_sent_to_client_ts":5,"e2e_latency":1}`)
}
