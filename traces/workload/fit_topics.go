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
)

// topicGrids are the numbers of topics that are tried: levels of request times levels of response, and one that is like the whole.
var topicGrids = [...]int{2, 3, 4, 5, 6, 7}

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
