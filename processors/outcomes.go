package processors

import (
	"cmp"
	"slices"

	"tidegauge/schemas"
)

// outcomes are the totals of METRICS 4: what became of requests.
type outcomes struct {
	counts       [schemas.Outcomes]uint64
	clientErrors uint64
}

func (o *outcomes) reset() { *o = outcomes{} }

func (o *outcomes) add(m *Member) {
	o.counts[m.outcome()]++
	if m.clientError() {
		o.clientErrors++
	}
}

func (o *outcomes) merge(from *outcomes) {
	for i, n := range from.counts {
		o.counts[i] += n
	}
	o.clientErrors += from.clientErrors
}

func (o *outcomes) row(rows *schemas.Minutes, copies int) {
	put(&rows.OK, copies, o.counts[schemas.OK])
	put(&rows.Empty, copies, o.counts[schemas.Empty])
	put(&rows.Error, copies, o.counts[schemas.Error])
	put(&rows.Timeout, copies, o.counts[schemas.Timeout])
	put(&rows.RateLimited, copies, o.counts[schemas.RateLimited])
	put(&rows.Cancelled, copies, o.counts[schemas.Cancelled])
	put(&rows.Filtered, copies, o.counts[schemas.Filtered])
	put(&rows.ClientErrors, copies, o.clientErrors)
}

// failures are the runs of failures of one stream in one minute. A run that reaches the minute's start or end may go on
// beyond it, so these two are kept apart: lead and trail, the same where all requests failed.
type failures struct {
	lead, trail uint64
	broken      bool   // some request did not fail
	runs        []runs // between, by length
	pairs       uint64 // failures right after a failure
}

type runs struct{ length, count uint64 }

func (f *failures) reset() { *f = failures{runs: f.runs[:0]} }

// append adds a request after all others.
func (f *failures) append(failed bool) {
	if failed {
		if f.trail > 0 {
			f.pairs++
		}
		f.trail++
		if !f.broken {
			f.lead = f.trail
		}
		return
	}
	if f.broken && f.trail > 0 {
		f.count(f.trail, 1)
	}
	f.broken, f.trail = true, 0
}

// insert adds a request between others: how many failures there are right before and right after it, and whether
// these reach the minute's start and end.
func (f *failures) insert(failed bool, before, after uint64, start, end bool) {
	if before+after > 0 {
		f.run(before+after, start, end, false)
	}
	if failed {
		if before+after > 0 {
			f.pairs++
		}
		f.run(before+after+1, start, end, true)
		return
	}
	f.broken = true
	if before > 0 && after > 0 {
		f.pairs--
	}
	if before > 0 {
		f.run(before, start, false, true)
	}
	if after > 0 {
		f.run(after, false, end, true)
	}
}

// run notes, or strikes out, a run.
func (f *failures) run(length uint64, start, end, there bool) {
	value, change := uint64(0), -1
	if there {
		value, change = length, 1
	}
	if start {
		f.lead = value
	}
	if end {
		f.trail = value
	}
	if !start && !end {
		f.count(length, change)
	}
}

func (f *failures) count(length uint64, change int) {
	i, found := slices.BinarySearchFunc(f.runs, length, func(r runs, l uint64) int { return cmp.Compare(r.length, l) })
	if !found {
		f.runs = slices.Insert(f.runs, i, runs{length: length})
	}
	f.runs[i].count += uint64(change)
	if f.runs[i].count == 0 {
		f.runs = slices.Delete(f.runs, i, i+1)
	}
}

func (f *failures) row(rows *schemas.Minutes, mem *memory, copies int) {
	put(&rows.FailurePairs, copies, f.pairs)
	put(&rows.LeadRun, copies, f.lead)
	put(&rows.TrailRun, copies, f.trail)
	lengths, counts := take(&mem.counts, len(f.runs)), take(&mem.counts, len(f.runs))
	for i, r := range f.runs {
		lengths[i], counts[i] = r.length, r.count
	}
	put(&rows.RunLengths, copies, lengths)
	put(&rows.RunCounts, copies, counts)
}
