package encode

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"

	"tidegauge/schemas"
)

// blocks gives the ids of a prompt's blocks in the size that a format's readers take them to have.
type blocks struct {
	tokens  int64
	fill    bool
	losses  *losses
	ids     []uint64
	text    []byte
	invents uint64
}

// of gives a request's ids, nil where it has none.
func (b *blocks) of(r *schemas.Request) []uint64 {
	size := int64(r.PrefixBlockTokens)
	switch {
	case len(r.PrefixHashes) == 0:
		return b.invented(r)
	case size == b.tokens, size == 0: // 0: the log does not say, which is the format's own
		return b.signed(r.PrefixHashes)
	case b.tokens%size != 0:
		b.losses.add("prefix_hashes", fmt.Sprintf("blocks of %d tokens cannot be made of blocks of %d", b.tokens, size))
		return b.invented(r)
	}
	// Blocks are equal if all in them is, so some together have the hash of their ids. What is left over at the end is a block
	// that is not full, as the last one may be.
	b.ids = b.ids[:0]
	for each, rest := int(b.tokens/size), r.PrefixHashes; len(rest) > 0; {
		n := min(each, len(rest))
		b.text = b.text[:0]
		for _, id := range rest[:n] {
			b.text = binary.LittleEndian.AppendUint64(b.text, id)
		}
		b.ids = append(b.ids, xxhash.Sum64(b.text)>>11) // 53 bits, which every reader of JSON keeps
		rest = rest[n:]
	}
	b.losses.add("prefix_hashes", fmt.Sprintf("blocks of %d tokens put together into blocks of %d", size, b.tokens))
	return b.ids
}

// signed halves ids that need all 64 bits: what reads JSON into columns (GuideLLM by way of Arrow) has signed ones.
func (b *blocks) signed(ids []uint64) []uint64 {
	if slices.Max(ids) <= math.MaxInt64 {
		return ids
	}
	b.ids = append(b.ids[:0], ids...)
	for i, id := range b.ids {
		if id > math.MaxInt64 {
			b.ids[i] = id >> 1
		}
	}
	b.losses.add("prefix_hashes", "of more than 63 bits are written without their last")
	return b.ids
}

// invented gives a request blocks that no other has, where that is asked for.
func (b *blocks) invented(r *schemas.Request) []uint64 {
	if !b.fill || r.RequestTokens <= 0 {
		return nil
	}
	b.ids = b.ids[:0]
	for range (r.RequestTokens + b.tokens - 1) / b.tokens {
		// Counted from above what hashes are cut to, so that none of them is met by accident.
		b.ids = append(b.ids, 1<<53-1-b.invents)
		b.invents++
	}
	b.losses.add("prefix_hashes", "made up, shared with no other request, as the log has none")
	return b.ids
}
