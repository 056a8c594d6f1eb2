package schemas

import "reflect"

// Column is one column of a Block. Data is Texts or a typed slice ([]string, []int64, [][]uint16, …) as clickhouse-go
// appends it, with the block's number of rows.
type Column struct {
	Name string
	Data any
}

// Len is the column's number of rows, -1 where Data is nothing that a column can be.
func (c Column) Len() int {
	if texts, ok := c.Data.(Texts); ok {
		return texts.Len()
	}
	if data := reflect.ValueOf(c.Data); data.Kind() == reflect.Slice {
		return data.Len()
	}
	return -1
}

// Slice gives rows from to to of the column, which share its memory.
func (c Column) Slice(from, to int) Column {
	if texts, ok := c.Data.(Texts); ok {
		return Column{c.Name, texts.Slice(from, to)}
	}
	return Column{c.Name, reflect.ValueOf(c.Data).Slice(from, to).Interface()}
}

// Block is rows for one table, column by column. Columns that hold nothing but their default in every row may be left
// out: the table fills them.
type Block struct {
	Table   string
	Rows    int
	Columns []Column
	// Partition gives, per row, the number of the table partition it falls in, so that a writer can keep one insert
	// from touching too many; nil where all fall in one.
	Partition []uint32
}

// Slice gives rows from to to of b as a block that shares b's memory.
func (b Block) Slice(from, to int) Block {
	part := Block{Table: b.Table, Rows: to - from, Columns: make([]Column, len(b.Columns))}
	for i, c := range b.Columns {
		part.Columns[i] = c.Slice(from, to)
	}
	if b.Partition != nil {
		part.Partition = b.Partition[from:to]
	}
	return part
}
