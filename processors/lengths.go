package processors

import (
	"math"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// lengths accumulates METRICS 3 of one stream's members in one minute, in order.
type lengths struct {
	n                         uint64
	x, y                      uint64
	xx, yy, xy                stats.Int128
	xZero                     uint64
	xMin, xMax, yMin, yMax    int32
	logX, logX2               float64
	logY, logY2, logY3, logY4 float64
	firstY, lastY             int32
	lastLog, lag              float64
	requests, responses       counter
	joint                     counter

	// Over all requests, whatever became of them.
	requestTokens, responseTokens uint64
}

func (l *lengths) reset() {
	l.requests.reset()
	l.responses.reset()
	l.joint.reset()
	*l = lengths{
		xMin: schemas.Unknown, xMax: schemas.Unknown, yMin: schemas.Unknown, yMax: schemas.Unknown,
		firstY: schemas.Unknown, lastY: schemas.Unknown,
		requests: l.requests, responses: l.responses, joint: l.joint,
	}
}

func (l *lengths) add(m *Member) {
	x, y := m.requestTokens(), m.responseTokens()
	l.requestTokens += uint64(max(x, 0))
	l.responseTokens += uint64(max(y, 0))
	if m.outcome() != schemas.OK || x < 0 || y <= 0 {
		return
	}
	l.x += uint64(x)
	l.y += uint64(y)
	l.xx.AddProduct(int64(x), int64(x))
	l.yy.AddProduct(int64(y), int64(y))
	l.xy.AddProduct(int64(x), int64(y))
	l.xMax = max(l.xMax, x)
	if x > 0 {
		if l.xMin < 0 || x < l.xMin {
			l.xMin = x
		}
		ln := tokenLog(x)
		l.logX += ln
		l.logX2 += ln * ln
		l.requests.addBucket(stats.Bucket(uint64(x)))
	} else {
		l.xZero++
	}
	if l.yMin < 0 || y < l.yMin {
		l.yMin = y
	}
	l.yMax = max(l.yMax, y)
	ln := tokenLog(y)
	square := ln * ln
	l.logY += ln
	l.logY2 += square
	l.logY3 += square * ln
	l.logY4 += square * square
	if l.n > 0 {
		l.lag += l.lastLog * ln
	} else {
		l.firstY = y
	}
	l.lastY, l.lastLog = y, ln
	l.responses.addBucket(stats.Bucket(uint64(y)))
	l.joint.add(jointBucket(x)<<8 | jointBucket(y))
	l.n++
}

func (l *lengths) row(rows *schemas.Minutes, mem *memory) {
	rows.LengthN = append(rows.LengthN, l.n)
	rows.RequestSum = append(rows.RequestSum, l.x)
	rows.RequestSquares = append(rows.RequestSquares, l.xx.Big())
	rows.ResponseSum = append(rows.ResponseSum, l.y)
	rows.ResponseSquares = append(rows.ResponseSquares, l.yy.Big())
	rows.ProductSum = append(rows.ProductSum, l.xy.Big())
	rows.RequestZero = append(rows.RequestZero, l.xZero)
	rows.RequestMin = append(rows.RequestMin, l.xMin)
	rows.RequestMax = append(rows.RequestMax, l.xMax)
	rows.ResponseMin = append(rows.ResponseMin, l.yMin)
	rows.ResponseMax = append(rows.ResponseMax, l.yMax)
	rows.RequestLog = append(rows.RequestLog, l.logX)
	rows.RequestLog2 = append(rows.RequestLog2, l.logX2)
	rows.ResponseLog = append(rows.ResponseLog, l.logY)
	rows.ResponseLog2 = append(rows.ResponseLog2, l.logY2)
	rows.ResponseLog3 = append(rows.ResponseLog3, l.logY3)
	rows.ResponseLog4 = append(rows.ResponseLog4, l.logY4)
	rows.ResponseFirst = append(rows.ResponseFirst, l.firstY)
	rows.ResponseLast = append(rows.ResponseLast, l.lastY)
	rows.ResponseLag = append(rows.ResponseLag, l.lag)
	buckets, counts := mem.histogram(&l.requests)
	rows.RequestBuckets = append(rows.RequestBuckets, buckets)
	rows.RequestCounts = append(rows.RequestCounts, counts)
	buckets, counts = mem.histogram(&l.responses)
	rows.ResponseBuckets = append(rows.ResponseBuckets, buckets)
	rows.ResponseCounts = append(rows.ResponseCounts, counts)
	cells, counts := mem.grid(&l.joint)
	rows.JointCells = append(rows.JointCells, cells)
	rows.JointCounts = append(rows.JointCounts, counts)
	rows.RequestTokens = append(rows.RequestTokens, l.requestTokens)
	rows.ResponseTokens = append(rows.ResponseTokens, l.responseTokens)
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
