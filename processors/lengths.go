package processors

import (
	"math"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// lengths are the totals of METRICS 3: how long requests and their answers are.
type lengths struct {
	n                      uint64
	x, y                   uint64
	xx, yy, xy             stats.Int128
	xZero                  uint64
	xMin, xMax, yMin, yMax int32
	logX, logX2            fixed
	logY                   [4]fixed // of the logarithm's powers
	requests, responses    counter
	joint                  counter

	// Over all requests, whatever became of them.
	requestTokens, responseTokens uint64
}

func (l *lengths) reset() {
	l.requests.reset()
	l.responses.reset()
	l.joint.reset()
	*l = lengths{
		xMin: schemas.Unknown, xMax: schemas.Unknown, yMin: schemas.Unknown, yMax: schemas.Unknown,
		requests: l.requests, responses: l.responses, joint: l.joint,
	}
}

// answered says whether a request is one of those whose lengths are held against each other.
func answered(m *Member) bool {
	return m.outcome() == schemas.OK && m.requestTokens() >= 0 && m.responseTokens() > 0
}

func (l *lengths) add(m *Member) {
	x, y := m.requestTokens(), m.responseTokens()
	l.requestTokens += uint64(max(x, 0))
	l.responseTokens += uint64(max(y, 0))
	if !answered(m) {
		return
	}
	l.n++
	l.x += uint64(x)
	l.y += uint64(y)
	l.xx.AddProduct(int64(x), int64(x))
	l.yy.AddProduct(int64(y), int64(y))
	l.xy.AddProduct(int64(x), int64(y))
	l.xMax = max(l.xMax, x)
	if x > 0 {
		l.xMin = leastKnown(l.xMin, x)
		ln := tokenLog(x)
		l.logX.add(ln)
		l.logX2.add(ln * ln)
		l.requests.add(bucketKey(stats.Bucket(uint64(x))))
	} else {
		l.xZero++
	}
	l.yMin = leastKnown(l.yMin, y)
	l.yMax = max(l.yMax, y)
	ln := tokenLog(y)
	square := ln * ln
	l.logY[0].add(ln)
	l.logY[1].add(square)
	l.logY[2].add(square * ln)
	l.logY[3].add(square * square)
	l.responses.add(bucketKey(stats.Bucket(uint64(y))))
	l.joint.add(jointBucket(x)<<8 | jointBucket(y))
}

// leastKnown is the smaller of two numbers, of which either may be Unknown.
func leastKnown(a, b int32) int32 {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}

func (l *lengths) merge(o *lengths) {
	l.n += o.n
	l.x += o.x
	l.y += o.y
	l.xx.Add(o.xx)
	l.yy.Add(o.yy)
	l.xy.Add(o.xy)
	l.xZero += o.xZero
	l.xMin, l.xMax = leastKnown(l.xMin, o.xMin), max(l.xMax, o.xMax)
	l.yMin, l.yMax = leastKnown(l.yMin, o.yMin), max(l.yMax, o.yMax)
	l.logX.merge(o.logX)
	l.logX2.merge(o.logX2)
	for i := range l.logY {
		l.logY[i].merge(o.logY[i])
	}
	l.requests.merge(&o.requests)
	l.responses.merge(&o.responses)
	l.joint.merge(&o.joint)
	l.requestTokens += o.requestTokens
	l.responseTokens += o.responseTokens
}

func (l *lengths) row(rows *schemas.Minutes, mem *memory, copies int) {
	put(&rows.LengthN, copies, l.n)
	put(&rows.RequestSum, copies, l.x)
	put(&rows.RequestSquares, copies, l.xx.Big())
	put(&rows.ResponseSum, copies, l.y)
	put(&rows.ResponseSquares, copies, l.yy.Big())
	put(&rows.ProductSum, copies, l.xy.Big())
	put(&rows.RequestZero, copies, l.xZero)
	put(&rows.RequestMin, copies, l.xMin)
	put(&rows.RequestMax, copies, l.xMax)
	put(&rows.ResponseMin, copies, l.yMin)
	put(&rows.ResponseMax, copies, l.yMax)
	put(&rows.RequestLog, copies, l.logX.value())
	put(&rows.RequestLog2, copies, l.logX2.value())
	put(&rows.ResponseLog, copies, l.logY[0].value())
	put(&rows.ResponseLog2, copies, l.logY[1].value())
	put(&rows.ResponseLog3, copies, l.logY[2].value())
	put(&rows.ResponseLog4, copies, l.logY[3].value())
	put(&rows.RequestSketch, copies, mem.sketch(&l.requests))
	put(&rows.ResponseSketch, copies, mem.sketch(&l.responses))
	put(&rows.JointGrid, copies, mem.sketch(&l.joint))
	put(&rows.RequestTokens, copies, l.requestTokens)
	put(&rows.ResponseTokens, copies, l.responseTokens)
}

// answers are what METRICS 3 asks of one answer's length and the next one's, in one stream and minute.
type answers struct {
	first, last int32
	lag         fixed
}

func (a *answers) reset() { *a = answers{first: schemas.Unknown, last: schemas.Unknown} }

// append adds an answer's tokens after all others.
func (a *answers) append(y int32) {
	if a.last >= 0 {
		a.lag.add(tokenLog(a.last) * tokenLog(y))
	} else {
		a.first = y
	}
	a.last = y
}

// insert adds an answer between two others, Unknown where there is none.
func (a *answers) insert(y, before, after int32) {
	if before >= 0 && after >= 0 {
		a.lag.sub(tokenLog(before) * tokenLog(after))
	}
	if before >= 0 {
		a.lag.add(tokenLog(before) * tokenLog(y))
	} else {
		a.first = y
	}
	if after >= 0 {
		a.lag.add(tokenLog(y) * tokenLog(after))
	} else {
		a.last = y
	}
}

func (a *answers) row(rows *schemas.Minutes, copies int) {
	put(&rows.ResponseFirst, copies, a.first)
	put(&rows.ResponseLast, copies, a.last)
	put(&rows.ResponseLag, copies, a.lag.value())
}

// Tables of what is asked of every request's token counts: most are below tokenTable.
const tokenTable = 1 << 14

var (
	tokenLogs    [tokenTable]float64
	jointBuckets [tokenTable]uint16
)

func init() {
	for v := int32(1); v < tokenTable; v++ {
		tokenLogs[v] = math.Log(float64(v)) - schemas.TokenLogShift
		jointBuckets[v] = exactJointBucket(v)
	}
	jointBuckets[0] = schemas.JointZero
}

// tokenLog is ln v - schemas.TokenLogShift, v > 0.
func tokenLog(v int32) float64 {
	if v < tokenTable {
		return tokenLogs[v]
	}
	return math.Log(float64(v)) - schemas.TokenLogShift
}

// jointBucket is floor(8 log2 v), schemas.JointZero for 0.
func jointBucket(v int32) uint16 {
	if v < tokenTable {
		return jointBuckets[v]
	}
	return exactJointBucket(v)
}

func exactJointBucket(v int32) uint16 {
	// v has at most 27 bits, and 8 log2 v of an integer is an integer only at powers of 2, where Log2 is exact.
	return uint16(math.Floor(schemas.JointOctave * math.Log2(float64(v))))
}
