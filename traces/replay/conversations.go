package replay

import (
	"time"

	"github.com/cespare/xxhash/v2"

	"tidegauge/schemas"
)

// conversation is what a later turn needs to know of those before.
type conversation struct {
	seed     uint64 // of its prompts' text
	prompt   int64  // tokens of the latest
	restarts int    // how often a prompt was shorter than the one before

	waiting []*call // turns whose time is not known yet
	turn    int     // the latest that has a time, from 1
	// Of that turn: when it is due, whether and when it has ended; when it arrived in the trace and how long it took there.
	due, end             time.Time
	over                 bool
	arrivalUS, elapsedUS int64
}

// idle says whether nothing of it is under way or waits.
func (c *conversation) idle() bool { return len(c.waiting) == 0 && (c.turn == 0 || c.over) }

// generation is how many conversations are remembered at least (some 200 bytes each): those with the latest turns. One that is
// forgotten begins again, at its next turn's own time.
const generation = 1 << 19

// conversations finds conversations by service and name. It is two generations: what was not asked for during one is forgotten.
type conversations struct {
	young, old map[string]*conversation
	key        []byte
}

func (s *conversations) of(r *schemas.Request) *conversation {
	s.key = append(append(append(s.key[:0], r.Service...), 0), r.Conversation...)
	if c := s.young[string(s.key)]; c != nil {
		return c
	}
	if s.young == nil {
		s.young = make(map[string]*conversation)
	}
	if len(s.young) >= generation {
		s.turnOver()
	}
	c := s.old[string(s.key)]
	if c == nil {
		c = &conversation{seed: xxhash.Sum64(s.key)}
	}
	s.young[string(s.key)] = c
	return c
}

func (s *conversations) turnOver() {
	old := s.young
	s.young = make(map[string]*conversation)
	for key, c := range s.old {
		if _, there := old[key]; !there && !c.idle() {
			s.young[key] = c
		}
	}
	s.old = old
}
