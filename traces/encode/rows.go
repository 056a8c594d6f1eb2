// The formats of a time and two lengths a row.

package encode

import (
	"strconv"

	"tidegauge/schemas"
)

// azure is the shape of Azure's traces. inference-perf goes by the place of the columns and keeps times to 10 ms.
var azure = Format{
	Name:        "azure",
	Description: "Azure's CSV: wall clock and two lengths; inference-perf",
	Extension:   ".csv",
	lengths:     true,
	text: func(*sheet) layout {
		var clock wallClock
		return rows{"TIMESTAMP,ContextTokens,GeneratedTokens\n", func(dst []byte, r *schemas.Request, us int64) []byte {
			dst = append(clock.append(dst, us), ',')
			return appendLengths(dst, r)
		}}
	},
}

// vidur is what the simulator's trace replay reads.
var vidur = Format{
	Name:        "vidur",
	Description: "Vidur's CSV: seconds from the first arrival and two lengths",
	Extension:   ".csv",
	counts:      true, origin: OriginFirst, lengths: true,
	text: func(*sheet) layout {
		return rows{"arrived_at,num_prefill_tokens,num_decode_tokens\n", func(dst []byte, r *schemas.Request, us int64) []byte {
			dst = append(appendScaled(dst, us, 6), ',')
			return appendLengths(dst, r)
		}}
	},
}

// splitwise is what splitwise-sim reads. Its sample has request type 2 (a generation), application 0 and batches of 1.
var splitwise = Format{
	Name:        "splitwise",
	Description: "splitwise-sim's CSV: seconds from the first arrival and two lengths",
	Extension:   ".csv",
	counts:      true, origin: OriginFirst, lengths: true,
	text: func(*sheet) layout {
		number := int64(-1)
		return rows{"request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size\n",
			func(dst []byte, r *schemas.Request, us int64) []byte {
				number++
				dst = append(strconv.AppendInt(dst, number, 10), ",2,0,"...)
				dst = append(appendScaled(dst, us, 6), ",1,"...)
				return appendLengths(dst, r)
			}}
	},
}

// guideLLM is what GuideLLM's replay of traces reads.
var guideLLM = Format{
	Name:        "guidellm",
	Description: "GuideLLM's JSON lines: seconds from the first arrival and two lengths",
	Extension:   ".jsonl",
	counts:      true, origin: OriginFirst, lengths: true,
	text: func(*sheet) layout {
		return rows{"", func(dst []byte, r *schemas.Request, us int64) []byte {
			dst = appendScaled(append(dst, `{"timestamp":`...), us, 6)
			dst = strconv.AppendInt(append(dst, `,"input_length":`...), r.RequestTokens, 10)
			dst = strconv.AppendInt(append(dst, `,"output_length":`...), r.ResponseTokens, 10)
			return append(dst, "}\n"...)
		}}
	},
}

// appendLengths ends a row of CSV with its two lengths.
func appendLengths(dst []byte, r *schemas.Request) []byte {
	dst = append(strconv.AppendInt(dst, r.RequestTokens, 10), ',')
	return append(strconv.AppendInt(dst, r.ResponseTokens, 10), '\n')
}

// rows is the layout of a format whose rows know nothing of each other.
type rows struct {
	head string
	each func(dst []byte, r *schemas.Request, us int64) []byte
}

func (w rows) header(dst []byte) []byte { return append(dst, w.head...) }
func (w rows) row(dst []byte, r *schemas.Request, us int64) []byte {
	return w.each(dst, r, us)
}
