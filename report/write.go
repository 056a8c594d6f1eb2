package report

import (
	"bytes"
	"encoding/json"
	"io"
)

// lineWidth is how long an object or array may be and still stand on one line. It keeps an hour, a profile bin and a
// fit on a line each, so that a document can be read and its versions compared line by line.
const lineWidth = 160

// WriteJSON writes the document followed by a newline. Equal documents give equal bytes.
func WriteJSON(w io.Writer, s *Summary) error {
	b, err := MarshalJSON(s)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// MarshalJSON gives what WriteJSON writes.
func MarshalJSON(s *Summary) ([]byte, error) {
	if s.Warnings == nil || s.Services == nil { // lists are never null
		filled := *s
		filled.Warnings, filled.Services = append([]Warning{}, s.Warnings...), append([]Service{}, s.Services...)
		s = &filled
	}
	var compact bytes.Buffer
	e := json.NewEncoder(&compact)
	e.SetEscapeHTML(false) // a model's name may hold < or &
	if err := e.Encode(s); err != nil {
		return nil, err
	}
	return Lines(compact.Bytes()), nil
}

// Lines breaks compact JSON into lines as this project's documents have them, with a newline at the end.
func Lines(compact []byte) []byte {
	l := layout{in: bytes.TrimSpace(compact)}
	l.measure()
	l.value(0)
	return append(l.out, '\n')
}

// layout breaks compact JSON into lines: containers of at most lineWidth bytes stay whole, others have one line for
// each member.
type layout struct {
	in, out []byte
	at      int
	end     map[int]int // where the container that begins here ends (exclusive), for those too long for a line
}

// measure finds the containers that do not fit on a line.
func (l *layout) measure() {
	l.end = map[int]int{}
	var open []int
	for i := 0; i < len(l.in); i++ {
		switch l.in[i] {
		case '"':
			i = l.skipString(i) - 1
		case '{', '[':
			open = append(open, i)
		case '}', ']':
			begin := open[len(open)-1]
			open = open[:len(open)-1]
			if i+1-begin > lineWidth {
				l.end[begin] = i + 1
			}
		}
	}
}

// skipString gives the place after the string that begins at i.
func (l *layout) skipString(i int) int {
	for i++; l.in[i] != '"'; i++ {
		if l.in[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// value copies the value at l.at, broken into lines indented by depth.
func (l *layout) value(depth int) {
	if _, long := l.end[l.at]; !long {
		l.line()
		return
	}
	l.copy(1)
	for more := true; more; {
		l.newline(depth + 1)
		if l.in[l.at] == '"' && l.isKey() {
			l.copy(l.skipString(l.at) + 1 - l.at) // the key and its colon
			l.out = append(l.out, ' ')
		}
		l.value(depth + 1)
		if more = l.in[l.at] == ','; more {
			l.copy(1)
		}
	}
	l.newline(depth)
	l.copy(1)
}

func (l *layout) isKey() bool { return l.in[l.skipString(l.at)] == ':' }

// line copies one value that stands on one line, with a space after each colon and comma.
func (l *layout) line() {
	for depth := 0; ; {
		switch c := l.in[l.at]; c {
		case '"':
			l.copy(l.skipString(l.at) - l.at)
		case '{', '[':
			depth++
			l.copy(1)
		case '}', ']':
			depth--
			l.copy(1)
		case ',', ':':
			l.copy(1)
			l.out = append(l.out, ' ')
		default:
			l.copy(1)
			continueNumber := l.at < len(l.in) && !bytes.ContainsRune([]byte(",:}]"), rune(l.in[l.at]))
			if continueNumber {
				continue
			}
		}
		if depth == 0 {
			return
		}
	}
}

func (l *layout) copy(n int) {
	l.out = append(l.out, l.in[l.at:l.at+n]...)
	l.at += n
}

func (l *layout) newline(depth int) {
	l.out = append(l.out, '\n')
	for range depth {
		l.out = append(l.out, ' ')
	}
}
