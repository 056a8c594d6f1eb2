package ingest

import (
	"bytes"
	"strings"

	"tidegauge/schemas"
)

// liteLLM is what LiteLLM's proxy says of its requests: the StandardLoggingPayload that its Generic API callback and
// its object stores write, and the rows of its spend logs. Times are seconds since 1970 in the one and dates in the
// other. Both hold prompts and answers, which are passed over.
var liteLLM = Format{
	Name:        "litellm",
	Description: "LiteLLM's callback payloads and spend logs, JSON objects or lists",
	recognise: func(head []byte) bool {
		head = inList(head)
		return hasKeys(head, "call_type") && (hasKeys(head, "startTime") || hasKeys(head, "model_group") ||
			hasKeys(head, "model_map_information") || hasKeys(head, "response_cost")) && !hasKeys(head, "arrival_us")
	},
	newDecoder: func(Options) decoder { return &liteLLMDecoder{} },
	objects:    true,
}

// inList gives the text from the first element of the list that head starts with, or head.
func inList(head []byte) []byte {
	if len(head) > 0 && head[0] == '[' {
		return bytes.TrimLeft(head[1:], " \t\r\n")
	}
	return head
}

type liteLLMDecoder struct {
	models, kinds, reasons, few names
	ids                         texts
	// What the record at hand says, beside the request it fills.
	group, user               string
	start, end, firstToken    int64
	started, finished, failed bool
	filtered, cached          bool
	team                      string
}

func (d *liteLLMDecoder) decode(in record, into *Batch) error {
	r := into.add()
	d.group, d.user, d.team = "", "", ""
	d.start, d.end, d.firstToken = 0, 0, 0
	d.started, d.finished, d.failed, d.filtered, d.cached = false, false, false, false, false
	c := cursor{data: in.data}
	if err := c.object(); err != nil {
		return err
	}
	for {
		key, ok, err := c.key()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if err := d.field(&c, key, r); err != nil {
			return err
		}
	}
	if err := c.end(); err != nil {
		return err
	}
	if !d.started {
		return fieldError("startTime", "is missing")
	}
	r.ArrivalUS = d.start
	if d.finished {
		if d.end < d.start {
			return fieldError("endTime", "is before startTime")
		}
		r.ElapsedUS = d.end - d.start
	}
	// Without streaming LiteLLM repeats the end here: that says nothing of the first token.
	if d.firstToken > d.start && d.finished && d.firstToken < d.end {
		r.TTFTUS = d.firstToken - d.start
	}
	// Where it counted nothing, as of failures, LiteLLM writes 0 and 0.
	if r.RequestTokens == 0 && r.ResponseTokens <= 0 {
		r.RequestTokens, r.ResponseTokens = schemas.Unknown, schemas.Unknown
	}
	d.name(r)
	if r.Client == "" {
		r.Client = d.user
	}
	if d.team != "" && len(d.team) <= schemas.MaxLabelValue {
		r.Labels = append(r.Labels, schemas.Label{Key: "team", Value: d.team})
	}
	if d.cached {
		r.Labels = append(r.Labels, schemas.Label{Key: "cache_hit", Value: "true"})
	}
	if d.failed = d.failed || r.ErrorType != ""; d.failed && d.filtered {
		r.Outcome, r.ErrorType = schemas.Filtered, shorten(r.ErrorType)
		return nil
	}
	if !d.failed {
		r.StatusCode = schemas.Unknown
	}
	ended(r, d.failed)
	return nil
}

// name sets what the request was for. The group is what was asked for by name and stands for the deployments behind it;
// where it is a pattern ("*", "openai/*") it names nothing.
func (d *liteLLMDecoder) name(r *schemas.Request) {
	r.LogType = "api"
	if strings.Contains(d.group, "*") {
		d.group = ""
	}
	if strings.Contains(r.Model, "*") {
		r.Model = ""
	}
	if r.Service = d.group; r.Service == "" {
		r.Service = "litellm"
	}
	if r.Model == "" {
		r.Model = d.group
	}
}

func (d *liteLLMDecoder) field(c *cursor, key []byte, r *schemas.Request) (err error) {
	var b []byte
	switch string(key) {
	case "id", "request_id":
		if b, err = c.textOf(string(key)); len(b) > 0 {
			r.RequestID = d.ids.keep(b)
		}
	case "call_type":
		b, err = c.textOf("call_type")
		r.Operation = d.kinds.keep(operationOf(b))
	case "model":
		b, err = c.textOf("model")
		r.Model = d.models.keep(b)
	case "model_group":
		b, err = c.textOf("model_group")
		d.group = d.models.keep(b)
	case "model_id":
		b, err = c.textOf("model_id")
		r.Host = d.few.keep(b)
	case "prompt_tokens":
		r.RequestTokens, err = c.countOf("prompt_tokens")
	case "completion_tokens":
		r.ResponseTokens, err = c.countOf("completion_tokens")
	case "startTime":
		d.start, d.started, err = c.momentOf("startTime")
	case "endTime":
		d.end, d.finished, err = c.momentOf("endTime")
	case "completionStartTime":
		d.firstToken, _, err = c.momentOf("completionStartTime")
	case "status":
		if b, err = c.textOf("status"); string(b) == "failure" {
			d.failed = true
		}
	case "end_user":
		b, err = c.idOf("end_user")
		r.Client = d.ids.keep(b)
	case "user":
		b, err = c.idOf("user")
		d.user = d.ids.keep(b)
	case "team_id":
		if b, err = c.textOf("team_id"); d.team == "" {
			d.team = d.few.keep(b)
		}
	case "cache_hit":
		d.cached, err = c.flagOf("cache_hit")
	case "error_information":
		err = c.within("error_information", func(c *cursor, key []byte) error { return d.failure(c, key, r) })
	case "status_fields":
		err = c.within("status_fields", func(c *cursor, key []byte) error {
			if string(key) != "guardrail_status" {
				return c.skip()
			}
			b, err := c.textOf("guardrail_status")
			d.filtered = string(b) == "guardrail_intervened"
			return err
		})
	case "metadata":
		err = c.within("metadata", func(c *cursor, key []byte) error { return d.metadata(c, key, r) })
	case "model_parameters":
		err = c.within("model_parameters", func(c *cursor, key []byte) error { return sampling(c, key, r) })
	case "response":
		err = c.within("response", func(c *cursor, key []byte) error {
			if string(key) != "choices" {
				return c.skip()
			}
			return finishOf(c, &d.reasons, r)
		})
	default:
		err = c.skip()
	}
	return err
}

