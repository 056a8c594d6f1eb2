package workload

import "slices"

// topics is a model of what requests come one after another: hidden topics, each of which goes on from request to request and, where it
// ends, is followed by one that does not depend on it.
type topics struct {
	x, y   int         // numbers of classes
	first  []float64   // of topics where a sequence begins
	weight []float64   // and where another one ended
	leave  []float64   // the chance that a topic ends
	visits []float64   // shares of requests
	like   [][]float64 // of a topic and what is seen (symbol): the likelihood
}

// symbols is how many things can be seen.
func symbols(x, y int) int { return 2 * (x + 1) * (y + 1) }

func (m *topics) symbol(s seen) int {
	i := (int(s.x)+1)*(m.y+1) + int(s.y) + 1
	if s.given {
		i += (m.x + 1) * (m.y + 1)
	}
	return i
}

// tally is how often topics have shown, in expectation.
type tally struct {
	x, y                               int
	visits, steps, ends, jumps, begins []float64
	request                            [][]float64   // by topic and class
	answer                             [][][]float64 // by topic and both classes
}

func newTally(k, x, y int) *tally {
	t := &tally{x: x, y: y, visits: make([]float64, k), steps: make([]float64, k), ends: make([]float64, k), jumps: make([]float64, k), begins: make([]float64, k)}
	for range k {
		t.request = append(t.request, make([]float64, x))
		rows := make([][]float64, max(x, 1))
		for i := range rows {
			rows[i] = make([]float64, y)
		}
		t.answer = append(t.answer, rows)
	}
	return t
}

// add counts a request as a topic's, so much of it.
func (t *tally) add(k int, s seen, part float64) {
	t.visits[k] += part
	if s.x >= 0 && !s.given {
		t.request[k][s.x] += part
	}
	if s.y >= 0 {
		t.answer[k][max(s.x, 0)][s.y] += part
	}
}

// doubt is how many requests the whole's shares count as in a topic's, while topics are looked for.
const doubt = 2 * MinBucket

// model makes a model of what was counted. Topics of fewer requests, or runs, are left out.
func (t *tally) model(leastRequests, leastRuns float64) *topics {
	m := &topics{x: t.x, y: t.y}
	whole := newTally(1, t.x, t.y)
	for k := range t.visits {
		for c, n := range t.request[k] {
			whole.request[0][c] += n
		}
		for c, row := range t.answer[k] {
			for a, n := range row {
				whole.answer[0][c][a] += n
			}
		}
	}
	requests := sharesOf(whole.request[0], nil, 0)
	answers := sharesOf(columns(whole.answer[0], t.y), nil, 0)
	all, jumped, begun := 0.0, 0.0, 0.0
	for k, n := range t.visits {
		if len(t.visits) > 1 && (n < leastRequests || t.jumps[k]+t.begins[k] < leastRuns) {
			continue
		}
		all, jumped, begun = all+n, jumped+t.jumps[k], begun+t.begins[k]
		m.visits, m.weight, m.first = append(m.visits, n), append(m.weight, t.jumps[k]), append(m.first, t.begins[k])
		m.leave = append(m.leave, (t.ends[k]+0.5)/(t.steps[k]+1))
		request := sharesOf(t.request[k], requests, doubt)
		own := sharesOf(columns(t.answer[k], t.y), answers, doubt)
		like := make([]float64, symbols(t.x, t.y))
		for x := -1; x < t.x; x++ {
			// Of few requests, as all answers to them, and as much more or less often as the topic has such an answer otherwise.
			every := sharesOf(whole.answer[0][max(x, 0)], answers, doubt)
			for y := range every {
				every[y] *= own[y] / max(answers[y], 1e-9)
			}
			answer := sharesOf(t.answer[k][max(x, 0)], sharesOf(every, nil, 0), doubt)
			for y := -1; y < t.y; y++ {
				likelihood := 1.0
				if y >= 0 {
					likelihood = answer[y]
				}
				like[m.symbol(seen{x: int16(x), y: int16(y), given: true})] = likelihood
				if x >= 0 {
					likelihood *= request[x]
				}
				like[m.symbol(seen{x: int16(x), y: int16(y)})] = likelihood
			}
		}
		m.like = append(m.like, like)
	}
	for k := range m.visits {
		m.visits[k] /= all
		m.weight[k] = shareOr(m.weight[k], jumped, m.visits[k])
		m.first[k] = shareOr(m.first[k], begun, m.visits[k])
	}
	return m
}

