package replay

import (
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"tidegauge/schemas"
)

// The labels of results.
const (
	labelRun    = "run"
	labelTarget = "target"
	labelWarmUp = "warm_up" // true: of the warm-up
)

// result makes a canonical request of what came of a call, whose arrival is when it was due, not when it was sent: the
// schedule is the traffic that the server was to answer, and times that were counted from the sending would leave out
// what a request waited for this program.
func (r *run) result(c *call, to *schemas.Request) {
	a, from := &c.answer, &c.request
	to.Reset()
	to.Service, to.Model, to.LogType, to.Operation = r.config.Service, r.client.model(from), from.LogType, from.Operation
	to.ArrivalUS = c.due.UnixMicro()
	to.RequestID = r.config.Run + "-" + strconv.FormatInt(c.number, 10)
	if from.Conversation != "" {
		to.Conversation = r.name(from.Conversation)
	}
	to.Client, to.PromptID = from.Client, from.PromptID
	to.Outcome, to.StatusCode, to.ErrorType, to.FinishReason = a.outcome, a.status, a.kind, a.finish
	to.RequestTokens = a.requestTokens
	if to.RequestTokens < 0 {
		to.RequestTokens = c.prompt.tokens
	}
	to.ResponseTokens = a.answered()
	if a.responseTokens < 0 && (a.unstreamed || !r.config.Stream) && a.pieces > 0 {
		to.ResponseTokens = schemas.Unknown // one piece says nothing about their number
	}
	to.CachedTokens, to.ReasoningTokens = a.cachedTokens, a.reasoningTokens
	to.MaxTokens = r.config.limit(from)
	if !a.sent.IsZero() {
		to.ElapsedUS = since(c.due, a.end)
	}
	if !a.first.IsZero() {
		to.TTFTUS = since(c.due, a.first)
	}
	to.Temperature, to.TopP, to.Seed, to.HasSeed = from.Temperature, from.TopP, from.Seed, from.HasSeed
	to.Labels = append(to.Labels, schemas.Label{Key: labelRun, Value: r.config.Run}, schemas.Label{Key: labelTarget, Value: r.target})
	if c.warm {
		to.Labels = append(to.Labels, schemas.Label{Key: labelWarmUp, Value: "true"})
	}
}

func since(from, to time.Time) int64 { return max(0, to.Sub(from).Microseconds()) }

// name makes a name of the trace one of this run, so that two runs of one trace do not share conversations.
func (r *run) name(of string) string {
	if len(r.config.Run)+1+len(of) > schemas.MaxID {
		of = strconv.FormatUint(xxhash.Sum64String(of), 16)
	}
	return r.config.Run + "-" + of
}
