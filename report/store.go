package report

import (
	"errors"
	"math"
	"strings"

	"github.com/cespare/xxhash/v2"

	"tidegauge/schemas"
)

// ErrTooManyRequests says that one service has more requests than Summary's 32-bit row numbers reach.
var ErrTooManyRequests = errors.New("more than 4,294,967,295 requests of one service")

const maxRequests = math.MaxUint32

const (
	// firstChunk rows are cheap enough for a log of a thousand small services.
	firstChunk = 256
	// mostChunk rows of 60 bytes are 2 MB: large enough to flatten at the speed of memory, small enough that the last,
	// half-empty chunk does not count.
	mostChunk = 1 << 15
)

// kind is what tells a service's streams apart.
type kind struct{ model, logType string }

// store is one service's requests as they came. Columns grow by chunks, so that nothing is copied when they grow.
type store struct {
	name     string
	requests int64
	chunks   []*chunk
	tail     *chunk

	kinds     []kind
	kindCodes map[kind]uint32

	// conversations gives each conversation a code from 1 on, by the XXH64 of its id (two of a million conversations
	// share one with a chance of 1 in 37 million); inferred says, by code, whether it is a client in truth.
	conversations map[uint64]uint32
	inferred      []bool
	infer         bool

	// Whether requests have come out of order by (arrival, seq), and whether that order left any two equal.
	unordered, ties      bool
	lastArrival, lastSeq int64

	cut int64 // durations cut to schemas.MaxElapsedUS
}

// chunk is a run of rows. The columns that not every log has are nil until one of the chunk's rows needs them, and 0
// there says that the row lacks it.
type chunk struct {
	n             int
	arrival       []int64  // microseconds
	request       []int32  // tokens, or Unknown
	response      []int32  //
	end           []uint16 // see packEnd
	kind          []uint32 // index into store.kinds
	seq           []int64
	id            []uint64 // schemas.IDHash
	content       []uint64 // schemas.Request.Content, of requests with an id and fields that no column here holds
	conversation  []uint32
	elapsed, ttft []uint32 // the lower 32 bits of microseconds + 1
	high          []uint16 // their upper bits: 24 h in microseconds take 37
}

func newStore(name string, infer bool) *store {
	return &store{name: name, kindCodes: map[kind]uint32{}, conversations: map[uint64]uint32{}, inferred: []bool{false},
		infer: infer, lastArrival: math.MinInt64}
}

// ordered says whether the requests came in METRICS' order, no two of them equal in arrival and seq.
func (s *store) ordered() bool { return !s.unordered && !s.ties }

func (s *store) grow() *chunk {
	rows := firstChunk
	if s.tail != nil {
		rows = min(2*len(s.tail.arrival), mostChunk)
	}
	s.tail = &chunk{arrival: make([]int64, rows), request: make([]int32, rows), response: make([]int32, rows),
		end: make([]uint16, rows), kind: make([]uint32, rows)}
	s.chunks = append(s.chunks, s.tail)
	return s.tail
}

func (s *store) add(r *schemas.Request) {
	c := s.tail
	if c == nil || c.n == len(c.arrival) {
		c = s.grow()
	}
	i := c.n
	c.n++
	s.requests++
	c.arrival[i] = r.ArrivalUS
	c.request[i], c.response[i] = int32(r.RequestTokens), int32(r.ResponseTokens)
	c.end[i] = packEnd(r.Outcome, r.StatusCode)
	c.kind[i] = s.kindOf(r.Model, r.LogType)
	if r.Seq != 0 {
		put(&c.seq, c, i, r.Seq)
	}
	if r.ElapsedUS >= 0 || r.TTFTUS >= 0 {
		s.addDurations(c, i, r.ElapsedUS, r.TTFTUS)
	}
	if r.Conversation != "" || s.infer {
		if code := s.conversationOf(r); code != 0 {
			put(&c.conversation, c, i, code)
		}
	}
	if r.RequestID != "" {
		put(&c.id, c, i, schemas.IDHash(r.RequestID))
		if hasRare(r) {
			put(&c.content, c, i, r.Content())
		}
	}
	if r.ArrivalUS <= s.lastArrival {
		s.unordered = s.unordered || r.ArrivalUS < s.lastArrival || r.Seq < s.lastSeq
		s.ties = s.ties || r.Seq == s.lastSeq
	}
	s.lastArrival, s.lastSeq = r.ArrivalUS, r.Seq
}

