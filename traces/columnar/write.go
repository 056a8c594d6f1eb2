package columnar

import (
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

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
	file    batches
}

// batches takes what was collected; close ends the file.
type batches interface {
	write(arrow.RecordBatch) error
	close() error
}

// NewParquet begins a Parquet file: zstd, dictionaries for all texts but ids.
func NewParquet(w io.Writer) (*Writer, error) {
	properties := []parquet.WriterProperty{parquet.WithCompression(compress.Codecs.Zstd), parquet.WithDictionaryDefault(true),
		parquet.WithCreatedBy("tidegauge"), parquet.WithVersion(parquet.V2_LATEST)}
	for _, id := range []string{"request_id", "conversation", "client", "prompt_id", "arrival_us", "seq"} {
		properties = append(properties, parquet.WithDictionaryFor(id, false)) // nearly all different
	}
	// What pqarrow is given to write to, it closes if it can; whoever opened it does that.
	f, err := pqarrow.NewFileWriter(schema(), struct{ io.Writer }{w}, parquet.NewWriterProperties(properties...), pqarrow.NewArrowWriterProperties())
	if err != nil {
		return nil, err
	}
	return newWriter(&parquetFile{file: f}), nil
}

// NewArrow begins an Arrow file (IPC, also known as Feather version 2), zstd.
func NewArrow(w io.Writer) (*Writer, error) {
	f, err := ipc.NewFileWriter(struct{ io.Writer }{w}, ipc.WithSchema(schema()), ipc.WithZstd())
	if err != nil {
		return nil, err
	}
	return newWriter(arrowFile{f}), nil
}

func newWriter(file batches) *Writer {
	return &Writer{builder: array.NewRecordBuilder(memory.DefaultAllocator, schema()), file: file}
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
	batch := w.builder.NewRecordBatch()
	defer batch.Release()
	if batch.NumRows() == 0 {
		return nil
	}
	return w.file.write(batch)
}

// Close writes what is left and the file's end. It does not close what the file is written to.
func (w *Writer) Close() error {
	defer w.builder.Release()
	if err := w.flush(); err != nil {
		return err
	}
	return w.file.close()
}

type parquetFile struct {
	file *pqarrow.FileWriter
	rows int64 // of the row group at hand
}

func (p *parquetFile) write(batch arrow.RecordBatch) error {
	if p.rows >= groupRows {
		p.rows = 0
		p.file.NewBufferedRowGroup()
	}
	p.rows += batch.NumRows()
	return p.file.WriteBuffered(batch)
}

func (p *parquetFile) close() error { return p.file.Close() }

type arrowFile struct{ *ipc.FileWriter }

func (a arrowFile) write(batch arrow.RecordBatch) error { return a.Write(batch) }
func (a arrowFile) close() error                        { return a.Close() }
