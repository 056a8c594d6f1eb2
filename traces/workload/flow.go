package workload

import (
	"slices"

	"tidegauge/schemas"
)

// flow makes the requests of one flow (or of one of its copies), in order of arrival.
type flow struct {
	model    *Flow
	service  string
	client   string
	source   source
	process  *process
	silent   *silent // what arrivals pass by
	kept     *silent // the same silences, for turns
	end      int64
	models   []flowModel
	choose   picker
	mixed    bool // the models' shares are the user's, and their runs only a measure of how they follow each other
	failures *failing
	response float64 // factor of response tokens
	ends     float64 // factor of the chance that a conversation goes on
	id       uint64  // of the flow, in conversations' names

	current, run int // the model asked, and how many requests in a row it still gets
	arrival      int64
	load         int
	turns        turnHeap
	ended        []*talk
	goes         []even // by what follows a turn: whether it goes on
	begun        uint64 // conversations
}

// flowModel is a model in a flow.
type flowModel struct {
	model   *Model
	lengths *lengths
	latency *Latency
	reasons []picker // by response class
	last    said     // the model's previous request
	runs    even
}

// talk is a conversation under way.
type talk struct {
	number uint64
	model  int
	turn   int
	said   said
	load   int
}

// turn is a conversation's next request. Turns are ordered by arrival, then by the conversation's number.
type turn struct {
	at   int64
	talk *talk
}

func (t *turn) before(o *turn) bool {
	return t.at < o.at || t.at == o.at && t.talk.number < o.talk.number
}

// turnHeap has the first turn at its top.
type turnHeap []turn

func (h *turnHeap) push(t turn) {
	*h = append(*h, t)
	all, i := *h, len(*h)-1
	for up := (i - 1) / 2; i > 0 && all[i].before(&all[up]); up = (i - 1) / 2 {
		all[i], all[up] = all[up], all[i]
		i = up
	}
}

func (h *turnHeap) pop() turn {
	all := *h
	top, last := all[0], len(all)-1
	all[0], all[last] = all[last], turn{}
	*h = all[:last]
	h.sink()
	return top
}