// hasRare says whether a request has fields that no column holds: then only their hash tells whether two are copies.
func hasRare(r *schemas.Request) bool {
	return len(r.Operation)|len(r.Client)|len(r.PromptID)|len(r.ErrorType)|len(r.FinishReason)|len(r.Config)|len(r.Host)|
		len(r.PrefixHashes)|len(r.Labels) != 0 ||
		// Unknown is -1, all bits set.
		r.ReasoningTokens&r.CachedTokens&r.MaxTokens&r.TargetTokens&r.Steps&r.QueueUS != schemas.Unknown ||
		r.HasSeed || r.Temperature == r.Temperature || r.TopP == r.TopP // not NaN
}

// put sets a value of a column that is made when first needed.
func put[T any](column *[]T, c *chunk, i int, v T) {
	if *column == nil {
		*column = make([]T, len(c.arrival))
	}
	(*column)[i] = v
}

func (s *store) addDurations(c *chunk, i int, elapsed, ttft int64) {
	if elapsed > schemas.MaxElapsedUS {
		elapsed = schemas.MaxElapsedUS
		s.cut++
	}
	if ttft > schemas.MaxElapsedUS {
		ttft = schemas.MaxElapsedUS
		s.cut++
	}
	e, f := uint64(max(elapsed, -1)+1), uint64(max(ttft, -1)+1)
	put(&c.elapsed, c, i, uint32(e))
	if f != 0 {
		put(&c.ttft, c, i, uint32(f))
	}
	if high := uint16(e>>32) | uint16(f>>32)<<8; high != 0 {
		put(&c.high, c, i, high)
	}
}

// packEnd puts an outcome (3 bits) and a status (-1 … 999) into 16 bits.
func packEnd(o schemas.Outcome, status int32) uint16 { return uint16(o) | uint16(status+1)<<3 }

func outcomeOf(end uint16) schemas.Outcome { return schemas.Outcome(end & 7) }
func statusOf(end uint16) int32            { return int32(end>>3) - 1 }

// fewKinds is how many kinds are searched one by one, which costs less than hashing two strings.
const fewKinds = 8

func (s *store) kindOf(model, logType string) uint32 {
	for i := range s.kinds[:min(len(s.kinds), fewKinds)] {
		if k := &s.kinds[i]; k.model == model && k.logType == logType {
			return uint32(i)
		}
	}
	if code, ok := s.kindCodes[kind{model, logType}]; ok {
		return code
	}
	k, code := kind{strings.Clone(model), strings.Clone(logType)}, uint32(len(s.kinds))
	s.kinds = append(s.kinds, k)
	s.kindCodes[k] = code
	return code
}

func (s *store) conversationOf(r *schemas.Request) uint32 {
	id, inferred := r.Conversation, false
	if id == "" {
		if id, inferred = r.Client, true; id == "" {
			return 0
		}
	}
	hash := xxhash.Sum64String(id)
	if inferred {
		hash = ^hash // a client may be called like a conversation
	}
	code, ok := s.conversations[hash]
	if !ok {
		code = uint32(len(s.inferred))
		s.conversations[hash] = code
		s.inferred = append(s.inferred, inferred)
	}
	return code
}

// bytes is the memory of the columns and of the conversations' table (about 26 bytes an entry).
func (s *store) bytes() int64 {
	total := int64(27 * len(s.conversations))
	for _, c := range s.chunks {
		total += int64(8*(len(c.arrival)+len(c.seq)+len(c.id)+len(c.content)) + 2*(len(c.end)+len(c.high)) +
			4*(len(c.request)+len(c.response)+len(c.kind)+len(c.conversation)+len(c.elapsed)+len(c.ttft)))
	}
	return total
}
