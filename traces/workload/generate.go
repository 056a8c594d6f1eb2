package workload

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
	"unsafe"

	"tidegauge/schemas"
)

// The ways to change the load.
const (
	ScaleCompress  = "compress"
	ScaleSuperpose = "superpose"
)

// GenerateOptions says what to make of a profile. The zero value of a factor is no change: DefaultGenerateOptions.
type GenerateOptions struct {
	Start    time.Time
	Duration time.Duration
	Seed     uint64
	// Scale multiplies the load; Rate, if above zero, is requests a second instead, of all services together. ScaleBy says how:
	// compress lets the same fluctuations pass faster (gap_cv stays, idc(d) becomes what idc(d x scale) was), superpose adds independent
	// copies (idc stays, gaps are smoothed towards Poisson's). The day's shape and the pauses in conversations stay as they are.
	Scale, Rate float64
	ScaleBy     string
	// Levels says where the load's ups and downs come from: recorded repeats the log's, where the profile has them; drawn makes others
	// like them.
	Levels string
	// What-if factors, 1 for no change. Burstiness 0 gives a Poisson process about the shape.
	Burstiness, ResponseLength, ConversationLength, FailureRate float64
	// ModelMix gives models' shares of the requests.
	ModelMix map[string]float64
	// Service renames the profile's only service.
	Service string
	// Labels are on every request.
	Labels []schemas.Label
}

// DefaultGenerateOptions is a day of the profile as it is.
func DefaultGenerateOptions() GenerateOptions {
	return GenerateOptions{Start: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), Duration: 24 * time.Hour, Seed: 1,
		Scale: 1, ScaleBy: ScaleCompress, Levels: LevelsRecorded, Burstiness: 1, ResponseLength: 1, ConversationLength: 1, FailureRate: 1}
}

// Rate is how many requests a second the profile describes, on average.
func (p *Profile) Rate() float64 {
	rate := 0.0
	for i := range p.Services {
		service := 0.0
		for j := range p.Services[i].Flows {
			service += p.Services[i].Flows[j].requestRate()
		}
		if q := p.Services[i].Silences; q != nil {
			between := float64(q.BetweenUS)
			service = float64(service*between) / (between + q.DurationUS.mean())
		}
		rate += service
	}
	return rate
}

func (f *Flow) requestRate() float64 {
	if f.Conversations != nil {
		return float64(f.Arrivals.Rate * f.Conversations.expectedTurns())
	}
	return f.Arrivals.Rate
}

// Check says what is wrong with the options, all of it.
func (o *GenerateOptions) Check(p *Profile) error {
	var errs []error
	wrong := func(format string, arguments ...any) { errs = append(errs, fmt.Errorf(format, arguments...)) }
	if from := o.Start.UnixMicro(); from < schemas.MinArrivalUS || from >= schemas.MaxArrivalUS {
		wrong("the start %s is not between 1970 and 2100", o.Start.Format(time.RFC3339))
	}
	if o.Duration <= 0 || o.Duration > 10*366*24*time.Hour {
		wrong("the duration %s is not between 0 and ten years", o.Duration)
	} else if o.Start.Add(o.Duration).UnixMicro() >= schemas.MaxArrivalUS {
		wrong("the log would go on beyond the year 2100")
	}
	for _, f := range []struct {
		name  string
		value float64
		least float64
		most  float64
	}{
		{"the scale", o.Scale, 1e-6, 1e6}, {"the rate", o.Rate, 0, 1e7}, {"the burstiness", o.Burstiness, 0, 100},
		{"the response length", o.ResponseLength, 1e-3, 1e3}, {"the conversation length", o.ConversationLength, 1e-3, 1e3}, {"the failure rate", o.FailureRate, 0, 1e3},
	} {
		if !(f.value >= f.least && f.value <= f.most) {
			wrong("%s is %g, want %g to %g", f.name, f.value, f.least, f.most)
		}
	}
	if o.ScaleBy != ScaleCompress && o.ScaleBy != ScaleSuperpose {
		wrong("to scale by %q is not known: %s or %s", o.ScaleBy, ScaleCompress, ScaleSuperpose)
	}
	if o.Levels != LevelsRecorded && o.Levels != LevelsDrawn {
		wrong("levels that are %q are not known: %s or %s", o.Levels, LevelsRecorded, LevelsDrawn)
	}
	sum := 0.0
	for model, share := range o.ModelMix {
		if !(share >= 0 && share <= 1) {
			wrong("the share of model %q is %g, want 0 to 1", model, share)
		}
		sum += share
		if !slices.Contains(p.models(), model) {
			wrong("the profile has no model %q: it has %q", model, p.models())
		}
	}
	if sum > 1+1e-9 {
		wrong("the models' shares add up to %g, more than 1", sum)
	}
	if o.Service != "" && len(p.Services) != 1 {
		wrong("the profile has %d services, and one name was given for them", len(p.Services))
	}
	if p.Rate() <= 0 {
		wrong("the profile has no requests")
	}
	return errors.Join(errs...)
}

