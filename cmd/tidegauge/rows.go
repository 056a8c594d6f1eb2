package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// rowWriter writes the rows of a query in one format.
type rowWriter interface {
	header([]column) error
	row([]column) error // the columns hold the row's values
	flush() error
}

var formatsOfRows = []string{"table", "json", "csv", "tsv"}

var rowFormats = map[string]func(io.Writer) rowWriter{
	"table": func(w io.Writer) rowWriter { return &tableWriter{w: bufio.NewWriter(w)} },
	"json":  func(w io.Writer) rowWriter { return &jsonWriter{w: bufio.NewWriter(w)} },
	"csv":   func(w io.Writer) rowWriter { return &csvWriter{w: csv.NewWriter(w)} },
	"tsv":   func(w io.Writer) rowWriter { return &tsvWriter{w: bufio.NewWriter(w)} },
}

// column is one column of an answer: its name, ClickHouse's type, and where the driver puts the row's value.
type column struct {
	name, kind string
	value      reflect.Value
}

func newColumn(name, kind string, scan reflect.Type) column {
	return column{name, kind, reflect.New(scan).Elem()}
}

func (c column) target() any { return c.value.Addr().Interface() }

// numeric says whether a table aligns the column to the right.
func (c column) numeric() bool {
	kind := strings.NewReplacer("LowCardinality(", "", "Nullable(", "").Replace(c.kind)
	for _, prefix := range []string{"Int", "UInt", "Float", "Decimal", "BFloat"} {
		if strings.HasPrefix(kind, prefix) {
			return true
		}
	}
	return false
}

// text writes a value as ClickHouse does in its text formats.
func (c column) text() string { return textOf(c.value, c.kind, false) }

func textOf(v reflect.Value, kind string, nested bool) string {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return "NULL"
		}
		if s, ok := v.Interface().(*big.Int); ok {
			return s.String()
		}
		v = v.Elem()
	}
	switch value := v.Interface().(type) {
	case time.Time:
		s := timeText(value, kind)
		if nested {
			s = "'" + s + "'"
		}
		return s
	case big.Int:
		return value.String()
	case fmt.Stringer: // UUID, IP, Decimal
		return value.String()
	}
	switch v.Kind() {
	case reflect.String:
		if nested {
			return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v.String()) + "'"
		}
		return v.String()
	case reflect.Float32, reflect.Float64:
		return floatText(v.Float(), v.Type().Bits())
	case reflect.Slice, reflect.Array:
		open, end := "[", "]"
		if strings.HasPrefix(kind, "Tuple") {
			open, end = "(", ")"
		}
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = textOf(v.Index(i), elementKind(kind), true)
		}
		return open + strings.Join(parts, ",") + end
	case reflect.Map:
		var parts []string
		for _, k := range sortedKeys(v) {
			parts = append(parts, textOf(k, "", true)+":"+textOf(v.MapIndex(k), "", true))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return fmt.Sprint(v.Interface())
}

func elementKind(kind string) string {
	if inner, ok := strings.CutPrefix(kind, "Array("); ok {
		return strings.TrimSuffix(inner, ")")
	}
	return ""
}

func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	for i := range keys { // few: labels
		for j := i; j > 0 && fmt.Sprint(keys[j]) < fmt.Sprint(keys[j-1]); j-- {
			keys[j], keys[j-1] = keys[j-1], keys[j]
		}
	}
	return keys
}

// timeText writes a time with the digits of its type, as ClickHouse does, in the type's zone.
func timeText(t time.Time, kind string) string {
	switch {
	case strings.Contains(kind, "DateTime64("):
		_, scale, _ := strings.Cut(kind, "DateTime64(")
		digits, _ := strconv.Atoi(scale[:1])
		if digits > 0 {
			return t.Format("2006-01-02 15:04:05." + strings.Repeat("0", digits))
		}
	case strings.Contains(kind, "DateTime"):
	case strings.Contains(kind, "Date"):
		return t.Format(time.DateOnly)
	}
	return t.Format(time.DateTime)
}

func floatText(v float64, bits int) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(v, 'f', -1, bits)
	if len(s) > 22 { // very large or very small
		s = strconv.FormatFloat(v, 'g', -1, bits)
	}
	return s
}

// jsonValue is a value as encoding/json should see it.
func jsonValue(v reflect.Value, kind string) any {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		if s, ok := v.Interface().(*big.Int); ok {
			return json.Number(s.String())
		}
		v = v.Elem()
	}
	switch value := v.Interface().(type) {
	case time.Time:
		return timeText(value, kind)
	case big.Int:
		return json.Number(value.String())
	case fmt.Stringer:
		if strings.Contains(kind, "Decimal") {
			return json.Number(value.String())
		}
		return value.String()
	}
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil
		}
		return json.Number(floatText(v.Float(), v.Type().Bits()))
	case reflect.Slice, reflect.Array: // also of bytes, which encoding/json would write as base64
		list := make([]any, v.Len())
		for i := range list {
			list[i] = jsonValue(v.Index(i), elementKind(kind))
		}
		return list
	case reflect.Map:
		object := map[string]any{}
		for _, k := range v.MapKeys() {
			object[textOf(k, "", false)] = jsonValue(v.MapIndex(k), "")
		}
		return object
	}
	return v.Interface()
}

