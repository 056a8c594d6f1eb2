package report

import (
	"cmp"
	"slices"
	"strings"

	"tidegauge/schemas"
)

// arrange brings the columns into METRICS' order (arrival, seq, XXH64 of the request id) and removes equal copies.
//
// Requests that agree in all three (they have no id and no seq, or one id and different content) are ordered by their
// content, so that even then no number depends on the order of Add.
func (c *columns) arrange(s *scratch) {
	if c.store.ordered() {
		return
	}
	rows := s.identity(len(c.t))
	if c.store.unordered {
		rows = sortRows(rows, c.t, s)
	}
	if c.breakTies(rows) || c.store.unordered {
		c.permute(rows)
	}
	if c.id != nil {
		c.dropCopies()
		c.ids = [][]uint64{c.id}
	}
	c.seq, c.id, c.content = nil, nil, nil
}

// findSteps finds the clocks' steps.
func (c *columns) findSteps() {
	c.clock = clockStep(clockSteps, c.t)
	c.durationStep = clockStep(clockSteps, c.elapsed)
	c.durationStep = clockStep(clockSteps[slices.Index(clockSteps, c.durationStep):], c.ttft)
}

// breakTies orders the rows of equal arrival, and says whether that changed anything.
func (c *columns) breakTies(rows []uint32) (changed bool) {
	compare := c.compare()
	for i := 0; i < len(rows); {
		j := i + 1
		for j < len(rows) && c.t[rows[j]] == c.t[rows[i]] {
			j++
		}
		if j-i > 1 && !slices.IsSortedFunc(rows[i:j], compare) {
			slices.SortFunc(rows[i:j], compare)
			changed = true
		}
		i = j
	}
	return changed
}

// compare orders rows of equal arrival.
func (c *columns) compare() func(a, b uint32) int {
	var hashes []uint64 // of conversations, by code; codes themselves depend on the order of Add
	kinds := c.store.kinds
	return func(a, b uint32) int {
		if r := cmp.Or(at(c.seq, a, b), at(c.id, a, b), at(c.content, a, b)); r != 0 {
			return r
		}
		if r := cmp.Or(at(c.request, a, b), at(c.response, a, b), at(c.end, a, b), at(c.elapsed, a, b),
			at(c.ttft, a, b)); r != 0 {
			return r
		}
		if r := cmp.Or(strings.Compare(kinds[c.kind[a]].model, kinds[c.kind[b]].model),
			strings.Compare(kinds[c.kind[a]].logType, kinds[c.kind[b]].logType)); r != 0 || c.conversation == nil {
			return r
		}
		if hashes == nil {
			hashes = make([]uint64, len(c.store.inferred))
			for hash, code := range c.store.conversations {
				hashes[code] = hash
			}
		}
		return cmp.Compare(hashes[c.conversation[a]], hashes[c.conversation[b]])
	}
}

// at compares two rows of a column that may not be there.
func at[T cmp.Ordered](column []T, a, b uint32) int {
	if column == nil {
		return 0
	}
	return cmp.Compare(column[a], column[b])
}

func (c *columns) permute(rows []uint32) {
	c.t = take(c.t, rows)
	c.request, c.response = take(c.request, rows), take(c.response, rows)
	c.elapsed, c.ttft = take(c.elapsed, rows), take(c.ttft, rows)
	c.end, c.kind, c.conversation = take(c.end, rows), take(c.kind, rows), take(c.conversation, rows)
	c.seq, c.id, c.content = take(c.seq, rows), take(c.id, rows), take(c.content, rows)
}

func take[T any](column []T, rows []uint32) []T {
	if column == nil {
		return nil
	}
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = column[r]
	}
	return out
}

// dropCopies removes requests equal to the one before. In order, copies stand side by side.
func (c *columns) dropCopies() {
	kept := 1
	for i := 1; i < len(c.t); i++ {
		if c.copies(uint32(i-1), uint32(i)) {
			continue
		}
		if kept != i {
			c.move(kept, i)
		}
		kept++
	}
	c.duplicates = int64(len(c.t) - kept)
	c.t, c.end, c.kind = c.t[:kept], c.end[:kept], c.kind[:kept]
	c.request, c.response, c.id = c.request[:kept], c.response[:kept], c.id[:kept]
	c.elapsed, c.ttft = c.elapsed[:min(kept, len(c.elapsed))], c.ttft[:min(kept, len(c.ttft))]
	c.conversation = c.conversation[:min(kept, len(c.conversation))]
}

// copies says whether two requests are one: equal in all fields, an id among them.
func (c *columns) copies(a, b uint32) bool {
	return c.id[a] != 0 && at(c.id, a, b) == 0 && at(c.t, a, b) == 0 && at(c.seq, a, b) == 0 &&
		at(c.content, a, b) == 0 && c.kind[a] == c.kind[b] && at(c.request, a, b) == 0 && at(c.response, a, b) == 0 &&
		c.end[a] == c.end[b] && at(c.elapsed, a, b) == 0 && at(c.ttft, a, b) == 0 && at(c.conversation, a, b) == 0
}

// move copies a row to another place.
func (c *columns) move(to, from int) {
	move(c.t, to, from)
	move(c.request, to, from)
	move(c.response, to, from)
	move(c.elapsed, to, from)
	move(c.ttft, to, from)
	move(c.end, to, from)
	move(c.kind, to, from)
	move(c.conversation, to, from)
	move(c.seq, to, from)
	move(c.id, to, from)
	move(c.content, to, from)
}

func move[T any](column []T, to, from int) {
	if column != nil {
		column[to] = column[from]
	}
}

// clockSteps are the usual steps of clocks, in microseconds.
var clockSteps = []int64{1_000_000, 100_000, 10_000, 1000, 100, 10, 1}

// clockStep gives the largest of the steps that divides every known value.
func clockStep(steps, values []int64) int64 {
	for _, v := range values {
		if v < 0 || (steps[0] == 1_000_000 && v%1_000_000 == 0) { // division by a constant is much cheaper
			continue
		}
		for v%steps[0] != 0 {
			steps = steps[1:]
		}
		if len(steps) == 1 {
			break
		}
	}
	return steps[0]
}

func (c *columns) findAnswers() {
	c.answer = make([]uint32, len(c.t))
	for i, y := range c.response {
		if outcomeOf(c.end[i]) == schemas.OK && c.request[i] >= 0 && y > 0 {
			c.answer[i] = uint32(y)
		}
	}
}
