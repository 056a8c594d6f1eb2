package replay

import (
	"strings"
	"testing"
	"time"

	"tidegauge/schemas"
)

func TestVocabulary(t *testing.T) {
	seen := make(map[string]bool)
	for _, word := range vocabulary {
		if word == "" || seen[word] || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Fatalf("%q is missing, there twice, or needs escaping", word)
		}
		seen[word] = true
	}
}

// TestPromptLength: a prompt has as many words as it should have tokens, whatever stands for them.
func TestPromptLength(t *testing.T) {
	for _, tokens := range []int64{0, 1, 5, 6, 7, 100, 511, 512, 513, 5000} {
		for _, blocks := range [][]uint64{nil, {1}, {1, 2, 3}} {
			var r schemas.Request
			r.Reset()
			r.PrefixHashes, r.PrefixBlockTokens = blocks, 256
			p := newPrompt(&r, tokens, 1, 1, nil)
			text := string(p.appendTo(nil))
			if got := int64(len(strings.Fields(text))); got != max(tokens, 1) || strings.Contains(text, "  ") || strings.TrimSpace(text) != text {
				t.Errorf("%d words where %d tokens are asked for, in %d blocks", got, tokens, len(blocks))
			}
		}
	}
}

// TestPromptsApart: neighbours' texts are not one text begun a few words later.
func TestPromptsApart(t *testing.T) {
	var r schemas.Request
	r.Reset()
	words := func(number int64) []string {
		p := newPrompt(&r, 200, seedRequest, number, nil) // a run whose seeds are whole increments apart
		return strings.Fields(string(p.appendTo(nil)))
	}
	seen := make(map[string]bool) // runs of three words: by chance, one in 8 billion
	for number := range int64(20) {
		w := words(number)
		for i := range w[2:] {
			three := strings.Join(w[i:i+3], " ")
			if seen[three] {
				t.Fatalf("prompt %d has %q, as an earlier one", number, three)
			}
			seen[three] = true
		}
	}
}

func TestObjectives(t *testing.T) {
	o, err := ParseObjectives("e2e=10s, ttft=500ms")
	if err != nil || o != (Objectives{TTFT: 500 * time.Millisecond, E2E: 10 * time.Second}) || o.String() != "ttft=500ms,e2e=10s" {
		t.Errorf("%v %v", o, err)
	}
	for _, text := range []string{"", "ttft", "ttft=fast", "ttft=1s,ttft=2s", "p99=1s", "tpot=-1s", "ttft=1s,"} {
		if o, err := ParseObjectives(text); err == nil {
			t.Errorf("%q is taken for %v", text, o)
		}
	}
}

// TestConversationsForgotten: what is forgotten is idle, and what is under way never is.
func TestConversationsForgotten(t *testing.T) {
	var s conversations
	var r schemas.Request
	find := func(name string) *conversation {
		r.Conversation = name
		return s.of(&r)
	}
	busy, idle := find("busy"), find("idle")
	busy.turn = 1 // and not over
	s.turnOver()
	s.turnOver()
	if find("busy") != busy || find("idle") == idle {
		t.Error("a conversation that is under way is forgotten, or one that is not is kept for ever")
	}
}
