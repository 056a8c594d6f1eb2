package schemas

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func full() Request {
	return Request{
		Service: "chat-eu", Model: "llama-3.1-8b", LogType: "conversation", Operation: "generation",
		ArrivalUS: 1_700_000_000_123_456, RequestID: "3f:17", Seq: 17, Conversation: "c\"1\n", Client: "ü", PromptID: "p",
		Outcome: Error, StatusCode: 503, ErrorType: "overloaded", FinishReason: "stop", RequestTokens: 100,
		ResponseTokens: 0, ReasoningTokens: 3, CachedTokens: 64, MaxTokens: 1000, TargetTokens: 5, Steps: 12,
		ElapsedUS: 1_500_000, TTFTUS: 200_000, QueueUS: 10, Config: "v7", Host: "gpu-3", Temperature: 0.7, TopP: 1,
		Seed: -5, HasSeed: true, PrefixHashes: []uint64{1, math.MaxUint64}, PrefixBlockTokens: 16,
		Labels: []Label{{"region", "eu"}, {"team", "search"}},
	}
}

func TestCodecRoundTrip(t *testing.T) {
	unknown := Request{}
	unknown.Reset()
	unknown.Service, unknown.Model, unknown.Outcome, unknown.ArrivalUS = "s", "m", OK, 0
	for name, want := range map[string]Request{"full": full(), "unknown": unknown} {
		var d Decoder
		var got Request
		if err := d.Decode(AppendJSON(nil, &want), &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := got.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if want.Content() != got.Content() {
			t.Errorf("%s: the content's hash does not survive the codec", name)
		}
	}
}

// TestContentIsFixed pins the hash that identifies stored requests: a change here would make every stored request new.
func TestContentIsFixed(t *testing.T) {
	r := full()
	if got := r.Content(); got != 0x2556d527b4d28328 {
		t.Errorf("Content() = %#x", got)
	}
	var plain Request
	plain.Reset()
	plain.Service, plain.Model, plain.Outcome, plain.ArrivalUS = "s", "m", OK, 5
	if got := plain.Content(); got != 0x92a90c160e46d0a8 {
		t.Errorf("Content() = %#x", got)
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{``, "does not start with {"},
		{`[]`, "does not start with {"},
		{`{"service":"s"`, "wants a comma or }"},
		{`{"service":"s}`, "ends inside a string"},
		{`{"service":"s"} x`, "goes on after its end"},
		{`{"service":5}`, "service: 5 is not a text"},
		{`{"request_tokens":"5"}`, `request_tokens: "5" is not a whole number`},
		{`{"request_tokens":-5}`, "request_tokens: -5 is negative"},
		{`{"request_tokens":-1}`, "request_tokens: -1 is negative"},
		{`{"request_tokens":1.5}`, "request_tokens: 1.5 is not a whole number"},
		{`{"request_tokens":NaN}`, "request_tokens: NaN is not a whole number"},
		{`{"request_tokens":99999999999999999999}`, "is too large"},
		{`{"arrival_us":9223372036854775808}`, "is too large"},
		{`{"arrival_us":012}`, "starts with 0"},
		{`{"arrival_us":null}`, "arrival_us: is null"},
		{`{"outcome":"fine"}`, `outcome: "fine" is not an outcome`},
		{`{"temperature":"hot"}`, "temperature:"},
		{`{"prefix_hashes":[-1]}`, "prefix_hashes:"},
		{`{"labels":["a"]}`, "labels:"},
		{`{"other":{"a":[1,2}}`, "not JSON"},
		{"{\"service\":\"a\nb\"}", "control character"},
	} {
		var d Decoder
		var r Request
		err := d.Decode([]byte(c.in), &r)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.in, err, c.want)
		}
		var field *FieldError
		if err != nil && !errors.As(err, &field) && !errors.Is(err, ErrJSON) {
			t.Errorf("%s: %T is neither a *FieldError nor ErrJSON", c.in, err)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Request)
		want   string
	}{
		"fine":               {func(*Request) {}, ""},
		"no service":         {func(r *Request) { r.Service = "" }, "service: is missing"},
		"no model":           {func(r *Request) { r.Model = "" }, "model: is missing"},
		"year 9999":          {func(r *Request) { r.ArrivalUS = 253_370_764_800_000_000 }, "arrival_us: 253370764800000000 is not within 1970 to 2100"},
		"before 1970":        {func(r *Request) { r.ArrivalUS = -2 }, "arrival_us: -2 is not within"},
		"no arrival":         {func(r *Request) { r.ArrivalUS = Unknown }, "arrival_us: is missing"},
		"2100":               {func(r *Request) { r.ArrivalUS = MaxArrivalUS }, "arrival_us:"},
		"absurd tokens":      {func(r *Request) { r.ResponseTokens = MaxTokens + 1 }, "response_tokens: 100000001 is more than"},
		"negative tokens":    {func(r *Request) { r.RequestTokens = -2 }, "request_tokens: -2 is negative"},
		"long name":          {func(r *Request) { r.Model = strings.Repeat("m", MaxName+1) }, "model: has 257 bytes"},
		"too many labels":    {func(r *Request) { r.Labels = make([]Label, MaxLabels+1) }, "labels:"},
		"repeated label":     {func(r *Request) { r.Labels = []Label{{"a", "1"}, {"a", "2"}} }, "labels:"},
		"infinite":           {func(r *Request) { r.TopP = math.Inf(1) }, "infinite"},
		"no outcome":         {func(r *Request) { r.Outcome = OutcomeUnknown }, "outcome:"},
		"two things at once": {func(r *Request) { r.Service, r.Seq = "", -3 }, "seq: -3 is not within"},
	} {
		r := full()
		c.change(&r)
		_, err := r.Validate()
		switch {
		case err == nil && c.want != "":
			t.Errorf("%s: accepted", name)
		case err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %q, want %q", name, err, c.want)
		}
	}
	r := full()
	r.ElapsedUS = MaxElapsedUS + 1
	if cut, err := r.Validate(); cut != 1 || err != nil || r.ElapsedUS != MaxElapsedUS {
		t.Errorf("an elapsed over 24 h: cut %d, %v, %d", cut, err, r.ElapsedUS)
	}
}

