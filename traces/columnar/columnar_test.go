package columnar

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
)

func linesOf(t *testing.T, path string) (string, error) {
	t.Helper()
	r, err := Lines(path)
	if err != nil {
		return "", err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	return string(text), err
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestManyRows: several batches and row groups come back in order, whole.
func TestManyRows(t *testing.T) {
	const rows = groupRows + batchRows + 7
	for name, begin := range map[string]func(io.Writer) (*Writer, error){"parquet": NewParquet, "arrow": NewArrow} {
		var file, want bytes.Buffer
		w, err := begin(&file)
		if err != nil {
			t.Fatal(err)
		}
		var r schemas.Request
		for i := range rows {
			r.Reset()
			r.Service, r.Model, r.ArrivalUS, r.Outcome, r.Seq = "s", "m", int64(i), schemas.OK, int64(i%5)
			if i%3 == 0 {
				r.PrefixHashes, r.PrefixBlockTokens = append(r.PrefixHashes, uint64(i), 1<<64-1), 16
			}
			if err := w.Write(&r); err != nil {
				t.Fatal(err)
			}
			want.Write(append(schemas.AppendJSON(nil, &r), '\n'))
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		path := write(t, "file", file.Bytes())
		got, err := linesOf(t, path)
		if err != nil || got != want.String() {
			t.Errorf("%s: %d of %d bytes are the same, %v", name, len(got), want.Len(), err)
		}
		// What is cut short or damaged is an error, whatever the library makes of it.
		for _, at := range []int{8, file.Len() / 2, file.Len() - 1} {
			if _, err := linesOf(t, write(t, "cut", file.Bytes()[:at])); err == nil {
				t.Errorf("%s cut after %d of %d bytes is read", name, at, file.Len())
			}
		}
		damaged := bytes.Clone(file.Bytes())
		for i := 100; i < 4000; i++ {
			damaged[i] ^= 0x5a
		}
		if text, err := linesOf(t, write(t, "damaged", damaged)); err == nil && text == want.String() {
			t.Errorf("%s with other bytes is the same", name)
		}
	}
	if got := Recognise(write(t, "text", []byte("PAR"))); got != "" {
		t.Errorf("recognised as %q", got)
	}
}

// foreign is a column as another program writes it.
type foreign struct {
	name  string
	kind  arrow.DataType
	value func(array.Builder)
}

func foreignFile(t *testing.T, columns ...foreign) string {
	t.Helper()
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.name, Type: c.kind, Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i, c := range columns {
		c.value(b.Field(i))
	}
	batch := b.NewRecord()
	defer batch.Release()
	var file bytes.Buffer
	w, err := ipc.NewFileWriter(&position{w: &file}, ipc.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(batch); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return write(t, "foreign.arrow", file.Bytes())
}

func words(s string) func(array.Builder) {
	return func(b array.Builder) { _ = b.AppendValueFromString(s) }
}

// TestForeign: types that pandas, polars and DuckDB choose.
func TestForeign(t *testing.T) {
	nanos := &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	got, err := linesOf(t, foreignFile(t,
		foreign{"service", dictionary, func(b array.Builder) { _ = b.(*array.BinaryDictionaryBuilder).AppendString("s") }},
		foreign{"model", arrow.BinaryTypes.StringView, words("m")},
		foreign{"arrival_us", nanos, func(b array.Builder) { b.(*array.TimestampBuilder).Append(1_500) }}, // half a microsecond: to even
		foreign{"outcome", arrow.BinaryTypes.LargeString, words("ok")},
		foreign{"request_tokens", arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(12) }},
		foreign{"response_tokens", arrow.PrimitiveTypes.Uint16, func(b array.Builder) { b.(*array.Uint16Builder).Append(3) }},
		foreign{"cached_tokens", arrow.PrimitiveTypes.Int64, func(b array.Builder) { b.AppendNull() }},
		foreign{"temperature", arrow.PrimitiveTypes.Float32, func(b array.Builder) { b.(*array.Float32Builder).Append(0.5) }},
		foreign{"client", arrow.Null, func(b array.Builder) { b.AppendNull() }},
		foreign{"labels", arrow.Null, func(b array.Builder) { b.AppendNull() }},
		foreign{"prefix_hashes", arrow.LargeListOf(arrow.PrimitiveTypes.Int64), func(b array.Builder) {
			list := b.(*array.LargeListBuilder)
			list.Append(true)
			list.ValueBuilder().(*array.Int64Builder).AppendValues([]int64{7, -1}, nil)
		}},
		foreign{"note", arrow.BinaryTypes.String, words("skipped")},
	))
	want := `{"service":"s","model":"m","arrival_us":2,"outcome":"ok","request_tokens":12,"response_tokens":3,"temperature":0.5,"prefix_hashes":[7,18446744073709551615]}` + "\n"
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestForeignRefused(t *testing.T) {
	at := foreign{"arrival_us", arrow.PrimitiveTypes.Int64, func(b array.Builder) { b.(*array.Int64Builder).Append(1) }}
	for want, columns := range map[string][]foreign{
		"has no column arrival_us (columns: time)":                           {{"time", arrow.PrimitiveTypes.Int64, func(b array.Builder) { b.AppendNull() }}},
		"column model has the type int64, want utf8":                         {at, {"model", arrow.PrimitiveTypes.Int64, func(b array.Builder) { b.AppendNull() }}},
		"column arrival_us has the type utf8, want int64":                    {{"arrival_us", arrow.BinaryTypes.String, words("now")}},
		"row 1: column request_tokens: 1.5 is not a whole number":            {at, {"request_tokens", arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(1.5) }}},
		`row 1: column outcome: "fine" is no outcome`:                        {at, {"outcome", arrow.BinaryTypes.String, words("fine")}},
		"row 1: column status_code: 4294967296 is no HTTP status":            {at, {"status_code", arrow.PrimitiveTypes.Int64, func(b array.Builder) { b.(*array.Int64Builder).Append(1 << 32) }}},
		`the column "arrival_us" appears twice`:                              {at, at},
		"column prefix_hashes has the type list<item: utf8, nullable>, want": {at, {"prefix_hashes", arrow.ListOf(arrow.BinaryTypes.String), func(b array.Builder) { b.AppendNull() }}},
	} {
		if _, err := linesOf(t, foreignFile(t, columns...)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
