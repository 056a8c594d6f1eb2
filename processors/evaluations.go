package processors

// evaluations are those of minutes that are kept to go on with, so that a minute of 600,000 requests is not evaluated again
// for one more; and what is spare of them, to be used again.
type evaluations struct {
	of     map[minuteOf]*minute
	spares []*minute
	bytes  int // of both
	most   int // bytes to keep
}

// minuteOf names a minute. An evaluation outlives its set's being frozen.
type minuteOf struct {
	service *service
	number  uint32
}

func (s *set) minute() minuteOf { return minuteOf{s.service, s.number} }

// keepFrom is the number of members from which an evaluation is kept, and mostHot the most bytes of those that are, of all
// partitions of the process: below, it is as cheap to compute the row again; beyond, the memory is better spent on sets. An
// evaluation takes 120 KB where a minute has a thousand requests, two and a half times what these take. So only those are
// kept that are likely to go on: of a service's latest minute, and of minutes that have come back before. A log that is
// caught up with passes by dozens of minutes in one flush, which all use the same memory.
const (
	keepFrom = 128
	mostHot  = 24 << 20
)

// keptFlushes is for how many flushes an evaluation is kept that none has a use for.
const keptFlushes = 4

// take gives a minute's evaluation, or an empty one. It is the caller's until kept or spared.
func (h *evaluations) take(m minuteOf) (e *minute, kept bool) {
	if e, kept = h.of[m]; kept {
		delete(h.of, m)
	} else {
		e = reuse(&h.spares)
	}
	h.bytes -= e.size
	return e, kept
}

func (h *evaluations) keep(m minuteOf, e *minute, flush uint64) {
	e.flush, e.size = flush, e.bytes()
	h.bytes += e.size
	h.of[m] = e
}

// spare takes back what holds no evaluation any more.
func (h *evaluations) spare(e *minute) {
	e.reset()
	if e.size = e.bytes(); h.bytes+e.size > h.most {
		return
	}
	h.bytes += e.size
	h.spares = append(h.spares, e)
}

// coolDown gives up evaluations until they are within bounds, first those that the last flush had no use for.
func (h *evaluations) coolDown(flush uint64) {
	for m, e := range h.of {
		if e.flush+keptFlushes <= flush {
			h.cool(m)
		}
	}
	if h.bytes > h.most {
		h.dropSpares()
	}
	for _, before := range []uint64{flush, flush + 1} {
		for m, e := range h.of {
			if h.bytes <= h.most {
				return
			}
			if e.flush < before {
				h.cool(m)
			}
		}
	}
}

func (h *evaluations) dropSpares() {
	for _, e := range h.spares {
		h.bytes -= e.size
	}
	clear(h.spares)
	h.spares = h.spares[:0]
}

// cool gives up a minute's evaluation, if there is one.
func (h *evaluations) cool(m minuteOf) {
	if e, kept := h.of[m]; kept {
		delete(h.of, m)
		h.bytes -= e.size
		h.spare(e)
	}
}
