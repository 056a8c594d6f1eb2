package ingest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// CSV is read as encoding/csv does, without its allocations: FuzzCSV holds the two together. One difference is meant: a
// quote that is never closed spoils its own line, not everything up to the next quote.

// table says what a CSV format's header may name, in any order, among other columns.
type table struct {
	// mark is the name of a column that every header of the format has.
	mark    string
	columns []column
}

type column struct {
	name     string
	required bool
	// given says whether the options make a required column unnecessary.
	given func(*Options) bool
}

// layout is a header in force: where each of the table's columns stands.
type layout struct {
	// at is the number of the field of each of the table's columns, -1 where the header lacks it.
	at []int
	// fields is how many fields a row has.
	fields int
}

// layoutOf reads a header.
func (t *table) layoutOf(header []byte, o *Options) (*layout, error) {
	fields, _, err := splitCSV(header, nil, nil)
	if err != nil {
		return nil, err
	}
	seen := make([]string, len(fields))
	for i, f := range fields {
		seen[i] = strings.TrimSpace(string(f))
	}
	l := &layout{at: make([]int, len(t.columns)), fields: len(fields)}
	var missing []string
	for i, c := range t.columns {
		l.at[i] = slices.Index(seen, c.name)
		switch {
		case l.at[i] >= 0 && slices.Contains(seen[l.at[i]+1:], c.name):
			return nil, fmt.Errorf("the column %q appears twice", c.name)
		case l.at[i] < 0 && c.required && (c.given == nil || !c.given(o)):
			missing = append(missing, fmt.Sprintf("%q", c.name))
		}
	}
	if missing != nil {
		return nil, fmt.Errorf("no column %s among %s", strings.Join(missing, ", "), clip([]byte(strings.Join(seen, ","))))
	}
	return l, nil
}

// names says whether the first line of head is a header with all these columns: how CSV formats are recognised.
func headerNames(head []byte, wanted ...string) bool {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	fields, _, err := splitCSV(bytes.TrimSuffix(line, []byte("\r")), nil, nil)
	if err != nil {
		return false
	}
	for _, w := range wanted {
		if !slices.ContainsFunc(fields, func(f []byte) bool { return string(bytes.TrimSpace(f)) == w }) {
			return false
		}
	}
	return true
}

// row is what CSV decoders share: the fields of the record at hand.
type row struct {
	fields [][]byte
	// quoted holds the texts of quoted fields, whose doubled quotes had to be undone.
	quoted []byte
}

// split sets the fields of a record, which must be as many as the header's: a row that was cut short is not a row with
// unknown values.
func (w *row) split(r record) (err error) {
	if r.quoted {
		if w.fields, w.quoted, err = splitCSV(r.data, w.fields[:0], w.quoted[:0]); err != nil {
			return err
		}
	} else {
		w.fields = splitPlain(r.data, w.fields[:0])
	}
	if len(w.fields) != r.layout.fields {
		return fieldError("row", "has %d fields where the header has %d", len(w.fields), r.layout.fields)
	}
	return nil
}

// field gives a column's text, nil where the header lacks the column.
func (w *row) field(r record, column int) []byte {
	if at := r.layout.at[column]; at >= 0 {
		return w.fields[at]
	}
	return nil
}

// splitPlain is splitCSV for records without a quote in them.
func splitPlain(b []byte, fields [][]byte) [][]byte {
	start := 0
	for i, c := range b {
		if c == ',' {
			fields = append(fields, b[start:i])
			start = i + 1
		}
	}
	return append(fields, b[start:])
}

// splitCSV appends a record's fields to fields. Texts of quoted fields go to quoted, the others are parts of the record.
func splitCSV(b []byte, fields [][]byte, quoted []byte) ([][]byte, []byte, error) {
	start := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case ',':
			fields = append(fields, b[start:i])
			start = i + 1
		case '"':
			if i != start {
				return fields, quoted, fieldError("row", "has a quote inside the unquoted field %s", clip(b[start:]))
			}
			text, n, grown, err := unquote(b[i:], quoted)
			if err != nil {
				return fields, quoted, err
			}
			quoted = grown
			fields = append(fields, text)
			start = i + n + 1 // past the comma
			i = start - 1
			if start > len(b) {
				return fields, quoted, nil // the quoted field was the last
			}
		}
	}
	return append(fields, b[start:]), quoted, nil
}

// unquote reads the quoted field that b starts with, up to the comma or the end that follows it. It gives the text, how
// long the field is, and the buffer that holds the text.
func unquote(b, buffer []byte) (text []byte, length int, grown []byte, err error) {
	begin := len(buffer)
	for i := 1; ; {
		k := bytes.IndexByte(b[i:], '"')
		if k < 0 {
			return nil, 0, buffer, fieldError("row", "has a quoted field without an end: %s", clip(b))
		}
		buffer = appendLines(buffer, b[i:i+k])
		i += k + 1
		switch {
		case i == len(b) || b[i] == ',':
			return buffer[begin:len(buffer):len(buffer)], i, buffer, nil
		case b[i] == '"':
			buffer = append(buffer, '"')
			i++
		default:
			return nil, 0, buffer, fieldError("row", "has text after the end of the quoted field %s", clip(b[:i]))
		}
	}
}

// appendLines appends b with its line ends, which a quoted field may hold, as plain newlines.
func appendLines(dst, b []byte) []byte {
	for {
		i := bytes.Index(b, []byte("\r\n"))
		if i < 0 {
			return append(dst, b...)
		}
		dst = append(dst, b[:i]...)
		dst = append(dst, '\n')
		b = b[i+2:]
	}
}

// recordCSV gives the length of the record that b starts with, its line end included; 0 if b ends before it does. A
// record that is no CSV ends with its line.
func recordCSV(b []byte) int {
	line := bytes.IndexByte(b, '\n') + 1
	if line > 0 && bytes.IndexByte(b[:line], '"') < 0 {
		return line
	}
	for i := 0; i < len(b); { // at the start of a field
		if b[i] != '"' {
			for i < len(b) && b[i] != ',' && b[i] != '\n' && b[i] != '"' {
				i++
			}
			switch {
			case i == len(b):
				return 0
			case b[i] == ',':
				i++
				continue
			}
			return lineEnd(b, i) // a newline, or a quote where none may be
		}
		for i++; ; i++ { // inside quotes
			k := bytes.IndexByte(b[i:], '"')
			if k < 0 {
				return 0
			}
			if i += k + 1; i == len(b) || b[i] != '"' {
				break
			}
		}
		switch {
		case i == len(b):
			return 0
		case b[i] == ',':
			i++
		default:
			return lineEnd(b, i)
		}
	}
	return 0
}

// lineEnd gives the position after the newline at or after i, 0 without one.
func lineEnd(b []byte, i int) int {
	if k := bytes.IndexByte(b[i:], '\n'); k >= 0 {
		return i + k + 1
	}
	return 0
}
