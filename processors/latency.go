package processors

import (
	"tidegauge/schemas"
	"tidegauge/stats"
)

// latency are the totals of METRICS 5: how long answers take.
type latency struct {
	elapsed, ttft durations
	tpotN         uint64
	tpotZero      uint64
	tpotSum       fixed // in units of tpotUnit
	tpotMax       float64
	tpot          counter
	afterEnd      uint64
}

// tpotUnit in microseconds keeps a time per output token of up to 24 hours within what a fixed sum takes.
const tpotUnit = 1 << 20

type durations struct {
	n, sum, zero uint64
	max          int64
	buckets      counter
}

func (d *durations) reset() {
	d.buckets.reset()
	*d = durations{max: schemas.Unknown, buckets: d.buckets}
}

func (d *durations) add(us int64) {
	d.n++
	d.sum += uint64(us)
	d.max = max(d.max, us)
	if us == 0 {
		d.zero++
		return
	}
	d.buckets.add(bucketKey(stats.Bucket(uint64(us))))
}

func (d *durations) merge(o *durations) {
	d.n += o.n
	d.sum += o.sum
	d.zero += o.zero
	d.max = max(d.max, o.max)
	d.buckets.merge(&o.buckets)
}

func (l *latency) reset() {
	l.elapsed.reset()
	l.ttft.reset()
	l.tpot.reset()
	*l = latency{elapsed: l.elapsed, ttft: l.ttft, tpot: l.tpot, tpotMax: schemas.Unknown}
}

func (l *latency) add(m *Member) {
	if m.outcome() != schemas.OK {
		return
	}
	elapsed, ttft := m.elapsedUS(), m.ttftUS()
	if elapsed >= 0 {
		l.elapsed.add(elapsed)
	}
	if ttft >= 0 {
		l.ttft.add(ttft)
	}
	if y := m.responseTokens(); elapsed >= 0 && ttft >= 0 && y > 1 {
		if ttft > elapsed {
			l.afterEnd++
			return
		}
		l.perToken(float64(elapsed-ttft) / float64(y-1))
	}
}

func (l *latency) perToken(us float64) {
	l.tpotN++
	l.tpotSum.add(us / tpotUnit)
	l.tpotMax = max(l.tpotMax, us)
	if us == 0 {
		l.tpotZero++
		return
	}
	l.tpot.add(bucketKey(stats.BucketFloat(us)))
}

func (l *latency) merge(o *latency) {
	l.elapsed.merge(&o.elapsed)
	l.ttft.merge(&o.ttft)
	l.tpotN += o.tpotN
	l.tpotZero += o.tpotZero
	l.tpotSum.merge(o.tpotSum)
	l.tpotMax = max(l.tpotMax, o.tpotMax)
	l.tpot.merge(&o.tpot)
	l.afterEnd += o.afterEnd
}

func (l *latency) row(rows *schemas.Minutes, mem *memory, copies int) {
	put(&rows.ElapsedN, copies, l.elapsed.n)
	put(&rows.ElapsedSum, copies, l.elapsed.sum)
	put(&rows.ElapsedMax, copies, l.elapsed.max)
	put(&rows.ElapsedZero, copies, l.elapsed.zero)
	put(&rows.ElapsedSketch, copies, mem.sketch(&l.elapsed.buckets))
	put(&rows.TTFTN, copies, l.ttft.n)
	put(&rows.TTFTSum, copies, l.ttft.sum)
	put(&rows.TTFTMax, copies, l.ttft.max)
	put(&rows.TTFTZero, copies, l.ttft.zero)
	put(&rows.TTFTSketch, copies, mem.sketch(&l.ttft.buckets))
	put(&rows.TPOTN, copies, l.tpotN)
	put(&rows.TPOTSum, copies, l.tpotSum.value()*tpotUnit)
	put(&rows.TPOTMax, copies, l.tpotMax)
	put(&rows.TPOTZero, copies, l.tpotZero)
	put(&rows.TPOTSketch, copies, mem.sketch(&l.tpot))
	put(&rows.TTFTAfterEnd, copies, l.afterEnd)
}
