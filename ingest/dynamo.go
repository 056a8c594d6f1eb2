package ingest

import "tidegauge/schemas"

// dynamo is NVIDIA Dynamo's request trace (schema dynamo.request.trace.v1): JSON lines, one event each, bare or below
// "event". The events of finished requests are requests; those of an agent's tools are counted as other records.
// Arrivals are milliseconds of the wall clock, durations milliseconds with decimals.
var dynamo = Format{
	Name:        "dynamo",
	Description: "NVIDIA Dynamo's request trace, JSON lines with prefix hashes",
	recognise: func(head []byte) bool {
		is := false
		topKeys(head, func(key []byte, c cursor) {
			switch string(key) {
			case "schema":
				is = is || isDynamoSchema(c)
			case "event":
				topKeys(c.data[c.at:], func(key []byte, c cursor) {
					is = is || (string(key) == "schema" && isDynamoSchema(c))
				})
			}
		})
		return is && !hasKeys(head, "arrival_us") && !hasKeys(head, "chat_id")
	},
	newDecoder: func(Options) decoder { return &dynamoDecoder{} },
}

const dynamoSchema = "dynamo.request.trace.v1"

func isDynamoSchema(c cursor) bool {
	b, err := c.text()
	return err == nil && string(b) == dynamoSchema
}

type dynamoDecoder struct {
	models, reasons, hosts names
	ids                    texts
	// What the record at hand is, beside the request it fills.
	event, finished, arrived bool
	replayLength             int64
}

func (d *dynamoDecoder) decode(in record, into *Batch) error {
	r := into.add()
	r.Service, r.Model, r.LogType = "dynamo", "dynamo", "api"
	d.event, d.finished, d.arrived, d.replayLength = false, false, false, schemas.Unknown
	c := cursor{data: in.data}
	if err := d.record(&c, r); err != nil {
		return err
	}
	if err := c.end(); err != nil {
		return err
	}
	switch {
	case !d.event:
		return fieldError("event_type", "is missing")
	case !d.finished:
		into.drop() // an event of another kind
		return nil
	case !d.arrived:
		return fieldError("request_received_ms", "is missing")
	}
	if r.RequestTokens == schemas.Unknown {
		r.RequestTokens = d.replayLength // rows without a session hold the length only here
	}
	if len(r.PrefixHashes) == 0 {
		r.PrefixBlockTokens = 0
	}
	r.Outcome = r.GenerationEnd()
	if r.FinishReason == "content_filter" {
		r.Outcome = schemas.Filtered
	}
	return nil
}

// record reads a bare record, or the one below "event".
func (d *dynamoDecoder) record(c *cursor, r *schemas.Request) error {
	return members(c, func(key []byte) error {
		switch string(key) {
		case "event":
			return d.record(c, r)
		case "event_type":
			b, err := c.textOf("event_type")
			d.event, d.finished = b != nil, string(b) == "request_end"
			return err
		case "agent_context":
			return members(c, func(key []byte) error {
				if string(key) != "session_id" {
					return c.skip()
				}
				b, err := c.idOf("session_id")
				r.Conversation = d.ids.keep(b)
				return err
			})
		case "request":
			return members(c, func(key []byte) error { return d.request(c, key, r) })
		}
		return c.skip()
	})
}

func (d *dynamoDecoder) request(c *cursor, key []byte, r *schemas.Request) (err error) {
	var b []byte
	switch string(key) {
	case "request_id":
		b, err = c.textOf("request_id")
		r.RequestID = d.ids.keep(b)
	case "model":
		if b, err = c.textOf("model"); len(b) > 0 {
			r.Model = d.models.keep(b)
		}
	case "input_tokens":
		r.RequestTokens, err = c.countOf("input_tokens")
	case "output_tokens":
		r.ResponseTokens, err = c.countOf("output_tokens")
	case "cached_tokens":
		r.CachedTokens, err = c.countOf("cached_tokens")
	case "request_received_ms":
		if b, err = c.numberOf("request_received_ms"); err == nil && b != nil {
			r.ArrivalUS, err = moment("request_received_ms", b, 3, 0)
			d.arrived = true
		}
	case "total_time_ms":
		r.ElapsedUS, err = milliseconds(c, "total_time_ms")
	case "ttft_ms":
		r.TTFTUS, err = milliseconds(c, "ttft_ms")
	case "prefill_wait_time_ms": // from reception to the start of prefill: the time in the queue
		r.QueueUS, err = milliseconds(c, "prefill_wait_time_ms")
	case "finish_reason_metadata":
		return members(c, func(key []byte) error {
			if string(key) != "finish_reason" {
				return c.skip()
			}
			b, err := c.textOf("finish_reason")
			r.FinishReason = d.reasons.keep(b)
			return err
		})
	case "worker":
		return members(c, func(key []byte) error {
			if string(key) != "decode_worker_id" {
				return c.skip()
			}
			b, err := c.idOf("decode_worker_id")
			r.Host = d.hosts.keep(b)
			return err
		})
	case "replay":
		return members(c, func(key []byte) (err error) {
			switch string(key) {
			case "trace_block_size":
				var size int64
				if size, err = c.countOf("trace_block_size"); err == nil && size > 0 {
					r.PrefixBlockTokens = int32(size)
				}
			case "input_length":
				d.replayLength, err = c.countOf("input_length")
			case "input_sequence_hashes":
				r.PrefixHashes, err = c.hashesOf("input_sequence_hashes", r.PrefixHashes[:0])
			default:
				err = c.skip()
			}
			return err
		})
	default:
		err = c.skip()
	}
	return err
}

// members calls f with each key of the object at hand, the cursor at its value; null is an object without any.
func members(c *cursor, f func(key []byte) error) error {
	if c.peek() == 'n' && c.null() {
		return nil
	}
	if err := c.object(); err != nil {
		return err
	}
	for {
		key, ok, err := c.key()
		if !ok || err != nil {
			return err
		}
		if err := f(key); err != nil {
			return err
		}
	}
}

func milliseconds(c *cursor, field string) (int64, error) {
	b, err := c.numberOf(field)
	if err != nil {
		return 0, err
	}
	return duration(field, b, 3)
}
