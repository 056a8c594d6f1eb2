package workload

import "math"

// reader goes through sequences by a model.
type reader struct {
	*topics
	bySymbol       [][]float64 // of what is seen and a topic: the likelihood
	forward, scale []float64
	after, ahead   []float64
}

// readAtOnce is how many requests are held while they are read.
const readAtOnce = 4096

func newReader(m *topics) *reader {
	k := len(m.visits)
	r := &reader{topics: m, forward: make([]float64, (readAtOnce+1)*k), scale: make([]float64, readAtOnce), after: make([]float64, k), ahead: make([]float64, k)}
	for s := range symbols(m.x, m.y) {
		likes := make([]float64, k)
		for i := range likes {
			likes[i] = m.like[i][s] + 1e-12
		}
		r.bySymbol = append(r.bySymbol, likes)
	}
	return r
}

// read goes through a sequence, forwards and, where counts are wanted, backwards; it gives the sequence's log-likelihood.
func (r *reader) read(sequence []seen, counts *tally) float64 {
	k, logarithm := len(r.visits), 0.0
	copy(r.forward, r.visits)
	for from := 0; from < len(sequence); from += readAtOnce {
		part := sequence[from:min(from+readAtOnce, len(sequence))]
		for t := range part {
			likes := r.bySymbol[r.symbol(part[t])]
			before, then := r.forward[t*k:(t+1)*k], r.forward[(t+1)*k:(t+2)*k]
			switch {
			case part[t].begins:
				copy(then, r.first)
			case from+t == 0: // in the middle of a sequence
				copy(then, before)
			default:
				ends := r.ends(before)
				for i, p := range before {
					then[i] = p*(1-r.leave[i]) + ends*r.weight[i]
				}
			}
			sum := 0.0
			for i, like := range likes {
				then[i] *= like
				sum += then[i]
			}
			by := 1 / sum
			for i := range then {
				then[i] *= by
			}
			r.scale[t] = sum
			logarithm += math.Log(sum)
		}
		if counts != nil {
			r.back(part, from == 0, counts)
		}
		copy(r.forward, r.forward[len(part)*k:(len(part)+1)*k])
	}
	return logarithm
}

// ends is how likely a topic ends.
func (r *reader) ends(shares []float64) float64 {
	sum := 0.0
	for i, p := range shares {
		sum += p * r.leave[i]
	}
	return sum
}

// back goes back through what was just read, and counts.
func (r *reader) back(part []seen, first bool, counts *tally) {
	k := len(r.visits)
	after, ahead := r.after, r.ahead
	for i := range after {
		after[i] = 1
	}
	for t := len(part) - 1; t >= 0; t-- {
		likes := r.bySymbol[r.symbol(part[t])]
		before, then := r.forward[t*k:(t+1)*k], r.forward[(t+1)*k:(t+2)*k]
		entering, by := 0.0, 1/r.scale[t]
		for i, p := range then {
			if p *= after[i]; p > 1e-4 {
				counts.add(i, part[t], p)
			}
			ahead[i] = likes[i] * after[i] * by
			entering += r.weight[i] * ahead[i]
		}
		switch {
		case part[t].begins:
			for i, p := range then {
				counts.begins[i] += p * after[i]
				after[i] = 1
			}
		case t > 0 || !first:
			ends := r.ends(before)
			for i, p := range before {
				leave := r.leave[i]
				left := p * leave * entering
				counts.ends[i] += left
				counts.steps[i] += left + p*(1-leave)*ahead[i]
				counts.jumps[i] += ends * r.weight[i] * ahead[i]
				after[i] = (1-leave)*ahead[i] + leave*entering
			}
		}
	}
}
