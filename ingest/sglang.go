package ingest

import (
	"tidegauge/schemas"
)

// sgLang is what SGLang writes with --export-metrics-to-file, one file an hour: JSON lines of the request's parameters
// (as a text that is JSON again, often with the prompt in it) and of whatever its meta_info has in this version. Times are
// seconds since 1970, durations seconds. It names no model.
var sgLang = Format{
	Name:        "sglang",
	Description: "SGLang's --export-metrics-to-file, JSON lines",
	recognise: func(head []byte) bool {
		is := false
		topKeys(head, func(key []byte, c cursor) {
			is = is || (string(key) == "request_parameters" && c.peek() == '"')
		})
		return is && !hasKeys(head, "arrival_us") && !hasKeys(head, "call_type")
	},
	newDecoder: func(Options) decoder { return &sgLangDecoder{} },
}

type sgLangDecoder struct {
	reasons, few names
	ids          texts
	// What the record at hand says, beside the request it fills.
	received, parsed, finished, firstToken             int64
	hasReceived, hasParsed, hasFinished, hasFirstToken bool
	aborted, embedding, rerank                         bool
	adapter                                            string
}

func (d *sgLangDecoder) decode(in record, into *Batch) error {
	r := into.add()
	r.Service, r.Model, r.LogType = "sglang", "sglang", "api"
	d.hasReceived, d.hasParsed, d.hasFinished, d.hasFirstToken = false, false, false, false
	d.aborted, d.embedding, d.rerank, d.adapter = false, false, false, ""
	c := cursor{data: in.data}
	if c.peek() != '{' {
		return c.fail("an object was expected")
	}
	if err := members(&c, func(key []byte) error { return d.field(&c, key, r) }); err != nil {
		return err
	}
	if err := c.end(); err != nil {
		return err
	}
	switch {
	case d.hasReceived:
		r.ArrivalUS = d.received
	case d.hasParsed:
		r.ArrivalUS = d.parsed
	case d.hasFinished && r.ElapsedUS != schemas.Unknown:
		r.ArrivalUS = d.finished - r.ElapsedUS
	default:
		return fieldError("request_received_ts", "is missing, and so are response_sent_to_client_ts and e2e_latency to work it out")
	}
	if d.hasFirstToken && d.firstToken >= r.ArrivalUS {
		r.TTFTUS = d.firstToken - r.ArrivalUS
	}
	if d.rerank {
		r.Operation = "rerank"
	} else if d.embedding {
		r.Operation = "embedding"
	}
	if d.adapter != "" && len(d.adapter) <= schemas.MaxLabelValue {
		r.Labels = append(r.Labels, schemas.Label{Key: "adapter", Value: d.adapter})
	}
	// An abort with a status is the server's; without one the client went away.
	ended(r, d.aborted && r.StatusCode != schemas.Unknown)
	return nil
}

func (d *sgLangDecoder) field(c *cursor, key []byte, r *schemas.Request) (err error) {
	var b []byte
	switch name := string(key); name {
	case "request_parameters":
		err = c.within(name, func(c *cursor, key []byte) error { return d.parameter(c, key, r) })
	case "finish_reason":
		if c.peek() == '"' {
			b, err = c.textOf(name)
			r.FinishReason = d.reasons.keep(b)
			break
		}
		err = c.within(name, func(c *cursor, key []byte) error { return d.finish(c, key, r) })
	case "prompt_tokens":
		r.RequestTokens, err = c.countOf(name)
	case "completion_tokens":
		r.ResponseTokens, err = c.countOf(name)
	case "cached_tokens":
		r.CachedTokens, err = c.countOf(name)
	case "reasoning_tokens":
		r.ReasoningTokens, err = c.countOf(name)
	case "spec_verify_ct": // with speculation, the passes through the model
		r.Steps, err = c.countOf(name)
	case "e2e_latency":
		r.ElapsedUS, err = seconds(c, name)
	case "queue_time":
		r.QueueUS, err = seconds(c, name)
	case "request_received_ts":
		d.received, d.hasReceived, err = c.momentOf(name)
	case "response_sent_to_client_ts", "request_finished_ts":
		d.finished, d.hasFinished, err = c.momentOf(name)
	case "prefill_finished_time", "prefill_finished_ts": // prefill ends with the first token
		d.firstToken, d.hasFirstToken, err = c.momentOf(name)
	case "weight_version":
		if b, err = c.idOf(name); string(b) != "default" {
			r.Config = d.few.keep(b)
		}
	default:
		err = c.skip()
	}
	return err
}

func (d *sgLangDecoder) finish(c *cursor, key []byte, r *schemas.Request) error {
	switch string(key) {
	case "type":
		b, err := c.textOf("finish_reason.type")
		r.FinishReason = d.reasons.keep(b)
		d.aborted = string(b) == "abort"
		return err
	case "status_code":
		status, err := c.statusOf("finish_reason.status_code")
		if status > 0 {
			r.StatusCode = status
		}
		return err
	case "err_type":
		b, err := c.textOf("finish_reason.err_type")
		r.ErrorType = d.few.keep(b)
		return err
	}
	return c.skip()
}

func (d *sgLangDecoder) parameter(c *cursor, key []byte, r *schemas.Request) (err error) {
	switch string(key) {
	case "received_time":
		d.parsed, d.hasParsed, err = c.momentOf("received_time")
	case "is_cross_encoder_request": // only requests for embeddings have it
		d.embedding = true
		d.rerank, err = c.flagOf("is_cross_encoder_request")
	case "lora_path":
		if c.peek() != '"' {
			return c.skip()
		}
		var b []byte
		b, err = c.textOf("lora_path")
		d.adapter = d.few.keep(b)
	case "sampling_params":
		err = c.within("sampling_params", func(c *cursor, key []byte) error {
			if string(key) == "max_new_tokens" {
				n, err := c.countOf("max_new_tokens")
				r.MaxTokens = n
				return err
			}
			return sampling(c, key, r)
		})
	case "session_params":
		err = c.within("session_params", func(c *cursor, key []byte) error {
			if string(key) != "id" {
				return c.skip()
			}
			b, err := c.idOf("session_params.id")
			r.Conversation = d.ids.keep(b)
			return err
		})
	default:
		err = c.skip()
	}
	return err
}

func seconds(c *cursor, field string) (int64, error) {
	b, err := c.numberOf(field)
	if err != nil {
		return 0, err
	}
	return duration(field, b, 6)
}
