package ingest

// bailian is Alibaba's public Qwen-Bailian trace: JSON lines, times in seconds from the trace's origin, prefixes as ids
// of blocks of 16 tokens, and turns that name the turn before them.
var bailian = Format{
	Name:        "bailian",
	Description: "Qwen-Bailian's JSON lines, times in seconds from its origin",
	recognise: func(head []byte) bool {
		return hasKeys(head, "chat_id", "parent_chat_id", "timestamp") && !hasKeys(head, "arrival_us")
	},
	newDecoder: func(o Options) decoder { return &bailianDecoder{options: o} },
	ordered:    true, // a turn's conversation is its parent's
	chained:    true,
}

// bailianBlock is how many tokens one of its hash_ids stands for.
const bailianBlock = 16

type bailianDecoder struct {
	options Options
	kinds   names
	ids     texts
	chains  chains
}

func (d *bailianDecoder) decode(in record, into *Batch) error {
	r := into.add()
	r.Service, r.Model = "bailian", "qwen"
	c := cursor{data: in.data}
	if err := c.object(); err != nil {
		return err
	}
	arrived := false
	var chat, parent []byte
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
				r.ArrivalUS, err = moment("timestamp", b, 6, d.options.EpochUS)
				arrived = true
			}
		case "chat_id":
			chat, err = c.idOf("chat_id")
		case "parent_chat_id":
			parent, err = c.idOf("parent_chat_id")
		case "type":
			b, err = c.textOf("type")
			r.LogType = d.kinds.keep(b)
		case "input_length":
			r.RequestTokens, err = c.countOf("input_length")
		case "output_length":
			r.ResponseTokens, err = c.countOf("output_length")
		case "hash_ids":
			r.PrefixHashes, err = c.hashesOf("hash_ids", r.PrefixHashes[:0])
			r.PrefixBlockTokens = bailianBlock
		default:
			err = c.skip()
		}
		if err != nil {
			return err
		}
	}
	switch {
	case !arrived:
		return fieldError("timestamp", "is missing")
	case len(chat) == 0:
		return fieldError("chat_id", "is missing")
	}
	if err := c.end(); err != nil {
		return err
	}
	if len(r.PrefixHashes) == 0 {
		r.PrefixBlockTokens = 0
	}
	if len(parent) == 0 || string(parent) == "-1" {
		r.Conversation = d.ids.keep(chat)
	} else {
		r.Conversation = d.chains.follow(chat, parent)
	}
	r.Outcome = r.GenerationEnd()
	return nil
}

// chains names the conversation of turns that follow another: that of the parent, or the parent itself where it is the
// first turn or was not seen. The two cases need no telling apart, so first turns, which are most, are not kept at all.
//
// Memory is bounded by two generations of follow-up turns: when the younger is full the older is forgotten. A turn
// whose parent lies more than maxChain follow-up turns back then starts a conversation named by its parent. (At 10
// follow-ups a second that is a silence of 14 hours.)
type chains struct{ young, old map[string]string }

// maxChain times about 100 bytes, twice, is the most that chains keeps: 100 MB.
const maxChain = 1 << 19

func (c *chains) follow(chat, parent []byte) string {
	root, ok := c.young[string(parent)]
	if !ok {
		if root, ok = c.old[string(parent)]; !ok {
			root = validText(string(parent))
		}
	}
	if c.young == nil || len(c.young) >= maxChain {
		c.old, c.young = c.young, make(map[string]string)
	}
	c.young[string(chat)] = root
	return root
}
