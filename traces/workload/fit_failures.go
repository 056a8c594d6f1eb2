package workload

import "math"

const (
	failureBlock = 32
	// fewestBlocks is what a class of blocks needs, and all of them together ten times as many.
	fewestBlocks = MinBucket
)

// blockBounds are the failures in a block from which it belongs to the next class.
var blockBounds = [...]int{1, 3, 9, 21}

// fitFailures describes how a flow's requests fail; nil if none does.
func (c *collection) fitFailures(rows []row, load func(int64) int) *Failures {
	failures := 0
	for i := range rows {
		if rows[i].outcome >= endFailed {
			failures++
		}
	}
	if failures == 0 {
		return nil
	}
	f := &Failures{Block: failureBlock, Kinds: c.fitKinds(rows, failures)}
	blocks := len(rows) / failureBlock
	counts := make([]int, blocks)
	perClass := make([]int, len(blockBounds)+1)
	raw := func(n int) int {
		k := 0
		for k < len(blockBounds) && n >= blockBounds[k] {
			k++
		}
		return k
	}
	for b := range counts {
		for i := b * failureBlock; i < (b+1)*failureBlock; i++ {
			if rows[i].outcome >= endFailed {
				counts[b]++
			}
		}
		perClass[raw(counts[b])]++
	}
	// Classes of few blocks go into the one below.
	merged, class := make([]int, len(perClass)), -1
	for k, n := range perClass {
		if class < 0 || n >= fewestBlocks && blocks >= 10*fewestBlocks {
			class++
		}
		merged[k] = class
	}
	number := class + 1
	of := func(b int) int { return merged[raw(counts[min(b, blocks-1)])] }
	transitions := make([][][]int64, number)
	type pair struct{ n, failed int64 }
	ok, failed := make([]pair, number), make([]pair, number)
	members := make([]int64, number)
	for k := range transitions {
		transitions[k] = square(loads, number)
	}
	before := false
	for i := range rows {
		k := 0
		if blocks > 0 {
			k = of(i / failureBlock)
		}
		now := rows[i].outcome >= endFailed
		p := &ok[k]
		if before {
			p = &failed[k]
		}
		p.n++
		if now {
			p.failed++
		}
		before = now
	}
	for b := range blocks {
		members[of(b)]++
		if b > 0 {
			transitions[of(b-1)][load(rows[b*failureBlock].at)][of(b)]++
		}
	}
	for k := range number {
		class := FailureClass{N: members[k], AfterOK: portionOf(int(ok[k].failed), int(ok[k].n)), Next: [][]int{}}
		class.AfterFail = class.AfterOK
		if failed[k].n >= MinBucket {
			class.AfterFail = portionOf(int(failed[k].failed), int(failed[k].n))
		}
		sum := make([]int64, number)
		for q := range loads {
			for next, n := range transitions[k][q] {
				sum[next] += n
			}
		}
		if any, enough := weights(sum, nil); enough && number > 1 {
			for q := range loads {
				w, enough := weights(transitions[k][q], any)
				if !enough {
					w = any
				}
				class.Next = append(class.Next, w)
			}
		}
		f.Classes = append(f.Classes, class)
	}
	return f
}

// fitKinds describes the ways to fail. Rare ones count as the most common.
func (c *collection) fitKinds(rows []row, failures int) []FailureKind {
	counts := make([]int, len(c.kinds))
	for i := range rows {
		if rows[i].outcome >= endFailed {
			counts[rows[i].outcome-endFailed]++
		}
	}
	most := 0
	for k, n := range counts {
		if n > counts[most] {
			most = k
		}
	}
	place := make([]int, len(counts))
	var kinds []FailureKind
	for k, n := range counts {
		place[k] = -1
		if n >= MinBucket || k == most {
			place[k] = len(kinds)
			kinds = append(kinds, c.kinds[k])
		}
	}
	for k := range place {
		if place[k] < 0 {
			place[k] = place[most]
		}
	}
	elapsed, responses := make([][]int64, len(kinds)), make([][]int64, len(kinds))
	zero, unknown := make([]int, len(kinds)), make([]int, len(kinds))
	stays, follows := make([]int, len(kinds)), make([]int, len(kinds))
	last := -1
	for i := range rows {
		r := &rows[i]
		if r.outcome < endFailed {
			last = -1
			continue
		}
		k := place[r.outcome-endFailed]
		kinds[k].N++
		if last >= 0 {
			follows[last]++
			if last == k {
				stays[last]++
			}
		}
		last = k
		if r.elapsed >= 0 {
			elapsed[k] = append(elapsed[k], r.elapsed)
		}
		if r.response >= 0 {
			responses[k] = append(responses[k], known(r.response))
		}
		switch {
		case r.request == 0:
			zero[k]++
		case r.request < 0:
			unknown[k]++
		}
	}
	for k := range kinds {
		n := int(kinds[k].N)
		kinds[k].Weight = portionOf(n, failures)
		if follows[k] >= MinBucket {
			kinds[k].Stays = portionOf(stays[k], follows[k])
		}
		if n >= MinBucket {
			kinds[k].RequestZero = portionOf(zero[k], n)
			kinds[k].RequestUnknown = int(math.Round(float64(unknown[k]) / float64(max(n-zero[k], 1)) * One))
		}
		if v, ok := fitValues(responses[k], 1); ok {
			kinds[k].Response = &v
		} else if kinds[k].Outcome == "empty" {
			kinds[k].Response = &Values{N: 0, Knots: []int64{0}}
		}
		if v, ok := fitValues(elapsed[k], mostSteps/2); ok {
			kinds[k].ElapsedUS = &v
		}
	}
	return kinds
}
