package encode

import (
	"strconv"

	"tidegauge/schemas"
)

// blis is the trace of BLIS (inference-sim), version 2: rows of latencies, failures and sessions as CSV, and a header as YAML in
// a file of its own. Times are microseconds from the first arrival, 0 where they are not known.
var blis = Format{
	Name:        "blis",
	Description: "BLIS's CSV with a YAML header beside it: microseconds, latencies, failures, sessions",
	Extension:   ".csv",
	Beside:      ".yaml",
	counts:      true, origin: OriginFirst, lengths: true, outcomes: true,
	carries: carrying("model", "conversation", "client", "error_type", "finish_reason", "reasoning_tokens", "elapsed_us", "ttft_us"),
	text:    func(s *sheet) layout { return &blisSheet{sheet: s, number: -1} },
	companion: func() []byte {
		return []byte("trace_version: 2\ntime_unit: microseconds\nmode: real\nwarm_up_requests: 0\n")
	},
}

const blisHeader = "request_id,client_id,tenant_id,slo_class,session_id,round_index,prefix_group,prefix_length,streaming,input_tokens," +
	"output_tokens,text_tokens,image_tokens,audio_tokens,video_tokens,reason_ratio,model,deadline_us,server_input_tokens,arrival_time_us," +
	"send_time_us,first_chunk_time_us,last_chunk_time_us,num_chunks,status,error_message,finish_reason\n"

type blisSheet struct {
	*sheet
	number int64
	turns  turns
}

func (b *blisSheet) header(dst []byte) []byte { return append(dst, blisHeader...) }

func (b *blisSheet) row(dst []byte, r *schemas.Request, us int64) []byte {
	b.number++
	round := int64(0)
	if r.Conversation != "" {
		if before, later := b.turns.next(r.Conversation, b.number, us, 0); later {
			round = before.number + 1
		}
	}
	dst = append(strconv.AppendInt(dst, b.number, 10), ',')
	dst = append(appendCell(dst, r.Client), ",,,"...) // tenant and class of service
	dst = append(appendCell(dst, r.Conversation), ',')
	dst = append(strconv.AppendInt(dst, round, 10), ",,0,"...) // prefix group and length
	dst = append(strconv.AppendBool(dst, r.TTFTUS != schemas.Unknown), ',')
	dst = append(strconv.AppendInt(dst, r.RequestTokens, 10), ',')
	dst = append(strconv.AppendInt(dst, r.ResponseTokens, 10), ',')
	dst = append(strconv.AppendInt(dst, r.RequestTokens, 10), ",0,0,0,"...)
	dst = append(appendRatio(dst, r), ',')
	dst = append(appendCell(dst, r.Model), ",0,"...)
	dst = append(strconv.AppendInt(dst, r.RequestTokens, 10), ',')
	dst = append(strconv.AppendInt(dst, us, 10), ',')
	dst = append(strconv.AppendInt(dst, us, 10), ',')
	dst = append(appendAfter(dst, us, r.TTFTUS), ',')
	dst = append(appendAfter(dst, us, r.ElapsedUS), ',')
	dst = append(strconv.AppendInt(dst, max(r.ResponseTokens, 0), 10), ',')
	status, message := b.status(r)
	dst = append(append(dst, status...), ',')
	dst = append(appendCell(dst, message), ',')
	return append(appendCell(dst, r.FinishReason), '\n')
}

// status gives one of the three ends that there are, and what says which of ours it was.
func (b *blisSheet) status(r *schemas.Request) (status, message string) {
	switch r.Outcome {
	case schemas.OK, schemas.Empty:
		return "ok", r.ErrorType
	case schemas.Timeout:
		return "timeout", r.ErrorType
	case schemas.Error:
		return "error", r.ErrorType
	}
	if r.ErrorType != "" {
		b.losses.add("error_type", "the outcome's name stands in its place")
	}
	return "error", r.Outcome.String()
}

// appendAfter appends the time a duration after another.
func appendAfter(dst []byte, us, durationUS int64) []byte {
	if durationUS == schemas.Unknown {
		return append(dst, '0')
	}
	return strconv.AppendInt(dst, us+durationUS, 10)
}

// appendRatio appends which part of the answer was reasoning.
func appendRatio(dst []byte, r *schemas.Request) []byte {
	if r.ReasoningTokens <= 0 || r.ResponseTokens <= 0 {
		return append(dst, '0')
	}
	return strconv.AppendFloat(dst, min(1, float64(r.ReasoningTokens)/float64(r.ResponseTokens)), 'g', -1, 64)
}
