package processors

import (
	"tidegauge/schemas"
	"tidegauge/stats"
)

// latency accumulates METRICS 5 of one stream's members in one minute.
type latency struct {
	elapsed, ttft durations
	tpotN         uint64
	tpotZero      uint64
	tpotSum       float64
	tpotMax       float64
	tpot          counter
	afterEnd      uint64
}

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
	d.buckets.addBucket(stats.Bucket(uint64(us)))
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
	l.tpotSum += us
	l.tpotMax = max(l.tpotMax, us)
	if us == 0 {
		l.tpotZero++
		return
	}
	l.tpot.addBucket(stats.BucketFloat(us))
}

func (l *latency) row(rows *schemas.Minutes, mem *memory) {
	rows.ElapsedN = append(rows.ElapsedN, l.elapsed.n)
	rows.ElapsedSum = append(rows.ElapsedSum, l.elapsed.sum)
	rows.ElapsedMax = append(rows.ElapsedMax, l.elapsed.max)
	rows.ElapsedZero = append(rows.ElapsedZero, l.elapsed.zero)
	buckets, counts := mem.histogram(&l.elapsed.buckets)
	rows.ElapsedBuckets = append(rows.ElapsedBuckets, buckets)
	rows.ElapsedCounts = append(rows.ElapsedCounts, counts)
	rows.TTFTN = append(rows.TTFTN, l.ttft.n)
	rows.TTFTSum = append(rows.TTFTSum, l.ttft.sum)
	rows.TTFTMax = append(rows.TTFTMax, l.ttft.max)
	rows.TTFTZero = append(rows.TTFTZero, l.ttft.zero)
	buckets, counts = mem.histogram(&l.ttft.buckets)
	rows.TTFTBuckets = append(rows.TTFTBuckets, buckets)
	rows.TTFTCounts = append(rows.TTFTCounts, counts)
	rows.TPOTN = append(rows.TPOTN, l.tpotN)
	rows.TPOTSum = append(rows.TPOTSum, l.tpotSum)
	rows.TPOTMax = append(rows.TPOTMax, l.tpotMax)
	rows.TPOTZero = append(rows.TPOTZero, l.tpotZero)
	buckets, counts = mem.histogram(&l.tpot)
	rows.TPOTBuckets = append(rows.TPOTBuckets, buckets)
	rows.TPOTCounts = append(rows.TPOTCounts, counts)
	rows.TTFTAfterEnd = append(rows.TTFTAfterEnd, l.afterEnd)
}
