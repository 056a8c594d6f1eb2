package processors

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// packer writes members as bytes and reads them back: some 28 bytes a request in place of 48, of which the two hashes, which
// nothing makes smaller, are 16. Members go in blocks of up to chunkMembers, each field apart: its smallest value, the
// bits that the others need beyond it, and these bits. The bytes never leave the process.
//
//	block: members; arrival of the first; per field: smallest, bits (none in a block of one); fields' bits; hashes
//
// A conversation's rows have no use for the time to the first token, the stream and the client errors: they are left out.
type packer struct {
	fields [packedFields][chunkMembers]uint64
	hashes [chunkMembers][2]uint64
}

// The fields, narrow enough that one that begins inside a byte fits into 64 bits.
const (
	packedArrival = iota // microseconds since the member before
	packedSeq
	packedSmall // stream, outcome, client error
	packedRequest
	packedResponse
	packedElapsed
	packedTTFT
	packedFields
)

const (
	smallBits   = 20 // of Member.seq that are no seq
	outcomeBits = 0xe
	hashBytes   = 16
)

// packedFieldsOf is how many fields members have.
func packedFieldsOf(turns bool) int {
	if turns {
		return packedTTFT
	}
	return packedFields
}

// append writes members behind to.
func (p *packer) append(to []byte, m *members, turns bool) []byte {
	k := 0
	var first, before uint64
	for _, chunk := range m.chunks() {
		for i := range chunk {
			one := &chunk[i]
			arrival := one.arrival >> 12
			if k == 0 {
				first, before = arrival, arrival
			}
			f := &p.fields
			f[packedArrival][k] = arrival - before
			f[packedSeq][k] = one.seq >> smallBits
			f[packedRequest][k] = uint64(uint32(one.tokens>>32) + 1)
			f[packedResponse][k] = uint64(uint32(one.tokens) + 1)
			f[packedElapsed][k] = one.times >> ttftLow
			if turns {
				f[packedSmall][k] = one.seq & outcomeBits
			} else {
				f[packedSmall][k] = one.seq & (1<<smallBits - 1)
				f[packedTTFT][k] = uint64(one.ttftUS() + 1)
			}
			p.hashes[k], before = [2]uint64{one.idHash, one.content}, arrival
			if k++; k == chunkMembers {
				to = p.block(to, first, k, turns)
				k = 0
			}
		}
	}
	if k > 0 {
		to = p.block(to, first, k, turns)
	}
	return to
}

// block writes the fields of k members.
func (p *packer) block(to []byte, first uint64, k int, turns bool) []byte {
	to = binary.AppendUvarint(to, uint64(k))
	to = binary.AppendUvarint(to, first)
	n := packedFieldsOf(turns)
	var least [packedFields]uint64
	var width [packedFields]int
	total := 0
	for i := range n {
		values := p.fields[i][:k]
		lo, hi := values[0], values[0]
		for _, v := range values[1:] {
			lo, hi = min(lo, v), max(hi, v)
		}
		least[i], width[i] = lo, bits.Len64(hi-lo)
		total += width[i] * k
		to = binary.AppendUvarint(to, lo)
		if k > 1 {
			to = append(to, byte(width[i]))
		}
	}
	start := len(to)
	at := start
	to = slices.Grow(to, total/8+8+hashBytes*k)[:start+total/8+8+hashBytes*k]
	var acc uint64
	var filled int
	for i := range n {
		if width[i] == 0 {
			continue
		}
		for _, v := range p.fields[i][:k] {
			acc |= (v - least[i]) << filled
			filled += width[i]
			binary.LittleEndian.PutUint64(to[at:], acc)
			at += filled >> 3
			acc >>= filled &^ 7
			filled &= 7
		}
	}
	at = start + (total+7)/8
	for _, hashes := range p.hashes[:k] {
		binary.LittleEndian.PutUint64(to[at:], hashes[0])
		binary.LittleEndian.PutUint64(to[at+8:], hashes[1])
		at += hashBytes
	}
	return to[:at]
}

// read gives the members that were written.
func (p *packer) read(from []byte, turns bool) members {
	var m members
	for len(from) > 0 {
		k := int(uvarint(&from))
		var chunk []Member
		switch {
		case m.n > 0 || k == chunkMembers:
			chunk = make([]Member, k, chunkMembers)
		default:
			chunk = make([]Member, k, k+1) // sets are read back because something comes to them
		}
		from = p.readBlock(from, chunk, turns)
		switch {
		case m.n == 0:
			m.few = chunk
		case m.many == nil:
			m.many, m.few = &[][]Member{m.few, chunk}, nil
		default:
			*m.many = append(*m.many, chunk)
		}
		m.n += k
	}
	return m
}

func uvarint(from *[]byte) uint64 {
	v, n := binary.Uvarint(*from)
	*from = (*from)[n:]
	return v
}

func (p *packer) readBlock(from []byte, into []Member, turns bool) []byte {
	k, n := len(into), packedFieldsOf(turns)
	arrival := uvarint(&from)
	var least [packedFields]uint64
	var width [packedFields]int
	total := 0
	for i := range n {
		least[i] = uvarint(&from)
		if k > 1 {
			width[i] = int(from[0])
			from = from[1:]
		}
		total += width[i] * k
	}
	bit := 0
	for i := range n {
		w, lo := width[i], least[i]
		mask := uint64(1)<<w - 1
		values := p.fields[i][:k]
		for j := range values {
			// The hashes that follow are more than the seven bytes that may be read beyond the last value's.
			values[j] = binary.LittleEndian.Uint64(from[bit>>3:])>>(bit&7)&mask + lo
			bit += w
		}
	}
	from = from[(total+7)/8:]
	f := &p.fields
	if turns {
		clear(f[packedTTFT][:k])
	}
	for i := range into {
		arrival += f[packedArrival][i]
		ttft := f[packedTTFT][i]
		into[i] = Member{
			arrival: arrival<<12 | ttft>>ttftLow,
			seq:     f[packedSeq][i]<<smallBits | f[packedSmall][i],
			idHash:  binary.LittleEndian.Uint64(from),
			content: binary.LittleEndian.Uint64(from[8:]),
			tokens:  uint64(uint32(f[packedRequest][i]-1))<<32 | uint64(uint32(f[packedResponse][i]-1)),
			times:   f[packedElapsed][i]<<ttftLow | ttft&(1<<ttftLow-1),
		}
		from = from[hashBytes:]
	}
	return from
}
