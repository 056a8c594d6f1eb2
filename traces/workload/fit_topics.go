package workload

import (
	"math"
	"slices"
)

// seen is a request, as far as topics show in it.
type seen struct {
	x, y   int16 // the classes of request and response, -1: not known
	begins bool  // a sequence: the log, or a conversation
	given  bool  // the request follows from the conversation's context, and tells nothing of the topic
}

const (
	// mostSeen is how many requests topics are looked for in, and stretch how many of them are in a row; mostCounted is how many they are then
	// counted in.
	mostSeen    = 1 << 16
	stretch     = 1 << 10
	mostCounted = 1 << 18
	// rounds is how often topics are fitted anew (Baum and Welch's algorithm), and fewRounds how often where numbers of topics are compared.
	rounds    = 10
	fewRounds = 5
	// near is how far on either side of a request a first guess of its topic looks.
	near = 8
	// doubt is how many requests the whole's shares count as in a topic's, while topics are looked for.
	doubt = 2 * MinBucket
)

// topicGrids are the numbers of topics that are tried: levels of request times levels of response, and one that is like the whole.
var topicGrids = [...]int{2, 3, 4, 5, 6, 7}

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

// findTopics looks for topics in requests. Each number of topics is fitted to every other stretch, and taken if it makes the others likelier,
// by more than twice what that varies by from stretch to stretch. So where requests are independent, there is one.
func findTopics(all []seen, x, y int) *topics {
	some := stretches(all, mostSeen)
	var learn, test [][]seen
	for i, s := range some {
		if i%2 == 0 {
			learn = append(learn, s)
		} else {
			test = append(test, s)
		}
	}
	likelihoods := func(m *topics) []float64 {
		list, r := make([]float64, len(test)), newReader(m)
		for i, s := range test {
			list[i] = r.read(s, nil)
		}
		return list
	}
	levels := 0
	best := likelihoods(alone(learn, x, y))
	for _, l := range topicGrids {
		m := guess(learn, l, x, y).improve(learn, fewRounds)
		if len(m.visits) < 2 {
			break
		}
		values := likelihoods(m)
		if !higher(values, best) {
			break
		}
		best, levels = values, l
	}
	if levels > 0 {
		if m := guess(some, levels, x, y).improve(some, rounds); len(m.visits) > 1 {
			return m
		}
	}
	return alone(some, x, y)
}

// higher says that values are higher than others, by more than twice the standard error of their mean difference.
func higher(values, others []float64) bool {
	sum, squares, n := 0.0, 0.0, float64(len(values))
	for i, v := range values {
		d := v - others[i]
		sum += d
		squares += d * d
	}
	return n > 1 && sum > 2*math.Sqrt(max(squares-sum*sum/n, 0)*n/(n-1))
}

// stretches are evenly spaced parts of what was seen, or all of it.
func stretches(all []seen, most int) [][]seen {
	length := stretch
	if len(all) < 16*stretch {
		length = max(len(all)/16, 64)
	}
	n := min(max(len(all)/length, 1), most/length)
	parts := make([][]seen, 0, n)
	for i := range n {
		from := i * len(all) / n
		to := min(from+length, len(all))
		parts = append(parts, all[from:to])
	}
	return parts
}

// fitTopics describes topics, found in requests that are given in the order of their sequences.
func fitTopics(l *Lengths, all []seen) *tally {
	x, y := len(l.Request), len(l.Response)
	conversations := 0
	whole := newTally(1, x, y)
	for _, s := range all {
		if s.begins {
			conversations++
		}
		whole.add(0, s, 1)
	}
	m := findTopics(all, x, y)
	t := newTally(len(m.visits), x, y)
	parts := 1
	if len(m.visits) == 1 && conversations == 1 {
		parts = findDrift(all, x, y)
	}
	r := newReader(m)
	switch {
	case parts > 1:
		l.InTurn = true
		t = newTally(parts, x, y)
		for i, s := range all {
			t.add(i*parts/len(all), s, 1)
		}
	case len(all) <= mostCounted:
		r.read(all, t)
	default:
		for _, part := range stretches(all, mostCounted) {
			r.read(part, t)
		}
	}
	// Counted were some; told are all.
	for k, share := range sharesOf(t.visits, nil, 0) {
		t.visits[k] = share * whole.visits[0]
	}
	weight, first := sharesOf(t.jumps, nil, 0), sharesOf(t.begins, nil, 0)
	everyRequest, ok := weights(rounded(whole.request[0]), nil)
	if !ok { // few conversations: as all of their turns are
		everyRequest = l.classShares()
	}
	everyAnswer, _ := weights(rounded(columns(whole.answer[0], y)), nil)
	for k, n := range t.visits {
		topic := Topic{N: int64(math.Round(n)), First: One, Weight: One, Run: runUnit, Request: []int{}, Answer: [][]int{}}
		if len(t.visits) > 1 {
			topic.Weight, topic.First = int(math.Round(weight[k]*One)), int(math.Round(first[k]*One))
			if conversations == 1 {
				topic.First = int(math.Round(n / whole.visits[0] * One))
			}
			topic.Run = max(int64(math.Round((t.steps[k]+1)/(t.ends[k]+0.5)*runUnit)), runUnit)
		}
		if l.InTurn {
			topic.First, topic.Weight, topic.Run = One/len(t.visits), One/len(t.visits), topic.N*runUnit
		}
		if x > 0 {
			topic.Request = weightsOr(t.request[k], everyRequest)
		}
		if y > 0 {
			own := weightsOr(columns(t.answer[k], y), everyAnswer)
			for c, row := range t.answer[k] {
				// Where the topic has few, its answers differ from the others' as all of its do.
				like := slices.Clone(own)
				if every, ok := weights(rounded(whole.answer[0][c]), everyAnswer); ok {
					for a := range like {
						like[a] = own[a] * every[a] / max(everyAnswer[a], 1)
					}
				}
				topic.Answer = append(topic.Answer, weightsOr(row, like))
			}
		}
		l.Topics = append(l.Topics, topic)
	}
	l.even(t, whole, conversations > 1)
	return whole
}

