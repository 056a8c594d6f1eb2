package workload

import "math/bits"

// stepped is a distribution told in steps, ready to be drawn from.
type stepped struct {
	*Steps
	before []uint64   // values in the steps before
	from   [64]uint16 // by the rank's first bits: the step that they begin in
	all    uint64
	ranks  even
}

func newStepped(all []Steps) []stepped {
	list := make([]stepped, len(all))
	for i := range all {
		d := stepped{Steps: &all[i]}
		for _, n := range all[i].N {
			d.before = append(d.before, d.all)
			d.all += uint64(n)
		}
		step := 0
		for k := range d.from {
			for whole, _ := bits.Mul64(uint64(k)<<58, d.all); step+1 < len(d.before) && d.before[step+1] <= whole; {
				step++
			}
			d.from[k] = uint16(step)
		}
		list[i] = d
	}
	return list
}

// at gives the value at a probability of rank/2^64.
func (d *stepped) at(rank uint64) int64 {
	whole, part := bits.Mul64(rank, d.all)
	i := int(d.from[rank>>58])
	for i+1 < len(d.before) && d.before[i+1] <= whole {
		i++
	}
	width := uint64(d.To[i]-d.From[i]) + 1
	if width == 1 {
		return d.From[i]
	}
	within, _ := bits.Mul64(part, width)
	return d.From[i] + int64(((whole-d.before[i])*width+within)/uint64(d.N[i]))
}

// even draws ranks that are even over [0, 2^64): one of each of as many equal parts, in random order, then anew; and where in its part
// one lies goes on from time to time by the golden ratio, which leaves no gaps. So what many draws come to scatters less than if each were
// drawn by itself, and successive ones have a correlation of no more than -1/(parts-1). The zero value has evenParts, or else 2^bits.
type even struct {
	order []uint16
	used  int
	place uint32
	bits  uint8
}

// golden is the golden ratio, less 1, of 2^32.
const golden = 0x9e3779b9

const (
	evenBits  = 6
	evenParts = 1 << evenBits
	// finely is for what is drawn seldom and decides about much.
	finely = 10
)

func (e *even) draw(s source) uint64 {
	if e.used == len(e.order) {
		e.begin(s)
	}
	other := e.used + int(s.below(uint64(len(e.order)-e.used)))
	part := e.order[other]
	e.order[other] = e.order[e.used]
	e.used++
	within := e.place + uint32(part)*golden
	return uint64(part)<<(64-e.bits) | uint64(within)<<32>>e.bits | 1<<(31-e.bits)
}

// begin puts all parts back.
func (e *even) begin(s source) {
	if e.bits == 0 {
		e.bits = evenBits
	}
	if e.order == nil {
		e.order = make([]uint16, 1<<e.bits)
		e.place = uint32(s.pcg.Uint64())
	}
	e.place += golden
	for i := range e.order {
		e.order[i] = uint16(i)
	}
	e.used = 0
}

// share is a rank of 2^64 in parts of One.
func share(rank uint64) int {
	high, _ := bits.Mul64(rank, One)
	return int(high)
}

// evenPicker picks with the shares of its weights, evenly.
type evenPicker struct {
	picker
	ranks even
}

func newEvenPicker(weights []int) evenPicker { return evenPicker{picker: newPicker(weights)} }

func evenPickers(rows [][]int) []evenPicker {
	p := make([]evenPicker, len(rows))
	for i, w := range rows {
		p[i] = newEvenPicker(w)
	}
	return p
}

func (p *evenPicker) pick(s source) int { return p.at(p.ranks.draw(s)) }
