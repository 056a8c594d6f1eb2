package replay

import (
	"container/heap"
	"context"
	"math"
	"time"

	"tidegauge/schemas"
)

// lookAhead is how many requests of the trace are held that are not due: a later turn may be due before its time in the trace
// where the server is faster than the one that was recorded. lead is how long before its time a request is read in any case.
const (
	lookAhead = 1 << 15
	lead      = 2 * time.Second
)

// call is one request of the trace, and what became of it.
type call struct {
	request schemas.Request // as in the trace
	number  int64           // from 1, in the order of the trace
	conv    *conversation   // nil: it belongs to none
	turn    int
	prompt  prompt
	due     time.Time // when it should go out
	warm    bool      // it is of the warm-up
	answer  answer
}

// schedule knows when what is due. It is for one goroutine.
type schedule struct {
	started       bool
	pace          float64
	start         time.Time // when the trace's first request is due
	first         int64     // its arrival, microseconds
	last          int64     // the latest arrival that was added
	due           dueHeap
	conversations conversations
	held          int // calls that are not given out: those in due, and those that wait for an answer
}

// begin says when the first request is due.
func (s *schedule) begin(start time.Time, arrivalUS int64, pace float64) {
	s.started, s.start, s.first, s.last, s.pace = true, start, arrivalUS, arrivalUS, pace
}

// add takes the next request of the trace, in the order of arrivals. It reports false, and takes nothing, if that is
// earlier than one before.
func (s *schedule) add(c *call) bool {
	at := c.request.ArrivalUS
	if at < s.last {
		return false
	}
	s.last = at
	s.held++
	c.due = s.at(at)
	if c.request.Conversation == "" {
		heap.Push(&s.due, c)
		return true
	}
	c.conv = s.conversations.of(&c.request)
	c.conv.waiting = append(c.conv.waiting, c)
	s.plan(c.conv)
	return true
}

// at is when a request of the trace is due that depends on nothing before.
func (s *schedule) at(arrivalUS int64) time.Time { return s.start.Add(s.scaled(arrivalUS - s.first)) }

// scaled is how long a time of the trace takes.
func (s *schedule) scaled(us int64) time.Duration {
	d := float64(us) / s.pace * float64(time.Microsecond)
	return time.Duration(min(d, math.MaxInt64/4)) // 73 years, beyond any run
}

// ended is told that a turn of a conversation has ended, one way or another.
func (s *schedule) ended(c *conversation, turn int, at time.Time) {
	if c.turn == turn {
		c.over, c.end = true, at
		s.plan(c)
	}
}

// plan gives a conversation's waiting turns their time, as far as that is known.
func (s *schedule) plan(c *conversation) {
	for len(c.waiting) > 0 {
		next := c.waiting[0]
		if c.turn > 0 {
			at, known := s.after(c, next.request.ArrivalUS)
			if !known {
				return
			}
			next.due = at
		}
		c.turn++
		next.turn = c.turn
		c.due, c.over = next.due, false
		c.arrivalUS, c.elapsedUS = next.request.ArrivalUS, next.request.ElapsedUS
		c.waiting = c.waiting[1:]
		heap.Push(&s.due, next)
	}
	c.waiting = nil
}

// after is when the turn is due that follows a conversation's latest, if that is known yet: think time after the earlier
// answer's end. Think time is what the trace has between the two arrivals, less what the earlier answer took there. Where
// the trace does not say how long that was, the time between the two arrivals counts from the earlier turn, though not
// before its answer's end. And where the trace has the turns overlap, so that the later did not wait for the answer, they
// overlap here.
func (s *schedule) after(c *conversation, arrivalUS int64) (at time.Time, known bool) {
	gap := arrivalUS - c.arrivalUS
	switch {
	case c.elapsedUS > gap:
		return c.due.Add(s.scaled(gap)), true
	case !c.over:
		return time.Time{}, false
	case c.elapsedUS >= 0:
		return c.end.Add(s.scaled(gap - c.elapsedUS)), true
	}
	if at = c.due.Add(s.scaled(gap)); at.Before(c.end) {
		at = c.end
	}
	return at, true
}

// wants says whether more of the trace should be read.
func (s *schedule) wants(now time.Time) bool {
	return !s.started || s.held < lookAhead || s.at(s.last).Before(now.Add(lead))
}

// next gives a call that is due, or when the next will be (known false: there is none).
func (s *schedule) next(now time.Time) (c *call, at time.Time, known bool) {
	if len(s.due) == 0 {
		return nil, time.Time{}, false
	}
	if c = s.due[0]; c.due.After(now) {
		return nil, c.due, true
	}
	heap.Pop(&s.due)
	s.held--
	return c, c.due, true
}

// dueHeap are calls, the one that is due first in front; of equal times the one that came first in the trace.
type dueHeap []*call

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].number < h[j].number
}
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)   { *h = append(*h, x.(*call)) }
func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}

// fine is where waits begin that the runtime's timers are too coarse for.
const fine = 2 * time.Millisecond

// waiter waits for times.
type waiter struct {
	timer *time.Timer
	wake  chan struct{} // something has changed
}

func newWaiter() *waiter {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &waiter{timer: t, wake: make(chan struct{}, 1)}
}

// until waits until a time (known false: for ever), or until something else happens: what is woken for, a request of the
// trace where more is wanted. The last two milliseconds are slept by the system's own clock: the runtime's timers are a
// millisecond late at times, which is as much as there is between two requests.
func (w *waiter) until(ctx context.Context, at time.Time, known bool, trace <-chan *call) (c *call, more bool) {
	var timer <-chan time.Time
	if known {
		d := time.Until(at)
		if d <= fine {
			nap(d)
			return nil, true
		}
		w.timer.Reset(d - fine/2)
		timer = w.timer.C
		defer w.timer.Stop()
	}
	select {
	case <-timer:
		nap(time.Until(at))
	case <-w.wake:
	case c, more = <-trace:
		return c, more
	case <-ctx.Done():
	}
	return nil, true
}
