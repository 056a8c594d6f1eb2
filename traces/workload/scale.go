package workload

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Effect says what the options do to the load, and to its burstiness, and where in its log a profile's load begins; nothing where they
// change nothing and it has none.
func (o *GenerateOptions) Effect(p *Profile) string {
	var lines []string
	scale := o.scale(p)
	if from, lasts := o.recordedFrom(p); lasts > 0 {
		again := ""
		if lasts < o.Duration {
			again = fmt.Sprintf(" for %s, and then again", lasts.Round(time.Second))
		}
		lines = append(lines, "load goes up and down as it did in the log from "+from.Format(time.RFC3339)+" on"+again+" (--levels drawn: ups and downs like them)")
	}
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

// recordedFrom says where in the log a generated one begins, and how long it takes it to the log's end; 0 where it follows none.
func (o *GenerateOptions) recordedFrom(p *Profile) (from time.Time, lasts time.Duration) {
	for i := range p.Services {
		s := &p.Services[i]
		for j := range s.Flows {
			if c := o.course(p, s); c != nil && s.Flows[j].Arrivals.Path != nil {
				return time.UnixMicro(s.Recorded.FromUS + c.offset).UTC(), time.Duration(c.zero+c.length-o.Start.UnixMicro()) * time.Microsecond
			}
		}
	}
	return from, 0
}

// course says what a service's flows, or the first copies of them, go by.
func (o *GenerateOptions) course(p *Profile, s *Service) *course {
	if s.Recorded == nil || o.Levels != LevelsRecorded {
		return nil
	}
	_, each := o.copies(p)
	return newCourse(s.Recorded, o.Start.UnixMicro(), o.Start.Add(o.Duration).UnixMicro(), each)
}

// copies is how many independent copies there are, and the factor of the load of each.
func (o *GenerateOptions) copies(p *Profile) (int, float64) {
	scale := o.scale(p)
	if o.ScaleBy == ScaleSuperpose {
		n := max(1, int(math.Ceil(scale-1e-9)))
		return n, scale / float64(n)
	}
	return 1, scale
}
