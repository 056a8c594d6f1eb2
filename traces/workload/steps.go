package workload

import (
	"math/bits"
	"slices"
)

// stepped is a distribution told in steps, ready to be drawn from.
type stepped struct {
	*Steps
	before []uint64 // values in the steps before
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
		list[i] = d
	}
	return list
}

// at gives the value at a probability of rank/2^64.
func (d *stepped) at(rank uint64) int64 {
	whole, part := bits.Mul64(rank, d.all)
	i, found := slices.BinarySearch(d.before, whole)
	if !found {
		i--
	}
	width := uint64(d.To[i]-d.From[i]) + 1
	if width == 1 {
		return d.From[i]
	}
	within, _ := bits.Mul64(part, width)
	return d.From[i] + int64(((whole-d.before[i])*width+within)/uint64(d.N[i]))
}

// even draws ranks that are even over [0, 2^64): one of each of evenParts equal parts, in random order, then anew. So what many
// draws come to scatters less than if each were drawn by itself, and successive ones have a correlation of no more than -1/(evenParts-1).
type even struct {
	order [evenParts]uint8
	used  uint8
}

const (
	evenBits  = 6
	evenParts = 1 << evenBits
)

func (e *even) draw(s source) uint64 {
	if e.used == 0 {
		for i := range e.order {
			e.order[i] = uint8(i)
		}
	}
	u := s.pcg.Uint64()
	left := uint64(evenParts - int(e.used))
	other := e.used + uint8((u>>32)*left>>32)
	part := e.order[other]
	e.order[other] = e.order[e.used]
	e.used = (e.used + 1) % evenParts
	return uint64(part)<<(64-evenBits) | u<<32>>evenBits | 1<<(31-evenBits)
}

// evenPicker picks with the shares of its weights, evenly.
type evenPicker struct {
	picker
	ranks *even
}

func newEvenPicker(weights []int) evenPicker { return evenPicker{newPicker(weights), new(even)} }

func evenPickers(rows [][]int) []evenPicker {
	p := make([]evenPicker, len(rows))
	for i, w := range rows {
		p[i] = newEvenPicker(w)
	}
	return p
}

func (p *evenPicker) pick(s source) int { return p.at(p.ranks.draw(s)) }
