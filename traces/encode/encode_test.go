package encode

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidegauge/ingest"
	"tidegauge/schemas"
	"tidegauge/traces/columnar"
)

var update = flag.Bool("update", false, "write the golden files")

const startUS = 1_767_612_600_000_000 // 2026-01-05 11:30:00

// request makes a request that arrives so many microseconds after the start.
func request(afterUS int64, change func(*schemas.Request)) schemas.Request {
	var r schemas.Request
	r.Reset()
	r.Service, r.Model, r.LogType, r.Outcome = "chat", "GPT-4", "api", schemas.OK
	r.ArrivalUS = startUS + afterUS
	r.RequestTokens, r.ResponseTokens = 100, 20
	if change != nil {
		change(&r)
	}
	return r
}

// sample has what formats trip over: turns, failures of all kinds, unknown lengths, commas in names, hashes of several sizes.
func sample() []schemas.Request {
	return []schemas.Request{
		request(0, nil),
		request(1, func(r *schemas.Request) {
			r.Conversation, r.Client, r.LogType, r.ElapsedUS, r.TTFTUS = "c,1", "ann", "conversation", 2_000_000, 250_000
			r.RequestTokens, r.ResponseTokens, r.FinishReason = 1030, 40, "stop"
			for i := range 65 {
				r.PrefixHashes = append(r.PrefixHashes, uint64(i))
			}
			r.PrefixBlockTokens = 16
		}),
		request(1_500_000, func(r *schemas.Request) { r.ResponseTokens, r.Outcome = 0, schemas.Empty }),
		request(2_000_500, func(r *schemas.Request) {
			r.Outcome, r.StatusCode, r.ErrorType, r.ResponseTokens = schemas.Error, 503, "overloaded", schemas.Unknown
		}),
		request(2_500_000, func(r *schemas.Request) { r.Outcome, r.StatusCode, r.ResponseTokens = schemas.RateLimited, 429, 0 }),
		request(12_345_678, func(r *schemas.Request) {
			r.Conversation, r.Client, r.LogType = "c,1", "ann", "conversation"
			r.PrefixHashes, r.PrefixBlockTokens = []uint64{7, math.MaxUint64}, 512
			r.ElapsedUS = 1_000_000
		}),
		request(13_000_000, func(r *schemas.Request) { r.Conversation, r.Model, r.LogType = "c,1", `llama "3", 70B`, "batch" }), // before the answer
		request(14_000_000, func(r *schemas.Request) { r.RequestTokens = schemas.Unknown }),
		request(15_000_000, func(r *schemas.Request) { r.ResponseTokens, r.Outcome = schemas.Unknown, schemas.Cancelled }),
		request(700_000_000, func(r *schemas.Request) {
			r.Outcome, r.Service, r.Labels = schemas.Timeout, "other", []schemas.Label{{Key: "region", Value: "eu"}}
			r.RequestID, r.ReasoningTokens, r.Temperature, r.Seed, r.HasSeed = "own", 5, 0.5, -7, true
		}),
	}
}

