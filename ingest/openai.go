package ingest

import (
	"bytes"

	"tidegauge/schemas"
)

// openAI is the log of a gateway that speaks OpenAI's interface and writes what went through: the request, the response
// or its usage, the status, side by side or one below the other. OpenAI's own batch results are of this shape too. The
// one time that the interface has is created, whole seconds; durations are read only from fields that name their unit.
var openAI = Format{
	Name:        "openai",
	Description: "log of an OpenAI-compatible gateway, JSON objects with usage",
	recognise: func(head []byte) bool {
		head = inList(head)
		if hasKeys(head, "arrival_us") || hasKeys(head, "call_type") || hasKeys(head, "request_parameters") {
			return false
		}
		if hasKeys(head, "created") || hasKeys(head, "created_at") {
			return hasKeys(head, "usage") || hasKeys(head, "prompt_tokens") || hasKeys(head, "choices") || hasBelow(head, "request", "model")
		}
		return hasKeys(head, "custom_id", "response") || (hasBelow(head, "request", "model") && hasKeys(head, "response")) ||
			hasBelow(head, "response", "usage") || hasBelow(head, "response", "choices")
	},
	newDecoder: func(Options) decoder { return &openAIDecoder{} },
	objects:    true,
}

type openAIDecoder struct {
	models, reasons, few names
	ids                  texts
	// What the record at hand says, beside the request it fills.
	created, at             int64
	hasCreated, hasAt       bool
	failed                  bool
	asked, answered, beside string // the model: by the request, by the response, by the row
}

// The places that a field of an OpenAI row can be in.
const (
	inRow = iota
	inRequest
	inResponse
)

func (d *openAIDecoder) decode(in record, into *Batch) error {
	r := into.add()
	r.Service, r.LogType = "openai", "api"
	d.hasCreated, d.hasAt, d.failed = false, false, false
	d.asked, d.answered, d.beside = "", "", ""
	c := cursor{data: in.data}
	if c.peek() != '{' {
		return c.fail("an object was expected")
	}
	if err := members(&c, func(key []byte) error { return d.field(&c, key, r, inRow) }); err != nil {
		return err
	}
	if err := c.end(); err != nil {
		return err
	}
	switch {
	case d.hasAt:
		r.ArrivalUS = d.at
	case d.hasCreated:
		r.ArrivalUS = d.created
	default:
		return fieldError("created", "is missing")
	}
	for _, m := range []string{d.asked, d.beside, d.answered} {
		if r.Model == "" {
			r.Model = m
		}
	}
	ended(r, d.failed)
	return nil
}

func (d *openAIDecoder) field(c *cursor, key []byte, r *schemas.Request, place int) (err error) {
	var b []byte
	below := func(place int) error {
		return c.within(string(key), func(c *cursor, key []byte) error { return d.field(c, key, r, place) })
	}
	switch name := string(key); name {
	case "request":
		return below(inRequest)
	case "response":
		return below(inResponse)
	case "body":
		return below(place)
	case "usage":
		return below(place)
	case "model":
		b, err = c.textOf("model")
		switch m := d.models.keep(b); place {
		case inRequest:
			d.asked = m
		case inResponse:
			d.answered = m
		default:
			d.beside = m
		}
	case "timestamp", "time", "start_time":
		// As a number it could be of any unit.
		if c.peek() != '"' {
			return c.skip()
		}
		d.at, d.hasAt, err = c.momentOf(name)
	case "created", "created_at":
		d.created, d.hasCreated, err = c.momentOf(name)
	case "prompt_tokens", "input_tokens":
		r.RequestTokens, err = c.countOf(name)
	case "completion_tokens", "output_tokens":
		r.ResponseTokens, err = c.countOf(name)
	case "prompt_tokens_details", "input_tokens_details", "completion_tokens_details", "output_tokens_details":
		err = usageDetails(c, key, r)
	case "duration_ms", "latency_ms", "elapsed_ms":
		r.ElapsedUS, err = milliseconds(c, name)
	case "ttft_ms", "time_to_first_token_ms":
		r.TTFTUS, err = milliseconds(c, name)
	case "status", "status_code", "http_status":
		if c.peek() == '"' && name == "status" {
			b, err = c.textOf("status")
			d.status(b, r)
			return err
		}
		var status int32
		if status, err = c.statusOf(name); status > 0 {
			r.StatusCode = status
		}
	case "error":
		err = d.failure(c, r)
	case "choices":
		err = finishOf(c, &d.reasons, r)
	case "finish_reason", "stop_reason":
		b, err = c.textOf(name)
		if len(b) > 0 {
			r.FinishReason = d.reasons.keep(b)
		}
	case "incomplete_details":
		err = c.within(name, func(c *cursor, key []byte) error {
			if string(key) != "reason" {
				return c.skip()
			}
			b, err := c.textOf("incomplete_details.reason")
			r.FinishReason = d.reasons.keep(b)
			return err
		})
	case "user":
		if c.peek() != '"' {
			return c.skip()
		}
		b, err = c.textOf("user")
		r.Client = d.ids.keep(b)
	case "endpoint", "path", "url":
		if c.peek() != '"' {
			return c.skip()
		}
		b, err = c.textOf(name)
		r.Operation = d.few.keep(operationAt(b))
	case "max_tokens", "max_completion_tokens", "max_output_tokens", "temperature", "top_p", "seed":
		err = sampling(c, key, r)
	default:
		err = c.skip()
	}
	return err
}

// status reads a status in words: the Responses interface's, or a number as a text.
func (d *openAIDecoder) status(b []byte, r *schemas.Request) {
	switch string(b) {
	case "failed", "error", "failure":
		d.failed = true
	case "cancelled", "canceled":
		r.FinishReason = "cancelled"
	default:
		inner := cursor{data: append(append([]byte{'"'}, b...), '"')}
		if status, err := inner.statusOf("status"); err == nil && status > 0 {
			r.StatusCode = status
		}
	}
}

// failure reads an error: OpenAI's object of type and code, or a text.
func (d *openAIDecoder) failure(c *cursor, r *schemas.Request) error {
	switch c.peek() {
	case '{':
		d.failed = true
		return members(c, func(key []byte) error {
			if name := string(key); (name == "type" || name == "code") && c.peek() == '"' {
				b, err := c.textOf("error." + name)
				if len(b) > 0 && (name == "type" || r.ErrorType == "") {
					r.ErrorType = d.few.keep(b)
				}
				return err
			}
			return c.skip()
		})
	case '"':
		b, err := c.textOf("error") // a message: what it says may quote a prompt
		d.failed = d.failed || len(b) > 0
		return err
	}
	return c.skip()
}

// operationAt names what the interface at a path does, nil for generations.
func operationAt(path []byte) []byte {
	for _, p := range [...]struct{ part, operation string }{
		{"/embeddings", "embedding"}, {"/rerank", "rerank"}, {"/images/", "image_generation"}, {"/audio/speech", "speech"},
		{"/audio/transcriptions", "transcription"}, {"/audio/translations", "transcription"}, {"/moderations", "moderation"},
	} {
		if bytes.Contains(path, []byte(p.part)) {
			return []byte(p.operation)
		}
	}
	return nil
}
