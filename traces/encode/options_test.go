package encode

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
)

func TestOptions(t *testing.T) {
	at := func(f *Format, o Options) string {
		file, _ := encodeAll(t, f, o, []schemas.Request{request(0, nil), request(1_000_001, nil), request(2_000_003, func(r *schemas.Request) {
			r.Model, r.Outcome, r.ResponseTokens = "other", schemas.Empty, 0
		})})
		return string(file)
	}
	for name, test := range map[string]struct {
		format  *Format
		options Options
		want    string
	}{
		"seconds from the first": {&vidur, Options{}, "arrived_at,num_prefill_tokens,num_decode_tokens\n0,100,20\n1.000001,100,20\n2.000003,100,0\n"},
		"origin at midnight":     {&vidur, Options{Origin: Origin{Kind: OriginMidnight}}, "arrived_at,num_prefill_tokens,num_decode_tokens\n41400,100,20\n41401.000001,100,20\n41402.000003,100,0\n"},
		"origin at a time":       {&vidur, Options{Origin: Origin{OriginAt, startUS - 500}}, "arrived_at,num_prefill_tokens,num_decode_tokens\n0.0005,100,20\n1.000501,100,20\n2.000503,100,0\n"},
		"stretched, half to even": {&vidur, Options{ScaleTime: 0.5},
			"arrived_at,num_prefill_tokens,num_decode_tokens\n0,100,20\n0.5,100,20\n1.000002,100,0\n"},
		"failures left out": {&vidur, Options{DropFailures: true}, "arrived_at,num_prefill_tokens,num_decode_tokens\n0,100,20\n1.000001,100,20\n"},
		"another start":     {&azure, Options{StartUS: 86_400_000_000}, "TIMESTAMP,ContextTokens,GeneratedTokens\n1970-01-02 00:00:00.0000000,100,20\n1970-01-02 00:00:01.0000010,100,20\n1970-01-02 00:00:02.0000030,100,0\n"},
		"models renamed": {&burstGPT, Options{Labels: map[string]string{"other": "ChatGPT"}},
			"Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n41400,GPT-4,100,20,120,API log\n41401.000001,GPT-4,100,20,120,API log\n41402.000003,ChatGPT,100,0,100,API log\n"},
		"all models renamed": {&burstGPT, Options{DropFailures: true, Labels: map[string]string{"*": "x"}},
			"Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n41400,x,100,20,120,API log\n41401.000001,x,100,20,120,API log\n"},
	} {
		if diff := cmp.Diff(test.want, at(test.format, test.options)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, o := range []Options{{ScaleTime: -1}, {ScaleTime: math.NaN()}, {Conversations: 1.5}, {Conversations: math.NaN()}, {StartUS: -1}} {
		if _, err := vidur.New(io.Discard, o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	e, err := vidur.New(io.Discard, Options{})
	if err != nil {
		t.Fatal(err)
	}
	late, early := request(5_000_000, nil), request(0, nil)
	if err := e.Encode(&late); err != nil {
		t.Fatal(err)
	}
	if err := e.Encode(&early); err == nil || !strings.Contains(err.Error(), "5s before the origin") {
		t.Errorf("a request before the origin: %v", err)
	}
}

// TestLaterTurns: a later turn is timed by its arrival, by the pause since the answer, or both.
func TestLaterTurns(t *testing.T) {
	turns := []schemas.Request{
		request(0, func(r *schemas.Request) { r.Conversation, r.ElapsedUS = "a", 1_500_000 }),
		request(4_000_000, func(r *schemas.Request) { r.Conversation = "a" }),
		request(5_000_000, func(r *schemas.Request) { r.Conversation = "a" }),
	}
	for how, want := range map[LaterTurns]string{
		"":             "[0 - 4000 2500 5000 1000]",
		TurnsDelay:     "[0 - - 2500 - 1000]",
		TurnsTimestamp: "[0 - 4000 - 5000 -]",
	} {
		file, _ := encodeAll(t, &mooncake, Options{LaterTurns: how}, turns)
		var got []string
		for line := range strings.Lines(string(file)) {
			for _, key := range []string{`"timestamp":`, `"delay":`} {
				value := "-"
				if _, rest, ok := strings.Cut(line, key); ok {
					value, _, _ = strings.Cut(rest, ",")
				}
				got = append(got, value)
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%q: %v, want %s", how, got, want)
		}
	}
}

// TestConversations: a share of the conversations is kept, each of them whole, and a larger share has all of a smaller one.
func TestConversations(t *testing.T) {
	var requests []schemas.Request
	for i := range 3_000 {
		requests = append(requests, request(int64(i)*1_000, func(r *schemas.Request) {
			r.Conversation = fmt.Sprint("c", i%1000)
			if i%3 == 0 {
				r.Client, r.Conversation = r.Conversation, ""
			}
		}))
	}
	requests = append(requests, request(4_000_000, nil)) // of nobody: kept
	kept := func(share float64) map[string]int {
		file, _ := encodeAll(t, &canonical, Options{Conversations: share}, requests)
		counts := make(map[string]int)
		for _, r := range readBack(t, &canonical, file, 0) {
			counts[r.Conversation+r.Client]++
		}
		return counts
	}
	tenth, half := kept(0.1), kept(0.5)
	if n := len(tenth); n < 70 || n > 130 || tenth[""] != 1 {
		t.Errorf("a tenth of 1000 conversations are %d", n)
	}
	for id, n := range tenth {
		if half[id] != n || id != "" && n != 3 {
			t.Errorf("conversation %s has %d of its requests in a tenth and %d in a half", id, n, half[id])
		}
	}
}

// TestAnonymise: nothing that names anybody is left, and what was equal is equal.
func TestAnonymise(t *testing.T) {
	requests := []schemas.Request{
		request(0, func(r *schemas.Request) {
			r.Service, r.Model, r.Host, r.Config, r.Client, r.Conversation, r.PromptID, r.RequestID = "acme", "acme-llm", "acme-1", "acme-v", "bob", "bob", "bob-p", "bob-r"
			r.Outcome, r.ErrorType, r.Labels = schemas.Error, "acme-error", []schemas.Label{{Key: "team", Value: "acme"}}
			r.PrefixHashes, r.PrefixBlockTokens = []uint64{12345, 67890}, 16
		}),
		request(1, func(r *schemas.Request) {
			r.Service, r.Client, r.PrefixHashes, r.PrefixBlockTokens = "acme", "bob", []uint64{12345}, 16
		}),
	}
	file, _ := encodeAll(t, &canonical, Options{Secret: []byte("0123456789abcdef")}, requests)
	for _, name := range []string{"acme", "bob", "12345,", "team", "GPT-4"} {
		if bytes.Contains(file, []byte(name)) {
			t.Errorf("%s is in %s", name, file)
		}
	}
	got := readBack(t, &canonical, file, 0)
	if got[0].Client != got[1].Client || got[0].Client == got[0].Conversation || got[0].PrefixHashes[0] != got[1].PrefixHashes[0] || got[0].Service != "service-1" {
		t.Errorf("%s", file)
	}
	again, _ := encodeAll(t, &canonical, Options{Secret: []byte("another secret key")}, requests)
	if other := readBack(t, &canonical, again, 0); other[0].Client == got[0].Client {
		t.Error("the hashes do not depend on the secret")
	}
	if requests[0].Service != "acme" || len(requests[0].Labels) != 1 {
		t.Error("the caller's request was changed")
	}
}

// TestBlocks: prompts of tools that know no other size, and of those that build them of ids alone.
func TestBlocks(t *testing.T) {
	long := request(0, func(r *schemas.Request) {
		r.RequestTokens, r.PrefixBlockTokens = 1100, 64
		for i := range 17 {
			r.PrefixHashes = append(r.PrefixHashes, uint64(i))
		}
	})
	other := long
	other.PrefixHashes = append(append([]uint64{}, long.PrefixHashes[:12]...), 99)
	b := blocks{tokens: 512, losses: new(losses)}
	first := append([]uint64{}, b.of(&long)...)
	second := append([]uint64{}, b.of(&other)...)
	if len(first) != 3 || len(second) != 2 || first[0] != second[0] || first[1] == second[1] {
		t.Errorf("%v and %v share other than their first block", first, second)
	}
	none := request(0, func(r *schemas.Request) { r.RequestTokens = 1025 })
	if got := b.of(&none); got != nil {
		t.Errorf("ids without being asked: %v", got)
	}
	b.fill = true
	if one, two := append([]uint64{}, b.of(&none)...), b.of(&none); len(one) != 3 || one[0] == two[0] {
		t.Errorf("made up: %v, then %v", one, two)
	}
	b.tokens = 16
	if got := b.of(&long); len(got) != 69 { // 64 is no divisor: as if there were none
		t.Errorf("%d ids of blocks that cannot be divided", len(got))
	}
}

// TestInOrder puts requests into order as far as the window goes.
func TestInOrder(t *testing.T) {
	log := func(yield func(*schemas.Request, error) bool) {
		for _, us := range []int64{5, 3, 4, 9, 8, 8, 1} {
			r := request(us, func(r *schemas.Request) { r.PrefixHashes = []uint64{uint64(us)} })
			if !yield(&r, nil) {
				return
			}
		}
	}
	for window, want := range map[int]string{100: "1 3 4 5 8 8 9", 2: "3 4 5 8 1 8 9"} {
		var got []string
		for r, err := range inOrder(log, window) {
			if err != nil || r.PrefixHashes[0] != uint64(r.ArrivalUS-startUS) {
				t.Fatal(r, err)
			}
			got = append(got, strconv.FormatInt(r.ArrivalUS-startUS, 10))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("window %d: %v, want %s", window, got, want)
		}
	}
}

func TestTurns(t *testing.T) {
	if testing.Short() {
		t.Skip("a million conversations")
	}
	var k turns
	if _, later := k.next("a", 1, 10, 5); later {
		t.Error("a first turn is a later one")
	}
	for i := range maxConversations {
		k.next(strconv.Itoa(i), 0, 0, 0)
	}
	if before, later := k.next("a", 2, 20, 5); !later || before.row != 1 || before.us != 10 {
		t.Errorf("one generation on: %+v, %t", before, later)
	}
	for i := range 2*maxConversations + 2 {
		k.next("x"+strconv.Itoa(i), 0, 0, 0)
	}
	if _, later := k.next("a", 3, 30, 5); later || len(k.old) > maxConversations {
		t.Error("what is remembered is not bounded")
	}
}
