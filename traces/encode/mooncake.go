package encode

import (
	"strconv"

	"tidegauge/schemas"
)

// mooncake is the trace format that most tools read. All build prompts of hash_ids, vLLM and SGLang of nothing else. AIPerf
// takes the rows of a session_id for turns of a conversation: on a fixed schedule each is sent at its timestamp, or as soon as
// the answer before it is there, and without a timestamp its delay after that answer. vLLM and SGLang need a timestamp in
// every row. So both are written, unless Options.LaterTurns says otherwise.
//
// Requests have the whole prompt's length, history included, and context_mode says so: else AIPerf would put the earlier turns
// before each once more.
var mooncake = Format{
	Name:        "mooncake",
	Description: "Mooncake's JSON lines: milliseconds, conversations, prefix hashes; AIPerf, vLLM, SGLang",
	Extension:   ".jsonl",
	counts:      true, origin: OriginFirst, lengths: true,
	carries: carrying("conversation", "prefix_hashes"),
	text: func(s *sheet) layout {
		return &mooncakeSheet{sheet: s, blocks: blocks{tokens: mooncakeBlock, fill: s.options.FillHashes, losses: s.losses}}
	},
}

// mooncakeBlock is how many tokens readers take a block to have.
const mooncakeBlock = 512

type mooncakeSheet struct {
	*sheet
	turns  turns
	blocks blocks
}

func (m *mooncakeSheet) header(dst []byte) []byte { return dst }

func (m *mooncakeSheet) row(dst []byte, r *schemas.Request, us int64) []byte {
	var before turn
	later := false
	if r.Conversation != "" {
		before, later = m.turns.next(r.Conversation, 0, us, r.ElapsedUS)
	}
	dst = append(dst, '{')
	if !later || m.options.LaterTurns != TurnsDelay {
		dst = append(appendScaled(append(dst, `"timestamp":`...), us, 3), ',')
	}
	if later && m.options.LaterTurns != TurnsTimestamp {
		dst = append(appendScaled(append(dst, `"delay":`...), m.delay(before, us), 3), ',')
	}
	dst = strconv.AppendInt(append(dst, `"input_length":`...), r.RequestTokens, 10)
	dst = strconv.AppendInt(append(dst, `,"output_length":`...), r.ResponseTokens, 10)
	if ids := m.blocks.of(r); ids != nil {
		dst = appendHashes(append(dst, `,"hash_ids":`...), ids)
	}
	if r.Conversation != "" {
		dst = schemas.AppendText(append(dst, `,"session_id":`...), r.Conversation)
		dst = append(dst, `,"context_mode":"message_array_with_responses"`...)
	}
	return append(dst, "}\n"...)
}

// delay gives the pause between the answer before and this turn. Where it is not known how long the answer took, that is the
// whole time since the turn before.
func (m *mooncakeSheet) delay(before turn, us int64) int64 {
	elapsed := before.elapsedUS
	if elapsed == schemas.Unknown {
		m.losses.add("delay", "counted from the turn before, as it is not known how long its answer took")
		elapsed = 0
	}
	if m.options.ScaleTime > 0 {
		elapsed = int64(float64(elapsed) * m.options.ScaleTime)
	}
	if us < before.us+elapsed {
		m.losses.add("delay", "written as 0: the turn was sent before the answer was there")
		return 0
	}
	return us - before.us - elapsed
}
