package workload

import "slices"

// cutTurns is how many turns' shares that are cut are told apart, while none was before; the last is of all later ones. Two more follow: of
// turns after one that was cut, and of later ones.
const cutTurns = 10

// contexts collects how the turns of conversations relate.
type contexts struct {
	pairs, cut [cutTurns + 2][]int    // by what came before and the class of the previous request
	grown      [grownStates][][]int64 // by what came before (see state), and the class of the previous response
	kept       [][]int64
	at         history
}

func newContexts(x, y int) *contexts {
	c := &contexts{kept: make([][]int64, x)}
	for i := range c.pairs {
		c.pairs[i], c.cut[i] = make([]int, x), make([]int, x)
	}
	for i := range c.grown {
		c.grown[i] = make([][]int64, max(y, 1))
	}
	return c
}

// begin is where a conversation begins.
func (c *contexts) begin() { c.at = history{} }

// add counts a turn after another, whose classes are given.
func (c *contexts) add(request, before, answered int64, classX, classY int) {
	c.at.turns++
	row := c.at.row(len(c.pairs))
	c.pairs[row][classX]++
	if request < before {
		c.cut[row][classX]++
		c.kept[classX] = append(c.kept[classX], request*One/before)
	} else {
		s := c.at.state()
		c.grown[s][classY] = append(c.grown[s][classY], request-before-answered)
	}
	c.at.goOn(request < before)
}

// fit describes them; nil where too few turns follow others.
func (c *contexts) fit() *Context {
	grown := tables(c.grown[:])
	if grown == nil {
		return nil
	}
	m := &Context{Grown: grown}
	kept := tables([][][]int64{c.kept})
	if kept == nil { // hardly any is cut
		kept = [][]Values{make([]Values, len(c.kept))}
		for i := range c.kept {
			kept[0][i] = Values{Knots: []int64{One / 2}}
		}
	}
	m.Kept = kept[0]
	for i := range m.Kept {
		m.Kept[i].limit(0, One)
	}
	for _, row := range m.Grown {
		for i := range row {
			row[i].limit(-mostGrown, mostGrown)
		}
	}
	var all, allCut int
	classPairs, classCut := make([]int, len(c.kept)), make([]int, len(c.kept))
	for row := range c.pairs {
		for class, n := range c.pairs[row] {
			all, allCut = all+n, allCut+c.cut[row][class]
			classPairs[class] += n
			classCut[class] += c.cut[row][class]
		}
	}
	for row := range c.pairs {
		inRow, inRowCut := 0, 0
		for class, n := range c.pairs[row] {
			inRow, inRowCut = inRow+n, inRowCut+c.cut[row][class]
		}
		shares := make([]int, len(c.kept))
		for class, n := range c.pairs[row] {
			switch {
			case n >= 2*MinBucket:
				shares[class] = portionOf(c.cut[row][class], n)
			case inRow >= 2*MinBucket: // too few for classes, but it may be the turn that matters
				shares[class] = portionOf(inRowCut, inRow)
			case classPairs[class] >= 2*MinBucket:
				shares[class] = portionOf(classCut[class], classPairs[class])
			default:
				shares[class] = portionOf(allCut, all)
			}
		}
		m.Cut = append(m.Cut, shares)
	}
	return m
}

// turnsOf is how many turns conversations have.
func turnsOf(all []seen) []int {
	var turns []int
	for _, s := range all {
		if s.begins || len(turns) == 0 {
			turns = append(turns, 0)
		}
		turns[len(turns)-1]++
	}
	return turns
}

const (
	// settlings is how often contexts and answers, each of which depends on the other, are put right.
	settlings = 3
	// fewestTried is how many requests are drawn for it at least, and toldSteps in how many steps of equal probability they are looked at.
	fewestTried = 20_000
	toldSteps   = 64
)

// settle draws conversations of so many turns, and makes the requests that follow others, and all responses, come to what was seen.
func (l *Lengths) settle(turns []int, followed []int64, shown *tally) {
	if len(followed) < MinBucket || shown.y == 0 {
		return
	}
	slices.Sort(followed)
	s := newSource(0)
	for range settlings {
		var drawn []int64
		tried := newTally(len(l.Topics), shown.x, shown.y)
		model := newLengths(l)
		for len(drawn) < fewestTried {
			for _, n := range turns {
				last := nothingSaid
				for turn := range n {
					next := model.draw(s, &last, true)
					if next.request < 0 { // not known
						next.request, next.requestClass, next.history = last.request, last.requestClass, last.history
					} else if turn > 0 && last.request >= 0 {
						drawn = append(drawn, next.history.context)
					}
					tried.add(int(next.topic), seen{x: int16(next.requestClass)}, 1)
					last = next
				}
			}
			if len(drawn) == 0 {
				return
			}
		}
		slices.Sort(drawn)
		c := l.Context
		c.Drawn, c.Meant = nil, nil
		n := len(followed)
		add := func(rank int) { // of n
			i := int(int64(rank) * int64(len(drawn)) / int64(n))
			c.Drawn, c.Meant = append(c.Drawn, max(knot(drawn, i), 1)), append(c.Meant, knot(followed, rank))
		}
		steps := max(1, min(toldSteps, n/MinBucket))
		for i := 1; i < steps; i++ {
			add(i * n / steps)
		}
		for last := n - n/steps; (n-last)/2 >= MinBucket; {
			last += (n - last) / 2
			add(last)
		}
		l.evenAnswers(tried.answer, shown)
	}
}
