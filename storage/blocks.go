package storage

import (
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"tidegauge/schemas"
)

// blockBytes is about the most that one block of an insert holds. clickhouse-go keeps a block twice, as columns and as the
// bytes to send, and grows both from nothing for every insert: with all rows in one block, that was a third of what a
// processor did, and most of its memory. The server puts the blocks of an insert together before it writes a part.
const blockBytes = 2 << 20

// fill puts the rows of callers that are still there into the batch, sending a block whenever one is full, and returns
// how many they were.
func fill(batch driver.Batch, g *group, c chunk) (rows int, err error) {
	held := 0
	for _, p := range c.pieces {
		for from := 0; from < p.rows(); {
			if held >= blockBytes {
				if err := batch.Flush(); err != nil {
					return 0, err
				}
				held = 0
			}
			n, bytes, err := appendSome(batch, g, c.target, p, from, blockBytes-held)
			if err != nil {
				return 0, err
			}
			if n == 0 { // the caller has left
				break
			}
			from, rows, held = from+n, rows+n, held+bytes
		}
	}
	return rows, nil
}

// appendSome appends a piece's rows from one on, about as many as fit into room bytes but at least one. It returns their
// number and size, 0 where their caller has left.
func appendSome(batch driver.Batch, g *group, to *target, p piece, from, room int) (n, bytes int, err error) {
	g.reading.RLock()
	defer g.reading.RUnlock()
	if p.call.gone {
		return 0, 0, nil
	}
	n, bytes = p.fitting(from, room)
	some := p.part(from, from+n)
	for i, column := range p.block.Columns {
		if err := appendColumn(batch.Column(i), some.values(column)); err != nil {
			return 0, 0, &appendError{to.table, column.Name, err}
		}
	}
	return n, bytes, nil
}

// fitting says how many of the piece's rows from one on come to about room bytes, at least one, and to how many they do.
func (p piece) fitting(from, room int) (n, bytes int) {
	flat := 0 // bytes of a row but for its arrays
	var arrays []func(row int) int
	for _, column := range p.block.Columns {
		switch v := column.Data.(type) {
		case [][]int8:
			arrays = append(arrays, sizes(v, 1))
		case [][]int32:
			arrays = append(arrays, sizes(v, 4))
		case [][]int64:
			arrays = append(arrays, sizes(v, 8))
		case [][]uint16:
			arrays = append(arrays, sizes(v, 2))
		case [][]uint32:
			arrays = append(arrays, sizes(v, 4))
		case [][]uint64:
			arrays = append(arrays, sizes(v, 8))
		case []map[string]string:
			arrays = append(arrays, func(row int) int { return 8 + len(v[row])*labelBytes })
		case schemas.Texts:
			flat += 8 + v.Bytes()/max(1, v.Len())
		default:
			flat += flatBytes
		}
	}
	left := p.rows() - from
	if len(arrays) == 0 {
		n = min(left, max(1, room/flat))
		return n, n * flat
	}
	for n < left && bytes < room {
		row := p.row(from + n)
		for _, size := range arrays {
			bytes += size(row)
		}
		bytes += flat
		n++
	}
	return n, bytes
}

// flatBytes is about what a value takes that is no array: eight bytes, or a short text; labelBytes what a label does.
const (
	flatBytes  = 12
	labelBytes = 48
)

// sizes gives the bytes of each of a column's arrays: their elements and where they end.
func sizes[T any](arrays [][]T, element int) func(row int) int {
	return func(row int) int { return 8 + len(arrays[row])*element }
}

// appendColumn appends all values of a column. Arrays go row by row: as a whole, clickhouse-go takes them apart by
// reflection, which allocates for each element.
func appendColumn(column driver.BatchColumn, values any) error {
	switch v := values.(type) {
	case schemas.Texts:
		return appendTexts(column, v)
	case [][]int8:
		return appendArrays(column, v)
	case [][]int32:
		return appendArrays(column, v)
	case [][]int64:
		return appendArrays(column, v)
	case [][]uint16:
		return appendArrays(column, v)
	case [][]uint32:
		return appendArrays(column, v)
	case [][]uint64:
		return appendArrays(column, v)
	}
	return column.Append(values)
}

// appendTexts gives texts as the strings that clickhouse-go takes, for as long as it copies them.
func appendTexts(column driver.BatchColumn, texts schemas.Texts) error {
	scratch := stringScratch.Get().(*[]string)
	defer stringScratch.Put(scratch)
	*scratch = (*scratch)[:0]
	for i := range texts.Len() {
		*scratch = append(*scratch, texts.At(i))
	}
	err := column.Append(*scratch)
	clear(*scratch)
	return err
}

var stringScratch = sync.Pool{New: func() any { return new([]string) }}

// appendArrays gives arrays as pointers to their elements, which clickhouse-go's any takes without an allocation.
func appendArrays[T any](column driver.BatchColumn, arrays [][]T) error {
	var elements []*T
	for _, array := range arrays {
		elements = elements[:0]
		for i := range array {
			elements = append(elements, &array[i])
		}
		if err := column.AppendRow(elements); err != nil {
			return err
		}
	}
	return nil
}
