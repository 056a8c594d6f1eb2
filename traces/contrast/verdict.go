package contrast

import (
	"fmt"
	"math"
)

// Verdict says whether two sides are alike.
type Verdict string

// The verdicts. They are an interface: scripts go by them.
const (
	Alike      Verdict = "alike"
	Differs    Verdict = "differs"
	CannotTell Verdict = "cannot tell"
	Absent     Verdict = "absent" // neither side has it
)

// indecisive is how many tolerances the yardstick may be long: beyond, halves of one side differ by more than what is to
// be told apart.
const indecisive = 3

// evidence is what a verdict on a measure is made from.
type evidence struct {
	*measure
	a, b   float64 // the two values: of a distribution, its medians
	more   bool    // B has more of it
	nA, nB float64 // of how many values each is
	apart  float64
	own    float64 // the yardstick: how far parts of one side are from one another
	times  float64 // what all tolerances are multiplied by
	// blocks on each side
	blocksA, blocksB int
}

func (e *evidence) tolerated() float64 { return e.tolerance * e.times }

// judge is the rule of docs/traces.md. A difference counts if it matters and if it is larger than what one and the same
// trace shows between its parts.
func (e *evidence) judge() (v Verdict, why string) {
	switch {
	case e.nA == 0 && e.nB == 0 || math.IsNaN(e.a) && math.IsNaN(e.b):
		return Absent, "neither side has it"
	case e.nA == 0 || math.IsNaN(e.a):
		return CannotTell, "A has none"
	case e.nB == 0 || math.IsNaN(e.b):
		return CannotTell, "B has none"
	case min(e.nA, e.nB) < e.least:
		side, n := "A", e.nA
		if e.nB < e.nA {
			side, n = "B", e.nB
		}
		return CannotTell, fmt.Sprintf("too few: %s in %s, it takes %s", integer(n), side, integer(e.least))
	case min(e.blocksA, e.blocksB) < leastBlocks:
		side, n := "A", e.blocksA
		if e.blocksB < e.blocksA {
			side, n = "B", e.blocksB
		}
		return CannotTell, fmt.Sprintf("too short: %s has requests in %s, it takes %d", side, several(int64(n), "minute"), leastBlocks)
	case e.apart == 0:
		return Alike, "equal"
	case math.IsNaN(e.own):
		return CannotTell, "too short to know how much it varies by itself"
	case e.apart > e.tolerated() && e.apart > e.own:
		return Differs, fmt.Sprintf("%s; %s would not matter, and parts of one trace are %s apart", e.distance(e.apart), e.limit(e.tolerated()), e.limit(e.own))
	case e.own > indecisive*e.tolerated():
		return CannotTell, fmt.Sprintf("%s, but parts of one trace are %s apart themselves", e.distance(e.apart), e.limit(e.own))
	case e.apart > e.tolerated():
		return Alike, fmt.Sprintf("%s, no more than the %s of parts of one trace", e.distance(e.apart), e.limit(e.own))
	}
	return Alike, fmt.Sprintf("%s, within %s", e.distance(e.apart), e.limit(e.tolerated()))
}

// distance writes how far two sides are apart, limit a bound of that.
func (e *evidence) distance(d float64) string {
	switch {
	case e.kind == Shape:
		return "KS " + e.limit(d)
	case e.kind == Area:
		return e.limit(d) + " apart"
	case e.kind == Ratio && math.IsInf(d, 0):
		return "nothing against something"
	case e.kind == Ratio && d >= 1:
		return "a factor of " + figure(1+d)
	}
	return e.limit(d) + " apart"
}

func (e *evidence) limit(d float64) string {
	if e.kind == Ratio || e.kind == Area || e.unit == "share" {
		return percent(d)
	}
	return brief(d)
}

// strength orders measures by how clear they are: in multiples of what it takes to differ.
func (e *evidence) strength() float64 {
	own := e.own
	if math.IsNaN(own) {
		own = 0
	}
	s := e.apart / max(e.tolerated(), own)
	if math.IsNaN(s) {
		return 0
	}
	return s
}

// conclude makes a section's verdict of its measures': it differs if one does, and nothing can be told where nothing can
// be told of a key; where neither side has a key, of what there is. The measure that decided is named.
func conclude(all []evidence) (v Verdict, decided int) {
	verdicts := make([]Verdict, len(all))
	keys := false
	for i := range all {
		verdicts[i], _ = all[i].judge()
		keys = keys || all[i].key && verdicts[i] != Absent
	}
	for _, v := range []Verdict{Differs, CannotTell, Alike} {
		best := -1
		for i := range all {
			counts := v == Differs || all[i].key || !keys
			if verdicts[i] == v && counts && (best < 0 || all[i].strength() > all[best].strength()) {
				best = i
			}
		}
		if best >= 0 {
			return v, best
		}
	}
	return Absent, 0
}