func encodeAll(t testing.TB, f *Format, o Options, requests []schemas.Request) ([]byte, Encoder) {
	t.Helper()
	var out bytes.Buffer
	e, err := f.New(&out, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range requests {
		if err := e.Encode(&requests[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), e
}

// readBack reads a file as ingest does. times of formats that count begin at epoch.
func readBack(t testing.TB, f *Format, file []byte, epochUS int64) (all []schemas.Request) {
	t.Helper()
	config := ingest.ReaderConfig{Format: f.Name, Options: ingest.Options{EpochUS: epochUS}, Workers: 1}
	source := ingest.ReaderSource("file", bytes.NewReader(file))
	switch {
	case f.columns != nil:
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := columnar.Recognise(path); got != f.Name {
			t.Fatalf("recognised as %q", got)
		}
		lines, err := columnar.Lines(path)
		if err != nil {
			t.Fatal(err)
		}
		defer lines.Close()
		config.Format, source = "canonical", ingest.ReaderSource("file", lines)
	case f.Name == "burstgpt-v2":
		config.Format = "burstgpt"
	}
	reader, err := ingest.NewReader(config, []ingest.Source{source})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for r, err := range reader.All(t.Context()) {
		if err != nil {
			t.Fatalf("%v\n%s", err, file)
		}
		var one schemas.Request
		keep(&one, r)
		all = append(all, one)
	}
	return all
}

func jsonOf(requests []schemas.Request) string {
	var b []byte
	for i := range requests {
		b = append(schemas.AppendJSON(b, &requests[i]), '\n')
	}
	return string(b)
}

func lossText(e Encoder) string {
	var b strings.Builder
	for _, l := range e.Losses() {
		fmt.Fprintf(&b, "%s | %d | %s\n", l.What, l.Requests, l.Why)
	}
	return b.String()
}

// TestGolden holds every format to the file that it had, and that file to what can be read of it.
func TestGolden(t *testing.T) {
	for _, f := range Formats() {
		if f.Folder {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			file, e := encodeAll(t, f, Options{}, sample())
			golden(t, f.Name+f.Extension, file, f.columns != nil)
			golden(t, f.Name+".lost.txt", []byte(lossText(e)), false)
			if f.Beside != "" {
				golden(t, f.Name+f.Beside, f.Companion(), false)
			}
			kept, err := os.ReadFile(filepath.Join("testdata", f.Name+f.Extension))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(expected(f, sample(), startUS), jsonOf(clean(f, readBack(t, f, kept, epochOf(f, startUS))))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// golden compares with a file. Of binary files only what is in them counts: a newer library may pack them otherwise.
func golden(t *testing.T, name string, got []byte, binary bool) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" && !binary {
		t.Errorf("%s (go test -update writes it):\n%s", name, diff)
	}
}

// epochOf is where a format's times begin for requests whose first arrives at first.
func epochOf(f *Format, firstUS int64) int64 {
	switch {
	case !f.counts:
		return 0
	case f.origin == OriginMidnight:
		return firstUS - firstUS%(24*3600*schemas.SecondUS)
	}
	return firstUS
}

// expected is what a format keeps of requests, worked out from what it says that it carries.
func expected(f *Format, requests []schemas.Request, firstUS int64) string {
	if f.carries == allFields {
		return jsonOf(requests)
	}
	roots := make(map[string]int)
	var out []schemas.Request
	for i := range requests {
		r := requests[i]
		if r.Outcome.Failed() && r.ResponseTokens == schemas.Unknown {
			r.ResponseTokens = 0
		}
		if r.RequestTokens == schemas.Unknown || r.ResponseTokens == schemas.Unknown {
			continue
		}
		var kept schemas.Request
		kept.Reset()
		name := strings.TrimSuffix(f.Name, "-v2")
		kept.Service, kept.Model, kept.LogType, kept.ArrivalUS = name, name, "api", r.ArrivalUS
		kept.RequestTokens, kept.ResponseTokens = r.RequestTokens, r.ResponseTokens
		kept.Outcome = kept.GenerationEnd()
		has := func(field string) bool { return f.carries&carrying(field) != 0 }
		if has("model") {
			kept.Model = r.Model
		} else if f.Name == "bailian" {
			kept.Model = "qwen"
		}
		if has("log_type") {
			kept.LogType = r.LogType
			if name == "burstgpt" && r.LogType != "conversation" && r.LogType != "api" {
				kept.LogType = map[bool]string{true: "conversation", false: "api"}[r.Conversation != ""]
			}
		}
		if has("conversation") {
			kept.Conversation = r.Conversation
		}
		if f.Name == "bailian" {
			if roots[r.Conversation] == 0 || r.Conversation == "" {
				roots[r.Conversation] = len(out) + 1
			}
			kept.Conversation = fmt.Sprint(roots[r.Conversation])
		}
		if has("client") {
			kept.Client = r.Client
		}
		if has("elapsed_us") {
			kept.ElapsedUS = r.ElapsedUS
		}
		if f.Name == "blis" {
			kept.TTFTUS, kept.FinishReason, kept.Outcome, kept.ErrorType = r.TTFTUS, r.FinishReason, r.Outcome, r.ErrorType
			kept.ReasoningTokens = r.ReasoningTokens
		}
		if has("prefix_hashes") {
			block := blocks{tokens: map[string]int64{"mooncake": 512, "bailian": 16}[f.Name], losses: new(losses)}
			if ids := block.of(&r); ids != nil {
				kept.PrefixHashes, kept.PrefixBlockTokens = slices.Clone(ids), int32(block.tokens)
			}
		}
		out = append(out, kept)
	}
	return jsonOf(out)
}

// clean takes away the ids that reading makes of lines.
func clean(f *Format, requests []schemas.Request) []schemas.Request {
	for i := range requests {
		if f.carries != allFields || requests[i].RequestID != "own" {
			requests[i].RequestID, requests[i].Seq = "", 0
		}
	}
	return requests
}

// TestRoundTrip writes random requests in every format and reads them back: what the format carries is there, nothing else is.
func TestRoundTrip(t *testing.T) {
	for _, f := range Formats() {
		if f.Folder {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			for range 20 {
				requests := randomRequests(random, random.IntN(60)+1)
				for i := range requests {
					if f.carries == allFields {
						requests[i].RequestID, requests[i].Seq = "own", int64(i)
					}
				}
				file, _ := encodeAll(t, f, Options{}, requests)
				got := readBack(t, f, file, epochOf(f, firstWritten(f, requests)))
				if diff := cmp.Diff(expected(f, requests, startUS), jsonOf(clean(f, got))); diff != "" {
					t.Fatalf("%s\n%s", diff, file)
				}
			}
		})
	}
}

func firstWritten(f *Format, requests []schemas.Request) int64 {
	for _, r := range requests {
		if !f.lengths || r.RequestTokens != schemas.Unknown && (r.ResponseTokens != schemas.Unknown || r.Outcome.Failed()) {
			return r.ArrivalUS
		}
	}
	return 0
}

func randomRequests(random *rand.Rand, n int) (all []schemas.Request) {
	some := func(names ...string) string { return names[random.IntN(len(names))] }
	maybe := func(v int64) int64 {
		if random.IntN(3) == 0 {
			return schemas.Unknown
		}
		return v
	}
	at := int64(0)
	for range n {
		at += random.Int64N(3) * random.Int64N(100_000_000)
		all = append(all, request(at, func(r *schemas.Request) {
			r.Service, r.Model, r.LogType = some("a", "b"), some("m", "a, \"b\"", " x "), some("", "api", "conversation", "ü")
			r.Conversation, r.Client = some("", "1", "2", "c\nd", "é,"), some("", "k")
			r.Outcome = schemas.Outcome(1 + random.IntN(schemas.Outcomes-1))
			r.RequestTokens, r.ResponseTokens = maybe(random.Int64N(5000)), maybe(random.Int64N(3))
			if r.Outcome == schemas.OK || r.Outcome == schemas.Empty {
				r.Outcome = r.GenerationEnd()
			}
			r.ElapsedUS, r.TTFTUS = maybe(1+random.Int64N(schemas.MaxElapsedUS)), maybe(1+random.Int64N(1e6))
			if r.Outcome == schemas.Error || r.Outcome == schemas.Timeout {
				r.ErrorType = some("", "oom", "e,f")
			}
			r.FinishReason = some("", "stop")
			for range random.IntN(3) * random.IntN(40) {
				r.PrefixHashes = append(r.PrefixHashes, random.Uint64())
			}
			if len(r.PrefixHashes) > 0 {
				r.PrefixBlockTokens = []int32{16, 64, 512}[random.IntN(3)]
			}
			if random.IntN(2) == 0 {
				r.Labels = []schemas.Label{{Key: "a", Value: "1"}, {Key: "b", Value: some("", "ü")}}
			}
			r.StatusCode, r.Steps, r.QueueUS = int32(maybe(500)), maybe(9), maybe(0)
			r.Temperature, r.HasSeed, r.Seed = []float64{math.NaN(), 0, 0.1}[random.IntN(3)], false, 0
			if random.IntN(2) == 0 {
				r.HasSeed, r.Seed = true, random.Int64()-math.MaxInt64/2
			}
		}))
	}
	return all
}

// TestUnwritable: an error of what is written to comes out, at the latest from Close.
func TestUnwritable(t *testing.T) {
	for _, f := range Formats() {
		if f.Folder {
			continue
		}
		e, err := f.New(failing{}, Options{})
		for i := 0; err == nil && i < 3; i++ {
			r := request(int64(i), nil)
			err = e.Encode(&r)
		}
		if err == nil {
			err = e.Close()
		}
		if err == nil {
			t.Errorf("%s: no error", f.Name)
		}
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