// shareOr is a part of a whole, or else something where that is too little.
func shareOr(part, whole, other float64) float64 {
	if whole < MinBucket {
		return other
	}
	return part / whole
}

// columns adds up rows.
func columns(rows [][]float64, n int) []float64 {
	sum := make([]float64, n)
	for _, row := range rows {
		for i, v := range row {
			sum[i] += v
		}
	}
	return sum
}

// sharesOf makes shares of counts, with so many more that are spread like others.
func sharesOf(counts, like []float64, more float64) []float64 {
	sum := more
	for _, n := range counts {
		sum += n
	}
	shares := make([]float64, len(counts))
	for i, n := range counts {
		if more > 0 {
			n += more * like[i]
		}
		if sum > 0 {
			shares[i] = n / sum
		}
	}
	return shares
}

// improve fits topics to sequences. Those that come to too little to be told are left out, and the others fitted again.
func (m *topics) improve(sequences [][]seen, rounds int) *topics {
	for len(m.visits) > 1 {
		for round := range rounds {
			t, r := newTally(len(m.visits), m.x, m.y), newReader(m)
			for _, sequence := range sequences {
				r.read(sequence, t)
			}
			if round < rounds-1 {
				m = t.model(1, 0)
				continue
			}
			before := len(m.visits)
			if m = t.model(5*MinBucket, MinBucket); len(m.visits) == before {
				return m
			}
		}
	}
	return m
}

// alone is a model of one topic.
func alone(sequences [][]seen, x, y int) *topics {
	t := newTally(1, x, y)
	for _, sequence := range sequences {
		for _, s := range sequence {
			t.add(0, s, 1)
		}
	}
	t.steps[0], t.ends[0], t.jumps[0] = t.visits[0], t.visits[0], t.visits[0]
	return t.model(1, 0)
}

// near is how far on either side of a request a first guess of its topic looks.
const near = 8

// guess assigns requests to topics by the mean classes about them: so many levels of requests, and in each as many of responses; and a
// quarter of each to one that is like the whole.
func guess(sequences [][]seen, levels, x, y int) *topics {
	type mean struct{ x, y float64 }
	var means []mean
	for _, sequence := range sequences {
		means = append(means, make([]mean, len(sequence))...)
		list := means[len(means)-len(sequence):]
		for t := range sequence {
			from, to := t, t
			for from > 0 && t-from < near && !sequence[from].begins {
				from--
			}
			for to+1 < len(sequence) && to-t < near && !sequence[to+1].begins {
				to++
			}
			var nx, ny float64
			for _, s := range sequence[from : to+1] {
				if s.x >= 0 && !s.given {
					list[t].x += float64(s.x)
					nx++
				}
				if s.y >= 0 {
					list[t].y += float64(s.y)
					ny++
				}
			}
			list[t].x /= max(nx, 1)
			list[t].y /= max(ny, 1)
		}
	}
	// cut gives the level of each of n values, of equally many each.
	cut := func(members []int, value func(int) float64) []int {
		slices.SortStableFunc(members, func(a, b int) int {
			switch d := value(a) - value(b); {
			case d < 0:
				return -1
			case d > 0:
				return 1
			}
			return 0
		})
		level := make([]int, len(members))
		for i := range members {
			level[i] = i * levels / len(members)
		}
		return level
	}
	all := make([]int, len(means))
	for i := range all {
		all[i] = i
	}
	topic := make([]int, len(means))
	byRequest := make([][]int, levels)
	for i, l := range cut(all, func(i int) float64 { return means[i].x }) {
		byRequest[l] = append(byRequest[l], all[i])
	}
	for l, members := range byRequest {
		for i, q := range cut(members, func(i int) float64 { return means[i].y }) {
			topic[members[i]] = l*levels + q
		}
	}
	k := levels*levels + 1
	t, i := newTally(k, x, y), 0
	for _, sequence := range sequences {
		for _, s := range sequence {
			t.add(topic[i], s, 0.75)
			t.add(k-1, s, 0.25)
			i++
		}
	}
	for i, n := range t.visits {
		// Ten requests in a row; but that of the whole, two.
		t.steps[i], t.ends[i], t.jumps[i] = n, n/10, n/10
	}
	t.ends[k-1], t.jumps[k-1] = t.visits[k-1]/2, t.visits[k-1]/2
	return t.model(1, 0)
}
