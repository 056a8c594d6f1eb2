package ingest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

func TestHashIDs(t *testing.T) {
	key := []byte("0123456789abcdef")
	want := func(kind, id string) string {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(kind + "\x00" + id))
		return hex.EncodeToString(mac.Sum(nil))[:32]
	}
	long := strings.Repeat("x", 600) // too long for an id, not for a hash
	text := `{"service":"s","model":"m","arrival_us":1,"outcome":"ok","conversation":"alice","client":"alice","request_id":"own"}
{"service":"t","model":"m","arrival_us":2,"outcome":"ok","conversation":"` + long + `"}
{"service":"t","model":"m","arrival_us":3,"outcome":"ok","client":"alice"}
`
	out := readText(t, ReaderConfig{Options: Options{HashKey: key}}, text)
	if out.err != nil || len(out.requests) != 3 {
		t.Fatal(out.err)
	}
	a, b, c := out.requests[0], out.requests[1], out.requests[2]
	if a.Conversation != want("conversation", "alice") || a.Client != want("client", "alice") || a.RequestID != "own" || a.Client == a.Conversation {
		t.Errorf("%+v", a)
	}
	if b.Conversation != want("conversation", long) || b.Client != "" || c.Client != a.Client || c.Conversation != "" {
		t.Errorf("%+v\n%+v", b, c)
	}
	if other := readText(t, ReaderConfig{Options: Options{HashKey: []byte("0123456789abcdeF")}}, text); other.requests[0].Client == a.Client {
		t.Error("another key gives the same")
	}
	if strings.Contains(jsonOf(out.requests), "alice") {
		t.Error("an id is still there")
	}
}

func TestHashKey(t *testing.T) {
	if key, err := ReadHashKey(writeFile(t, "key", "0123456789abcdef\n")); string(key) != "0123456789abcdef" {
		t.Errorf("%q, %v", key, err)
	}
	if _, err := ReadHashKey(writeFile(t, "key", " 0123456789abcde \n")); !strings.Contains(errText(err), "key: has 15 bytes, and a key needs 16") {
		t.Error(err)
	}
	if _, err := ReadHashKey("/nowhere"); errText(err) != "/nowhere: no such file or directory" {
		t.Error(err)
	}
}

// TestLabels: only the labels that are asked for are kept.
func TestLabels(t *testing.T) {
	const text = `{"service":"s","model":"m","arrival_us":1,"outcome":"ok","request_id":"a","labels":{"team":"t","user":"alice","region":"eu"}}`
	for _, test := range []struct {
		keep []string
		want string
	}{
		{nil, `,"labels":{"region":"eu","team":"t","user":"alice"}}`},
		{[]string{"team", "region", "x"}, `,"labels":{"region":"eu","team":"t"}}`},
		{[]string{}, `"ok"}`},
	} {
		out := readText(t, ReaderConfig{Options: Options{Labels: test.keep}}, text)
		if got := strings.TrimSpace(jsonOf(out.requests)); out.err != nil || !strings.HasSuffix(got, test.want) {
			t.Errorf("%q: %s, %v", test.keep, got, out.err)
		}
	}
}
