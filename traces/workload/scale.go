package workload

import (
	"fmt"
	"strings"
)

// Effect says what the options do to the load, and to its burstiness; nothing where they change nothing.
func (o *GenerateOptions) Effect(p *Profile) string {
	var lines []string
	scale := o.scale(p)
	if scale < 0.999999 || scale > 1.000001 {
		rate := fmt.Sprintf("%.4g times the profile's load, %.4g requests a second on average, ", scale, scale*p.Rate())
		switch {
		case o.ScaleBy == ScaleCompress:
			lines = append(lines, rate+fmt.Sprintf("by compressing time: gap_cv stays what it is; idc at d seconds is the profile's at %.4g x d seconds", scale))
		case scale > 1:
			lines = append(lines, rate+"by superposing independent copies: idc stays what it is at every width; gap_cv falls towards 1, as one copy's bursts fill the pauses of others")
		default:
			lines = append(lines, rate+"by stretching time: there is no part of a copy to superpose, so this is --scale-by compress")
		}
	}
	change := func(factor float64, text string) {
		if factor != 1 {
			lines = append(lines, fmt.Sprintf(text, factor))
		}
	}
	change(o.Burstiness, "burstiness x %g: how far the rate of cells is from the mean, and how unevenly they divide; gap_cv and idc change, the load does not")
	change(o.ResponseLength, "response lengths x %g: durations stay those of the profile's lengths")
	change(o.ConversationLength, "odds of another turn x %g: the load of conversations changes with their length")
	change(o.FailureRate, "failures x %g")
	return strings.Join(lines, "\n")
}
