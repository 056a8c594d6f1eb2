package workload

// lengths draws request and response tokens.
type lengths struct {
	model       *Lengths
	first       picker
	following   []picker
	answer      []picker
	answerAfter [][]picker
}

// said is what a request leaves to the next: its lengths and their classes, -1 where not known.
type said struct {
	request, response           int64
	requestClass, responseClass int
	paused                      int // how the pause before it compares: -1 none, 0 short, 1 long
}

var nothingSaid = said{-1, -1, -1, -1, -1}

func newLengths(m *Lengths) *lengths {
	l := &lengths{model: m, first: newPicker(m.First), following: pickers(m.Following), answer: pickers(m.Answer)}
	for _, rows := range m.AnswerAfter {
		l.answerAfter = append(l.answerAfter, pickers(rows))
	}
	return l
}

func pickers(rows [][]int) []picker {
	p := make([]picker, len(rows))
	for i, w := range rows {
		p[i] = newPicker(w)
	}
	return p
}

// rowOr gives the picker at i, or else another.
func rowOr(rows []picker, i int, other picker) picker {
	if i >= 0 && i < len(rows) && !rows[i].empty() {
		return rows[i]
	}
	return other
}

// draw draws the lengths of the request after another. In a conversation the history may be carried.
func (l *lengths) draw(s source, before said, conversation bool) said {
	m := l.model
	next := nothingSaid
	if len(m.Request) > 0 && !s.chance(m.RequestUnknown) {
		carried := conversation && before.request > 0 && before.requestClass < len(m.Carried) &&
			m.Said != nil && s.chance(m.Carried[max(before.requestClass, 0)])
		if carried {
			next.request = max(1, before.request+max(before.response, 0)+m.Said.draw(s))
			next.requestClass = classOf(m.Request, next.request)
		} else {
			next.requestClass = rowOr(l.following, before.requestClass, l.first).pick(s)
			next.request = m.Request[next.requestClass].draw(s)
		}
	}
	if len(m.Response) > 0 && !s.chance(m.ResponseUnknown) {
		answers := rowOr(l.answer, max(next.requestClass, 0), l.first)
		if c := next.requestClass; c >= 0 && c < len(l.answerAfter) {
			answers = rowOr(l.answerAfter[c], before.responseClass, answers)
		}
		next.responseClass = min(answers.pick(s), len(m.Response)-1)
		next.response = m.Response[next.responseClass].draw(s)
	}
	return next
}

// classOf gives the class of a length.
func classOf(classes []Values, tokens int64) int {
	for c := len(classes) - 1; c > 0; c-- {
		if tokens >= classes[c].Knots[0] {
			return c
		}
	}
	return 0
}
