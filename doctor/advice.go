package doctor

import "strings"

// sources says for each format what to change where the log is made, to have a field. The names are those of the systems
// themselves; examples/ has whole set-ups.
var sources = map[string]map[string]string{
	"litellm": {
		"ttft":         "LiteLLM tells the first token of streamed answers only (completionStartTime): clients have to ask with stream=true",
		"conversation": "clients have to send it: \"metadata\": {\"session_id\": \"…\"} in the request's body. LiteLLM's own session_id and trace_id are made up for each request",
		"client":       "clients have to send \"user\", or have a key with a user_id each",
		"status_code":  "the callback's event_types must have llm_api_failure beside llm_api_success: error_information.error_code is the status",
		"error_type":   "the callback's event_types must have llm_api_failure: error_information.error_class is the type",
		"elapsed":      "endTime is missing: send whole StandardLoggingPayloads (callback_type: generic_api), or rows of LiteLLM_SpendLogs with it",
	},
	"otlp": {
		"model":           "spans of vLLM name no model: --model NAME; others set gen_ai.request.model",
		"ttft":            "vLLM (--otlp-traces-endpoint) sets gen_ai.latency.time_to_first_token; clients' instrumentation gen_ai.response.time_to_first_chunk",
		"conversation":    "set gen_ai.conversation.id (or session.id) on the spans of calls",
		"client":          "set user.id (or enduser.id) on the spans of calls",
		"request_tokens":  "set gen_ai.usage.input_tokens; in streams clients have to ask for it: stream_options {\"include_usage\": true}",
		"response_tokens": "set gen_ai.usage.output_tokens; in streams clients have to ask for it: stream_options {\"include_usage\": true}",
		"status_code":     "set http.response.status_code on failed spans",
		"error_type":      "set error.type on failed spans, and their status to Error",
	},
	"envoy": {
		"ttft":            "an access log does not have it: take the engine's spans (otlp) beside it",
		"elapsed":         "add \"duration\": \"%DURATION%\" to the access log's JSON (spec.telemetry.accessLog of the EnvoyProxy)",
		"request_tokens":  "llmRequestCosts of the AIGatewayRoute needs {metadataKey: llm_input_token, type: InputToken}, the access log \"genai_tokens_input\": \"%DYNAMIC_METADATA(io.envoy.ai_gateway:llm_input_token)%\"",
		"response_tokens": "llmRequestCosts of the AIGatewayRoute needs {metadataKey: llm_output_token, type: OutputToken}, the access log \"genai_tokens_output\": \"%DYNAMIC_METADATA(io.envoy.ai_gateway:llm_output_token)%\"",
		"conversation":    "clients send a header, which the access log has as \"session.id\": \"%REQ(X-SESSION-ID)%\"",
		"status_code":     "add \"response_code\": \"%RESPONSE_CODE%\" to the access log's JSON",
		"error_type":      "add \"response_flags\": \"%RESPONSE_FLAGS%\" and, with emitErrorMetadata in the GatewayConfig, \"llm_error_type\": \"%DYNAMIC_METADATA(io.envoy.ai_gateway:llm_error_type)%\"",
	},
	"sglang": {
		"model":        "the log names no model: --model NAME",
		"ttft":         "start SGLang with --enable-metrics beside --export-metrics-to-file: only then does it time its steps",
		"elapsed":      "start SGLang with --enable-metrics beside --export-metrics-to-file: only then does it time its steps",
		"conversation": "only sessions of SGLang's own (session_params) are named; put a gateway's log (litellm, envoy) in its place, or beside it as another service",
		"client":       "SGLang does not know it; put a gateway's log (litellm, envoy) in its place",
	},
	"openai": {
		"elapsed":      "have the gateway write duration_ms (or latency_ms) beside usage",
		"ttft":         "have the gateway write ttft_ms beside usage",
		"clock":        "\"created\" has whole seconds, and is of when the answer was made: have the gateway write \"timestamp\" with a fraction",
		"conversation": "this shape has none: write canonical lines (docs/formats.md) with \"conversation\"",
		"client":       "clients have to send \"user\"",
		"status_code":  "have the gateway write the status beside the response",
		"error_type":   "have the gateway write the error object (error.type, error.code)",
	},
	"dynamo": {
		"conversation": "clients have to send session headers, which become agent_context.session_id",
		"client":       "Dynamo's trace does not have it; put a gateway's log (litellm, envoy) in its place",
		"ttft":         "the frontend has to run with DYN_REQUEST_TRACE=1, which times each answer; of older releases ttft_ms is missing",
		"status_code":  "Dynamo's trace has no failures but those that ended: take a gateway's log for them",
		"error_type":   "Dynamo's trace has no failures but those that ended: take a gateway's log for them",
	},
	"burstgpt": {
		"elapsed":      "release 2 of BurstGPT has it (BurstGPT_3.csv and later)",
		"conversation": "release 2 of BurstGPT has sessions, of its conversation log only",
	},
	"canonical": {
		"elapsed":         "write \"elapsed_us\", from arrival to the whole answer",
		"ttft":            "write \"ttft_us\", from arrival to the first token",
		"conversation":    "write \"conversation\"",
		"client":          "write \"client\"",
		"request_tokens":  "write \"request_tokens\"",
		"response_tokens": "write \"response_tokens\"",
		"status_code":     "write \"status_code\" of failures",
		"error_type":      "write \"error_type\" of failures",
	},
}

// advise gives what the formats at hand have to say of the fields that cost something.
func advise(d *Diagnosis) (out []Advice) {
	seen := make(map[string]bool)
	for _, s := range d.Sources {
		if seen[s.Format] {
			continue
		}
		seen[s.Format] = true
		add := func(field string) {
			if text, ok := sources[strings.TrimSuffix(s.Format, "-proto")][field]; ok {
				out = append(out, Advice{Format: s.Format, Field: field, Text: text})
			}
		}
		for _, f := range d.Findings {
			switch f.Code {
			case "unknown_model":
				add("model")
			case "coarse_clock":
				add("clock")
			case "only_empty":
				add("status_code")
			}
		}
		for _, f := range d.Fields {
			if f.Costs != "" {
				add(f.Name)
			}
		}
	}
	return out
}
