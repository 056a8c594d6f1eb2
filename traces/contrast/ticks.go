package contrast

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// logTicks marks the decades, and what is between them without a label.
type logTicks struct{ label func(float64) string }

func (t logTicks) Ticks(low, high float64) (out []plot.Tick) {
	first, last := int(math.Floor(math.Log10(low))), int(math.Ceil(math.Log10(high)))
	every := max((last-first+5)/6, 1) // six labels have room
	for e := first; e <= last; e++ {
		decade := math.Pow(10, float64(e))
		label := ""
		if e%every == 0 {
			label = t.label(decade)
		}
		if decade >= low*0.999 && decade <= high*1.001 {
			out = append(out, plot.Tick{Value: decade, Label: label})
		}
		for k := 2.0; k < 10 && every == 1; k++ {
			v := k * decade
			if v < low || v > high {
				continue
			}
			label := ""
			if last-first <= 2 && (k == 2 || k == 5) {
				label = t.label(v)
			}
			out = append(out, plot.Tick{Value: v, Label: label})
		}
	}
	return out
}

// clockTicks marks the units of time on a logarithmic axis.
type clockTicks struct{}

// clockSteps are where clocks have names: decades of seconds below ten, minutes, hours and days above.
var clockSteps = []float64{1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 60, 600, 3600, 6 * 3600, 86400, 7 * 86400, 70 * 86400, 700 * 86400}

func (clockTicks) Ticks(low, high float64) (out []plot.Tick) {
	var inside []float64
	for _, v := range clockSteps {
		if v >= low && v <= high {
			inside = append(inside, v)
		}
	}
	if len(inside) < 2 { // less than a decade
		return logTicks{timeLabel}.Ticks(low, high)
	}
	for i, v := range inside {
		t := plot.Tick{Value: v}
		if every := (len(inside) + 6) / 7; (len(inside)-1-i)%every == 0 {
			t.Label = timeLabel(v)
		}
		out = append(out, t)
	}
	return out
}

// evenTicks marks round numbers, some five of them.
type evenTicks struct{ label func(float64) string }

func (t evenTicks) Ticks(low, high float64) (out []plot.Tick) {
	step := round((high - low) / 4)
	for i := math.Ceil(low/step - 1e-9); i*step <= high+step*1e-9; i++ {
		out = append(out, plot.Tick{Value: i * step, Label: t.label(i * step)})
	}
	return out
}

// round gives the round number next to a length: 1, 2 or 5 times a power of ten.
func round(length float64) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(length)))
	switch f := length / decade; {
	case f < 1.5:
		return decade
	case f < 3.5:
		return 2 * decade
	case f < 7.5:
		return 5 * decade
	}
	return 10 * decade
}

// plainLabel writes a number as briefly as it can be: 0.5, 20, 3k, 2M.
func plainLabel(v float64) string {
	size := math.Abs(v)
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if size >= unit.size*0.9999 {
			return strconv.FormatFloat(v/unit.size, 'g', 3, 64) + unit.name
		}
	}
	if size < 1e-9 {
		return "0"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// timeLabel writes seconds in the unit that a decade is read in.
func timeLabel(v float64) string {
	switch size := math.Abs(v); {
	case size == 0:
		return "0"
	case size < 0.9e-3:
		return strconv.FormatFloat(v*1e6, 'g', 3, 64) + " µs"
	case size < 0.9:
		return strconv.FormatFloat(v*1e3, 'g', 3, 64) + " ms"
	case size < 59:
		return plainLabel(v) + " s"
	case size < 3599:
		return plainLabel(v/60) + " min"
	case size < 86399:
		return plainLabel(v/3600) + " h"
	}
	return plainLabel(v/86400) + " d"
}

func shareLabel(v float64) string { return strconv.FormatFloat(100*math.Abs(v), 'g', 3, 64) + " %" }

// binaryLabel writes a power of two: 16, 512, 4k, as everybody calls them.
func binaryLabel(v float64) string {
	switch {
	case v >= 1<<20:
		return strconv.Itoa(int(v)>>20) + "M"
	case v >= 1<<10:
		return strconv.Itoa(int(v)>>10) + "k"
	}
	return plainLabel(v)
}