// FuzzDecode holds the scanner against encoding/json: what one accepts the other accepts, with the same values.
func FuzzDecode(f *testing.F) {
	r := full()
	f.Add(AppendJSON(nil, &r))
	f.Add([]byte(`{"service":"s","model":"m","arrival_us":1,"outcome":"ok","x":[{"y":"\u00e9"}],"seed":null}`))
	f.Add([]byte(` { "request_tokens" : 1 , "request_tokens" : null } `))
	f.Add([]byte("{\"client\":\"\xff\\ud800\"}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Decoder
		var got Request
		err := d.Decode(data, &got)
		// What a decoder has seen before makes it faster, and nothing else.
		var again Request
		for _, before := range [][]byte{data, AppendJSON(nil, &r)} {
			d.Decode(before, &again)
			again.Reset()
			if e := d.Decode(data, &again); fmt.Sprint(e) != fmt.Sprint(err) || err == nil && again.Content() != got.Content() && len(got.Labels) < 2 {
				t.Fatalf("first %+v (%v), then %+v (%v)", got, err, again, e)
			}
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(data, &fields) != nil || fields == nil {
			if err == nil {
				t.Fatalf("accepted what encoding/json refuses")
			}
			return
		}
		if err != nil {
			var field *FieldError
			if !errors.As(err, &field) {
				t.Fatalf("refused JSON that encoding/json reads: %v", err)
			}
			return
		}
		for name, check := range map[string]struct {
			got     any
			unknown bool
		}{
			"service": {got.Service, got.Service == ""}, "model": {got.Model, got.Model == ""},
			"request_id": {got.RequestID, got.RequestID == ""}, "conversation": {got.Conversation, got.Conversation == ""},
			"arrival_us": {got.ArrivalUS, false}, "seq": {got.Seq, got.Seq == 0},
			"request_tokens": {got.RequestTokens, got.RequestTokens == Unknown},
			"elapsed_us":     {got.ElapsedUS, got.ElapsedUS == Unknown},
		} {
			raw, there := fields[name]
			if !there || string(raw) == "null" {
				if there && !check.unknown {
					t.Fatalf("%s is null but %v", name, check.got)
				}
				continue
			}
			switch v := check.got.(type) {
			case string:
				var want string
				if json.Unmarshal(raw, &want) != nil || want != v {
					t.Fatalf("%s: got %q from %s", name, v, raw)
				}
			case int64:
				var want int64
				if json.Unmarshal(raw, &want) != nil || want != v {
					t.Fatalf("%s: got %d from %s", name, v, raw)
				}
			}
		}
		if got.Outcome != OutcomeUnknown {
			if err := d.Decode(AppendJSON(nil, &got), &again); err != nil {
				t.Fatalf("cannot read what it wrote: %v", err)
			}
			// Labels come out of a map; Validate sorts them.
			got.Validate()
			again.Validate()
			if got.Content() != again.Content() && got.PrefixBlockTokens == again.PrefixBlockTokens {
				t.Fatalf("changed in a round trip:\n%+v\n%+v", got, again)
			}
		}
	})
}

func TestPartition(t *testing.T) {
	// Values of org.apache.kafka.common.utils.Utils.murmur2, from Kafka's own UtilsTest.
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if got := int32(murmur2(key)); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", key, got, want)
		}
	}
	for _, n := range []int{1, 12, 100} {
		if p := Partition("burstgpt", n); p < 0 || p >= n {
			t.Errorf("partition %d of %d", p, n)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	line := []byte(`{"service":"burstgpt","model":"ChatGPT","log_type":"conversation","arrival_us":19440110000000,"request_id":"3f8a9b1c2d4e5f60:1234567","seq":1234567,"conversation":"1722ac82","outcome":"ok","request_tokens":906,"response_tokens":446,"elapsed_us":3000000}`)
	var d Decoder
	var r Request
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if err := d.Decode(line, &r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkContent(b *testing.B) {
	r := full()
	r.PrefixHashes, r.Labels = nil, nil
	for b.Loop() {
		r.Content()
	}
}

// TestTexts holds the column of texts against a slice of strings.
func TestTexts(t *testing.T) {
	want := []string{"", "a", "", "länger", "b"}
	var texts Texts
	for round := range 2 {
		for _, s := range want {
			texts.Append(s)
		}
		for from := range want {
			for to := from; to <= len(want); to++ {
				part := texts.Slice(from, to).Slice(0, to-from)
				if got, bytes := part.Len(), part.Bytes(); got != to-from || bytes != len(strings.Join(want[from:to], "")) {
					t.Fatalf("round %d: %d to %d has %d texts of %d bytes", round, from, to, got, bytes)
				}
				for i := range part.Len() {
					if part.At(i) != want[from+i] {
						t.Errorf("round %d: text %d of %d to %d is %q", round, i, from, to, part.At(i))
					}
				}
				if part.empty() != (strings.Join(want[from:to], "") == "") {
					t.Errorf("%d to %d: empty is %v", from, to, part.empty())
				}
			}
		}
		texts.Reset()
	}
}
