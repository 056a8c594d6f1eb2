package replay

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"tidegauge/schemas"
)

// SummarySchema names the summary's form; its keys are an interface.
const SummarySchema = "tidegauge.replay/1"

// Summary is what a run came to. Times are seconds. All but Schedule's first fields and WarmUp are without the warm-up.
type Summary struct {
	Schema      string    `json:"schema"`
	GeneratedBy string    `json:"generated_by"`
	Run         string    `json:"run"`
	Service     string    `json:"service"`
	Target      string    `json:"target"`
	Model       string    `json:"model,omitempty"` // "": the trace's
	Started     time.Time `json:"started"`         // when the first request was due
	Seconds     float64   `json:"seconds"`         // measured: from the warm-up's end to the last answer
	// Partial says that the run was stopped before its end, Unsaved how many results could not be handed on.
	Partial bool  `json:"partial"`
	Unsaved int64 `json:"unsaved"`

	Requests Requests         `json:"requests"`
	Schedule Schedule         `json:"schedule"`
	Outcomes map[string]int64 `json:"outcomes"`
	Failures []Failure        `json:"failures"`
	Tokens   Tokens           `json:"tokens"`
	Latency  Latency          `json:"latency"`
	Goodput  *Goodput         `json:"goodput,omitempty"`
}

// Requests counts requests.
type Requests struct {
	Read     int64 `json:"read"` // of the trace
	WarmUp   int64 `json:"warm_up"`
	Ended    int64 `json:"ended"` // measured: each has a result
	Sent     int64 `json:"sent"`  // of these
	Answered int64 `json:"answered"`
	// NotDue are later turns whose earlier answer had not come when the run was over.
	NotDue int64 `json:"not_due"`
	// PerSecond is Sent over the time in which they were due.
	PerSecond float64 `json:"per_second"`
}

// Schedule says how well the schedule was kept.
type Schedule struct {
	Pace            float64 `json:"pace"`
	DurationSeconds float64 `json:"duration_s"` // in which requests were due
	// Error is from when a request was due to when it was handed to the network, with its text and before it waits for a connection.
	Error Spread `json:"error_s"`
	// Connect is from there to when it had a connection; Connections how many were made.
	Connect      Spread `json:"connect_s"`
	Connections  int64  `json:"connections"`
	MostInFlight int64  `json:"most_in_flight"`
}

// Failure is one kind of failure.
type Failure struct {
	Kind    string `json:"kind"` // as in results' error_type
	Outcome string `json:"outcome"`
	Count   int64  `json:"count"`
	Example string `json:"example,omitempty"` // what the first said
}

// Tokens counts tokens.
type Tokens struct {
	Request           int64   `json:"request"`
	Response          int64   `json:"response"`
	ResponsePerSecond float64 `json:"response_per_second"`
	// PromptsCounted are the requests whose prompt the server counted: Asked is how long these were to be, Counted how long they were.
	PromptsCounted int64 `json:"prompts_counted"`
	Asked          int64 `json:"asked"`
	Counted        int64 `json:"counted"`
	// FromPieces are answers whose tokens the server did not count, so that each piece counts as one; Unstreamed came whole
	// although a stream was asked for.
	FromPieces int64 `json:"from_pieces"`
	Unstreamed int64 `json:"unstreamed"`
}

// Latency is of the requests that ended with ok: from when they were due, and, as …Sent, from when they were sent.
type Latency struct {
	TTFT     Spread `json:"ttft_s"`
	TTFTSent Spread `json:"ttft_sent_s"`
	E2E      Spread `json:"e2e_s"`
	E2ESent  Spread `json:"e2e_sent_s"`
	TPOT     Spread `json:"tpot_s"` // by request: from the first piece to the last, over the tokens after the first
	ITL      Spread `json:"itl_s"`  // between neighbouring pieces of an answer
}

// Goodput counts the requests that kept to all objectives, among all that were due and measured.
type Goodput struct {
	Objectives string  `json:"objectives"`
	Good       int64   `json:"good"`
	Share      float64 `json:"share"`
	PerSecond  float64 `json:"per_second"`
}

