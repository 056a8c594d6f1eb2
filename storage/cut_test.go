package storage

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
)

// Whatever is cut, every row is in exactly one chunk, and no chunk is over the bounds.
func TestCutKeepsEveryRowWithinBounds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		maxRows, maxPartitions := 1+random.IntN(60), 1+random.IntN(8)
		var pieces []piece
		total := 0
		for range 1 + random.IntN(5) {
			rows := 1 + random.IntN(80)
			values := make([]int, rows)
			block := &schemas.Block{Rows: rows, Columns: []schemas.Column{{Name: "x", Data: values}}}
			spread := 1 + random.IntN(20)
			if random.IntN(3) > 0 {
				block.Partition = make([]uint32, rows)
			}
			for i := range values {
				values[i] = total
				if block.Partition != nil {
					block.Partition[i] = uint32(random.IntN(spread)) * 1000
				}
				total++
			}
			pieces = append(pieces, piece{block: block, to: rows})
		}
		seen := make([]int, total)
		visit := func(c chunk) {
			rows, named, unnamed := 0, map[uint32]bool{}, 0
			for _, p := range c.pieces {
				values := p.values(p.block.Columns[0]).([]int)
				rows += len(values)
				if p.block.Partition == nil {
					unnamed++
				}
				for i, value := range values {
					seen[value]++
					if p.block.Partition != nil {
						row := p.from + i
						if p.index != nil {
							row = p.index[i]
						}
						named[p.block.Partition[row]] = true
					}
				}
			}
			if rows != c.rows || rows > maxRows || len(named)+unnamed > maxPartitions {
				t.Fatalf("a chunk of %d rows (said %d, at most %d) in %d partitions (at most %d)", rows, c.rows, maxRows, len(named)+unnamed, maxPartitions)
			}
		}
		for _, c := range cut(&target{}, pieces, maxRows, maxPartitions) {
			if c.rows == 1 {
				if one := c.row().Columns[0].Data.([]int); len(one) != 1 {
					t.Fatalf("a row of %d values", len(one))
				}
				visit(c)
				continue
			}
			for _, half := range c.halves() {
				if half.rows == 0 {
					t.Fatal("an empty half")
				}
				visit(half)
			}
		}
		for value, times := range seen {
			if times != 1 {
				t.Fatalf("row %d of %d is written %d times", value, total, times)
			}
		}
	}
}

// TestRowStaysValid holds that a row put aside is what it was, whatever becomes of the memory it was taken from.
func TestRowStaysValid(t *testing.T) {
	var texts schemas.Texts
	for _, text := range []string{"one", "two", "three"} {
		texts.Append(text)
	}
	numbers, array := []int64{1, 2, 3}, []uint32{7, 8, 9}
	block := schemas.Block{Table: "t", Rows: 3, Columns: []schemas.Column{
		{Name: "s", Data: texts}, {Name: "n", Data: numbers}, {Name: "a", Data: [][]uint32{array[:1], array[1:], nil}}}}
	c := chunk{target: &target{}}
	c.add(piece{block: &block, from: 1, to: 2})
	row := c.row()
	texts.Reset()
	texts.Append("something else")
	numbers[1], array[1], array[2] = 0, 0, 0
	want := []any{[]string{"two"}, []int64{2}, [][]uint32{{8, 9}}}
	for i, column := range row.Columns {
		if diff := cmp.Diff(want[i], column.Data); diff != "" {
			t.Errorf("column %s (-want +got):\n%s", column.Name, diff)
		}
	}
}
