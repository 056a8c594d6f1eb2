package ingest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"testing"
)

var csvSeeds = []string{
	"a,b\n1,2\n", "a,b\r\n1,2\r\n", "\"a,b\",c\n", "\"a\"\"b\",c\n", "\"a\nb\",c\nd,e\n", "\"a\r\nb\",c\r\n", "a,\"b\"", "a,\"b", "a\"b,c\n",
	"\"a\"b,c\nd\n", ",\n", ",,\n", "\"\"\n", "\"\",\"\"\n", "a\rb,c\n", "\n\na\n", "a,b,\"\n", "\"\r\n\"", "x\r",
}

// FuzzCSV holds our reading of CSV against encoding/csv: the same records up to the first that is refused.
func FuzzCSV(f *testing.F) {
	for _, s := range csvSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		theirs := csv.NewReader(bytes.NewReader(text))
		theirs.FieldsPerRecord = -1
		rest := text
		if len(rest) > 0 && rest[len(rest)-1] != '\n' {
			rest = append(bytes.Clone(rest), '\n') // as the cutter does
		}
		for {
			want, err := theirs.Read()
			if errors.Is(err, io.EOF) {
				if len(bytes.Trim(rest, "\r\n")) > 0 && len(nextRecord(&rest)) > 0 {
					t.Fatalf("records are left: %q", rest)
				}
				return
			}
			record := nextRecord(&rest)
			fields, _, splitErr := splitCSV(record, nil, nil)
			if err != nil {
				if splitErr == nil {
					t.Fatalf("%q: fields %q, but encoding/csv says %v", record, fields, err)
				}
				return
			}
			if splitErr != nil {
				t.Fatalf("%q: %v, but encoding/csv reads %q", record, splitErr, want)
			}
			if !slices.EqualFunc(want, fields, func(a string, b []byte) bool { return a == string(b) }) {
				t.Fatalf("%q: fields %q, want %q", record, fields, want)
			}
			if bytes.IndexByte(record, '"') < 0 {
				if plain := splitPlain(record, nil); !slices.EqualFunc(plain, fields, bytes.Equal) {
					t.Fatalf("%q: %q without quotes in mind, %q with", record, plain, fields)
				}
			}
		}
	})
}

// nextRecord takes a record off rest as a decoder does, without its line end, passing empty lines.
func nextRecord(rest *[]byte) []byte {
	for len(*rest) > 0 {
		n := max(recordCSV(*rest), bytes.IndexByte(*rest, '\n')+1)
		record := (*rest)[:n-1]
		*rest = (*rest)[n:]
		record = bytes.TrimSuffix(record, []byte("\r"))
		if len(record) > 0 {
			return record
		}
	}
	return nil
}

func TestLayout(t *testing.T) {
	table := burstGPT.table
	l, err := table.layoutOf([]byte("Log Type,extra, Timestamp ,\"Model\",Request tokens,Response tokens"), &Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{2, -1, -1, 3, 4, 5, 0}; !slices.Equal(l.at, want) || l.fields != 6 {
		t.Errorf("layout %v of %d fields, want %v", l.at, l.fields, want)
	}
	for header, want := range map[string]string{
		"Timestamp,Model,Request tokens,Response tokens": `no column "Log Type" among "Timestamp,Model,Request tokens,Response …`[:30],
		"timestamp,model": `no column "Timestamp", "Model", "Request tokens", "Response tokens", "Log Type" among "timestamp,model"`,
		"Timestamp,Timestamp,Model,Request tokens,Response tokens,Log Type": `the column "Timestamp" appears twice`,
		"Timestamp,\"Model,Request tokens,Response tokens,Log Type":         "quoted field without an end",
	} {
		if _, err := table.layoutOf([]byte(header), &Options{}); !bytes.Contains([]byte(errText(err)), []byte(want)) {
			t.Errorf("%s: %v, want %s", header, err, want)
		}
	}
	if _, err := table.layoutOf([]byte("Timestamp,Request tokens,Response tokens"), &Options{Model: "m", LogType: "api"}); err != nil {
		t.Errorf("what the options give need not be there: %v", err)
	}
}