func (p *Profile) models() []string {
	var names []string
	for _, s := range p.Services {
		for _, f := range s.Flows {
			for _, m := range f.Models {
				if !slices.Contains(names, m.Model) {
					names = append(names, m.Model)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

// scale is the factor of the load.
func (o *GenerateOptions) scale(p *Profile) float64 {
	if o.Rate > 0 {
		return o.Rate / p.Rate()
	}
	return o.Scale
}

// Generate gives requests as the profile describes them, in order of arrival, in memory that does not grow with their
// number. The request is reused by the next. Equal profiles and options give equal requests on every machine.
func Generate(p *Profile, o GenerateOptions) (iter.Seq[*schemas.Request], error) {
	if err := o.Check(p); err != nil {
		return nil, err
	}
	return func(yield func(*schemas.Request) bool) {
		start, end := o.Start.UnixMicro(), o.Start.Add(o.Duration).UnixMicro()
		copies, each := o.copies(p)
		var flows []*flow
		for i := range p.Services {
			service := p.Services[i].Service
			if o.Service != "" {
				service = o.Service
			}
			recorded := o.course(p, &p.Services[i])
			for j := range p.Services[i].Flows {
				for c := range copies {
					s := newSource(o.Seed, uint64(i), uint64(j), uint64(c))
					log := recorded
					if c > 0 { // copies that went up and down together would not be independent
						log = nil
					}
					f := newFlow(&p.Services[i].Flows[j], service, s, s.pcg.Uint64(), p.Services[i].Silences, newSource(o.Seed, uint64(i)), log, start, end, each, o)
					if _, ok := f.peek(); ok {
						flows = append(flows, f)
					}
				}
			}
		}
		merge(flows, newNamer(o.Seed), o.Labels, yield)
	}, nil
}

// merge gives the flows' requests in the order of their arrivals; equal ones in the order of the flows.
func merge(flows []*flow, n *namer, labels []schemas.Label, yield func(*schemas.Request) bool) {
	var r schemas.Request
	next := make([]int64, len(flows))
	for i, f := range flows {
		next[i], _ = f.peek()
	}
	// A heap of the flows' numbers.
	order := make([]int, len(flows))
	for i := range order {
		order[i] = i
	}
	less := func(a, b int) bool { return next[a] < next[b] || next[a] == next[b] && a < b }
	down := func(i int) {
		for {
			least := i
			for c := 2*i + 1; c <= 2*i+2 && c < len(order); c++ {
				if less(order[c], order[least]) {
					least = c
				}
			}
			if least == i {
				return
			}
			order[i], order[least] = order[least], order[i]
			i = least
		}
	}
	for i := len(order)/2 - 1; i >= 0; i-- {
		down(i)
	}
	for len(order) > 0 {
		f := flows[order[0]]
		r.Reset()
		f.take(&r)
		r.RequestID = n.next()
		r.Seq = int64(n.number) // equal arrivals stay in this order
		r.Labels = append(r.Labels, labels...)
		if !yield(&r) {
			return
		}
		at, ok := f.peek()
		if ok {
			next[order[0]] = at
		} else {
			order[0] = order[len(order)-1]
			order = order[:len(order)-1]
		}
		down(0)
	}
}

// namer names requests: g, the seed, a number. Names are cut from blocks, as each text of its own would be memory to clear away.
type namer struct {
	prefix string
	number uint64
	block  []byte
}

func newNamer(seed uint64) *namer {
	return &namer{prefix: "g" + string(appendHex(nil, seed)) + "-"}
}

func (n *namer) next() string {
	n.number++
	if cap(n.block)-len(n.block) < 64 {
		n.block = make([]byte, 0, 16<<10)
	}
	from := len(n.block)
	n.block = append(n.block, n.prefix...)
	n.block = appendHex(n.block, n.number)
	return unsafe.String(&n.block[from], len(n.block)-from) // written once, and never again
}
