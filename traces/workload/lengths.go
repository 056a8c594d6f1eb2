package workload

import (
	"slices"

	"tidegauge/schemas"
)

// lengths draws request and response tokens of one model.
type lengths struct {
	model             *Lengths
	request, response []stepped // by class
	topics            []topic
	first, next       evenPicker // topics: at the beginning, and where one ends
	// Of the context: what is cut, what is left then, what is grown.
	cut, grown [][]even
	kept       []even
}

// topic is what is asked for a while.
type topic struct {
	request evenPicker
	answer  []evenPicker
	life    float64 // requests in which it goes on with a chance of 1/e
	runs    even
}

// run draws how many requests in a row are the topic's: a geometric number.
func (t *topic) run(s source) int32 {
	return 1 + int32(min(float64(t.life*minusLog(unit(t.runs.draw(s)))), 1<<30))
}

// said is what a request leaves to the next: its lengths, their classes, and where in them they stand. Classes are -1 where not known. It
// is small, as each conversation under way has one.
type said struct {
	request, response           int64
	requestRank, responseRank   uint64
	requestClass, responseClass int32
	topic                       int32 // -1: none yet
	left                        int32 // of its run
	history                     history
	paused                      int8 // how the pause before it compares: -1 none, 0 short, 1 long
}

var nothingSaid = said{topic: -1, request: -1, response: -1, requestClass: -1, responseClass: -1, paused: -1}

func newLengths(m *Lengths) *lengths {
	l := &lengths{model: m, request: newStepped(m.Request), response: newStepped(m.Response)}
	var first, next []int
	for i := range m.Topics {
		t := &m.Topics[i]
		first, next = append(first, t.First), append(next, t.Weight)
		life := 0.0
		if t.Run > runUnit {
			life = 1 / minusLog(1-runUnit/float64(t.Run))
		}
		l.topics = append(l.topics, topic{request: newEvenPicker(t.Request), answer: evenPickers(t.Answer), life: life, runs: even{bits: finely}})
	}
	l.first, l.next = newEvenPicker(first), newEvenPicker(next)
	l.next.ranks.bits = finely
	if c := m.Context; c != nil {
		l.kept = make([]even, len(c.Kept))
		for _, row := range c.Cut {
			l.cut = append(l.cut, make([]even, len(row)))
		}
		for _, row := range c.Grown {
			l.grown = append(l.grown, make([]even, len(row)))
		}
	}
	return l
}

// draw draws the lengths of the request after another. In a conversation the history may be carried.
func (l *lengths) draw(s source, before *said, conversation bool) said {
	m := l.model
	next := nothingSaid
	if len(l.topics) == 0 {
		return next
	}
	next.topic, next.left = before.topic, before.left-1
	switch {
	case len(l.topics) == 1:
		next.topic = 0
	case next.topic >= 0 && before.left > 0:
	case m.InTurn:
		next.topic = (next.topic + 1) % int32(len(l.topics))
		next.left = int32(min(m.Topics[next.topic].Run/runUnit, 1<<30)) - 1
	case next.topic < 0:
		next.topic = int32(l.first.pick(s))
		next.left = l.topics[next.topic].run(s) - 1
	default:
		next.topic = int32(l.next.pick(s))
		next.left = l.topics[next.topic].run(s) - 1
	}
	t := &l.topics[next.topic]
	if len(l.request) > 0 && !s.chance(m.RequestUnknown) {
		if conversation && m.Context != nil && before.requestClass >= 0 {
			next.history = l.follow(s, before)
			next.request = m.Context.tell(next.history.context)
			next.requestClass = int32(classOf(l.request, next.request))
		} else {
			c := t.request.pick(s)
			next.requestClass, next.requestRank = int32(c), l.request[c].ranks.draw(s)
			if c == int(before.requestClass) && s.chance(at(m.SameRequest, c)) {
				next.requestRank = before.requestRank
			}
			next.request = l.request[c].at(next.requestRank)
			next.history.context = next.request
		}
	}
	if len(l.response) > 0 && !s.chance(m.ResponseUnknown) {
		cx := int(max(next.requestClass, 0))
		c := t.answer[cx].pick(s)
		next.responseClass, next.responseRank = int32(c), l.response[c].ranks.draw(s)
		switch {
		case next.requestRank > 0 && s.chance(at(m.LikeRequest, cx)):
			next.responseRank = next.requestRank
		case c == int(before.responseClass) && s.chance(at(m.SameResponse, c)):
			next.responseRank = before.responseRank
		}
		next.response = l.response[c].at(next.responseRank)
	}
	return next
}

// history is where a conversation stands with what was said in it.
type history struct {
	context int64 // the request as it was drawn, before it was told
	turns   int32 // that followed others
	cut     bool  // in one of them, the history was
	justCut bool  // in the last
}

// grownStates are three: the first turn that follows, others before the history was ever cut, and those since.
const grownStates = 3

func (h *history) state() int {
	switch {
	case h.cut:
		return 2
	case h.turns > 1:
		return 1
	}
	return 0
}

// row is where the share of a turn that is cut stands, of cutTurns + 2.
func (h *history) row(rows int) int {
	switch {
	case h.justCut:
		return rows - 2
	case h.cut:
		return rows - 1
	}
	return min(int(h.turns), rows-2) - 1
}

// goOn is what comes of a turn.
func (h *history) goOn(cut bool) { h.cut, h.justCut = h.cut || cut, cut }

// follow draws the context of a conversation's later turn.
func (l *lengths) follow(s source, before *said) history {
	c, next := l.model.Context, before.history
	next.turns++
	row, class := next.row(len(c.Cut)), classOf(l.request, next.context)
	cut := share(l.cut[row][class].draw(s)) < c.Cut[row][class]
	if cut {
		next.context = next.context * c.Kept[class].at(l.kept[class].draw(s)) / One
	} else {
		state, answer := next.state(), max(before.responseClass, 0)
		next.context += max(max(before.response, 0)+c.Grown[state][answer].at(l.grown[state][answer].draw(s)), 0)
	}
	next.context = min(max(next.context, 1), schemas.MaxTokens)
	next.goOn(cut)
	return next
}

// tell gives the request of a context: what has the rank among the meant that it has among the drawn.
func (c *Context) tell(context int64) int64 {
	last := len(c.Drawn) - 1
	if last < 0 {
		return context
	}
	i, found := slices.BinarySearch(c.Drawn, context)
	var told int64
	switch {
	case found:
		told = c.Meant[i]
	case i == 0:
		told = context * c.Meant[0] / c.Drawn[0]
	case i > last:
		told = context * c.Meant[last] / c.Drawn[last]
	default:
		span := c.Drawn[i] - c.Drawn[i-1]
		told = c.Meant[i-1] + ((context-c.Drawn[i-1])*(c.Meant[i]-c.Meant[i-1])+span/2)/span
	}
	return min(max(told, 1), schemas.MaxTokens)
}

// at gives a share, 0 where there is none.
func at(shares []int, i int) int {
	if i < 0 || i >= len(shares) {
		return 0
	}
	return shares[i]
}

// classOf gives the class of a length.
func classOf(classes []stepped, tokens int64) int {
	for c := len(classes) - 1; c > 0; c-- {
		if tokens >= classes[c].From[0] {
			return c
		}
	}
	return 0
}
