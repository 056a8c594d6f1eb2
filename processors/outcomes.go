package processors

import (
	"cmp"
	"slices"

	"tidegauge/schemas"
)

// outcomes accumulates METRICS 4 of one stream's members in one minute, in order.
type outcomes struct {
	counts       [schemas.Outcomes]uint64
	clientErrors uint64
	pairs        uint64
	run          uint64 // failures since the last request that did not fail
	lead         uint64 // the first run, if the minute starts with one
	broken       bool   // some request did not fail
	runs         []runs // closed runs between, by length
}

type runs struct{ length, count uint64 }

func (o *outcomes) reset() { *o = outcomes{runs: o.runs[:0]} }

func (o *outcomes) add(m *Member) {
	outcome := m.outcome()
	o.counts[outcome]++
	if m.clientError() {
		o.clientErrors++
	}
	if outcome.Failed() {
		if o.run > 0 {
			o.pairs++
		}
		o.run++
		return
	}
	if !o.broken {
		o.lead, o.broken = o.run, true
	} else if o.run > 0 {
		o.close(o.run)
	}
	o.run = 0
}

func (o *outcomes) close(length uint64) {
	i, found := slices.BinarySearchFunc(o.runs, length, func(r runs, l uint64) int { return cmp.Compare(r.length, l) })
	if !found {
		o.runs = slices.Insert(o.runs, i, runs{length: length})
	}
	o.runs[i].count++
}

func (o *outcomes) row(rows *schemas.Minutes, mem *memory) {
	rows.OK = append(rows.OK, o.counts[schemas.OK])
	rows.Empty = append(rows.Empty, o.counts[schemas.Empty])
	rows.Error = append(rows.Error, o.counts[schemas.Error])
	rows.Timeout = append(rows.Timeout, o.counts[schemas.Timeout])
	rows.RateLimited = append(rows.RateLimited, o.counts[schemas.RateLimited])
	rows.Cancelled = append(rows.Cancelled, o.counts[schemas.Cancelled])
	rows.Filtered = append(rows.Filtered, o.counts[schemas.Filtered])
	rows.ClientErrors = append(rows.ClientErrors, o.clientErrors)
	rows.FailurePairs = append(rows.FailurePairs, o.pairs)
	lead := o.lead
	if !o.broken {
		lead = o.run // nothing but failures: the minute is one run, open at both ends
	}
	rows.LeadRun = append(rows.LeadRun, lead)
	rows.TrailRun = append(rows.TrailRun, o.run)
	lengths, counts := take(&mem.counts, len(o.runs)), take(&mem.counts, len(o.runs))
	for i, r := range o.runs {
		lengths[i], counts[i] = r.length, r.count
	}
	rows.RunLengths = append(rows.RunLengths, lengths)
	rows.RunCounts = append(rows.RunCounts, counts)
}
