package processors

import "github.com/cespare/xxhash/v2"

// What becomes of sets that are left alone: they are frozen by the first flush that passes them by, and evicted when the
// memory is needed. Neither is ever about a set that has been touched since the last flush was prepared.

// freeze freezes the sets that the last flush had nothing for. It runs when all that was touched has just been flushed.
func (w *worker) freeze() {
	for s := w.cache.oldest; s != nil && s.flushed < w.flushes; s = w.cache.oldest {
		w.frozen.put(s)
		w.forget(s)
	}
}

// thaw brings a set back if it is frozen, and says whether it was.
func (w *worker) thaw(s *set) bool {
	if s.loaded = w.frozen.take(s); s.loaded {
		w.cache.change(s, func() {})
		w.cache.touch(s)
	}
	return s.loaded
}

// forget takes a set out of the cache and its maps.
func (w *worker) forget(s *set) {
	w.cache.remove(s)
	if s.conversation != "" {
		delete(s.service.conversations, s.conversation)
		return
	}
	delete(s.service.minutes, s.number)
	if s.service.lastMinute == s {
		s.service.lastMinute = nil
	}
}

// evict drops the least recently touched sets until the cache is within budget bytes, but for those touched since the
// last flush was prepared. A flush may be under way: nothing is reloaded before it is stored.
func (w *worker) evict(budget int) {
	for w.held() > budget && w.frozen.evict() {
	}
	for s := w.cache.oldest; s != nil && w.held() > budget; {
		next := s.newer
		if !s.touched {
			w.forget(s)
			w.evicted(appendKey(nil, s))
			if s.conversation == "" {
				w.hot.cool(s.minute())
				w.hot.dropSpares()
			}
		}
		s = next
	}
}

// evicted notes that a set is not in memory any more. A conversation has to be looked up when it returns; of a minute the
// service knows.
func (w *worker) evicted(key []byte) {
	w.metrics.evictions.Inc()
	if service, conversation, _ := readKey(key); conversation != nil {
		w.known.add(w.numbered[service].hash, xxhash.Sum64(conversation))
	}
}
