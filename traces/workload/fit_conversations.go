package workload

import (
	"cmp"
	"slices"
)

// What pauses count from, and what they come after.
const (
	pauseAnswer  = "answer"
	pauseArrival = "arrival"
	afterAny     = "any"
	afterShort   = "short"
	afterLong    = "long"
)

// turnGroups are the turns that are told apart, by their first.
var turnGroups = [...]int{1, 2, 3, 4, 6, 10, 20}

// waiting is a turn that is followed by another after a pause, or by none until the log ended.
type waiting struct {
	pause int64
	after string // the pause before it
	ended bool   // no more turns: pause is how long the log went on
}

// fitConversations describes how conversations go on. A log ends in the middle of some: those that might still have gone on
// count only as long as they were seen (Kaplan & Meier 1958), or every conversation would seem shorter than it is.
func fitConversations(rows []row, talks [][]int32, to int64) *Conversations {
	c := &Conversations{Count: int64(len(talks)), Turns: int64(len(rows)), Pause: pauseArrival}
	known, follow, early := 0, 0, 0
	var durations, starts []int64
	for _, turns := range talks {
		durations = append(durations, rows[turns[len(turns)-1]].at-rows[turns[0]].at)
		for k := 1; k < len(turns); k++ {
			follow++
			starts = append(starts, rows[turns[k]].at)
			last := rows[turns[k-1]]
			if last.elapsed >= 0 {
				known++
			}
			if rows[turns[k]].at < last.at+last.elapsed {
				early++
			}
		}
	}
	c.TickUS = tick(starts)
	// Who waits for an answer does not ask before it is there.
	if follow > 0 && known*10 >= follow*9 && early*100 < follow {
		c.Pause = pauseAnswer
	}
	if v, ok := fitValues(durations, 20); ok {
		c.DurationUS = min(v.Knots[len(v.Knots)-2], dayUS)
	}
	groups := make([][]waiting, len(turnGroups))
	medians := make([]int64, len(turnGroups))
	group := func(turn int) int {
		g, _ := slices.BinarySearch(turnGroups[:], turn+1)
		return g - 1
	}
	pause := func(from, to row) int64 {
		p := to.at - from.at
		if c.Pause == pauseAnswer {
			p -= max(from.elapsed, 0)
		}
		return p
	}
	// First the median pause of each group, which tells short from long; then the groups.
	for g := range groups {
		var pauses []int64
		for _, turns := range talks {
			for k := 1; k < len(turns); k++ {
				if group(k) == g {
					pauses = append(pauses, pause(rows[turns[k-1]], rows[turns[k]]))
				}
			}
		}
		if len(pauses) > 0 {
			slices.Sort(pauses)
			medians[g] = pauses[len(pauses)/2]
		}
	}
	for _, turns := range talks {
		after := afterAny
		for k, i := range turns {
			g := group(k + 1)
			w := waiting{after: after}
			if k+1 < len(turns) {
				w.pause = pause(rows[i], rows[turns[k+1]])
				after = afterShort
				if w.pause >= medians[g] {
					after = afterLong
				}
			} else {
				w.ended, w.pause = true, to-rows[i].at
			}
			groups[g] = append(groups[g], w)
		}
	}
	for g := 0; g < len(groups); {
		from, members := turnGroups[g], groups[g]
		for g++; g < len(groups) && (!tellable(members) || !tellable(groups[g])); g++ {
			members = append(members, groups[g]...)
		}
		end := 0
		if g < len(groups) {
			end = turnGroups[g] - 1
		}
		for _, after := range [3]string{afterAny, afterShort, afterLong} {
			part := members
			if after != afterAny {
				part = slices.DeleteFunc(slices.Clone(members), func(w waiting) bool { return w.after != after })
			}
			if n, ok := fitNext(part, after == afterAny); ok {
				n.FromTurn, n.ToTurn, n.After = from, end, after
				c.Next = append(c.Next, n)
			}
		}
	}
	if c.Next == nil {
		c.Next = []Next{}
	}
	return c
}

// tellable says whether turns are enough for a distribution of their own.
func tellable(turns []waiting) bool {
	goOn := 0
	for _, w := range turns {
		if !w.ended {
			goOn++
		}
	}
	return goOn >= 4*MinBucket
}

// fitNext estimates how likely a conversation ends, and the pauses if it does not.
func fitNext(turns []waiting, must bool) (Next, bool) {
	if !must && !tellable(turns) || len(turns) < MinBucket {
		return Next{}, false
	}
	slices.SortFunc(turns, func(a, b waiting) int { return cmp.Compare(a.pause, b.pause) })
	survival, atRisk := 1.0, float64(len(turns))
	var pauses []int64
	var mass []float64
	for _, w := range turns {
		if !w.ended {
			jump := survival / atRisk
			pauses, mass = append(pauses, w.pause), append(mass, jump)
			survival -= jump
		}
		atRisk--
	}
	n := Next{N: int64(len(turns)), Ends: int(survival*One + 0.5)}
	if len(pauses) < MinBucket {
		n.Ends, n.PauseUS = One, Values{N: 0, Knots: []int64{0}}
		return n, true
	}
	// The same number of pauses, of equal mass.
	even, total, sum, j := make([]int64, 0, len(pauses)), 1-survival, 0.0, 0
	for i, m := range mass {
		for sum += m; j < len(pauses) && (float64(j)+0.5)/float64(len(pauses))*total <= sum+1e-12; j++ {
			even = append(even, pauses[i])
		}
	}
	n.PauseUS, _ = fitValues(even, mostSteps)
	n.PauseUS.N = int64(len(pauses))
	return n, len(n.PauseUS.Knots) > 0
}

// expectedTurns is how many turns a conversation has on average, as far as what comes before a turn does not matter.
func (c *Conversations) expectedTurns() float64 {
	turns, alive := 0.0, 1.0
	for turn := 1; turn < 10_000 && alive > 1e-4; turn++ {
		turns += alive
		n := c.next(turn, -1)
		if n == nil {
			break
		}
		alive *= float64(One-n.Ends) / One
	}
	return turns
}
