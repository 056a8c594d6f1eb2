package ingest

import (
	"encoding/json"
	"testing"
)

// FuzzJSON: what the cursor passes is what encoding/json calls valid, but for its limit of depth.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1,"b":[1,2,{"c":null}]}`, `[]`, `"a\u00e9\n"`, `"\ud800"`, `-1.5e+3`, `01`, `1.`, `tru`, `{"a":}`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`,
		` { "a" : "b" } `, `"\x"`, "\"\x01\"", `nullx`, `{"a" 1}`, `1 2`, `"`, `"\`, `[[[[]]]]`, `{"a":{"b":{}}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c := cursor{data: text}
		err := c.skip()
		if err == nil {
			err = c.end()
		}
		// skip does not look into escapes' digits unless the text is taken: text() does.
		if valid := json.Valid(text); valid != (err == nil) && c.depth <= maxDepth {
			t.Errorf("%q: valid %t, but %v", text, valid, err)
		}
	})
}

func TestHash(t *testing.T) {
	for text, want := range map[string]uint64{"0": 0, "7": 7, "18446744073709551615": 1<<64 - 1, "-1": 1<<64 - 1, "-9223372036854775808": 1 << 63} {
		if h, ok := hash([]byte(text)); !ok || h != want {
			t.Errorf("hash(%s) = %d, %t; want %d", text, h, ok, want)
		}
	}
	for _, text := range []string{"18446744073709551616", "-9223372036854775809", "1.5", "1e3", "99999999999999999999999"} {
		if h, ok := hash([]byte(text)); ok {
			t.Errorf("hash(%s) = %d", text, h)
		}
	}
}
