package ingest

import "bytes"

// Logs of JSON objects come in three shapes: an object a line, objects that are spread over several lines, and one list
// of them, which is how web interfaces answer and batching callbacks send. All three are read object by object, so that
// a list of a gigabyte needs no more memory than its largest object: brackets and commas between objects are passed
// over like white space.

// maxObject bounds an object. An OTLP message with prompts in it is the largest there is: collectors take 20 MiB, and
// send 4.
const maxObject = 16 << 20

// nextObject finds the next record of a text of JSON objects: b[start:end], start -1 if there is none. It is not whole
// if b ends inside it. What is no object, and an object that cannot go on as it does, ends with its line, so that a
// line that was cut short costs only itself.
func nextObject(b []byte) (start, end int, whole bool) {
	start = 0
	for start < len(b) && (b[start] <= ' ' || b[start] == ',' || b[start] == '[' || b[start] == ']') {
		start++
	}
	if start == len(b) {
		return -1, len(b), true
	}
	var lists [maxDepth + 1]bool // by depth: whether a list is open there, or an object
	depth := -1
	var last byte // that is no white space
	line := start // where the line that is being looked at starts
	for at := start; at < len(b); at++ {
		ch := b[at]
		switch ch {
		case '\n':
			line = at + 1
			continue
		case ' ', '\t', '\r':
			continue
		case '"':
			n := stringEnd(b[at:])
			if n == 0 {
				return start, len(b), false
			}
			if at += n - 1; b[at] != '"' {
				return start, at, true // a line break inside a text: the line was cut short
			}
		case '{', '[':
			fits := depth < 0 || last == ':' || (lists[depth] && (last == '[' || last == ','))
			if !fits && bytes.IndexByte(b[start:at], '\n') >= 0 && len(bytes.TrimSpace(b[line:at])) == 0 {
				return start, line - 1, true // the next record: this one was cut short
			}
			if depth++; depth > maxDepth {
				return lineRecord(b, start, at)
			}
			lists[depth] = ch == '['
		case '}', ']':
			if depth < 0 || lists[depth] != (ch == ']') {
				return lineRecord(b, start, at)
			}
			if depth--; depth < 0 {
				return start, at + 1, true
			}
		default:
			if depth < 0 {
				return lineRecord(b, start, at)
			}
		}
		if depth < 0 {
			return lineRecord(b, start, at) // a text where an object should be
		}
		last = ch
	}
	return start, len(b), false
}

// lineRecord ends a record that is no object with the line that at is in.
func lineRecord(b []byte, start, at int) (int, int, bool) {
	if i := bytes.IndexByte(b[at:], '\n'); i >= 0 {
		return start, at + i, true
	}
	return start, len(b), false
}

// stringEnd gives the length of the JSON text that b starts with: its last byte is the closing quote, or the newline
// that breaks it off; 0 if b ends first.
func stringEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '"', '\n':
			return i + 1
		case '\\':
			if i++; i < len(b) && b[i] == '\n' {
				return i + 1
			}
		}
	}
	return 0
}

// wholeObjects gives how many bytes of a text are whole objects, up to about most, and how many objects begin on the line on
// which the rest begins, where nth began on the text's first line before it. ended says that no more text follows.
func wholeObjects(text []byte, nth int, ended bool, most int) (n, next int) {
	for n < most {
		start, end, whole := nextObject(text[n:])
		if start < 0 {
			// Only what stands between objects is left.
			if bytes.IndexByte(text[n:], '\n') >= 0 {
				nth = 0
			}
			return len(text), nth
		}
		if !whole && !ended {
			break
		}
		if bytes.IndexByte(text[n:n+start], '\n') >= 0 {
			nth = 0
		}
		nth++
		if bytes.IndexByte(text[n+start:n+end], '\n') >= 0 {
			nth = 0
		}
		n += end
	}
	return n, nth
}

// cutObjects sends the whole objects that are there; ended says that no more text follows.
func (c *cutter) cutObjects(ended bool) error {
	n, nth := wholeObjects(c.rest(), c.nth, ended, len(c.rest()))
	c.b.nth, c.nth = c.nth, nth
	return c.send(n)
}

// decodeObjects is decode for formats whose records are objects.
func (w *worker) decodeObjects(b *block, d decoder) {
	data, line, nth := b.buffer[b.start:b.end], b.line, b.nth
	for {
		start, end, whole := nextObject(data)
		if start < 0 {
			return
		}
		if n := bytes.Count(data[:start], []byte("\n")); n > 0 {
			line += int64(n)
			nth = 0
		}
		text := data[start:end]
		if !whole {
			text = bytes.TrimSpace(text)
		}
		if !w.record(b, d, record{data: text}, line, nth) {
			return
		}
		nth++
		if n := bytes.Count(data[start:end], []byte("\n")); n > 0 {
			line += int64(n)
			nth = 0
		}
		data = data[end:]
	}
}
