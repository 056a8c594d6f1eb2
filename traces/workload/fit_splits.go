package workload

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

const (
	// offsets is from how many starting points a log is cut into intervals. They overlap, so that many observations count as
	// one.
	offsets = 4
	// shareBins is how finely shares are counted: nothing and everything apart from the rest.
	shareBins = 1000
	// shareSteps is in how many steps of probability a share's distribution is told.
	shareSteps = 16
	// splitsPerTable is how many observations a table needs beyond what its numbers need.
	splitsPerTable = 2 * MinBucket
	sharesPerTable = 10
)

type splitKey struct{ mood, halving, class, before int }

// fitSplits counts how intervals' arrivals divide between their halves.
func fitSplits(times []int64, from, cellUS, tickUS int64, above int, mood func(us int64) int) []Split {
	positions := make([]int64, len(times))
	for i, t := range times {
		d := t - from
		// Half a tick further, a time lies inside its tick's interval whatever the rounding.
		if tickUS > 1 {
			d += tickUS / 2
		}
		positions[i] = d/cellUS<<cellBits + d%cellUS<<cellBits/cellUS
	}
	few := map[splitKey]*[fewest + 1]int64{}
	many := map[splitKey]*[shareBins + 1]int64{}
	halving := -above
	for width := cellUS << above; width > max(tickUS, 1000) && halving < 24; width /= 2 {
		size := int64(cellUnits) << above >> (halving + above)
		for o := range int64(offsets) {
			// A clock that ticks no finer than halves of this interval allows no quarter offsets.
			if shift := size / offsets * o; shift*cellUS>>cellBits%max(tickUS, 1) == 0 || tickUS == 1 {
				countSplits(times, positions, shift, size, halving, mood, few, many)
			}
		}
		halving++
	}
	return makeSplits(few, many)
}

// countSplits goes through the intervals of one size and offset that hold arrivals.
func countSplits(times, positions []int64, shift, size int64, halving int, mood func(int64) int, few map[splitKey]*[fewest + 1]int64, many map[splitKey]*[shareBins + 1]int64) {
	half := size / 2
	behind := 0 // of positions: the first not before the half's time before the interval
	for i := 0; i < len(positions); {
		begin := (positions[i]+shift)/size*size - shift
		for positions[behind] < begin-half {
			behind++
		}
		middle := i
		for middle < len(positions) && positions[middle] < begin+half {
			middle++
		}
		end := middle
		for end < len(positions) && positions[end] < begin+size {
			end++
		}
		n, left := end-i, middle-i
		before := beforeClass(i-behind, n)
		key := splitKey{mood(times[i]), halving, countClass(n), before}
		i = end
		if begin < 0 || n == 1 && before == 0 {
			continue
		}
		if n <= fewest {
			if few[key] == nil {
				few[key] = new([fewest + 1]int64)
			}
			few[key][left]++
			continue
		}
		bin := 0
		if left > 0 {
			bin = max(1, min(int(math.Round(float64(left)/float64(n)*shareBins)), shareBins-1))
			if left == n {
				bin = shareBins
			}
		}
		if many[key] == nil {
			many[key] = new([shareBins + 1]int64)
		}
		many[key][bin]++
	}
}

// makeSplits makes tables of the counts: one for each class of what came before where there are enough, and one for all.
// Neighbouring classes of many requests share a table until it has observations enough.
func makeSplits(few map[splitKey]*[fewest + 1]int64, many map[splitKey]*[shareBins + 1]int64) []Split {
	splits := []Split{}
	for key, counts := range merged(few) {
		if s, ok := fewSplit(key, counts); ok {
			splits = append(splits, s)
		}
	}
	tables := merged(many)
	keys := slices.SortedFunc(maps.Keys(tables), func(a, b splitKey) int {
		return cmp.Or(a.mood-b.mood, a.halving-b.halving, a.before-b.before, a.class-b.class)
	})
	for i := 0; i < len(keys); {
		first := keys[i]
		counts := make([]int64, shareBins+1)
		last, total, begin := first, int64(0), i
		for ; i < len(keys) && keys[i].mood == first.mood && keys[i].halving == first.halving && keys[i].before == first.before && total < offsets*sharesPerTable; i++ {
			for bin, c := range tables[keys[i]] {
				counts[bin] += c
				total += c
			}
			last = keys[i]
		}
		if total < offsets*sharesPerTable/2 || first.before >= 0 && total < offsets*sharesPerTable {
			continue
		}
		if last.class > first.class {
			counts = common(tables, keys[begin:i])
		}
		s := manySplit(counts, total)
		s.Mood, s.Halving, s.Before = first.mood, first.halving, first.before
		s.From, _ = classRange(first.class)
		_, s.To = classRange(last.class)
		splits = append(splits, s)
	}
	slices.SortFunc(splits, func(a, b Split) int {
		return cmp.Or(a.Mood-b.Mood, a.Halving-b.Halving, a.From-b.From, a.Before-b.Before)
	})
	return splits
}