// jsonWriter writes one object a line, its keys in the order of the columns.
type jsonWriter struct{ w *bufio.Writer }

func (j *jsonWriter) header([]column) error { return nil }

func (j *jsonWriter) row(columns []column) error {
	_ = j.w.WriteByte('{')
	for i, c := range columns {
		if i > 0 {
			_ = j.w.WriteByte(',')
		}
		name, err := jsonText(c.name)
		if err != nil {
			return err
		}
		value, err := jsonText(jsonValue(c.value, c.kind))
		if err != nil {
			return err
		}
		_, _ = j.w.WriteString(name + ":" + value)
	}
	_, err := j.w.WriteString("}\n")
	return err
}

func (j *jsonWriter) flush() error { return j.w.Flush() }

func jsonText(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// csvWriter writes RFC 4180 with a header. NULL is \N, as ClickHouse writes it.
type csvWriter struct{ w *csv.Writer }

func (c *csvWriter) header(columns []column) error {
	var names []string
	for _, col := range columns {
		names = append(names, col.name)
	}
	return c.w.Write(names)
}

func (c *csvWriter) row(columns []column) error {
	values := make([]string, len(columns))
	for i, col := range columns {
		values[i] = col.text()
		if col.null() {
			values[i] = `\N`
		}
	}
	return c.w.Write(values)
}

func (c *csvWriter) flush() error {
	c.w.Flush()
	return c.w.Error()
}

func (c column) null() bool { return c.value.Kind() == reflect.Pointer && c.value.IsNil() }

// tsvWriter writes ClickHouse's TabSeparatedWithNames.
type tsvWriter struct{ w *bufio.Writer }

var tsvEscapes = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)

func (t *tsvWriter) header(columns []column) error {
	for i, c := range columns {
		if i > 0 {
			_ = t.w.WriteByte('\t')
		}
		_, _ = tsvEscapes.WriteString(t.w, c.name)
	}
	return t.w.WriteByte('\n')
}

func (t *tsvWriter) row(columns []column) error {
	for i, c := range columns {
		if i > 0 {
			_ = t.w.WriteByte('\t')
		}
		if c.null() {
			_, _ = t.w.WriteString(`\N`)
			continue
		}
		_, _ = tsvEscapes.WriteString(t.w, c.text())
	}
	return t.w.WriteByte('\n')
}

func (t *tsvWriter) flush() error { return t.w.Flush() }

// tablePage is how many rows a table looks at to find its widths. Later rows are written with those.
const tablePage = 1000

// tableWriter writes columns under each other.
type tableWriter struct {
	w       *bufio.Writer
	right   []bool
	widths  []int
	page    [][]string
	written bool // the first page
}

func (t *tableWriter) header(columns []column) error {
	var names []string
	for _, c := range columns {
		t.right = append(t.right, c.numeric())
		t.widths = append(t.widths, 0)
		names = append(names, c.name)
	}
	t.page = append(t.page, names)
	return nil
}

func (t *tableWriter) row(columns []column) error {
	values := make([]string, len(columns))
	for i, c := range columns {
		// A line break or a tab in a value would break the table.
		values[i] = strings.NewReplacer("\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(c.text())
	}
	t.page = append(t.page, values)
	if len(t.page) < tablePage && !t.written {
		return nil
	}
	return t.write()
}

func (t *tableWriter) flush() error {
	if err := t.write(); err != nil {
		return err
	}
	return t.w.Flush()
}

// write writes the page and empties it.
func (t *tableWriter) write() error {
	if !t.written {
		for _, values := range t.page {
			for i, v := range values {
				t.widths[i] = max(t.widths[i], utf8.RuneCountInString(v))
			}
		}
	}
	for n, values := range t.page {
		if err := t.line(values); err != nil {
			return err
		}
		if n == 0 && !t.written {
			rules := make([]string, len(values))
			for i := range rules {
				rules[i] = strings.Repeat("-", t.widths[i])
			}
			if err := t.line(rules); err != nil {
				return err
			}
		}
	}
	t.written = t.written || len(t.page) > 0
	t.page = t.page[:0]
	return nil
}

func (t *tableWriter) line(values []string) error {
	var b strings.Builder
	for i, v := range values {
		gap := strings.Repeat(" ", max(0, t.widths[i]-utf8.RuneCountInString(v)))
		if i > 0 {
			b.WriteString("  ")
		}
		if t.right[i] {
			b.WriteString(gap + v)
		} else {
			b.WriteString(v + gap)
		}
	}
	_, err := t.w.WriteString(strings.TrimRight(b.String(), " ") + "\n")
	return err
}
