package replay

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func events(t *testing.T, from io.Reader) (events []string, s *stream) {
	t.Helper()
	s = new(stream)
	s.reset(from)
	for {
		data, err := s.next()
		if err == io.EOF {
			return events, s
		}
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, string(data))
	}
}

func TestStream(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
		strange    bool
	}{
		{"one", "data: a\n\n", []string{"a"}, false},
		{"no space", "data:a\n\ndata: [DONE]\n\n", []string{"a", "[DONE]"}, false},
		{"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", []string{"a", "b"}, false},
		{"CR", "data: a\r\rdata: b\r\r", []string{"a", "b"}, false},
		{"comments and ids", ": ping\n\nid: 7\nretry: 10\ndata: a\n\n: ping\n\n", []string{"a"}, false},
		{"two lines", "data: a\ndata: b\n\n", []string{"a\nb"}, false},
		{"empty", "data\n\ndata:\n\n", []string{"", ""}, false},
		{"ends without a blank line", "data: a\n\ndata: b", []string{"a", "b"}, false},
		{"half a name", "data: a\n\ndat", []string{"a"}, false},
		{"byte order mark", "\xef\xbb\xbfdata: a\n\n", []string{"a"}, false},
		{"a page", "<html>\n<b>502</b>\n", nil, true},
		{"longer than the buffer", "data: " + strings.Repeat("x", 40_000) + "\n\ndata: y\n\n", []string{strings.Repeat("x", 40_000), "y"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, from := range map[string]io.Reader{
				"whole": strings.NewReader(c.text), "bytes": iotest.OneByteReader(strings.NewReader(c.text)),
				"with its end": iotest.DataErrReader(strings.NewReader(c.text)),
			} {
				got, s := events(t, from)
				if d := cmp.Diff(c.want, got); d != "" {
					t.Errorf("%s: %s", name, d)
				}
				if s.strange != c.strange {
					t.Errorf("%s: strange is %v", name, s.strange)
				}
			}
		})
	}
}

func TestChunk(t *testing.T) {
	none := func(c chunk) chunk {
		for _, n := range []*int64{&c.requestTokens, &c.responseTokens, &c.cachedTokens, &c.reasoningTokens} {
			if *n == 0 {
				*n = -1
			}
		}
		return c
	}
	for _, c := range []struct {
		text string
		want chunk
	}{
		{`{"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`, chunk{}},
		{`{"choices":[{"delta":{"content":" \"so\" "}}]}`, chunk{content: true}},
		{`{"choices":[{"delta":{"reasoning_content":"hm","content":null}}]}`, chunk{content: true}},
		{`{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f"}}]}}]}`, chunk{content: true}},
		{`{"choices":[{"text":"so","finish_reason":"length"}],"usage":null}`, chunk{content: true, finished: true, finish: []byte("length")}},
		{`{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}`,
			chunk{requestTokens: 7, responseTokens: 9, cachedTokens: 4, reasoningTokens: 2}},
		{`{"usage":{"prompt_tokens":1e99,"completion_tokens":"many"}}`, chunk{}},
		{`{"error":{"message":"out of memory","type":"InternalServerError","code":500}}`, chunk{failed: true, message: []byte("out of memory"), kind: []byte("InternalServerError")}},
		{`{"error":"no such model"}`, chunk{failed: true, message: []byte("no such model")}},
		{`{"object":"error","message":"too long","type":"BadRequestError"}`, chunk{failed: true, message: []byte("too long"), kind: []byte("BadRequestError")}},
		{`{"choices":[{"message":{"content":"all of it"},"finish_reason":"stop"}],"error":null}`, chunk{content: true, finished: true, finish: []byte("stop")}},
	} {
		var got chunk
		if !got.parse([]byte(c.text)) {
			t.Errorf("%s is refused", c.text)
		}
		if d := cmp.Diff(none(c.want), got, cmp.AllowUnexported(chunk{})); d != "" {
			t.Errorf("%s: %s", c.text, d)
		}
	}
}

func TestNoAllocationAChunk(t *testing.T) {
	text := bytes.Repeat([]byte(`data: {"id":"cmpl-1","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}`+"\n\n"), 1000)
	from := bytes.NewReader(text)
	var s stream
	var c chunk
	s.reset(from)
	allocated := testing.AllocsPerRun(10, func() {
		from.Reset(text)
		s.reset(from)
		for {
			data, err := s.next()
			if err != nil {
				return
			}
			if !c.parse(data) || !c.content {
				t.Fatal(string(data))
			}
		}
	})
	if allocated != 0 {
		t.Errorf("%v allocations in a stream of 1,000 chunks", allocated)
	}
}

// FuzzChunk: what the parser takes for an object is one to encoding/json, and the other way round, and both find the same in it.
func FuzzChunk(f *testing.F) {
	f.Add([]byte(`{"choices":[{"delta":{"content":"a\u00e4\n"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":20}}`))
	f.Add([]byte(`{"error":{"message":"x","type":"y"},"choices":[{"text":"z"}]}`))
	f.Add([]byte(`{"a":[1,-0.5e+3,true,null,{}],"b":{"c":"\\\""}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("[")) > maxDepth {
			t.Skip("may be nested deeper than answers are")
		}
		var c chunk
		got := c.parse(text)
		object := bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{"))
		if want := object && json.Valid(text); got != want {
			t.Fatalf("%q: taken %v, valid %v", text, got, want)
		}
	})
}

// FuzzStream: any bytes are read to their end, in whatever pieces they come, with the same events.
func FuzzStream(f *testing.F) {
	f.Add([]byte("data: {}\n\ndata: [DONE]\n\n"))
	f.Add([]byte(": c\r\nevent: error\r\ndata: x\rdata\n\nfoo"))
	f.Fuzz(func(t *testing.T, text []byte) {
		whole, a := events(t, bytes.NewReader(text))
		pieces, b := events(t, iotest.HalfReader(iotest.DataErrReader(bytes.NewReader(text))))
		if d := cmp.Diff(whole, pieces); d != "" {
			t.Fatal(d)
		}
		if a.strange != b.strange {
			t.Fatal("strange in one of two")
		}
	})
}