// summary is of a run that is over.
func (r *run) summary() *Summary {
	m, s := r.measures, &r.schedule
	seconds, span := r.spans()
	out := &Summary{
		Schema: SummarySchema, GeneratedBy: r.config.UserAgent, Run: r.config.Run, Service: r.config.Service, Target: r.target, Model: r.config.Model,
		Started: s.start.UTC().Truncate(time.Microsecond), Seconds: seconds, Partial: r.interrupted.Load(), Unsaved: r.unsaved,
		Requests: Requests{Read: r.read.Load(), WarmUp: m.warmUp, Ended: m.ended, Sent: m.sent, Answered: m.outcomes[schemas.OK], NotDue: r.notDue(),
			PerSecond: rate(m.sent, span)},
		Schedule: Schedule{Pace: r.config.Pace, DurationSeconds: span, Error: m.scheduleError.summary(), Connect: m.connecting.summary(),
			Connections: m.connections, MostInFlight: r.mostInFlight.Load()},
		Outcomes: make(map[string]int64), Failures: []Failure{},
		Tokens: Tokens{Request: m.requestTokens, Response: m.responseTokens, ResponsePerSecond: rate(m.responseTokens, seconds),
			PromptsCounted: m.promptsCounted, Asked: m.asked, Counted: m.counted, FromPieces: m.pieceCounted, Unstreamed: m.unstreamed},
		Latency: Latency{TTFT: m.ttft.summary(), TTFTSent: m.ttftSent.summary(), E2E: m.e2e.summary(), E2ESent: m.e2eSent.summary(),
			TPOT: m.tpot.summary(), ITL: m.itl.summary()},
	}
	if !s.started { // the trace was empty
		out.Started = r.begun.UTC()
	}
	for o, n := range m.outcomes {
		if n > 0 {
			out.Outcomes[schemas.Outcome(o).String()] = n
		}
	}
	for _, f := range slices.SortedFunc(maps.Values(m.failures), func(a, b *Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind))
	}) {
		out.Failures = append(out.Failures, *f)
	}
	if o := r.config.Objectives; o != (Objectives{}) {
		out.Goodput = &Goodput{Objectives: o.String(), Good: m.good, PerSecond: rate(m.good, seconds)}
		if m.ended > 0 {
			out.Goodput.Share = float64(m.good) / float64(m.ended)
		}
	}
	return out
}

// spans are how long was measured, to the last answer, and how long of that requests were due.
func (r *run) spans() (measured, due float64) {
	from := r.schedule.start.Add(r.config.WarmUp)
	if !r.schedule.started || r.measures.sent == 0 {
		return 0, 0
	}
	due = r.measures.lastDue.Sub(from).Seconds()
	return max(r.measures.lastEnd.Sub(from).Seconds(), due), due
}

func rate(n int64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(n) / seconds
}

// notDue counts turns that wait for an earlier answer although the trace had them within the run.
func (r *run) notDue() (n int64) {
	until := time.Now()
	if r.config.Duration > 0 && r.schedule.started {
		if end := r.end(); end.Before(until) {
			until = end
		}
	}
	count := func(all map[string]*conversation, but map[string]*conversation) {
		for key, c := range all {
			if but[key] != nil {
				continue
			}
			for _, w := range c.waiting {
				if r.schedule.at(w.request.ArrivalUS).Before(until) {
					n++
				}
			}
		}
	}
	count(r.schedule.conversations.young, nil)
	count(r.schedule.conversations.old, r.schedule.conversations.young)
	return n
}

// Live is where a run stands, for those who watch it. Quantiles and rates are of the time since Live was last asked.
type Live struct {
	Since                         time.Duration // the first request was due
	Read, Sent, Ended, Failed     int64
	InFlight                      int64
	SentPerSecond, EndedPerSecond float64
	RecentFailed                  int64
	TTFT50, TTFT99, E2E50, E2E99  time.Duration // 0: none
	ScheduleError99               time.Duration // of the whole run
}

// Live may be asked while Run runs, by one goroutine.
func (p *Replay) Live() Live {
	r := p.run
	now := time.Now()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	m := r.measures
	sent := r.sent.Load()
	l := Live{Read: r.read.Load(), Sent: sent, Ended: m.ended + m.warmUp, Failed: m.failed, InFlight: r.inFlight.Load(), RecentFailed: m.recentFailed}
	if at := r.started.Load(); at != nil {
		l.Since = max(0, now.Sub(*at))
	}
	if seconds := now.Sub(r.looked.at).Seconds(); !r.looked.at.IsZero() && seconds > 0 {
		l.SentPerSecond, l.EndedPerSecond = float64(sent-r.looked.sent)/seconds, float64(m.recentEnded)/seconds
	}
	quantile := func(s spread, percent float64) time.Duration {
		if s.h.TotalCount() == 0 {
			return 0
		}
		return time.Duration(s.h.ValueAtQuantile(percent)) * time.Microsecond
	}
	l.TTFT50, l.TTFT99 = quantile(m.recentTTFT, 50), quantile(m.recentTTFT, 99)
	l.E2E50, l.E2E99 = quantile(m.recentE2E, 50), quantile(m.recentE2E, 99)
	l.ScheduleError99 = quantile(m.scheduleError, 99)
	m.recentTTFT.h.Reset()
	m.recentE2E.h.Reset()
	m.recentEnded, m.recentFailed = 0, 0
	r.looked.at, r.looked.sent = now, sent
	return l
}
