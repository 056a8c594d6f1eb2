// What Decoder reads JSON with: white space, strings, values that are skipped, and what is said of what cannot be read.

package schemas

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// next skips white space and gives the byte at hand, 0 at the end.
func (d *Decoder) next() byte {
	for d.at < len(d.data) {
		switch c := d.data[d.at]; c {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			return c
		}
	}
	return 0
}

func (d *Decoder) null() bool {
	if d.at < len(d.data) && d.data[d.at] == 'n' && bytes.HasPrefix(d.data[d.at:], []byte("null")) {
		d.at += 4
		return true
	}
	return false
}

// str reads the string at hand. The bytes are d.data's own unless it has escapes.
func (d *Decoder) str() ([]byte, error) {
	start := d.at + 1
	ascii := true
	for i := start; i < len(d.data); i++ {
		i += plain(d.data[i:])
		if i == len(d.data) {
			break
		}
		switch c := d.data[i]; {
		case c == '"':
			d.at = i + 1
			s := d.data[start:i]
			if !ascii && !utf8.Valid(s) {
				return d.unquote(d.data[start-1 : i+1])
			}
			return s, nil
		case c == '\\':
			return d.escaped(start - 1)
		case c < ' ':
			return nil, d.syntax("has a control character in a string")
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, d.syntax("ends inside a string")
}

// plain says how many bytes from the first on are certainly part of a string and stand for themselves, looking at eight at
// once: ASCII but for quotes, backslashes and control characters.
func plain(b []byte) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(b) >= n+8; n += 8 {
		v := binary.LittleEndian.Uint64(b[n:])
		quote, slash := v^(each*'"'), v^(each*'\\')
		// A byte's highest bit is set where it is special; what a borrow sets beyond the first of these is not looked at.
		special := ((v - each*' ') | (quote - each) | (slash - each) | v) & high
		if special != 0 {
			return n + bits.TrailingZeros64(special)/8
		}
	}
	return n
}

// escaped reads a string with escapes from its opening quote, as encoding/json does.
func (d *Decoder) escaped(open int) ([]byte, error) {
	for i := open + 1; i < len(d.data); i++ {
		switch d.data[i] {
		case '\\':
			i++
		case '"':
			d.at = i + 1
			return d.unquote(d.data[open : i+1])
		}
	}
	return nil, d.syntax("ends inside a string")
}

func (d *Decoder) unquote(quoted []byte) ([]byte, error) {
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return nil, d.syntax("has a bad escape in a string")
	}
	return []byte(s), nil
}

// skip passes over any JSON value. What lies inside a list or an object is checked as a whole.
func (d *Decoder) skip() error {
	start := d.at
	switch d.next() {
	case '"':
		_, err := d.str()
		return err
	case '{', '[':
		depth := 0
		for d.at < len(d.data) {
			switch d.data[d.at] {
			case '"':
				if _, err := d.str(); err != nil {
					return err
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			d.at++
			if depth == 0 {
				if !json.Valid(d.data[start:d.at]) {
					return d.syntax("has a value that is not JSON")
				}
				return nil
			}
		}
		return d.syntax("ends inside a value")
	}
	for d.at < len(d.data) && !bytes.ContainsRune([]byte(",}] \t\r\n"), rune(d.data[d.at])) {
		d.at++
	}
	if !json.Valid(d.data[start:d.at]) {
		return d.syntax("has a value that is not JSON")
	}
	return nil
}

func (d *Decoder) kind(field, want string) error {
	if d.at >= len(d.data) {
		return d.syntax("ends where a value should be")
	}
	return fieldError(field, "%s is not %s", clip(d.data[d.at:]), want)
}

func (d *Decoder) syntax(what string) error {
	return &syntaxError{what: what, at: d.at}
}

type syntaxError struct {
	what string
	at   int
}

func (e *syntaxError) Error() string {
	return ErrJSON.Error() + ": " + e.what + " (byte " + strconv.Itoa(e.at) + ")"
}

func (e *syntaxError) Unwrap() error { return ErrJSON }

// clip gives the start of what cannot be read, up to its end where that is near.
func clip(b []byte) string {
	const most = 40
	if i := bytes.IndexAny(b, ",}\n"); i > 0 && i < most {
		b = b[:i]
	}
	if len(b) > most {
		return string(bytes.ToValidUTF8(b[:most], nil)) + "…"
	}
	return string(bytes.ToValidUTF8(b, nil))
}
