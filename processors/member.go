package processors

import (
	"cmp"

	"tidegauge/schemas"
)

// Member is a request as sets keep it: what its rows need, what orders it and what identifies it, in 48 bytes. A set of
// 10,000 requests a second holds 600,000 of them, so the small fields are packed beside the large ones.
type Member struct {
	arrival uint64 // arrival in microseconds << 12 | high 12 bits of ttft + 1
	seq     uint64 // seq << 20 | stream << 4 | outcome << 1 | client error
	idHash  uint64 // XXH64 of the request id
	content uint64 // XXH64 of everything; with arrival, the identity inside a service
	tokens  uint64 // request tokens << 32 | response tokens, each as an int32
	times   uint64 // elapsed + 1 << 27 | low 27 bits of ttft + 1; 0 is unknown
}

// The packing holds because arrivals end in 2100 (52 bits), durations at 24 h (37 bits of 39) and schemas.MaxSeq.
const ttftLow = 27

// newMember packs a request. stream numbers its (model, log type) within its service.
func newMember(r *schemas.StoredRequest, stream uint16) Member {
	ttft := uint64(r.TTFTUS + 1)
	var client uint64
	if schemas.ClientError(r.Outcome, r.StatusCode) {
		client = 1
	}
	return Member{
		arrival: uint64(r.ArrivalUS)<<12 | ttft>>ttftLow,
		seq:     uint64(r.Seq)<<20 | uint64(stream)<<4 | uint64(r.Outcome)<<1 | client,
		idHash:  r.IDHash,
		content: r.Content,
		tokens:  uint64(uint32(r.RequestTokens))<<32 | uint64(uint32(r.ResponseTokens)),
		times:   uint64(r.ElapsedUS+1)<<ttftLow | ttft&(1<<ttftLow-1),
	}
}

func (m *Member) arrivalUS() int64         { return int64(m.arrival >> 12) }
func (m *Member) stream() uint16           { return uint16(m.seq >> 4) }
func (m *Member) sequence() int64          { return int64(m.seq >> 20) }
func (m *Member) outcome() schemas.Outcome { return schemas.Outcome(m.seq >> 1 & 7) }
func (m *Member) clientError() bool        { return m.seq&1 != 0 }
func (m *Member) requestTokens() int32     { return int32(m.tokens >> 32) }
func (m *Member) responseTokens() int32    { return int32(m.tokens) }
func (m *Member) elapsedUS() int64         { return int64(m.times>>ttftLow) - 1 }
func (m *Member) ttftUS() int64 {
	return int64(m.arrival&(1<<12-1)<<ttftLow|m.times&(1<<ttftLow-1)) - 1
}

// compare orders members as METRICS does, (arrival, seq, XXH64 of the id), then by content, so that the order is total:
// members that compare equal are one request.
func (m *Member) compare(o *Member) int {
	if a, b := m.arrival>>12, o.arrival>>12; a != b {
		return cmp.Compare(a, b)
	}
	if a, b := m.seq>>20, o.seq>>20; a != b {
		return cmp.Compare(a, b)
	}
	if m.idHash != o.idHash {
		return cmp.Compare(m.idHash, o.idHash)
	}
	return cmp.Compare(m.content, o.content)
}
