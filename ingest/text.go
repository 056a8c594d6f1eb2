package ingest

import (
	"unicode/utf8"
	"unsafe"

	"tidegauge/schemas"
)

// names keeps the texts of one column of which there are few (models, services): each is made once. Its zero value is
// ready.
type names struct {
	last  string // logs repeat the previous row's name more often than not
	known map[string]string
}

// maxNames bounds what names remembers. A column with more distinct texts does not name something few, and is paid for
// by the row.
const maxNames = 10_000

func (n *names) keep(b []byte) string {
	if n.last == string(b) {
		return n.last
	}
	if len(b) > schemas.MaxName {
		return validText(string(b)) // no name, and not worth the memory
	}
	s, ok := n.known[string(b)]
	if !ok {
		if n.known == nil || len(n.known) >= maxNames {
			n.known = make(map[string]string)
		}
		key := string(b)
		s = validText(key)
		n.known[key] = s
	}
	n.last = s
	return s
}

// texts lays texts of which there are many (ids) into chunks, so that a row costs no allocation of its own. They stay
// valid for ever; keeping one keeps its chunk. Its zero value is ready.
type texts struct{ chunk []byte }

// chunkBytes is large enough to be rare and small enough that a few ids kept from a log do not keep the log.
const chunkBytes = 64 << 10

// room makes sure that n bytes can be appended to the chunk in place.
func (t *texts) room(n int) {
	if n > cap(t.chunk)-len(t.chunk) {
		t.chunk = make([]byte, 0, max(chunkBytes, n))
	}
}

func (t *texts) keep(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if !utf8.Valid(b) {
		return validText(string(b))
	}
	t.room(len(b))
	start := len(t.chunk)
	t.chunk = append(t.chunk, b...)
	return t.since(start)
}

// since gives what was appended to the chunk from start on. Bytes of a chunk are written once and never again, which
// is what makes the conversion sound.
func (t *texts) since(start int) string {
	return unsafe.String(unsafe.SliceData(t.chunk[start:]), len(t.chunk)-start)
}

// validText puts U+FFFD in place of each byte that is no UTF-8: what the text becomes as JSON on the topic, done here
// so that a reader without a topic sees the same text.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