func (d *liteLLMDecoder) failure(c *cursor, key []byte, r *schemas.Request) error {
	switch string(key) {
	case "error_code":
		status, err := c.statusOf("error_code")
		if status > 0 {
			r.StatusCode = status
		}
		return err
	case "error_class":
		b, err := c.textOf("error_class")
		if len(b) > 0 {
			r.ErrorType = d.few.keep(b)
		}
		return err
	}
	return c.skip()
}

func (d *liteLLMDecoder) metadata(c *cursor, key []byte, r *schemas.Request) error {
	switch string(key) {
	case "status":
		b, err := c.textOf("status")
		d.failed = d.failed || string(b) == "failure"
		return err
	case "error_information":
		return c.within("metadata.error_information", func(c *cursor, key []byte) error { return d.failure(c, key, r) })
	case "user_api_key_team_alias":
		b, err := c.textOf("metadata.user_api_key_team_alias")
		if len(b) > 0 {
			d.team = d.few.keep(b)
		}
		return err
	case "user_api_key_user_id":
		b, err := c.idOf("metadata.user_api_key_user_id")
		if d.user == "" {
			d.user = d.ids.keep(b)
		}
		return err
	case "requester_metadata", "spend_logs_metadata":
		return c.within("metadata."+string(key), func(c *cursor, key []byte) error {
			if string(key) != "session_id" {
				return c.skip()
			}
			b, err := c.idOf("session_id")
			r.Conversation = d.ids.keep(b)
			return err
		})
	case "usage_object":
		return c.within("metadata.usage_object", func(c *cursor, key []byte) error { return usageDetails(c, key, r) })
	}
	return c.skip()
}

// operationOf names what a call type does: LiteLLM has each twice, with an a in front where it is asynchronous, and more
// than one of a kind.
func operationOf(kind []byte) []byte {
	switch name := bytes.TrimPrefix(kind, []byte("a")); string(name) {
	case "completion", "text_completion", "responses", "generate_content", "generate_content_stream":
		return nil // a generation
	case "embedding", "rerank", "image_generation", "image_edit", "transcription", "speech", "moderation":
		return name
	}
	if string(kind) == "anthropic_messages" {
		return nil
	}
	return kind
}

// sampling reads the parameters that an OpenAI-compatible request was made with.
func sampling(c *cursor, key []byte, r *schemas.Request) (err error) {
	switch string(key) {
	case "max_tokens", "max_completion_tokens", "max_output_tokens":
		var n int64
		if n, err = c.countOf(string(key)); n > 0 {
			r.MaxTokens = n
		}
	case "temperature":
		err = c.realOf("temperature", &r.Temperature)
	case "top_p":
		err = c.realOf("top_p", &r.TopP)
	case "seed":
		var b []byte
		if b, err = c.numberOf("seed"); len(b) > 0 {
			if v, exact, err := scaled(b, 0); err == nil && exact {
				r.Seed, r.HasSeed = v, true
			}
		}
	default:
		err = c.skip()
	}
	return err
}

// usageDetails reads the parts of an OpenAI usage that LiteLLM has no fields of its own for.
func usageDetails(c *cursor, key []byte, r *schemas.Request) error {
	part, into := "", (*int64)(nil)
	switch string(key) {
	case "prompt_tokens_details", "input_tokens_details":
		part, into = "cached_tokens", &r.CachedTokens
	case "completion_tokens_details", "output_tokens_details":
		part, into = "reasoning_tokens", &r.ReasoningTokens
	default:
		return c.skip()
	}
	return c.within(string(key), func(c *cursor, key []byte) (err error) {
		if string(key) != part {
			return c.skip()
		}
		*into, err = c.countOf(part)
		return err
	})
}

// finishOf reads the finish reason of the choices at hand: the first that has one.
func finishOf(c *cursor, reasons *names, r *schemas.Request) error {
	return c.elements(func() error {
		return c.within("choices", func(c *cursor, key []byte) error {
			if string(key) != "finish_reason" {
				return c.skip()
			}
			b, err := c.textOf("finish_reason")
			if len(b) > 0 && r.FinishReason == "" {
				r.FinishReason = reasons.keep(b)
			}
			return err
		})
	})
}
