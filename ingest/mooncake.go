package ingest

// mooncake is Mooncake's public trace and what load generators write in its shape: JSON lines, times in milliseconds
// from the trace's origin, prefixes as ids of blocks of 512 tokens. Its own clock ticks every three seconds.
var mooncake = Format{
	Name:        "mooncake",
	Description: "Mooncake's JSON lines, times in milliseconds from its origin",
	recognise: func(head []byte) bool {
		// The three keys alone are GuideLLM's too, whose times are seconds: one more must tell.
		return hasKeys(head, "timestamp", "input_length") && !hasKeys(head, "chat_id") && !hasKeys(head, "arrival_us") &&
			(hasKeys(head, "hash_ids") || hasKeys(head, "session_id") || hasKeys(head, "delay"))
	},
	newDecoder: func(o Options) decoder { return &mooncakeDecoder{options: o} },
}

// mooncakeBlock is how many tokens one of Mooncake's hash_ids stands for.
const mooncakeBlock = 512

type mooncakeDecoder struct {
	options Options
	ids     texts
}

func (d *mooncakeDecoder) decode(in record, into *Batch) error {
	r := into.add()
	r.Service, r.Model, r.LogType = "mooncake", "mooncake", "api"
	c := cursor{data: in.data}
	if err := c.object(); err != nil {
		return err
	}
	arrived := false
	for {
		key, ok, err := c.key()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		var b []byte
		switch string(key) {
		case "timestamp":
			if b, err = c.numberOf("timestamp"); err == nil && b != nil {
				r.ArrivalUS, err = moment("timestamp", b, 3, d.options.EpochUS)
				arrived = true
			}
		case "input_length":
			r.RequestTokens, err = c.countOf("input_length")
		case "output_length":
			r.ResponseTokens, err = c.countOf("output_length")
		case "hash_ids":
			r.PrefixHashes, err = c.hashesOf("hash_ids", r.PrefixHashes[:0])
			r.PrefixBlockTokens = mooncakeBlock
		case "session_id":
			b, err = c.idOf("session_id")
			r.Conversation = d.ids.keep(b)
		default:
			err = c.skip()
		}
		if err != nil {
			return err
		}
	}
	if !arrived {
		return fieldError("timestamp", "is missing (a turn that is given by its delay has no arrival)")
	}
	if len(r.PrefixHashes) == 0 {
		r.PrefixBlockTokens = 0
	}
	r.Outcome = r.GenerationEnd()
	return c.end()
}
