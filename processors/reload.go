package processors

import (
	"context"
	"fmt"

	"tidegauge/schemas"
)

// reload brings the touched sets that are stored but not in memory back: many at once, one query for minutes and one for
// conversations. What is being added by this batch stays pending; a set decides by itself what of it is new.
func (w *worker) reload(ctx context.Context) error {
	var minutes []schemas.MinuteKey
	var conversations []schemas.ConversationKey
	for _, s := range w.touched {
		switch {
		case s.loaded:
		case s.conversation == "":
			minutes = append(minutes, schemas.MinuteKey{Service: s.service.name, Minute: s.number})
		default:
			conversations = append(conversations, schemas.ConversationKey{Service: s.service.name, Conversation: s.conversation})
		}
	}
	if len(minutes) == 0 && len(conversations) == 0 {
		return nil
	}
	loaded := make(map[*set][]Member)
	collect := func(s *set, r *schemas.StoredRequest) error {
		stream, ok := s.service.pairs.number(r.Model, r.LogType)
		if !ok {
			return errTooManyStreams
		}
		loaded[s] = append(loaded[s], newMember(r, stream))
		return nil
	}
	if len(minutes) > 0 {
		var bad error
		err := w.store.LoadMinutes(ctx, minutes, func(r *schemas.StoredRequest) {
			s := w.service(r.Service).minutes[uint32(r.ArrivalUS/schemas.MinuteUS)]
			if s == nil || s.loaded {
				return // between two minutes that were asked for
			}
			if err := collect(s, r); err != nil {
				bad = err
			}
		})
		if err == nil {
			err = bad
		}
		if err != nil {
			return fmt.Errorf("reloading %d minutes: %w", len(minutes), err)
		}
	}
	if len(conversations) > 0 {
		err := w.loadConversations(ctx, conversations, loaded)
		if err != nil {
			return fmt.Errorf("reloading %d conversations: %w", len(conversations), err)
		}
	}
	w.metrics.reloads.WithLabelValues("minute").Add(float64(len(minutes)))
	w.metrics.reloads.WithLabelValues("conversation").Add(float64(len(conversations)))
	for s, members := range loaded {
		s.members.fill(members)
	}
	for _, s := range w.touched {
		s.loaded = true
	}
	return nil
}
