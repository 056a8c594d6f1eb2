package storage_test

import (
	"fmt"
	"testing"
	"time"

	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// BenchmarkWrite inserts what a flush of one partition's requests looks like: a dozen columns, names interned.
func BenchmarkWrite(b *testing.B) {
	for _, rows := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			db := testenv.Database(b)
			table := "CREATE TABLE t (service LowCardinality(String), model LowCardinality(String), id String"
			block := schemas.Block{Table: "t", Rows: rows}
			names, ids, numbers := make([]string, rows), make([]string, rows), make([]int64, rows)
			for i := range rows {
				names[i], ids[i], numbers[i] = [...]string{"chat", "code", "search"}[i%3], fmt.Sprintf("request-%09d", i), int64(i)*7919
			}
			block.Columns = []schemas.Column{{Name: "service", Data: names}, {Name: "model", Data: names}, {Name: "id", Data: ids}}
			for i := range 9 {
				table += fmt.Sprintf(", n%d Int64", i)
				block.Columns = append(block.Columns, schemas.Column{Name: fmt.Sprintf("n%d", i), Data: numbers})
			}
			if err := db.Exec(b.Context(), table+") ENGINE = ReplacingMergeTree ORDER BY (service, n0, id)"); err != nil {
				b.Fatal(err)
			}
			w, err := storage.NewWriter(storage.DefaultWriterConfig(), storage.WriterDependencies{
				DB: db, Quarantine: func(table string, row schemas.Block, err error) { b.Error(err) }})
			if err != nil {
				b.Fatal(err)
			}
			began := time.Now()
			for b.Loop() {
				if err := w.Write(b.Context(), [][]schemas.Block{{block}}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*rows)/time.Since(began).Seconds(), "rows/s")
		})
	}
}
