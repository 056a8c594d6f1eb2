package columnar

import (
	"fmt"
	"os"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// A damaged file has the library panic, which read.go makes an error of. Here is what cannot be caught there: memory that it
// asks for and that is not there, and panics on its own goroutines.

// checkChunks refuses a file whose metadata has columns that are larger than the file. The library makes room for as many bytes as
// that says, and a process that is short of memory cannot be caught.
func checkChunks(f *os.File, r *file.Reader) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	for i := range r.NumRowGroups() {
		group := r.MetaData().RowGroup(i)
		for at := range group.NumColumns() {
			chunk, err := group.ColumnChunk(at)
			if err != nil {
				return fmt.Errorf("the file is damaged: row group %d: %w", i, err)
			}
			if size := chunk.TotalCompressedSize(); size < 0 || size > info.Size() {
				return fmt.Errorf("the file is damaged: row group %d has a column of %d bytes, and the file has %d", i, size, info.Size())
			}
		}
	}
	return nil
}

// room is what the library gets its memory from. A damaged file may ask for more than there is, which ends the process; no
// column of a batch has more than mostRoom.
type room struct{ memory.Allocator }

const mostRoom = 2 << 30

func (r room) Allocate(size int) []byte {
	if size < 0 || size > mostRoom {
		panic(fmt.Sprintf("%d bytes in one piece", size))
	}
	return r.Allocator.Allocate(size)
}

func (r room) Reallocate(size int, b []byte) []byte {
	if size < 0 || size > mostRoom {
		panic(fmt.Sprintf("%d bytes in one piece", size))
	}
	return r.Allocator.Reallocate(size, b)
}

// wantedColumns gives the columns to read: those that are fields of a request, by their places. Maps are decoded once before,
// as the library reads what is in one on another goroutine, where a panic ends the process.
func wantedColumns(r *file.Reader, reader *pqarrow.FileReader) (wanted []int, err error) {
	all, err := reader.Schema()
	if err != nil {
		return nil, err
	}
	if _, err := fieldsOf(all); err != nil {
		return nil, err
	}
	leaves := r.MetaData().Schema
	for at := range leaves.NumColumns() {
		name := leaves.Column(at).ColumnPath()[0]
		for _, c := range columns {
			if c.name != name {
				continue
			}
			wanted = append(wanted, at)
			if c.kind.ID() == arrow.MAP {
				if err := decodeTexts(r, at); err != nil {
					return nil, fmt.Errorf("the file is damaged: column %s: %w", name, err)
				}
			}
		}
	}
	return wanted, nil
}

// decodeTexts decodes a column of texts, and forgets them.
func decodeTexts(r *file.Reader, column int) error {
	values := make([]parquet.ByteArray, batchRows)
	definitions, repetitions := make([]int16, batchRows), make([]int16, batchRows)
	for i := range r.NumRowGroups() {
		chunk, err := r.RowGroup(i).Column(column)
		if err != nil {
			return err
		}
		texts, ok := chunk.(*file.ByteArrayColumnChunkReader)
		if !ok {
			return nil // only nulls, which are not decoded
		}
		for texts.HasNext() {
			if n, _, err := texts.ReadBatch(batchRows, values, definitions, repetitions); err != nil {
				return err
			} else if n == 0 {
				break
			}
		}
		if err := texts.Err(); err != nil {
			return err
		}
	}
	return nil
}
