package replay

import (
	"bytes"
	"errors"
	"io"
	"time"
)

// maxEvent bounds one event of a stream, and an answer that is not streamed. A server that sends more without an end is
// not answering.
const maxEvent = 16 << 20

var (
	errTooLong = errors.New("an event of more than 16 MiB")
	done       = []byte("[DONE]")

	byteOrderMark = []byte("\xef\xbb\xbf")
)

// stream reads server-sent events (WHATWG HTML, 9.2): no more of them than their data, and whether they are called errors.
// Its buffer grows to the longest event, and is used again.
type stream struct {
	from   io.Reader
	buffer []byte
	r, w   int // what is there to be read
	data   []byte
	at     time.Time // when the last bytes came
	failed bool      // the event's name is error
	// strange says that there were lines that no stream of events has.
	strange bool
	err     error
	lines   int  // of data, in the event at hand
	crEnded bool // the line before ended with a CR, whose LF may still come
	begun   bool // something was read, so a byte order mark is none
	unended bool // the latest line is the last, and has no end: it may be a part of one
}

func (s *stream) reset(from io.Reader) {
	if s.buffer == nil {
		s.buffer = make([]byte, 16<<10)
	}
	*s = stream{from: from, buffer: s.buffer, data: s.data[:0]}
}

// next gives the data of the next event, until the next call; io.EOF at the end. An event that the stream ends in is given,
// too, as some servers leave out the blank line after the last; unended says that its last line may be half a line.
func (s *stream) next() ([]byte, error) {
	s.data, s.lines, s.failed = s.data[:0], 0, false
	for {
		line, err := s.line()
		if err != nil {
			if s.lines > 0 {
				return s.data, nil
			}
			return nil, err
		}
		if len(line) == 0 {
			if s.lines > 0 {
				return s.data, nil
			}
			s.failed = false
			continue
		}
		s.take(line)
		if len(s.data) > maxEvent {
			s.err = errTooLong
			return nil, s.err
		}
	}
}

// take adds a line to the event at hand.
func (s *stream) take(line []byte) {
	if !s.begun {
		s.begun, line = true, bytes.TrimPrefix(line, byteOrderMark)
	}
	name, value, _ := bytes.Cut(line, []byte{':'})
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	switch string(name) {
	case "data":
		if s.lines > 0 {
			s.data = append(s.data, '\n')
		}
		s.lines++
		s.data = append(s.data, value...)
	case "event":
		s.failed = string(value) == "error"
	case "", "id", "retry": // "": a comment
	default:
		s.strange = s.strange || !s.unended || !bytes.HasPrefix([]byte("data"), name)
	}
}

// line gives the next line without its end, which is LF, CRLF or CR; what follows a CR is waited for only once more is asked for.
func (s *stream) line() ([]byte, error) {
	seen := 0
	for {
		if s.crEnded && s.r < s.w {
			if s.buffer[s.r] == '\n' {
				s.r++
			}
			s.crEnded = false
		}
		if i := bytes.IndexAny(s.buffer[s.r+seen:s.w], "\n\r"); i >= 0 {
			line := s.buffer[s.r : s.r+seen+i]
			s.crEnded = s.buffer[s.r+seen+i] == '\r'
			s.r += seen + i + 1
			return line, nil
		}
		seen = s.w - s.r
		if err := s.fill(); err != nil {
			if seen > 0 && err == io.EOF { // a last line without an end
				line := s.buffer[s.r:s.w]
				s.r, s.unended = s.w, true
				return line, nil
			}
			return nil, err
		}
	}
}

// fill reads more behind what is there.
func (s *stream) fill() error {
	if s.err != nil {
		return s.err
	}
	if s.r > 0 {
		s.w = copy(s.buffer, s.buffer[s.r:s.w])
		s.r = 0
	}
	if s.w == len(s.buffer) {
		if len(s.buffer) >= maxEvent {
			s.err = errTooLong
			return s.err
		}
		s.buffer = append(s.buffer, make([]byte, len(s.buffer))...)
	}
	n, err := s.from.Read(s.buffer[s.w:])
	s.w += n
	s.err = err // given once what came with it is read
	if n > 0 {
		s.at = time.Now()
		return nil
	}
	if err == nil { // nothing and no error: a reader may, now and then
		return nil
	}
	return err
}

// rest reads the whole as one text.
func (s *stream) rest() ([]byte, error) {
	for {
		if err := s.fill(); err == io.EOF {
			return s.buffer[s.r:s.w], nil
		} else if err != nil {
			return s.buffer[s.r:s.w], err
		}
	}
}
