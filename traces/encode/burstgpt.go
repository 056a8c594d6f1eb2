package encode

import (
	"strconv"

	"tidegauge/schemas"
)

// burstGPT is the public trace's first release. vLLM's dataset of that name takes the lengths from the third and fourth column,
// of rows whose model is GPT-4 (Options.Labels), and looks at no time; AIPerf goes by the header.
var burstGPT = Format{
	Name:        "burstgpt",
	Description: "BurstGPT's CSV, release 1: seconds from midnight; vLLM (rows of model GPT-4 only), AIPerf",
	Extension:   ".csv",
	counts:      true, origin: OriginMidnight, lengths: true,
	carries: carrying("model", "log_type"),
	text:    func(s *sheet) layout { return &burstSheet{sheet: s} },
}

// burstGPT2 is its second release, whose two more columns vLLM takes for the lengths.
var burstGPT2 = Format{
	Name:        "burstgpt-v2",
	Description: "BurstGPT's CSV, release 2, with sessions and elapsed times; AIPerf, not vLLM",
	Extension:   ".csv",
	counts:      true, origin: OriginMidnight, lengths: true,
	carries: carrying("model", "log_type", "conversation", "elapsed_us"),
	text:    func(s *sheet) layout { return &burstSheet{sheet: s, second: true} },
}

type burstSheet struct {
	*sheet
	second bool
}

func (b *burstSheet) header(dst []byte) []byte {
	if b.second {
		return append(dst, "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"...)
	}
	return append(dst, "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"...)
}

func (b *burstSheet) row(dst []byte, r *schemas.Request, us int64) []byte {
	dst = append(appendScaled(dst, us, 6), ',')
	if b.second {
		dst = append(appendCell(dst, r.Conversation), ',')
		if r.ElapsedUS != schemas.Unknown {
			dst = appendScaled(dst, r.ElapsedUS, 6)
		}
		dst = append(dst, ',')
	}
	dst = append(appendCell(dst, r.Model), ',')
	dst = append(strconv.AppendInt(dst, r.RequestTokens, 10), ',')
	dst = append(strconv.AppendInt(dst, r.ResponseTokens, 10), ',')
	dst = append(strconv.AppendInt(dst, r.RequestTokens+r.ResponseTokens, 10), ',')
	return append(append(dst, b.logType(r)...), '\n')
}

// logType gives one of the two kinds that there are.
func (b *burstSheet) logType(r *schemas.Request) string {
	switch {
	case r.LogType == "conversation":
		return "Conversation log"
	case r.LogType == "api":
		return "API log"
	case r.Conversation != "":
		b.losses.add("log_type", "written as conversation: the format has conversation and api")
		return "Conversation log"
	}
	b.losses.add("log_type", "written as api: the format has conversation and api")
	return "API log"
}
