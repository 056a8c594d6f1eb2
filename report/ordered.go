package report

import "tidegauge/schemas"

// Ordered is one service's requests in METRICS' order, copies removed: what a Collector computes from, for whoever
// needs more of them than the summary says (traces/contrast). The slices are the Collector's own and must not be changed;
// they may be kept.
type Ordered struct {
	Service       string
	ArrivalUS     []int64
	RequestTokens []int32 // or schemas.Unknown
	// ResponseTokens, or schemas.Unknown.
	ResponseTokens []int32
	// ElapsedUS and TTFTUS are nil where no request has one, else schemas.Unknown for those that lack it.
	ElapsedUS, TTFTUS []int64
	// Kind numbers the pairs of model and log type, in the order of Kinds.
	Kind  []uint32
	Kinds []Kind
	// Conversation numbers the conversations from 1 on, 0 being none; nil where no request has one.
	Conversation []uint32

	end []uint16
}

// Kind is a model and a log type.
type Kind struct{ Model, LogType string }

// Outcome is how the i-th request ended.
func (o *Ordered) Outcome(i int) schemas.Outcome { return outcomeOf(o.end[i]) }

// ordered shows the columns once they are arranged.
func (c *columns) ordered() Ordered {
	o := Ordered{Service: c.store.name, ArrivalUS: c.t, RequestTokens: c.request, ResponseTokens: c.response,
		ElapsedUS: c.elapsed, TTFTUS: c.ttft, Kind: c.kind, Conversation: c.conversation, end: c.end}
	for _, k := range c.store.kinds {
		o.Kinds = append(o.Kinds, Kind{k.model, k.logType})
	}
	return o
}
