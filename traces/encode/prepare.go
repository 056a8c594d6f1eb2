package encode

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cespare/xxhash/v2"

	"tidegauge/schemas"
)

// prepare does to requests what the options say, before a format sees them, and counts what is lost.
type prepare struct {
	format  *Format
	options Options
	scale   float64
	names   *anonymous
	losses  losses

	begun            bool
	firstUS, shiftUS int64 // the first arrival as it was, and what it is moved by
	originUS         int64 // of formats that count
	current          schemas.Request
}

func newPrepare(f *Format, o Options) (*prepare, error) {
	p := &prepare{format: f, options: o, scale: o.ScaleTime}
	var errs []error
	if p.scale == 0 {
		p.scale = 1
	}
	if !(p.scale > 0) || math.IsInf(p.scale, 0) {
		errs = append(errs, errScale)
	}
	if o.Conversations < 0 || o.Conversations > 1 || math.IsNaN(o.Conversations) {
		errs = append(errs, fmt.Errorf("the share of conversations to keep is %g, want above 0 and at most 1", o.Conversations))
	}
	if o.StartUS < 0 || o.StartUS >= schemas.MaxArrivalUS {
		errs = append(errs, errors.New("the start is not within 1970 to 2100"))
	}
	if o.Secret != nil {
		p.names = newAnonymous(o.Secret)
	}
	return p, errors.Join(errs...)
}

// request gives the request to write and its arrival as the format counts it; nil where it is left out.
func (p *prepare) request(in *schemas.Request) (*schemas.Request, int64, error) {
	o := &p.options
	if o.Conversations > 0 && !p.chosen(in) {
		return nil, 0, nil
	}
	if o.DropFailures && in.Outcome.Failed() {
		return nil, 0, nil
	}
	p.current = *in
	r := &p.current
	if p.format.lengths && !p.lengths(r) {
		return nil, 0, nil
	}
	if o.Labels != nil {
		if label, ok := o.Labels[r.Model]; ok {
			r.Model = label
		} else if label, ok := o.Labels["*"]; ok {
			r.Model = label
		}
	}
	if p.names != nil {
		p.names.request(r)
	}
	us, err := p.arrival(r)
	if err != nil {
		return nil, 0, err
	}
	p.losses.request(r, p.format.carries)
	if !p.format.outcomes && r.Outcome != r.GenerationEnd() {
		p.losses.add("outcome "+r.Outcome.String(), "written as "+map[bool]string{true: "a failure: no response tokens", false: "an answer"}[r.ResponseTokens == 0])
	}
	return r, us, nil
}

// lengths fills in what a format that needs both lengths can be told, and says whether it has them.
func (p *prepare) lengths(r *schemas.Request) bool {
	if r.ResponseTokens == schemas.Unknown && r.Outcome.Failed() {
		r.ResponseTokens = 0 // BurstGPT's failure
	}
	switch {
	case r.RequestTokens == schemas.Unknown:
		p.losses.add("the request", "left out: request_tokens are not known, and the format needs them")
	case r.ResponseTokens == schemas.Unknown:
		p.losses.add("the request", "left out: response_tokens are not known, and the format needs them")
	default:
		return true
	}
	return false
}

// chosen says whether a request's conversation, or its client, is among those that are kept.
func (p *prepare) chosen(r *schemas.Request) bool {
	id := r.Conversation
	if id == "" {
		id = r.Client
	}
	if id == "" {
		p.losses.add("the share of conversations", "all requests are kept that name neither conversation nor client")
		return true
	}
	// The upper 53 bits as a fraction, so that a larger share has all of a smaller one.
	return float64(xxhash.Sum64String(id)>>11)/(1<<53) < p.options.Conversations
}

// arrival moves and stretches a request's arrival, and gives it as the format counts.
func (p *prepare) arrival(r *schemas.Request) (int64, error) {
	if !p.begun {
		p.begun = true
		p.firstUS = r.ArrivalUS
		first := r.ArrivalUS
		if p.options.StartUS > 0 {
			p.shiftUS = p.options.StartUS - first
			first = p.options.StartUS
		}
		p.originUS = p.origin(first)
	}
	distance := r.ArrivalUS - p.firstUS
	if p.scale != 1 {
		distance = int64(math.RoundToEven(float64(distance) * p.scale))
	}
	r.ArrivalUS = p.firstUS + p.shiftUS + distance
	if r.ArrivalUS < schemas.MinArrivalUS || r.ArrivalUS >= schemas.MaxArrivalUS {
		return 0, fmt.Errorf("request %s would arrive outside 1970 to 2100: take another start or time scale", r.RequestID)
	}
	if !p.format.counts {
		return r.ArrivalUS, nil
	}
	us := r.ArrivalUS - p.originUS
	if us < 0 {
		return 0, fmt.Errorf("request %s arrives %s before the origin of time, %s: the log is not in the order of arrivals; sort it, or name an earlier origin",
			r.RequestID, time.Duration(-us)*time.Microsecond, time.UnixMicro(p.originUS).UTC().Format("2006-01-02T15:04:05.999999Z"))
	}
	return us, nil
}

func (p *prepare) origin(first int64) int64 {
	const dayUS = 24 * 3600 * schemas.SecondUS
	kind := p.options.Origin.Kind
	if kind == OriginOwn {
		kind = p.format.origin
	}
	switch kind {
	case OriginMidnight:
		return first - first%dayUS
	case OriginAt:
		return p.options.Origin.US
	}
	return first
}
