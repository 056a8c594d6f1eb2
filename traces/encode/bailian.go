package encode

import (
	"strconv"

	"tidegauge/schemas"
)

// bailian is the shape of the Qwen-Bailian trace, which AIPerf reads. A turn names the turn before it by the number of its row,
// as ids there have to be numbers.
var bailian = Format{
	Name:        "bailian",
	Description: "Qwen-Bailian's JSON lines: seconds, chains of turns, prefix hashes of 16 tokens; AIPerf",
	Extension:   ".jsonl",
	counts:      true, origin: OriginFirst, lengths: true,
	carries: carrying("log_type", "conversation", "prefix_hashes"),
	text: func(s *sheet) layout {
		return &bailianSheet{sheet: s, blocks: blocks{tokens: bailianBlock, fill: s.options.FillHashes, losses: s.losses}}
	},
}

// bailianBlock is how many tokens readers take a block to have.
const bailianBlock = 16

type bailianSheet struct {
	*sheet
	rows   int64
	turns  turns
	blocks blocks
}

func (b *bailianSheet) header(dst []byte) []byte { return dst }

func (b *bailianSheet) row(dst []byte, r *schemas.Request, us int64) []byte {
	b.rows++
	parent, number := int64(-1), int64(1)
	if r.Conversation != "" {
		b.losses.add("conversation", "named by the row of its first turn: ids are numbers")
		if before, later := b.turns.next(r.Conversation, b.rows, us, 0); later {
			parent, number = before.row, before.number+2
		}
	}
	dst = strconv.AppendInt(append(dst, `{"chat_id":`...), b.rows, 10)
	dst = strconv.AppendInt(append(dst, `,"parent_chat_id":`...), parent, 10)
	dst = appendScaled(append(dst, `,"timestamp":`...), us, 6)
	dst = strconv.AppendInt(append(dst, `,"input_length":`...), r.RequestTokens, 10)
	dst = strconv.AppendInt(append(dst, `,"output_length":`...), r.ResponseTokens, 10)
	dst = schemas.AppendText(append(dst, `,"type":`...), r.LogType)
	dst = strconv.AppendInt(append(dst, `,"turn":`...), number, 10)
	return append(appendHashes(append(dst, `,"hash_ids":`...), b.blocks.of(r)), "}\n"...)
}
