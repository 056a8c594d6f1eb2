package encode

import (
	"math"
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

// fieldSet is a set of fields, by their place in fieldTable.
type fieldSet uint32

// fieldTable are the fields that a format may be unable to carry; has says whether a request has one. Outcome, arrival and
// the lengths are judged by other rules.
var fieldTable = [...]struct {
	name string
	has  func(*schemas.Request) bool
}{
	{"service", func(r *schemas.Request) bool { return r.Service != "" }},
	{"model", func(r *schemas.Request) bool { return r.Model != "" }},
	{"log_type", func(r *schemas.Request) bool { return r.LogType != "" }},
	{"operation", func(r *schemas.Request) bool { return r.Operation != "" && r.Operation != "generation" }},
	// An id that was made of the line in the log is made again of the line in the file.
	{"request_id", func(r *schemas.Request) bool { return r.RequestID != "" && r.Seq == 0 }},
	{"conversation", func(r *schemas.Request) bool { return r.Conversation != "" }},
	{"client", func(r *schemas.Request) bool { return r.Client != "" }},
	{"prompt_id", func(r *schemas.Request) bool { return r.PromptID != "" }},
	{"status_code", func(r *schemas.Request) bool { return r.StatusCode != schemas.Unknown }},
	{"error_type", func(r *schemas.Request) bool { return r.ErrorType != "" }},
	{"finish_reason", func(r *schemas.Request) bool { return r.FinishReason != "" }},
	{"reasoning_tokens", func(r *schemas.Request) bool { return r.ReasoningTokens != schemas.Unknown }},
	{"cached_tokens", func(r *schemas.Request) bool { return r.CachedTokens != schemas.Unknown }},
	{"max_tokens", func(r *schemas.Request) bool { return r.MaxTokens != schemas.Unknown }},
	{"target_tokens", func(r *schemas.Request) bool { return r.TargetTokens != schemas.Unknown }},
	{"steps", func(r *schemas.Request) bool { return r.Steps != schemas.Unknown }},
	{"elapsed_us", func(r *schemas.Request) bool { return r.ElapsedUS != schemas.Unknown }},
	{"ttft_us", func(r *schemas.Request) bool { return r.TTFTUS != schemas.Unknown }},
	{"queue_us", func(r *schemas.Request) bool { return r.QueueUS != schemas.Unknown }},
	{"config", func(r *schemas.Request) bool { return r.Config != "" }},
	{"host", func(r *schemas.Request) bool { return r.Host != "" }},
	{"temperature", func(r *schemas.Request) bool { return !math.IsNaN(r.Temperature) }},
	{"top_p", func(r *schemas.Request) bool { return !math.IsNaN(r.TopP) }},
	{"seed", func(r *schemas.Request) bool { return r.HasSeed }},
	{"prefix_hashes", func(r *schemas.Request) bool { return len(r.PrefixHashes) > 0 }},
	{"labels", func(r *schemas.Request) bool { return len(r.Labels) > 0 }},
}

const allFields = fieldSet(1)<<len(fieldTable) - 1

// carrying makes a set of field names.
func carrying(names ...string) (set fieldSet) {
	for i := range fieldTable {
		if slices.Contains(names, fieldTable[i].name) {
			set |= 1 << i
		}
	}
	return set
}

// losses counts what is lost.
type losses struct {
	fields [len(fieldTable)]int64
	others []Loss
}

// field counts the fields of a request that the format has no place for.
func (l *losses) request(r *schemas.Request, carries fieldSet) {
	if carries == allFields {
		return
	}
	for i := range fieldTable {
		if carries&(1<<i) == 0 && fieldTable[i].has(r) {
			l.fields[i]++
		}
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
			always = append(always, fieldTable[i].name)
		}
	}
	if always != nil {
		all = append(all, Loss{What: strings.Join(always, ", "), Requests: written})
	}
	for i, n := range l.fields {
		if n > 0 && n < written {
			all = append(all, Loss{What: fieldTable[i].name, Requests: n})
		}
	}
	return append(all, l.others...)
}