// sink puts the top where it belongs.
func (h *turnHeap) sink() {
	all := *h
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(all); c++ {
			if all[c].before(&all[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		all[i], all[least] = all[least], all[i]
		i = least
	}
}

// newFlow makes a flow that begins at start. Conversations begin earlier, or there would be too few under way at the start; what
// comes before start is passed over.
func newFlow(f *Flow, service string, s source, id uint64, quiet *Silences, quietSource source, c *course, start, end int64, scale float64, o GenerateOptions) *flow {
	g := &flow{model: f, service: service, client: f.Client, source: s, end: end, id: id, response: o.ResponseLength, ends: o.ConversationLength}
	begin := start
	if f.Arrivals.Path == nil {
		c = nil
	}
	if f.Conversations != nil {
		begin = max(0, start-f.Conversations.DurationUS)
		if c != nil {
			begin = max(begin, min(start, c.zero)) // those from before the log look as if they began in it
		}
		g.goes = make([]even, len(f.Conversations.Next))
	}
	g.process = newProcess(&f.Arrivals, newSource(s.pcg.Uint64(), 1), c, begin, end, scale, o.Burstiness)
	g.silent, g.kept = newSilent(quiet, c, quietSource, start), newSilent(quiet, c, quietSource.again(), start)
	shares := make([]int, len(f.Models))
	for i := range f.Models {
		m := &f.Models[i]
		shares[i] = m.Weight
		fm := flowModel{model: m, lengths: newLengths(&m.Lengths), latency: &m.Latency, last: nothingSaid, runs: even{bits: finely}}
		for c := range max(len(m.Lengths.Response), 1) {
			var w []int
			for _, r := range m.FinishReasons {
				w = append(w, r.Weights[min(c, len(r.Weights)-1)])
			}
			fm.reasons = append(fm.reasons, newPicker(w))
		}
		g.models = append(g.models, fm)
	}
	if share, ok := mixOf(f.Models, o.ModelMix); ok {
		g.mixed = true
		for i := range f.Models {
			shares[i] = share[i]
			if runs := f.Models[i].Runs; runs != nil && f.Conversations == nil {
				shares[i] = int(float64(share[i]) * 100 / runs.mean())
			}
		}
	}
	g.choose = newPicker(shares)
	if f.Failures != nil {
		g.failures = newFailing(f.Failures, o.FailureRate)
	}
	g.advance()
	for g.arrival < begin {
		g.advance()
	}
	for at, ok := g.peek(); ok && at < start; at, ok = g.peek() {
		var r schemas.Request
		g.take(&r)
	}
	return g
}

// advance moves to the next arrival outside of silences.
func (g *flow) advance() {
	for {
		g.arrival, g.load = g.process.next()
		if g.arrival >= g.end || g.silent.until(g.arrival) == 0 {
			return
		}
	}
}

// peek gives the arrival of the flow's next request.
func (g *flow) peek() (int64, bool) {
	at := g.arrival
	for len(g.turns) > 0 && g.turns[0].at < at {
		until := g.kept.until(g.turns[0].at)
		if until == 0 {
			break
		}
		// Who is kept waiting by a silence comes back some time after it.
		back := until + int64(g.source.below(uint64(until-g.turns[0].at)+1))
		if tick := g.model.Conversations.TickUS; tick > 1 {
			back += tick - 1 - (back-1)%tick
		}
		g.turns[0].at = back
		g.turns.sink()
	}
	if len(g.turns) > 0 && g.turns[0].at < at {
		at = g.turns[0].at
	}
	return at, at < g.end
}

// take makes r the flow's next request.
func (g *flow) take(r *schemas.Request) {
	var t *talk
	follows := len(g.turns) > 0 && g.turns[0].at < g.arrival
	at := g.arrival
	if follows {
		next := g.turns.pop()
		t, at = next.talk, next.at
	} else {
		t = g.newTalk()
		if g.model.Conversations != nil {
			g.begun++
			t.number = g.begun
		} else {
			t.said = g.models[t.model].last
		}
		g.advance()
	}
	t.turn++
	m := &g.models[t.model]
	r.ArrivalUS, r.Service, r.Model, r.LogType, r.Client = at, g.service, m.model.Model, g.model.LogType, g.client
	r.Operation = m.model.Operation
	next := m.lengths.draw(g.source, &t.said, g.model.Conversations != nil)
	g.serve(r, m, &next, t.load)
	if r.Outcome.Failed() {
		// An answer that never came leaves nothing to the next.
		keep := t.said
		keep.paused = next.paused
		if g.model.Conversations == nil || keep.request >= 0 {
			next = keep
		}
	}
	if g.model.Conversations == nil {
		m.last = next
		g.ended = append(g.ended, t)
		return
	}
	r.Conversation = g.name(t.number)
	next.paused = t.said.paused
	if !g.goOn(r, t, &next) {
		g.ended = append(g.ended, t)
	}
}

// newTalk gives what a request begins: of those that ended, one that is used again.
func (g *flow) newTalk() *talk {
	var t *talk
	if last := len(g.ended) - 1; last >= 0 {
		t, g.ended = g.ended[last], g.ended[:last]
	} else {
		t = new(talk)
	}
	*t = talk{load: g.load, said: nothingSaid, model: g.nextModel()}
	return t
}

// goOn decides whether a conversation goes on, and when. It says whether it does before the log ends.
func (g *flow) goOn(r *schemas.Request, t *talk, next *said) bool {
	c := g.model.Conversations
	i := c.index(t.turn, int(next.paused))
	if i < 0 || len(c.Next[i].PauseUS.Knots) == 0 {
		return false
	}
	n := &c.Next[i]
	// The odds of going on are multiplied, so that conversations get longer without ever becoming endless.
	goes := float64(One-n.Ends) * g.ends
	if unit(g.goes[i].draw(g.source))*(goes+float64(n.Ends)) >= goes {
		return false
	}
	pause := n.PauseUS.draw(g.source)
	at := r.ArrivalUS + pause
	if c.Pause == pauseAnswer && r.ElapsedUS > 0 {
		at += r.ElapsedUS
	}
	if tick := c.TickUS; tick > 1 {
		at -= at % tick
	}
	at = max(at, r.ArrivalUS)
	if at >= g.end {
		return false
	}
	next.paused = 0
	if pause >= c.next(t.turn, -1).PauseUS.median() {
		next.paused = 1
	}
	t.said = *next
	g.turns.push(turn{at, t})
	return true
}

// next gives what follows a turn, nil if nothing is known.
func (c *Conversations) next(turn, paused int) *Next {
	if i := c.index(turn, paused); i >= 0 {
		return &c.Next[i]
	}
	return nil
}

// index says where that is, -1 if nothing is known.
func (c *Conversations) index(turn, paused int) int {
	any := -1
	for i := range c.Next {
		n := &c.Next[i]
		if turn < n.FromTurn || n.ToTurn > 0 && turn > n.ToTurn {
			continue
		}
		switch n.After {
		case afterAny:
			any = i
		case afterShort:
			if paused == 0 {
				return i
			}
		case afterLong:
			if paused == 1 {
				return i
			}
		}
	}
	return any
}

// nextModel says which model the next request, or conversation, asks.
func (g *flow) nextModel() int {
	if len(g.models) == 1 {
		return 0
	}
	if g.run > 0 {
		g.run--
		return g.current
	}
	next := g.choose.pick(g.source)
	runs := g.models[g.current].model.Runs
	for tries := 0; runs != nil && !g.mixed && next == g.current && tries < 64; tries++ {
		next = g.choose.pick(g.source)
	}
	g.current = next
	if runs = g.models[next].model.Runs; runs != nil && g.model.Conversations == nil {
		g.run = max(0, int(runs.at(g.models[next].runs.draw(g.source)))-1)
	}
	return next
}

// serve decides how a request ends, and when.
func (g *flow) serve(r *schemas.Request, m *flowModel, s *said, load int) {
	if f := g.failures; f != nil {
		if k := f.next(g.source, m.model.FailureFactor, load); k != nil {
			k.end(r, g.source, s)
			return
		}
	}
	if g.response != 1 && s.response > 0 {
		s.response = max(1, int64(float64(float64(s.response)*g.response)+0.5))
	}
	l := m.lengths.model
	r.Outcome, r.RequestTokens, r.ResponseTokens = schemas.OK, s.request, s.response
	if g.source.chance(m.model.Cancelled) {
		r.Outcome = schemas.Cancelled
	}
	if len(m.model.FinishReasons) > 0 {
		if p := m.reasons[max(s.responseClass, 0)]; !p.empty() {
			r.FinishReason = m.model.FinishReasons[p.pick(g.source)].Reason
		}
	}
	r.MaxTokens = l.MaxTokens.draw(g.source)
	if r.MaxTokens >= 0 {
		r.MaxTokens = max(r.MaxTokens, s.response)
	}
	r.ReasoningTokens = l.Reasoning.of(g.source, s.response)
	r.CachedTokens = l.Cached.of(g.source, s.request)
	m.latency.draw(r, g.source, s, load)
}

// draw gives the number, or unknown.
func (p *Portion) draw(s source) int64 {
	if p == nil || !s.chance(p.Known) {
		return schemas.Unknown
	}
	return p.Values.draw(s)
}

// of gives a part of a whole, or unknown.
func (p *Portion) of(s source, whole int64) int64 {
	share := p.draw(s)
	if share < 0 || whole < 0 {
		return schemas.Unknown
	}
	return min(whole*share/One, whole)
}

// draw sets how long a request takes.
func (l *Latency) draw(r *schemas.Request, s source, said *said, load int) {
	if !s.chance(l.Known) {
		return
	}
	rest := valuesAt(l.RestUS, load, int(said.responseClass))
	if rest == nil {
		return
	}
	r.ElapsedUS = rest.draw(s)
	if ttft := valuesAt(l.TTFTUS, load, int(said.requestClass)); ttft != nil && s.chance(l.TTFTKnown) {
		r.TTFTUS = max(ttft.draw(s), 0)
		r.ElapsedUS += r.TTFTUS
	}
	r.ElapsedUS = max(r.ElapsedUS, 0)
	if tick := l.TickUS; tick > 1 {
		r.ElapsedUS -= r.ElapsedUS % tick
		if r.TTFTUS > 0 {
			r.TTFTUS = min(r.TTFTUS-r.TTFTUS%tick, r.ElapsedUS)
		}
	}
}

func valuesAt(tables [][]Values, load, class int) *Values {
	if len(tables) == 0 {
		return nil
	}
	row := tables[min(load, len(tables)-1)]
	if len(row) == 0 {
		return nil
	}
	v := &row[min(max(class, 0), len(row)-1)]
	if len(v.Knots) == 0 {
		return nil
	}
	return v
}

// name names a conversation of the flow.
func (g *flow) name(number uint64) string {
	return string(appendHex(append(appendHex(append(make([]byte, 0, 24), 'c'), g.id&0xffffff), '-'), number))
}

const hexDigits = "0123456789abcdef"

func appendHex(b []byte, x uint64) []byte {
	from := len(b)
	for {
		b = append(b, hexDigits[x&15])
		if x >>= 4; x == 0 {
			break
		}
	}
	slices.Reverse(b[from:])
	return b
}

// mean is the distribution's mean, at least 1.
func (v *Values) mean() float64 {
	if len(v.Knots) == 1 {
		return float64(max(v.Knots[0], 1))
	}
	sum := 0.0
	for i := 1; i < len(v.Knots); i++ {
		sum += float64(v.Knots[i-1]+v.Knots[i]) / 2
	}
	return max(sum/float64(len(v.Knots)-1), 1)
}

// median is the value in the middle.
func (v *Values) median() int64 { return v.at(1 << 63) }

// mixOf gives the weights of a flow's models where the user has named shares: those not named share what is left in their
// proportions. It says false where the mix says nothing of this flow.
func mixOf(models []Model, mix map[string]float64) ([]int, bool) {
	named, left, others := false, 1.0, 0
	for i := range models {
		if share, ok := mix[models[i].Model]; ok {
			named = true
			left -= share
		} else {
			others += models[i].Weight
		}
	}
	if !named {
		return nil, false
	}
	w := make([]int, len(models))
	for i := range models {
		if share, ok := mix[models[i].Model]; ok {
			w[i] = int(float64(share * One))
		} else if others > 0 {
			w[i] = int(float64(max(left, 0)*One*float64(models[i].Weight)) / float64(others))
		}
	}
	return w, true
}
