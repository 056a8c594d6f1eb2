package workload

import "tidegauge/schemas"

// failing decides which of a flow's requests fail.
type failing struct {
	model  *Failures
	factor float64
	next3  [][]picker // by class and load
	kinds  picker
	class  int
	left   int // of the block
	failed bool
	kind   int
}

func newFailing(m *Failures, factor float64) *failing {
	f := &failing{model: m, factor: factor}
	weights := make([]int, len(m.Kinds))
	for i := range m.Kinds {
		weights[i] = m.Kinds[i].Weight
	}
	f.kinds = newPicker(weights)
	for i := range m.Classes {
		f.next3 = append(f.next3, pickers(m.Classes[i].Next))
	}
	return f
}

// next says how the next request fails, nil if it does not. relative is its model's failure rate, of One.
func (f *failing) next(s source, relative, load int) *FailureKind {
	if len(f.model.Classes) == 0 || len(f.model.Kinds) == 0 {
		return nil
	}
	if f.left == 0 {
		f.left = f.model.Block
		if rows := f.next3[f.class]; len(rows) > 0 {
			if p := rows[min(load, len(rows)-1)]; !p.empty() {
				f.class = p.pick(s)
			}
		}
	}
	f.left--
	c := &f.model.Classes[f.class]
	p := c.AfterOK
	if f.failed {
		// Right after a failure the next one hangs together with it, whatever the model.
		p = c.AfterFail
	}
	scaled := float64(p) * f.factor * (float64(relative) / One)
	failed := float64(s.float()*One) < scaled
	before := f.failed
	f.failed = failed
	if !failed {
		return nil
	}
	if !before || !s.chance(f.model.Kinds[f.kind].Stays) {
		f.kind = f.kinds.pick(s)
	}
	return &f.model.Kinds[f.kind]
}

// end ends a request in failure.
func (k *FailureKind) end(r *schemas.Request, s source, said *said) {
	r.Outcome, r.StatusCode, r.ErrorType, r.FinishReason = schemas.ParseOutcome(k.Outcome), k.StatusCode, k.ErrorType, k.FinishReason
	r.RequestTokens = said.request
	switch {
	case s.chance(k.RequestZero):
		r.RequestTokens = 0
	case s.chance(k.RequestUnknown):
		r.RequestTokens = schemas.Unknown
	}
	if k.Response != nil {
		r.ResponseTokens = max(k.Response.draw(s), 0)
	}
	if k.ElapsedUS != nil {
		r.ElapsedUS = max(k.ElapsedUS.draw(s), 0)
	}
	// What an answer that never came would have been is not what the next is like.
}
