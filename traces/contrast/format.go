package contrast

import (
	"math"
	"strconv"

	"github.com/dustin/go-humanize"

	"tidegauge/report"
)

const undefined = "–"

func integer(v float64) string { return humanize.Comma(int64(math.Round(v))) }

func several(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return humanize.Comma(n) + " " + what + "s"
}

// figure writes a number with three significant digits, as the summary's table does: 0.0212, 13.2, 1,250.
func figure(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return undefined
	}
	return report.Figure(report.Number(v))
}

// brief writes a distance with two significant digits: 0.05, 0.34.
func brief(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return undefined
	}
	if math.Abs(v) < 1e-4 && v != 0 {
		return "<0.0001"
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// percent writes a share or a difference of two shares.
func percent(v float64) string {
	p := 100 * v
	switch size := math.Abs(p); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return undefined
	case p == 0:
		return "0 %"
	case size < 0.01:
		return "<0.01 %"
	case size < 10:
		return strconv.FormatFloat(p, 'g', 2, 64) + " %"
	}
	return integer(p) + " %"
}

// span writes seconds in the unit that suits them.
func span(v float64) string {
	if math.IsNaN(v) {
		return undefined
	}
	return report.Span(report.Number(v))
}

// inUnit writes a value in its unit.
func inUnit(v float64, unit string) string {
	switch unit {
	case "s", "s/token":
		return span(v)
	case "share":
		return percent(v)
	case "1/s":
		return figure(v) + "/s"
	case "tokens/s":
		return figure(v) + "/s"
	case "1/min":
		return figure(v) + "/min"
	}
	return figure(v)
}

// quantity writes a measure's value: of a distribution, in the distribution's unit.
func (e *evidence) quantity(v float64) string {
	if e.unit == "" && e.of != noneOf {
		return inUnit(v, distributions[e.of].unit)
	}
	return inUnit(v, e.unit)
}
