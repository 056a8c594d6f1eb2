package workload

import (
	"math"
	"slices"
)

// lengthTables count classes.
type lengthTables struct {
	first          []int64
	following      [][]int64
	followingAfter [][][]int64
	answer         [][]int64
	answerAfter    [][][][]int64
	pairs, kept    []int64 // by the previous request's class: follow-ups, and those that carry the history
}

func newLengthTables(x, y int) *lengthTables {
	t := &lengthTables{first: make([]int64, x), following: square(x, x), answer: square(max(x, 1), y), pairs: make([]int64, x), kept: make([]int64, x)}
	for range thirds {
		t.followingAfter = append(t.followingAfter, square(x, x))
	}
	for range relations {
		var tables [][][]int64
		for range max(x, 1) {
			tables = append(tables, square(y, y))
		}
		t.answerAfter = append(t.answerAfter, tables)
	}
	return t
}

func square(a, b int) [][]int64 {
	s := make([][]int64, a)
	for i := range s {
		s[i] = make([]int64, b)
	}
	return s
}

func (t *lengthTables) carried(px int, kept bool) {
	t.pairs[px]++
	if kept {
		t.kept[px]++
	}
}

func (t *lengthTables) count(cx, cy, px, py int, first bool) {
	if cx >= 0 {
		if first {
			t.first[cx]++
		}
		if px >= 0 {
			t.following[px][cx]++
			if py >= 0 {
				t.followingAfter[py*thirds/len(t.answer[0])][px][cx]++
			}
		}
	}
	if cy >= 0 {
		t.answer[max(cx, 0)][cy]++
		if py >= 0 {
			t.answerAfter[relationAny][max(cx, 0)][py][cy]++
			if r := relation(cx, px); r != relationAny {
				t.answerAfter[r][cx][py][cy]++
			}
		}
	}
}

// fit makes weights of the counts.
func (t *lengthTables) fit(l *Lengths, talks bool) {
	all := make([]int64, len(t.first))
	for c, n := range t.first {
		all[c] += n
		if talks {
			for p := range t.following {
				all[c] += t.following[p][c]
			}
		}
	}
	marginal, _ := weights(all, nil)
	first, ok := weights(t.first, marginal)
	if !ok {
		first = marginal
	}
	if first != nil {
		l.First = first
	}
	if !talks && marginal != nil {
		l.Following = given(t.following, func(int) []int { return marginal })
		for _, counts := range t.followingAfter {
			l.FollowingAfter = append(l.FollowingAfter, given(counts, func(px int) []int { return l.Following[px] }))
		}
	}
	byClass := make([]int64, len(l.Response))
	for cx := range t.answer {
		for cy, n := range t.answer[cx] {
			byClass[cy] += n
		}
	}
	if responses, ok := weights(byClass, nil); ok {
		for cx := range t.answer {
			w, ok := weights(t.answer[cx], responses)
			if !ok {
				w = responses
			}
			l.Answer = append(l.Answer, w)
		}
		for r, tables := range t.answerAfter {
			var after [][][]int
			for cx := range tables {
				after = append(after, given(tables[cx], func(py int) []int {
					if r != relationAny && len(l.AnswerAfter[relationAny][cx][py]) > 0 {
						return l.AnswerAfter[relationAny][cx][py]
					}
					return l.Answer[cx]
				}))
			}
			l.AnswerAfter = append(l.AnswerAfter, after)
		}
	}
	if talks {
		var pairs, kept int64
		for px := range t.pairs {
			pairs += t.pairs[px]
			kept += t.kept[px]
		}
		for px := range t.pairs {
			share := portionOf(int(kept), int(pairs))
			if t.pairs[px] >= 2*MinBucket {
				share = portionOf(int(t.kept[px]), int(t.pairs[px]))
			}
			l.Carried = append(l.Carried, share)
		}
	}
}

// given makes weights of rows of counts, each with a base; a row of few is empty.
func given(counts [][]int64, base func(row int) []int) [][]int {
	rows := make([][]int, len(counts))
	for i := range counts {
		rows[i] = []int{}
		if w, ok := weights(counts[i], base(i)); ok {
			rows[i] = w
		}
	}
	return rows
}

// standing is a pair of lengths in classes, and where they stand in them.
type standing struct {
	class int
	a, b  float64
}

// rankCorrelation gives, by class, the share of pairs that stand alike: with that chance of standing alike, and else
// independent, two ranks have just that correlation.
func rankCorrelation(pairs []standing, number int) []int {
	shares := make([]int, number)
	any := false
	for c := range shares {
		var n, x, y, xx, yy, xy float64
		for _, p := range pairs {
			if p.class == c {
				n++
				x, y = x+p.a, y+p.b
				xx, yy, xy = xx+p.a*p.a, yy+p.b*p.b, xy+p.a*p.b
			}
		}
		spread := math.Sqrt(max(xx-x*x/n, 0) * max(yy-y*y/n, 0))
		if n >= 3*MinBucket && spread > 0 {
			if r := (xy - x*y/n) / spread; r > 2/math.Sqrt(n) {
				shares[c] = int(r * One)
				any = true
			}
		}
	}
	if !any {
		return nil
	}
	return shares
}

// rank says where a value stands in its class, 0 to 1.
func rank(v *Values, value int64) float64 {
	steps := len(v.Knots) - 1
	i, _ := slices.BinarySearch(v.Knots, value)
	j, _ := slices.BinarySearch(v.Knots, value+1)
	if j > i { // at knots: the middle of them
		return min(float64(i+j-1)/2/float64(max(steps, 1)), 1)
	}
	switch {
	case i == 0:
		return 0
	case i > steps:
		return 1
	}
	return (float64(i-1) + float64(value-v.Knots[i-1])/float64(v.Knots[i]-v.Knots[i-1])) / float64(steps)
}
