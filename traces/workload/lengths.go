package workload

import "tidegauge/schemas"

// lengths draws request and response tokens.
type lengths struct {
	model          *Lengths
	first          picker
	following      []picker
	followingAfter [][]picker
	answer         []picker
	answerAfter    [][][]picker // by how the request's class relates to the previous one's
}

// thirds is how many groups of response classes requests follow.
const thirds = 3

// The relations of a request's class to the previous one's.
const (
	relationAny = iota
	relationSame
	relationNear
	relationFar
	relations
)

// relation says how the classes of two requests relate.
func relation(class, previous int) int {
	switch d := class - previous; {
	case class < 0 || previous < 0:
		return relationAny
	case d == 0:
		return relationSame
	case d == 1 || d == -1:
		return relationNear
	}
	return relationFar
}

// said is what a request leaves to the next: its lengths, their classes, and where in them they stand. Classes are -1 where not known.
type said struct {
	request, response           int64
	requestClass, responseClass int
	requestRank, responseRank   uint64
	paused                      int // how the pause before it compares: -1 none, 0 short, 1 long
}

var nothingSaid = said{request: -1, response: -1, requestClass: -1, responseClass: -1, paused: -1}

func newLengths(m *Lengths) *lengths {
	l := &lengths{model: m, first: newPicker(m.First), following: pickers(m.Following), answer: pickers(m.Answer)}
	for _, rows := range m.FollowingAfter {
		l.followingAfter = append(l.followingAfter, pickers(rows))
	}
	for _, tables := range m.AnswerAfter {
		var t [][]picker
		for _, rows := range tables {
			t = append(t, pickers(rows))
		}
		l.answerAfter = append(l.answerAfter, t)
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
		px := before.requestClass
		switch {
		case !conversation || px < 0 || px >= len(m.Carried):
			classes := rowOr(l.following, px, l.first)
			if third := before.responseClass * thirds / max(len(m.Response), 1); before.responseClass >= 0 && third < len(l.followingAfter) {
				classes = rowOr(l.followingAfter[third], px, classes)
			}
			next.requestClass = classes.pick(s)
			next.requestRank = s.pcg.Uint64()
			if next.requestClass == px && s.chance(at(m.SameRequest, px)) {
				next.requestRank = before.requestRank
			}
			next.request = m.Request[next.requestClass].at(next.requestRank)
		case m.Said != nil && s.chance(m.Carried[px]):
			next.request = max(1, before.request+max(before.response, 0)+m.Said.draw(s))
			next.requestClass = classOf(m.Request, next.request)
		case px < len(m.Kept) && len(m.Kept[px].Knots) > 0:
			whole := before.request + 9*max(before.response, 0)/10
			next.request = max(1, whole*m.Kept[px].draw(s)/One)
			next.requestClass = classOf(m.Request, next.request)
		default:
			next.requestClass = l.first.pick(s)
			next.requestRank = s.pcg.Uint64()
			next.request = m.Request[next.requestClass].at(next.requestRank)
		}
		next.request = min(next.request, schemas.MaxTokens)
	}
	if len(m.Response) > 0 && !s.chance(m.ResponseUnknown) {
		answers := rowOr(l.answer, max(next.requestClass, 0), l.first)
		cx := max(next.requestClass, 0)
		for _, r := range [2]int{relationAny, relation(next.requestClass, before.requestClass)} {
			if r < len(l.answerAfter) && cx < len(l.answerAfter[r]) {
				answers = rowOr(l.answerAfter[r][cx], before.responseClass, answers)
			}
		}
		next.responseClass = min(answers.pick(s), len(m.Response)-1)
		next.responseRank = s.pcg.Uint64()
		switch {
		case next.requestRank > 0 && s.chance(at(m.LikeRequest, cx)):
			next.responseRank = next.requestRank
		case next.responseClass == before.responseClass && s.chance(at(m.SameResponse, next.responseClass)):
			next.responseRank = before.responseRank
		}
		next.response = m.Response[next.responseClass].at(next.responseRank)
	}
	return next
}

// at gives a share, 0 where there is none.
func at(shares []int, i int) int {
	if i < 0 || i >= len(shares) {
		return 0
	}
	return shares[i]
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
