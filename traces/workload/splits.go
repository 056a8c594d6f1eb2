package workload

import (
	"math"
	"math/bits"
)

// cellSplits are the splits of one number of requests, by what came before.
type cellSplits [befores]*preparedSplit

type preparedSplit struct {
	few       picker
	none, all int
	share     []int
	from, to  int // classes of counts that the share was told of
	nearness  float64
}

// befores is how many classes of what came before an interval there are.
const befores = 4

// beforeClass says how m arrivals in the half's time before an interval of n relate to the n/2 that one of
// its halves has on average: none, fewer than two thirds, about as many, more than one and a half times.
func beforeClass(m, n int) int {
	switch {
	case m == 0:
		return 0
	case 3*m < n:
		return 1
	case 4*m <= 3*n:
		return 2
	}
	return 3
}

// fewest is the largest number of requests whose splits are told one by one.
const fewest = 8

// countClass is n up to fewest, then half octaves: 9-11, 12-15, 16-23, …
func countClass(n int) int {
	if n <= fewest {
		return n
	}
	octave := bits.Len(uint(n)) - 1
	return fewest + 1 + 2*(octave-3) + n>>(octave-1)&1
}

// countClasses is how many classes of up to 2^40 requests there are.
const countClasses = fewest + 1 + 2*38

// classRange is the range of counts of a class.
func classRange(class int) (from, to int) {
	if class <= fewest {
		return class, class
	}
	octave, upper := (class-fewest-1)/2+3, (class-fewest-1)%2
	from = 1<<octave + upper<<(octave-1)
	return max(from, fewest+1), from + 1<<(octave-1) - 1
}

// nearness is how near to a half shares lie, on average, in proportion, where classes from … to arrive: the more arrive the
// nearer, by the fourth root. It would be no nearer if one cause moved all that arrive, and by the square root if each cluster were
// moved by itself.
func nearness(from, to int) float64 {
	least, _ := classRange(from)
	_, most := classRange(to)
	return math.Sqrt(math.Sqrt(math.Sqrt(float64(least) * float64(most))))
}

// nearnessOf is by class.
var nearnessOf = func() (all [countClasses]float64) {
	for c := range all {
		all[c] = nearness(c, c)
	}
	return all
}()

// prepare finds the split that each interval uses: that of its own size, count and past, or else the nearest that was
// seen often enough.
func (p *process) prepare() {
	type key struct{ mood, halving, class, before int }
	known := map[key]*preparedSplit{}
	for i := range p.arrivals.Splits {
		s := &p.arrivals.Splits[i]
		prepared := &preparedSplit{none: s.None, all: One - s.All, share: s.Share}
		prepared.from, prepared.to = countClass(s.From), min(countClass(s.To), countClasses-1)
		if s.From <= fewest {
			prepared.few = newPicker(s.Left)
		} else {
			prepared.nearness = nearness(prepared.from, prepared.to)
		}
		for c := prepared.from; c <= prepared.to; c++ {
			known[key{s.Mood, s.Halving, c, s.Before}] = prepared
		}
	}
	for mood := range max(len(p.moods), 1) {
		splits := make([][]cellSplits, p.above+p.leaf)
		for h := range splits {
			splits[h] = make([]cellSplits, countClasses)
		}
		for b := range befores {
			get := func(h, c int) *preparedSplit {
				if s := known[key{mood, h - p.above, c, b}]; s != nil {
					return s
				}
				return known[key{mood, h - p.above, c, -1}]
			}
			for h := range splits {
				for c := 1; c < countClasses; c++ {
					splits[h][c][b] = get(h, c)
				}
				// Many requests: the nearest class of the same halving, the smaller one first.
				var last *preparedSplit
				for c := fewest + 1; c < countClasses; c++ {
					if s := splits[h][c][b]; s != nil {
						last = s
					} else {
						splits[h][c][b] = last
					}
				}
				last = nil
				for c := countClasses - 1; c > fewest; c-- {
					if s := splits[h][c][b]; s != nil {
						last = s
					} else {
						splits[h][c][b] = last
					}
				}
			}
			// What a halving does not know, the nearest finer one does, or else the nearest coarser.
			for c := 1; c < countClasses; c++ {
				for h := len(splits) - 2; h >= 0; h-- {
					if splits[h][c][b] == nil {
						splits[h][c][b] = splits[h+1][c][b]
					}
				}
				for h := 1; h < len(splits); h++ {
					if splits[h][c][b] == nil {
						splits[h][c][b] = splits[h-1][c][b]
					}
				}
			}
		}
		p.splits = append(p.splits, splits)
	}
}

// left draws how many of n lie in the first half.
func (p *process) left(s *preparedSplit, class, n int) int {
	burst := p.burst
	if s == nil || burst < 1 && p.source.float() >= burst {
		return p.source.halves(n)
	}
	left := 0
	if len(s.share) == 0 {
		if left = s.few.pick(p.source); left > n {
			left = n
		}
	} else {
		switch end := int(p.source.below(One)); {
		case end < s.none:
		case end >= s.all:
			left = n
		default:
			high, low := bits.Mul64(p.source.pcg.Uint64(), uint64(len(s.share)-1))
			// Shares are of One; between two of them in 2^-20.
			share := between(int64(s.share[high])<<20, int64(s.share[high+1])<<20, low)
			if s.from < s.to || class != s.from {
				share = int64(float64(float64(share-One<<19)*s.nearness)/nearnessOf[class]) + One<<19
			}
			share = max(0, min(share, One<<20))
			left = max(1, min(int((uint64(share)*uint64(n)+One<<19)/(One<<20)), n-1))
		}
	}
	if burst > 1 && p.source.float() >= 1/burst {
		if int(p.source.below(uint64(n))) < left {
			return n
		}
		return 0
	}
	return left
}

// halves draws how many of n independent ones fall into the first half.
func (s source) halves(n int) int {
	if n > 4096 {
		k := float64(n)/2 + float64(math.Sqrt(float64(n)/4)*s.normal()) + 0.5
		return max(0, min(int(k), n))
	}
	k := 0
	for ; n >= 64; n -= 64 {
		k += bits.OnesCount64(s.pcg.Uint64())
	}
	return k + bits.OnesCount64(s.pcg.Uint64()&(1<<n-1))
}
