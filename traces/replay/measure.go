package replay

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"tidegauge/schemas"
)

// spread collects durations, to three digits, from a microsecond to a day.
type spread struct{ h *hdrhistogram.Histogram }

func newSpread() spread { return spread{hdrhistogram.New(1, schemas.MaxElapsedUS, 3)} }

func (s spread) add(d time.Duration) {
	_ = s.h.RecordValue(min(max(d.Microseconds(), 0), schemas.MaxElapsedUS)) // within its bounds
}

// Spread is what durations came to, in seconds.
type Spread struct {
	N    int64   `json:"n"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

func (s spread) summary() Spread {
	n := s.h.TotalCount()
	if n == 0 {
		return Spread{}
	}
	q := func(percent float64) float64 { return float64(s.h.ValueAtQuantile(percent)) / 1e6 }
	return Spread{N: n, Mean: s.h.Mean() / 1e6, P50: q(50), P90: q(90), P99: q(99), P999: q(99.9), Max: float64(s.h.Max()) / 1e6}
}

// measures are the numbers of a run while it goes. They are for one goroutine at a time.
type measures struct {
	objectives Objectives

	scheduleError, connecting               spread
	ttft, ttftSent, e2e, e2eSent, tpot, itl spread

	outcomes                      [schemas.Outcomes]int64
	failures                      map[string]*Failure // by kind
	warmUp, ended, sent, good     int64
	connections, unstreamed       int64
	asked, counted                int64 // tokens of prompts: asked for, and counted by the server, where it does
	promptsCounted                int64
	requestTokens, responseTokens int64
	pieceCounted                  int64 // answers whose tokens are the pieces that came
	lastDue, lastEnd              time.Time
	recentTTFT, recentE2E         spread // since the last look
	recentEnded, recentFailed     int64
	failed                        int64
}

func newMeasures(o Objectives) *measures {
	m := &measures{objectives: o, failures: make(map[string]*Failure)}
	for _, s := range []*spread{&m.scheduleError, &m.connecting, &m.ttft, &m.ttftSent, &m.e2e, &m.e2eSent, &m.tpot, &m.itl, &m.recentTTFT, &m.recentE2E} {
		*s = newSpread()
	}
	return m
}

// add counts what came of a call.
func (m *measures) add(c *call) {
	a := &c.answer
	answered := a.outcome == schemas.OK || a.outcome == schemas.Filtered || a.outcome == schemas.Empty
	m.recentEnded++
	if a.outcome.Failed() {
		m.recentFailed++
		m.failed++
	}
	if a.outcome == schemas.OK {
		m.recentE2E.add(a.end.Sub(c.due))
		if !a.first.IsZero() {
			m.recentTTFT.add(a.first.Sub(c.due))
		}
	}
	if c.warm {
		m.warmUp++
		return
	}
	m.ended++
	m.outcomes[a.outcome]++
	if a.kind != "" {
		m.fail(a)
	}
	if a.kind == kindInFlight {
		return
	}
	m.sent++
	m.scheduleError.add(a.sent.Sub(c.due))
	if a.connection {
		m.connections++
	}
	if !a.connected.IsZero() {
		m.connecting.add(a.connected.Sub(a.sent))
	}
	if c.due.After(m.lastDue) {
		m.lastDue = c.due
	}
	if a.end.After(m.lastEnd) {
		m.lastEnd = a.end
	}
	if a.requestTokens >= 0 {
		m.promptsCounted++
		m.asked += c.prompt.tokens
		m.counted += a.requestTokens
	}
	m.responseTokens += a.answered()
	if !answered {
		return
	}
	m.requestTokens += max(a.requestTokens, 0)
	if a.requestTokens < 0 {
		m.requestTokens += c.prompt.tokens
	}
	if a.unstreamed {
		m.unstreamed++
	}
	if a.responseTokens < 0 && a.pieces > 0 {
		m.pieceCounted++
	}
	if a.outcome == schemas.OK {
		m.measure(c)
	}
}

// measure adds a good answer's durations.
func (m *measures) measure(c *call) {
	a := &c.answer
	e2e, o := a.end.Sub(c.due), m.objectives
	m.e2e.add(e2e)
	m.e2eSent.add(a.end.Sub(a.sent))
	good := o.E2E == 0 || e2e <= o.E2E
	if a.first.IsZero() {
		if good && o.TTFT == 0 && o.TPOT == 0 {
			m.good++
		}
		return
	}
	ttft := a.first.Sub(c.due)
	m.ttft.add(ttft)
	m.ttftSent.add(a.first.Sub(a.sent))
	good = good && (o.TTFT == 0 || ttft <= o.TTFT)
	for _, d := range a.gaps {
		m.itl.add(d)
	}
	if n := a.answered(); n > 1 {
		tpot := a.last.Sub(a.first) / time.Duration(n-1)
		m.tpot.add(tpot)
		good = good && (o.TPOT == 0 || tpot <= o.TPOT)
	}
	if good {
		m.good++
	}
}

// maxDetail bounds what is kept of what a failure said.
const maxDetail = 300

func (m *measures) fail(a *answer) {
	f := m.failures[a.kind]
	if f == nil {
		f = &Failure{Kind: a.kind, Outcome: a.outcome.String(), Example: a.detail[:min(len(a.detail), maxDetail)]}
		m.failures[a.kind] = f
	}
	f.Count++
}