// even makes the topics' weights come to the classes' own: what is pooled in a row, and what is rounded, would add up.
func (l *Lengths) even(t, whole *tally, conversations bool) {
	share := make([]float64, len(l.Topics)) // of what requests are drawn for: all, or beginnings of conversations
	for k := range l.Topics {
		share[k] = float64(l.Topics[k].First)
		if !conversations {
			share[k] = float64(l.Topics[k].Weight) * float64(l.Topics[k].Run)
		}
	}
	share = sharesOf(share, nil, 0)
	var rows [][]int
	for k := range l.Topics {
		rows = append(rows, l.Topics[k].Request)
	}
	balance(rows, share, whole.request[0])
	for k := range l.Topics {
		l.Topics[k].Request = rows[k]
	}
	parts := t.answer
	if !conversations {
		parts = nil
		for k := range l.Topics {
			table := make([][]float64, max(len(l.Request), 1))
			for c := range table {
				part := share[k]
				if len(l.Request) > 0 {
					part *= float64(rows[k][c]) / One
				}
				table[c] = []float64{part}
			}
			parts = append(parts, table)
		}
	}
	l.evenAnswers(parts, whole)
}

// evenAnswers makes the topics' answers to requests of a class come to what all answers to them are; parts are how often topics have these
// requests, by topic and class, in any columns.
func (l *Lengths) evenAnswers(parts [][][]float64, whole *tally) {
	if whole.y == 0 {
		return
	}
	for c := range whole.answer[0] {
		var rows [][]int
		share := make([]float64, len(l.Topics))
		for k := range l.Topics {
			rows = append(rows, l.Topics[k].Answer[c])
			for _, n := range parts[k][c] {
				share[k] += n
			}
		}
		balance(rows, sharesOf(share, nil, 0), whole.answer[0][c])
	}
}

// classShares are the shares of requests in their classes.
func (l *Lengths) classShares() []int {
	counts := make([]int64, len(l.Request))
	for c := range l.Request {
		for _, n := range l.Request[c].N {
			counts[c] += n
		}
	}
	w, _ := weights(counts, nil)
	return w
}

// balance changes rows of weights, each of a share of all, so that what they come to is spread as counts are.
func balance(rows [][]int, share, counts []float64) {
	all := 0.0
	for _, n := range counts {
		all += n
	}
	if all < MinBucket {
		return
	}
	target := sharesOf(counts, nil, 0)
	exact := make([][]float64, len(rows))
	for k, row := range rows {
		exact[k] = make([]float64, len(row))
		for c, w := range row {
			exact[k][c] = float64(w) / One
		}
	}
	for range 100 {
		sum := make([]float64, len(target))
		for k, row := range exact {
			for c, w := range row {
				sum[c] += share[k] * w
			}
		}
		for _, row := range exact {
			all := 0.0
			for c := range row {
				if sum[c] > 0 {
					row[c] *= target[c] / sum[c]
				}
				all += row[c]
			}
			for c := range row {
				if all > 0 {
					row[c] /= all
				}
			}
		}
	}
	for k, row := range exact {
		// Rounded so that what is cut off one weight is in the next.
		sum, done := 0.0, 0
		for c, w := range row {
			sum += w
			rows[k][c] = int(math.Round(sum*One)) - done
			done += rows[k][c]
		}
	}
}

func rounded(counts []float64) []int64 {
	whole := make([]int64, len(counts))
	for i, n := range counts {
		whole[i] = int64(math.Round(n))
	}
	return whole
}

// weightsOr makes weights of counts, or takes others where there are few.
func weightsOr(counts []float64, others []int) []int {
	if w, ok := weights(rounded(counts), others); ok {
		return w
	}
	return slices.Clone(others)
}
