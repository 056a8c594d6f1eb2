package columnar

import (
	"errors"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"tidegauge/schemas"
)

// How many requests a batch has, and a row group of a Parquet file: what is in memory at once.
const (
	batchRows = 8_192
	groupRows = 131_072
)

// Writer writes requests to one file.
type Writer struct {
	builder *array.RecordBuilder
	rows    int
	to      *position
	file    batches
}

// batches takes what was collected; close ends the file.
type batches interface {
	write(arrow.Record) error
	close() error
}

// NewParquet begins a Parquet file: zstd, dictionaries for all texts but ids.
func NewParquet(w io.Writer) (*Writer, error) {
	properties := []parquet.WriterProperty{parquet.WithCompression(compress.Codecs.Zstd), parquet.WithDictionaryDefault(true),
		parquet.WithCreatedBy("tidegauge"), parquet.WithVersion(parquet.V2_LATEST)}
	for _, id := range []string{"request_id", "conversation", "client", "prompt_id", "arrival_us", "seq"} {
		properties = append(properties, parquet.WithDictionaryFor(id, false)) // nearly all different
	}
	to := &position{w: w} // and nothing that pqarrow could close: whoever opened w does that
	var f *pqarrow.FileWriter
	err := to.guard(func() (err error) {
		f, err = pqarrow.NewFileWriter(schema(), to, parquet.NewWriterProperties(properties...), pqarrow.NewArrowWriterProperties())
		return err
	})
	if err != nil {
		return nil, err
	}
	return newWriter(to, &parquetFile{file: f}), nil
}

// NewArrow begins an Arrow file (IPC, also known as Feather version 2), zstd.
func NewArrow(w io.Writer) (*Writer, error) {
	to := &position{w: w}
	f, err := ipc.NewFileWriter(to, ipc.WithSchema(schema()), ipc.WithZstd())
	if err != nil {
		return nil, err
	}
	return newWriter(to, arrowFile{f}), nil
}

func newWriter(to *position, file batches) *Writer {
	return &Writer{builder: array.NewRecordBuilder(memory.DefaultAllocator, schema()), to: to, file: file}
}

// Write adds a request.
func (w *Writer) Write(r *schemas.Request) error {
	for i := range columns {
		columns[i].put(w.builder.Field(i), r)
	}
	if w.rows++; w.rows < batchRows {
		return nil
	}
	return w.flush()
}

func (w *Writer) flush() error {
	w.rows = 0
	batch := w.builder.NewRecord()
	defer batch.Release()
	if batch.NumRows() == 0 {
		return nil
	}
	return w.to.guard(func() error { return w.file.write(batch) })
}

// Close writes what is left and the file's end. It does not close what the file is written to.
func (w *Writer) Close() error {
	defer w.builder.Release()
	if err := w.flush(); err != nil {
		return err
	}
	return w.to.guard(w.file.close)
}

type parquetFile struct {
	file *pqarrow.FileWriter
	rows int64 // of the row group at hand
}

func (p *parquetFile) write(batch arrow.Record) error {
	if p.rows >= groupRows {
		p.rows = 0
		p.file.NewBufferedRowGroup()
	}
	p.rows += batch.NumRows()
	return p.file.WriteBuffered(batch)
}

func (p *parquetFile) close() error { return p.file.Close() }

type arrowFile struct{ *ipc.FileWriter }

func (a arrowFile) write(batch arrow.Record) error { return a.Write(batch) }
func (a arrowFile) close() error                   { return a.Close() }

// position tells how far it has written. The library asks a file for that by Seek, and for nothing else, so what it writes may
// as well be a pipe.
type position struct {
	w   io.Writer
	at  int64
	err error // of the first write that failed
}

func (p *position) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	p.at += int64(n)
	if p.err == nil {
		p.err = err
	}
	return n, err
}

func (p *position) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.ErrUnsupported
	}
	return p.at, nil
}

// guard calls f, and gives a write that failed as the error it is: the library panics on some of them.
func (p *position) guard(f func() error) (err error) {
	defer func() {
		switch problem := recover(); {
		case problem == nil:
		case p.err != nil:
			err = p.err
		default:
			panic(problem)
		}
	}()
	return f()
}
