package doctor

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"

	"tidegauge/schemas"
)

func count(n int64) string { return humanize.Comma(n) }

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return count(n) + " " + what + "s"
}

// atLeast writes a number of values, which were not counted beyond mostValues.
func atLeast(n int) string {
	if n > mostValues {
		return "more than " + count(mostValues)
	}
	return count(int64(n))
}

func percent(share float64) string {
	switch {
	case share == 0 || share == 1:
		return fmt.Sprintf("%.0f %%", 100*share)
	case share < 0.001:
		return "< 0.1 %"
	case share > 0.999:
		return "> 99.9 %"
	case share < 0.1 || share > 0.99:
		return fmt.Sprintf("%.1f %%", 100*share)
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

// duration writes microseconds with three digits: 12 us, 3.44 ms, 18.2 s, 2h5m.
func duration(us float64) string {
	switch {
	case us < 1000:
		return figure(us) + " us"
	case us < schemas.SecondUS:
		return figure(us/1000) + " ms"
	case us < 10*schemas.MinuteUS:
		return figure(us/schemas.SecondUS) + " s"
	case us >= 2*dayUS:
		return fmt.Sprintf("%.0f days", math.Round(us/dayUS))
	}
	return time.Duration(us * 1000).Round(time.Minute).String()[:len(time.Duration(us*1000).Round(time.Minute).String())-2]
}

func figure(v float64) string {
	if v >= 100 || v == math.Trunc(v) {
		return count(int64(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
