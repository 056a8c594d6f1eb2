package ingest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// records gives what nextObject finds in a text.
func recordsOf(text string) (found []string, whole bool) {
	b := []byte(text)
	whole = true
	for whole {
		var start, end int
		if start, end, whole = nextObject(b); start < 0 {
			break
		}
		found = append(found, string(b[start:end]))
		b = b[end:]
	}
	return found, whole
}

func TestNextObject(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
		part bool // the last is not whole
	}{
		{text: " \n[ ,]"},
		{text: `{"a":1}`, want: []string{`{"a":1}`}},
		{text: "{\"a\":1}\r\n{\"b\":[{},{}]}\n", want: []string{`{"a":1}`, `{"b":[{},{}]}`}},
		{text: `[{"a":"}\"{"},{"b":2}]`, want: []string{`{"a":"}\"{"}`, `{"b":2}`}},
		{text: "[\n  {\n  \"a\":\n{\"b\": [\n{},\n{}\n]}\n},\n{}\n]", want: []string{"{\n  \"a\":\n{\"b\": [\n{},\n{}\n]}\n}", "{}"}},
		{text: "{\"a\":1,\n{\"b\":2}\n", want: []string{`{"a":1,`, `{"b":2}`}},       // cut short between members
		{text: "{\"a\":[1\n{\"b\":2}\n", want: []string{`{"a":[1`, `{"b":2}`}},       // and inside a list
		{text: "{\"a\":\"x\n{\"b\":2}\n", want: []string{`{"a":"x`, `{"b":2}`}},      // inside a text
		{text: "{\"a\":\"x\\\n{\"b\":2}\n", want: []string{`{"a":"x\`, `{"b":2}`}},   // inside an escape
		{text: "hello\n{\"b\":2}\n", want: []string{`hello`, `{"b":2}`}},             // no object at all
		{text: "\"{\"\n{\"b\":2}\n", want: []string{`"{"`, `{"b":2}`}},               // a text
		{text: "{\"a\":[1}]}\n{\"b\":2}\n", want: []string{`{"a":[1}]}`, `{"b":2}`}}, // brackets that do not match
		{text: "{\"a\":1", want: []string{`{"a":1`}, part: true},
		{text: "{\"a\":\"", want: []string{`{"a":"`}, part: true},
		{text: "12", want: []string{`12`}, part: true},
		{text: strings.Repeat("[", 5) + strings.Repeat(`{"a":`, 300) + "\n{}", want: []string{strings.Repeat(`{"a":`, 300), "{}"}},
	} {
		got, whole := recordsOf(test.text)
		if diff := cmp.Diff(test.want, got); diff != "" || whole == test.part {
			t.Errorf("%q: whole %t, %s", test.text, whole, diff)
		}
	}
}

// TestObjectsInBlocks: a list on one line that is larger than a block is cut into requests whose ids say where they are,
// whatever pieces it comes in; a bad one costs only itself.
func TestObjectsInBlocks(t *testing.T) {
	var one, lines bytes.Buffer
	const n = 2000
	for i := range n {
		one.WriteString([]string{"[", ", "}[min(i, 1)])
		object := `{"call_type":"acompletion","model":"m","startTime":1,"messages":"` + strings.Repeat("x", i%300) + `"}`
		if i == 1000 {
			object = strings.Replace(object, `:1,`, `:"",`, 1)
		}
		one.WriteString(object)
		lines.WriteString(object + "\n")
	}
	one.WriteString("]")
	list := readText(t, ReaderConfig{OnError: Skip}, one.String())
	apart := readText(t, ReaderConfig{OnError: Skip}, lines.String())
	for _, out := range []got{list, apart} {
		if out.err != nil || len(out.requests) != n-1 || out.stats.Refused != 1 || out.stats.Refusals[0].Field != "startTime" {
			t.Fatalf("%d requests, %+v, %v", len(out.requests), out.stats, out.err)
		}
	}
	ids := map[string]bool{}
	for i := range list.requests {
		ids[list.requests[i].RequestID] = true
		if list.lines[i] != 1 {
			t.Fatalf("line %d", list.lines[i])
		}
	}
	if last := list.requests[n-2].RequestID; len(ids) != n-1 || last[16:] != ":1.1999" {
		t.Errorf("%d ids, the last %s", len(ids), last)
	}
	if apart.lines[n-2] != n || apart.requests[n-2].RequestID[16:] != ":2000" {
		t.Errorf("line %d, %s", apart.lines[n-2], apart.requests[n-2].RequestID)
	}
}

// FuzzObjects: whatever encoding/json finds in a row of objects is found, and what is cut is the text itself.
func FuzzObjects(f *testing.F) {
	for _, s := range []string{`{"a":1}` + "\n" + `{"b":{"c":[1,{}]}}`, "{\n\"a\":\n{}}", "{\"a\n{}", `{"a":"\"}"} {`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		rest := text
		for {
			start, end, whole := nextObject(rest)
			if start < 0 || !whole {
				break
			}
			if end <= start || end > len(rest) {
				t.Fatalf("%q: %d to %d", rest, start, end)
			}
			rest = rest[end:]
		}
		// A text that is one object is one record.
		trimmed := bytes.TrimSpace(text)
		if len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(trimmed) && bytes.Count(trimmed, []byte("{"))+bytes.Count(trimmed, []byte("[")) < maxDepth {
			if found, whole := recordsOf(string(text)); !whole || len(found) != 1 || found[0] != string(trimmed) {
				t.Errorf("%q is cut into %q", text, found)
			}
		}
	})
}
