package fidelity

import (
	"container/heap"
	"slices"

	"tidegauge/stats"
)

// server is the queue model: one server that batches continuously and has room for so many tokens. A request is let in
// when all before it are and its request and response tokens fit; it holds them until its end, which is so long after as it
// takes to read the request and to write the response, whatever else runs.
type server struct {
	budget                int64   // tokens
	readToken, writeToken float64 // microseconds
	typical               float64 // seconds that an average request takes
}

const (
	// A token written costs as much time as 100 read: 20 ms and 0.2 ms, say.
	readCost, writeCost = 1, 100
	// serverRequests is how many average requests fit in.
	serverRequests = 16
	// serverLoad is how full the server is, on average, in all but the busiest twentieth of the half's 10 minutes.
	serverLoad = 0.9
)

// newServer sizes a server for a half, as one would who has only that to go by.
func newServer(half *trace) server {
	s := server{readToken: readCost, writeToken: writeCost}
	var tokens, largest int64
	var time float64
	n := (half.to-half.from)/(10*minute) + 1
	demand := make([]float64, n) // tokens x time
	for i := range half.rows {
		need, takes := s.of(&half.rows[i])
		tokens += need
		largest = max(largest, need)
		time += takes
		demand[(half.rows[i].at-half.from)/(10*minute)] += float64(need) * takes
	}
	s.budget = max(largest, serverRequests*tokens/int64(len(half.rows)))
	for i := range demand {
		demand[i] /= float64(min(10*minute, max(half.to-half.from-int64(i)*10*minute, minute)))
	}
	slices.Sort(demand)
	// Time scales with the cost of a token, and the demand with it.
	cost := serverLoad * float64(s.budget) / stats.Quantile(demand, 0.95)
	s.readToken, s.writeToken = readCost*cost, writeCost*cost
	s.typical = time * cost / float64(len(half.rows)) / 1e6
	return s
}

// of says how many tokens a request holds, and for how many microseconds.
func (s *server) of(r *row) (tokens int64, takes float64) {
	x, y := int64(max(r.request, 0)), int64(max(r.response, 0))
	return x + y, float64(x)*s.readToken + float64(y)*s.writeToken
}

// running is what a server holds.
type running struct {
	end    float64
	tokens int64
}

type ends []running

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i].end < e[j].end }
func (e ends) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *ends) Push(v any)        { *e = append(*e, v.(running)) }
func (e *ends) Pop() any {
	last := len(*e) - 1
	v := (*e)[last]
	*e = (*e)[:last]
	return v
}

// waits gives how long each request waits before it is let in, in seconds.
func (s *server) waits(rows []row) []float64 {
	waits := make([]float64, 0, len(rows))
	var inside ends
	var held int64
	now := 0.0
	for i := range rows {
		at := float64(rows[i].at)
		now = max(now, at)
		tokens, takes := s.of(&rows[i])
		tokens = min(tokens, s.budget)
		for len(inside) > 0 && (inside[0].end <= now || held+tokens > s.budget) {
			gone := heap.Pop(&inside).(running)
			held -= gone.tokens
			now = max(now, gone.end)
		}
		heap.Push(&inside, running{now + takes, tokens})
		held += tokens
		waits = append(waits, (now-at)/1e6)
	}
	return waits
}
