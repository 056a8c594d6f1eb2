package replay

import (
	_ "embed"
	"strings"

	"github.com/cespare/xxhash/v2"

	"tidegauge/schemas"
)

// vocabulary are English words that, after a space, are one token each to the tokenizers of GPT-2 to GPT-4o, Llama 2 and
// Llama 3 (and those made from them); a power of two of them, so that bits of a random number choose one.
var vocabulary = func() (words [vocabularySize]string) {
	copy(words[:], strings.Fields(wordList))
	return words
}()

//go:embed words.txt
var wordList string

const (
	vocabularyBits = 11
	vocabularySize = 1 << vocabularyBits
)

// text gives the words of one source of text: equal seeds are equal texts, and a shorter text begins a longer one.
type text struct {
	state uint64
	left  int // bits
	bits  uint64
}

func newText(seed uint64) text { return text{state: seed} }

const increment = 0x9e3779b97f4a7c15

func scramble(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// word gives the next word (SplitMix64, Steele, Lea and Flood 2014).
func (t *text) word() string {
	if t.left < vocabularyBits {
		t.state += increment
		t.bits, t.left = scramble(t.state), 64
	}
	word := vocabulary[t.bits%vocabularySize]
	t.bits >>= vocabularyBits
	t.left -= vocabularyBits
	return word
}

// appendTo appends n words, each after a space but for the prompt's first.
func (t *text) appendTo(dst []byte, n int64, first bool) []byte {
	for range n {
		if !first {
			dst = append(dst, ' ')
		}
		first = false
		dst = append(dst, t.word()...)
	}
	return dst
}

// Prompts whose trace does not say where they begin alike have texts of their own, of these kinds.
const (
	seedRequest      = 0x7265_7175_6573_7431
	seedConversation = 0x636f_6e76_6572_7332
	seedPrompt       = 0x7072_6f6d_7074_3333
	seedBlock        = 0x626c_6f63_6b34_3434
)

// prompt is what one request asks.
type prompt struct {
	tokens int64
	seed   uint64   // of what no block stands for
	blocks []uint64 // the leading blocks of the trace, each of blockTokens tokens
	block  int64
}

// newPrompt says what a request of the trace asks, which is the number'th of the run and turn of its conversation (nil: of none).
//
// Where the trace has the hashes of leading blocks, equal hashes are equal text, so a server's prefix cache finds what it
// found in production. Else a prompt that the trace names (prompt_id) is the same each time; a turn whose prompt is no
// shorter than the turn's before begins with that prompt; and all others have nothing in common.
func newPrompt(r *schemas.Request, tokens int64, run uint64, number int64, c *conversation) prompt {
	p := prompt{tokens: max(tokens, 1)}
	switch {
	case len(r.PrefixHashes) > 0 && r.PrefixBlockTokens > 0:
		p.blocks, p.block = r.PrefixHashes, int64(r.PrefixBlockTokens)
		p.seed = mix(run^seedRequest, uint64(number))
	case r.PromptID != "":
		p.seed = mix(seedPrompt, xxhash.Sum64String(r.PromptID))
	case c != nil:
		if p.tokens < c.prompt { // not what was said before and more
			c.restarts++
		}
		c.prompt = p.tokens
		p.seed = mix(run^seedConversation^c.seed, uint64(c.restarts))
	default:
		p.seed = mix(run^seedRequest, uint64(number))
	}
	return p
}

// mix makes one seed of two. It scrambles them, for seeds that are an increment apart are one text, begun a few words later.
func mix(a, b uint64) uint64 { return scramble(a ^ (b+1)*increment) }

// appendTo appends the prompt's words, which need no escaping in JSON.
func (p *prompt) appendTo(dst []byte) []byte {
	left, first := p.tokens, true
	for _, hash := range p.blocks {
		n := min(left, p.block)
		if n == 0 {
			return dst
		}
		t := newText(mix(seedBlock, hash))
		dst = t.appendTo(dst, n, first)
		left, first = left-n, false
	}
	t := newText(p.seed)
	return t.appendTo(dst, left, first)
}
