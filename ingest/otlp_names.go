package ingest

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// The attributes that a request is read from, each by the names that it has had or has elsewhere, the newest first. The
// gen_ai names are OpenTelemetry's; gen_ai.usage.prompt_tokens and completion_tokens are deprecated there and still sent by
// vLLM, whose own gen_ai.latency and gen_ai.request.id are in no convention. llm.token_count and openinference are
// OpenInference's, llm.usage, llm.request and traceloop OpenLLMetry's.
var (
	modelNames = []string{"gen_ai.request.model", "llm.request.model", "llm.model_name", "embedding.model_name", "reranker.model_name",
		"gen_ai.response.model", "llm.response.model"}
	callIDNames       = []string{"gen_ai.response.id", "gen_ai.request.id"}
	conversationNames = []string{"gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id"}

	requestTokenNames  = []string{"gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens"}
	responseTokenNames = []string{"gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion", "llm.usage.completion_tokens"}
	cachedTokenNames   = []string{"gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.cached_tokens",
		"llm.token_count.prompt_details.cache_read"}
	reasoningTokenNames = []string{"gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "llm.token_count.completion_details.reasoning",
		"llm.usage.reasoning_tokens"}
	maxTokenNames = []string{"gen_ai.request.max_tokens", "llm.request.max_tokens"}

	// All of them seconds.
	ttftNames = []string{"gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token", "gen_ai.latency.time_to_first_token"}
)

// labelNames are the labels of a request, from its span or its resource.
var labelNames = []struct {
	key   string
	names []string
}{
	{"agent", []string{"gen_ai.agent.name"}},
	{"environment", []string{"deployment.environment.name", "deployment.environment"}},
	{"namespace", []string{"service.namespace", "k8s.namespace.name"}},
	{"provider", []string{"gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"}},
	{"region", []string{"cloud.region"}},
}

// role is what a span is to the requests.
type role uint8

const (
	// passing is a span that neither calls a model nor decides to: HTTP, a framework's chain.
	passing role = iota
	// call is a span of a call to a model.
	call
	// deciding is a span of an agent, a tool, a workflow: what it calls are calls of its own.
	deciding
)

// classify says what the span is, by the operation that it names, else by what it measures.
func (s *traceSpan) classify() {
	a := attributes{s.attributes}
	name := a.text("gen_ai.operation.name", "openinference.span.kind", "llm.request.type", "traceloop.span.kind")
	switch name = strings.ToLower(name); name {
	case "chat", "text_completion", "generate_content", "completion", "llm", "responses", "messages":
		s.role = call
	case "embeddings", "embedding":
		s.role, s.operation = call, "embedding"
	case "rerank", "reranker", "reranking":
		s.role, s.operation = call, "rerank"
	case "invoke_agent", "create_agent", "execute_tool", "invoke_workflow", "plan", "agent", "tool", "workflow":
		s.role = deciding
	case "chain", "task", "retrieval", "retriever", "guardrail", "evaluator", "prompt":
		s.role = passing
	default:
		if !a.measured() {
			return
		}
		s.role, s.operation = call, name
	}
}

// measured says whether a span without an operation measures a call: vLLM's llm_request is one.
func (a attributes) measured() bool {
	for _, names := range [][]string{requestTokenNames, responseTokenNames, {"gen_ai.latency.e2e", "gen_ai.request.model"}} {
		if v, ok := a.first(names...); ok && v.Type() != pcommon.ValueTypeMap {
			return true
		}
	}
	return false
}
