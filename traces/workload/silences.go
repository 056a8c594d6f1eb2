package workload

// span is a time, in microseconds, from included, to excluded.
type span struct{ from, to int64 }

// silent gives a service's silences, one after the other. Each flow has its own, and all are the same.
type silent struct {
	model  *Silences
	source source
	now    span
	course *course // where silences are the log's
	since  int64   // from when on its now is the next
}

func newSilent(m *Silences, c *course, s source, begin int64) *silent {
	if c != nil {
		return &silent{course: c, now: span{begin, begin}, since: begin}
	}
	if m == nil {
		return nil
	}
	return &silent{model: m, source: s, now: span{begin, begin}}
}

// until says to when a silence goes on at a time, 0 where there is none. Times must not fall by more than the last silence's length.
func (s *silent) until(us int64) int64 {
	if s == nil {
		return 0
	}
	if s.course != nil && (us < s.since || us >= s.now.to) {
		s.now, s.since = s.course.silence(us), us
	}
	for us >= s.now.to {
		// A geometric number of steps is as good as an exponential time, and needs no logarithm.
		step, at := max(s.model.BetweenUS/1024, 1), s.now.to
		for at += step; s.source.below(1024) != 0; at += step {
		}
		s.now = span{at, at + max(s.model.DurationUS.draw(s.source), step)}
	}
	if us >= s.now.from {
		return s.now.to
	}
	return 0
}
