package report

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// undefined is what an undefined number looks like in the table.
const undefined = "-"

// count writes a whole number with its thousands apart: 5,344,021.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 && s[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// tokenCount writes a number of tokens, or any other that needs no fraction once it is above 100.
func tokenCount(n Number) string {
	if !n.Defined() {
		return undefined
	}
	if math.Abs(float64(n)) >= 100 || float64(n) == math.Trunc(float64(n)) {
		return count(int64(math.Round(float64(n))))
	}
	return strconv.FormatFloat(float64(n), 'f', 1, 64)
}

// Figure writes a number with three significant digits: 0.0212, 13.2, 1,250.
func Figure(n Number) string {
	v := float64(n)
	if !n.Defined() {
		return undefined
	}
	size := math.Abs(v)
	switch {
	case v == 0:
		return "0"
	case size >= 999.5:
		return count(int64(math.Round(v)))
	case size < 0.001:
		return strconv.FormatFloat(v, 'e', 1, 64)
	}
	decimals := min(max(2-int(math.Floor(math.Log10(size)+1e-9)), 0), 4)
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// fixed writes a number with two decimals, for columns where numbers should line up.
func fixed(n Number) string {
	if !n.Defined() {
		return undefined
	}
	if math.Abs(float64(n)) >= 100 {
		return Figure(n)
	}
	return strings.Replace(strconv.FormatFloat(float64(n), 'f', 2, 64), "-0.00", "0.00", 1)
}

// percent writes a share.
func percent(n Number) string {
	if !n.Defined() {
		return undefined
	}
	v := 100 * float64(n)
	switch {
	case v == 0 || v == 100:
		return strconv.FormatFloat(v, 'f', 0, 64) + "%"
	case v < 0.01:
		return "<0.01%"
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64) + "%"
	default:
		return strconv.FormatFloat(v, 'f', 2, 64) + "%"
	}
}

// Span writes a number of seconds in the unit that suits it, with three significant digits.
func Span(n Number) string {
	v := float64(n)
	switch size := math.Abs(v); {
	case !n.Defined():
		return undefined
	case v == 0:
		return "0 s"
	case size < 0.9995e-3:
		return Figure(n*1e6) + " µs"
	case size < 0.9995:
		return Figure(n*1e3) + " ms"
	case size < 120:
		return Figure(n) + " s"
	case size < 2*3600:
		return Figure(n/60) + " min"
	case size < 2*86400:
		return Figure(n/3600) + " h"
	default:
		return Figure(n/86400) + " d"
	}
}

// period writes a range of time, the second day only where it differs from the first.
func period(fromUS, toUS int64) string {
	from, to := time.UnixMicro(fromUS).UTC(), time.UnixMicro(toUS).UTC()
	end := to.Format("2006-01-02 15:04:05")
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		end = to.Format("15:04:05")
	}
	return from.Format("2006-01-02 15:04:05") + " to " + end + " UTC (" + Span(Number(toUS-fromUS)/1e6) + ")"
}

// sparks draws one bar a value, the largest full.
func sparks(values []int64) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	var largest int64
	for _, v := range values {
		largest = max(largest, v)
	}
	var b strings.Builder
	for _, v := range values {
		switch {
		case v == 0:
			b.WriteRune('·')
		default:
			b.WriteRune(bars[min(int(v*int64(len(bars))/largest), len(bars)-1)])
		}
	}
	return b.String()
}
