package encode

import (
	"math"
	"math/bits"
	"slices"
	"strings"

	"tidegauge/schemas"
)

// Loss is something of the requests that a file does not have.
type Loss struct {
	// What is a field's name, or what else was lost.
	What string
	// Requests says of how many, 0 of the file as a whole; Why says more, where there is more to say.
	Requests int64
	Why      string
}

// fieldSet is a set of fields, by their place in fieldNames.
type fieldSet uint32

// fieldNames are the fields that a format may be unable to carry. Outcome, arrival and the lengths are judged by other rules.
var fieldNames = [...]string{"service", "model", "log_type", "operation", "request_id", "conversation", "client", "prompt_id",
	"status_code", "error_type", "finish_reason", "reasoning_tokens", "cached_tokens", "max_tokens", "target_tokens", "steps",
	"elapsed_us", "ttft_us", "queue_us", "config", "host", "temperature", "top_p", "seed", "prefix_hashes", "labels"}

// present gives the fields that a request has.
func present(r *schemas.Request) (set fieldSet) {
	for i, has := range [len(fieldNames)]bool{r.Service != "", r.Model != "", r.LogType != "", r.Operation != "" && r.Operation != "generation",
		r.RequestID != "" && r.Seq == 0, // an id that was made of the line in the log is made again of the line in the file
		r.Conversation != "", r.Client != "", r.PromptID != "", r.StatusCode != schemas.Unknown, r.ErrorType != "", r.FinishReason != "",
		r.ReasoningTokens != schemas.Unknown, r.CachedTokens != schemas.Unknown, r.MaxTokens != schemas.Unknown, r.TargetTokens != schemas.Unknown,
		r.Steps != schemas.Unknown, r.ElapsedUS != schemas.Unknown, r.TTFTUS != schemas.Unknown, r.QueueUS != schemas.Unknown, r.Config != "",
		r.Host != "", !math.IsNaN(r.Temperature), !math.IsNaN(r.TopP), r.HasSeed, len(r.PrefixHashes) > 0, len(r.Labels) > 0} {
		if has {
			set |= 1 << i
		}
	}
	return set
}

const allFields = fieldSet(1)<<len(fieldNames) - 1

// carrying makes a set of field names.
func carrying(names ...string) (set fieldSet) {
	for i, name := range fieldNames {
		if slices.Contains(names, name) {
			set |= 1 << i
		}
	}
	return set
}

// losses counts what is lost.
type losses struct {
	fields [len(fieldNames)]int64
	others []Loss
}

// request counts the fields of a request that the format has no place for.
func (l *losses) request(r *schemas.Request, carries fieldSet) {
	if carries == allFields {
		return
	}
	for lost := present(r) &^ carries; lost != 0; lost &= lost - 1 {
		l.fields[bits.TrailingZeros32(uint32(lost))]++
	}
}

// add counts something else. What is told apart by its name; the first reason stays.
func (l *losses) add(what, why string) {
	for i := range l.others {
		if l.others[i].What == what && l.others[i].Why == why {
			l.others[i].Requests++
			return
		}
	}
	l.others = append(l.others, Loss{What: what, Requests: 1, Why: why})
}

// note says something that is lost of the file as a whole.
func (l *losses) note(what, why string) { l.others = append(l.others, Loss{What: what, Why: why}) }

// list puts first what is lost of all requests, in one entry.
func (l *losses) list(written int64) (all []Loss) {
	var always []string
	for i, n := range l.fields {
		if n > 0 && n == written {
			always = append(always, fieldNames[i])
		}
	}
	if always != nil {
		all = append(all, Loss{What: strings.Join(always, ", "), Requests: written})
	}
	for i, n := range l.fields {
		if n > 0 && n < written {
			all = append(all, Loss{What: fieldNames[i], Requests: n})
		}
	}
	return append(all, l.others...)
}