// common adds up the shares of several classes, as they would be for a number in the middle of the table's.
func common(tables map[splitKey][]int64, keys []splitKey) []int64 {
	table := nearness(keys[0].class, keys[len(keys)-1].class)
	counts := make([]int64, shareBins+1)
	for _, key := range keys {
		factor := nearnessOf[key.class] / table
		for bin, c := range tables[key] {
			if bin > 0 && bin < shareBins {
				bin = max(1, min(int(math.Round((float64(bin)/shareBins-0.5)*factor*shareBins+shareBins/2)), shareBins-1))
			}
			counts[bin] += c
		}
	}
	return counts
}

// merged adds to tables by what came before one for all of them, with before -1.
func merged[T [fewest + 1]int64 | [shareBins + 1]int64](tables map[splitKey]*T) map[splitKey][]int64 {
	all := map[splitKey][]int64{}
	for key, counts := range tables {
		var line []int64
		switch c := any(counts).(type) {
		case *[fewest + 1]int64:
			line = c[:]
		case *[shareBins + 1]int64:
			line = c[:]
		}
		all[key] = line
		key.before = -1
		if all[key] == nil {
			all[key] = make([]int64, len(line))
		}
		for i, n := range line {
			all[key][i] += n
		}
	}
	return all
}

func fewSplit(key splitKey, counts []int64) (Split, bool) {
	n := key.class
	var total int64
	for _, c := range counts[:n+1] {
		total += c
	}
	if total < offsets*splitsPerTable {
		return Split{}, false
	}
	// Rare divisions are as likely among each other as for independent arrivals.
	base, observed := make([]int, n+1), make([]int64, n+1)
	ways := 1.0
	for k := range base {
		base[k] = int(ways)
		ways = ways * float64(n-k) / float64(k+1)
		observed[k] = counts[k] / offsets
	}
	w, ok := weights(observed, base)
	return Split{Mood: key.mood, Halving: key.halving, From: n, To: n, Before: key.before, N: total / offsets, Left: w}, ok
}

// manySplit gives the distribution of counted shares. Each observation is of more than fewest requests, so that what
// covers two of them covers MinBucket.
func manySplit(counts []int64, total int64) Split {
	s := Split{N: total / offsets}
	counts = slices.Clone(counts)
	end := func(bin, inner int) int {
		if n := counts[bin]; n >= 2*offsets {
			counts[bin] = 0
			return int(math.Round(float64(n) / float64(total) * One))
		}
		counts[inner] += counts[bin]
		counts[bin] = 0
		return 0
	}
	s.None, s.All = end(0, 1), end(shareBins, shareBins-1)
	var rest int64
	for _, c := range counts {
		rest += c
	}
	if rest < 2*offsets {
		// Hardly any: anywhere between.
		s.Share = []int{0, One}
		return s
	}
	steps := int(max(1, min(shareSteps, rest/(2*offsets))))
	s.Share = make([]int, steps+1)
	// The steps' means, and between them the knots, as those keep the mean.
	step, inStep, mean := 0, 0.0, make([]float64, steps)
	per := float64(rest) / float64(steps)
	for bin, c := range counts {
		share := float64(bin) / shareBins
		for left := float64(c); left > 0; {
			take := min(left, per-inStep)
			mean[step] += take * share
			inStep += take
			left -= take
			if inStep >= per*(1-1e-9) {
				if step == steps-1 {
					break
				}
				step, inStep = step+1, 0
			}
		}
	}
	for i := range mean {
		mean[i] /= per
	}
	shares := make([]float64, steps+1)
	for i := 1; i < steps; i++ {
		shares[i] = (mean[i-1] + mean[i]) / 2
	}
	if steps == 1 {
		deviation := 0.0
		for bin, c := range counts {
			share := float64(bin)/shareBins - mean[0]
			deviation += float64(c) * share * share
		}
		reach := math.Sqrt(3 * deviation / float64(rest))
		shares[0], shares[1] = max(0, mean[0]-reach), min(1, mean[0]+reach)
	} else {
		shares[0] = min(max(0, 2*mean[0]-shares[1]), shares[1])
		shares[steps] = max(min(1, 2*mean[steps-1]-shares[steps-1]), shares[steps-1])
	}
	for i, x := range shares {
		s.Share[i] = int(math.Round(x * One))
	}
	return s
}
