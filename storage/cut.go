package storage

import (
	"reflect"
	"slices"
	"strings"

	"tidegauge/schemas"
)

// piece is rows of one caller's block: all of them, those from one to before another, or those listed.
type piece struct {
	call     *call
	block    *schemas.Block
	from, to int
	index    []int // overrides from and to
}

func (p piece) rows() int {
	if p.index != nil {
		return len(p.index)
	}
	return p.to - p.from
}

// values returns the piece's rows of a column. Whole blocks are returned as they are, parts of them share their memory;
// rows that are listed, which are few, are picked out by reflection.
func (p piece) values(column schemas.Column) any {
	if p.index == nil {
		if p.from == 0 && p.to == p.block.Rows {
			return column.Data
		}
		return column.Slice(p.from, p.to).Data
	}
	if texts, ok := column.Data.(schemas.Texts); ok {
		picked := make([]string, len(p.index))
		for i, row := range p.index {
			picked[i] = strings.Clone(texts.At(row))
		}
		return picked
	}
	source := reflect.ValueOf(column.Data)
	picked := reflect.MakeSlice(source.Type(), len(p.index), len(p.index))
	for i, row := range p.index {
		picked.Index(i).Set(source.Index(row))
	}
	return picked.Interface()
}

// row is the place in the block of the piece's row i.
func (p piece) row(i int) int {
	if p.index != nil {
		return p.index[i]
	}
	return p.from + i
}

// part is the piece's rows from one to before another.
func (p piece) part(from, to int) piece {
	if p.index != nil {
		p.index = p.index[from:to]
		return p
	}
	p.from, p.to = p.from+from, p.from+to
	return p
}

// chunk is what one insert carries: pieces of several callers' blocks with the same table and columns.
type chunk struct {
	target *target
	pieces []piece
	rows   int
}

func (c *chunk) add(p piece) {
	c.pieces = append(c.pieces, p)
	c.rows += p.rows()
}

// halves cuts a chunk of at least two rows in two.
func (c chunk) halves() [2]chunk {
	halves := [2]chunk{{target: c.target}, {target: c.target}}
	left := c.rows / 2
	for _, p := range c.pieces {
		first := min(left, p.rows())
		left -= first
		if first > 0 {
			halves[0].add(p.part(0, first))
		}
		if first < p.rows() {
			halves[1].add(p.part(first, p.rows()))
		}
	}
	return halves
}

// row returns a one-row chunk's row as a block of its own, which stays valid when the caller reuses its slices.
func (c chunk) row() schemas.Block {
	p := c.pieces[0]
	if p.index == nil {
		p.index = []int{p.from}
	}
	block := schemas.Block{Table: p.block.Table, Rows: 1}
	for _, column := range p.block.Columns {
		data := p.values(column)
		if array := reflect.ValueOf(data).Index(0); array.Kind() == reflect.Slice {
			array.Set(reflect.AppendSlice(reflect.Zero(array.Type()), array))
		}
		block.Columns = append(block.Columns, schemas.Column{Name: column.Name, Data: data})
	}
	if p.block.Partition != nil {
		block.Partition = []uint32{p.block.Partition[p.index[0]]}
	}
	return block
}

// partitions counts distinct table partitions.
type partitions struct {
	seen    map[uint32]struct{}
	unnamed int // blocks without partitions: each is in one, nobody knows which
}

// with returns how many partitions there would be with a block's rows added.
func (p *partitions) with(block *schemas.Block) int {
	if block.Partition == nil {
		return len(p.seen) + p.unnamed + 1
	}
	added := distinct(block.Partition)
	count := len(p.seen) + p.unnamed
	for partition := range added {
		if _, there := p.seen[partition]; !there {
			count++
		}
	}
	return count
}

func (p *partitions) add(block *schemas.Block) {
	if block.Partition == nil {
		p.unnamed++
		return
	}
	if p.seen == nil {
		p.seen = make(map[uint32]struct{})
	}
	for partition := range distinct(block.Partition) {
		p.seen[partition] = struct{}{}
	}
}

func distinct(values []uint32) map[uint32]struct{} {
	set := make(map[uint32]struct{})
	for i, value := range values {
		if i == 0 || value != values[i-1] { // mostly runs
			set[value] = struct{}{}
		}
	}
	return set
}

// cut groups pieces, each a whole block, into chunks of at most maxRows rows and maxPartitions table partitions.
// ClickHouse refuses an insert into more partitions than max_partitions_per_insert_block, 100 by default: an imported
// trace may span years.
func cut(to *target, pieces []piece, maxRows, maxPartitions int) []chunk {
	var chunks []chunk
	current, spanned := chunk{target: to}, partitions{}
	finish := func() {
		if current.rows > 0 {
			chunks = append(chunks, current)
		}
		current, spanned = chunk{target: to}, partitions{}
	}
	for _, p := range pieces {
		if current.rows > 0 && (current.rows+p.rows() > maxRows || spanned.with(p.block) > maxPartitions) {
			finish()
		}
		if p.rows() <= maxRows && spanned.with(p.block) <= maxPartitions {
			current.add(p)
			spanned.add(p.block)
			continue
		}
		for _, part := range cutBlock(p, maxRows, maxPartitions) {
			current.add(part)
			finish()
		}
	}
	finish()
	return chunks
}

// cutBlock cuts a block that is too much for one insert. Its rows are taken by partition, so that each partition is in
// as few inserts as can be: every insert into a partition is a part that ClickHouse has to merge.
func cutBlock(p piece, maxRows, maxPartitions int) []piece {
	var parts []piece
	if p.block.Partition == nil || len(distinct(p.block.Partition)) <= maxPartitions {
		for from := 0; from < p.rows(); from += maxRows {
			parts = append(parts, p.part(from, min(from+maxRows, p.rows())))
		}
		return parts
	}
	of := p.block.Partition
	order := make([]int, p.rows())
	for i := range order {
		order[i] = p.from + i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(of[a]) - int(of[b]) })
	p.index = order
	from, count := 0, 0
	for i, row := range order {
		if i == from || of[row] != of[order[i-1]] {
			count++
		}
		if count > maxPartitions || i-from == maxRows {
			parts = append(parts, p.part(from, i))
			from, count = i, 1
		}
	}
	return append(parts, p.part(from, len(order)))
}
