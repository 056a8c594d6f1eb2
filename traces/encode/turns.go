package encode

// turns remembers each conversation's latest turn, as formats need it that number turns or time them by the one before. Its
// memory is bounded by two generations of conversations: when the younger is full the older is forgotten. A conversation that
// is silent while maxConversations others have turns begins anew.
type turns struct{ young, old map[string]turn }

type turn struct {
	number    int64 // from 0
	row       int64
	us        int64 // its arrival as the format counts
	elapsedUS int64
}

// maxConversations times about 150 bytes, twice, is the most that turns keeps: 80 MB.
const maxConversations = 1 << 18

// next notes a conversation's turn and gives the one before, where there was one.
func (t *turns) next(conversation string, row, us, elapsedUS int64) (before turn, later bool) {
	before, later = t.young[conversation]
	if !later {
		before, later = t.old[conversation]
	}
	if t.young == nil || len(t.young) >= maxConversations {
		t.old, t.young = t.young, make(map[string]turn)
	}
	now := turn{row: row, us: us, elapsedUS: elapsedUS}
	if later {
		now.number = before.number + 1
	}
	t.young[conversation] = now
	return before, later
}
