package columnar

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"tidegauge/schemas"
)

// How files begin.
const (
	parquetMagic = "PAR1"
	arrowMagic   = "ARROW1"
)

// Recognise gives the format of a file by how it starts, "parquet" or "arrow"; "" for others and for what cannot be read.
func Recognise(path string) string {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, len(arrowMagic))
	n, _ := io.ReadFull(f, head)
	switch {
	case string(head[:n]) == arrowMagic:
		return "arrow"
	case strings.HasPrefix(string(head[:n]), parquetMagic):
		return "parquet"
	}
	return ""
}

// Lines opens a Parquet or Arrow file and gives its rows as canonical lines, one request each, as ingest reads them. Columns
// go by their names; those that are no field of a request are skipped. Close it.
func Lines(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	source, err := openBatches(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	fields, err := fieldsOf(source.schema())
	if err != nil {
		source.release()
		return nil, errors.Join(err, f.Close())
	}
	out, in := io.Pipe()
	go func() {
		// A damaged file has the library panic in places; it is an error like any other.
		defer func() {
			source.release()
			_ = f.Close()
			if damage := recover(); damage != nil {
				_ = in.CloseWithError(fmt.Errorf("the file is damaged: %v", damage))
			}
		}()
		_ = in.CloseWithError(writeLines(in, source, fields))
	}()
	return out, nil
}

func writeLines(w io.Writer, source rowSource, fields []int) error {
	b := bufio.NewWriterSize(w, 256<<10)
	var r schemas.Request
	var line []byte
	row := int64(0)
	for {
		batch, err := source.next()
		if err == io.EOF {
			return b.Flush()
		}
		if err != nil {
			return errors.Join(b.Flush(), err)
		}
		for i := range int(batch.NumRows()) {
			row++
			r.Reset()
			for at, field := range fields {
				if field < 0 || batch.Column(at).IsNull(i) {
					continue
				}
				c := cell{array: batch.Column(at), row: i}
				if err := columns[field].set(&r, &c); err != nil {
					return errors.Join(b.Flush(), fmt.Errorf("row %d: column %s: %w", row, columns[field].name, err))
				}
			}
			line = append(schemas.AppendJSON(line[:0], &r), '\n')
			if _, err := b.Write(line); err != nil {
				return err
			}
		}
	}
}

// fieldsOf gives for each column of a file which field it is, -1 for none.
func fieldsOf(s *arrow.Schema) ([]int, error) {
	fields := make([]int, s.NumFields())
	seen := make(map[string]bool)
	for i, f := range s.Fields() {
		fields[i] = -1
		for at, c := range columns {
			if c.name != f.Name {
				continue
			}
			if seen[f.Name] {
				return nil, fmt.Errorf("the column %q appears twice", f.Name)
			}
			if !suits(c.kind, f.Type) {
				return nil, fmt.Errorf("column %s has the type %s, want %s or one that converts to it", f.Name, f.Type, c.kind)
			}
			seen[f.Name] = true
			if f.Type.ID() != arrow.NULL { // a column of nothing but nulls says nothing
				fields[i] = at
			}
		}
	}
	if !seen["arrival_us"] {
		return nil, fmt.Errorf("has no column arrival_us (columns: %s); docs/formats.md lists the names", clip(s))
	}
	return fields, nil
}

func clip(s *arrow.Schema) string {
	var names []string
	for i, f := range s.Fields() {
		if i == 12 {
			names = append(names, "…")
			break
		}
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// rowSource gives the batches of a file.
type rowSource interface {
	schema() *arrow.Schema
	next() (arrow.Record, error)
	release()
}

func openBatches(f *os.File) (source rowSource, err error) {
	defer func() {
		if damage := recover(); damage != nil {
			source, err = nil, fmt.Errorf("the file is damaged: %v", damage)
		}
	}()
	head := make([]byte, len(arrowMagic))
	if _, err := f.ReadAt(head, 0); err != nil {
		return nil, err
	}
	if string(head) == arrowMagic {
		r, err := ipc.NewFileReader(f)
		if err != nil {
			return nil, fmt.Errorf("not a whole Arrow file: %w", err)
		}
		return &arrowBatches{file: r}, nil
	}
	parquetFile, err := file.NewParquetReader(f)
	if err != nil {
		return nil, fmt.Errorf("not a whole Parquet file: %w", err)
	}
	reader, err := pqarrow.NewFileReader(parquetFile, pqarrow.ArrowReadProperties{BatchSize: batchRows}, memory.DefaultAllocator)
	if err != nil {
		return nil, errors.Join(err, parquetFile.Close())
	}
	rows, err := reader.GetRecordReader(context.Background(), nil, nil)
	if err != nil {
		return nil, errors.Join(err, parquetFile.Close())
	}
	return &parquetBatches{rows}, nil
}

type arrowBatches struct {
	file *ipc.FileReader
	at   int
}

func (a *arrowBatches) schema() *arrow.Schema { return a.file.Schema() }
func (a *arrowBatches) release()              { _ = a.file.Close() }

func (a *arrowBatches) next() (arrow.Record, error) {
	if a.at == a.file.NumRecords() {
		return nil, io.EOF
	}
	a.at++
	return a.file.Record(a.at - 1)
}

type parquetBatches struct{ rows pqarrow.RecordReader }

func (p *parquetBatches) schema() *arrow.Schema { return p.rows.Schema() }
func (p *parquetBatches) release()              { p.rows.Release() }

func (p *parquetBatches) next() (arrow.Record, error) {
	if p.rows.Next() {
		return p.rows.Record(), nil
	}
	if err := p.rows.Err(); err != nil && err != io.EOF {
		return nil, err
	}
	return nil, io.EOF
}
