package processors

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// TestRunnerLargeRecords reads records that are larger than the buffer for them, wherever in a fetch they stand: first, behind
// others, or before the one that is wanted.
func TestRunnerLargeRecords(t *testing.T) {
	for name, compression := range map[string]kafka.Compression{"plain": 0, "zstd": kafka.Zstd} {
		for _, from := range []int64{0, 1, 2, 4} {
			t.Run(fmt.Sprintf("%s from %d", name, from), func(t *testing.T) {
				r := newRunnerTest(t, 1)
				good := requests("a", 0, 4)
				large := func(bytes int) string { return "{" + strings.Repeat("x", bytes) }
				all := []string{large(100_000), good[0], large(200_000), large(400_000), good[1], large(300_000), good[2], good[3]}
				r.produceAt(func(int) time.Time { return time.Now() }, compression, all...)
				store := newMemStore()
				if from > 0 {
					r.commitAndPosition(store, from)
				}
				config := r.config()
				config.FetchBytes = 10_000 // of which the buffer's size follows
				runner, stop := r.start(config, store)
				r.waitCommitted(map[int]int64{0: int64(len(all))})
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if n := counterValue(runner.metrics.records); n != float64(len(all))-float64(from) {
					t.Errorf("%v records were read", n)
				}
				if n := counterValue(runner.metrics.errors.WithLabelValues("fetching")); n != 0 {
					t.Errorf("%v fetches failed", n)
				}
				letters := 0
				for i, value := range all[from:] {
					if strings.HasPrefix(value, "{x") {
						letters++
						if row := store.tables["dead_letters"][fmt.Sprintf("dead_letters\x00%s\x000\x00%d\x00", r.topic, int(from)+i)]; row.values["bytes"] != uint64(len(value)) {
							t.Errorf("dead letter %d has %v bytes, want %d", int(from)+i, row.values["bytes"], len(value))
						}
					}
				}
				if n := store.len("dead_letters"); n != letters {
					t.Errorf("%d dead letters, want %d", n, letters)
				}
				if n := store.len("requests"); n != len(all)-int(from)-letters {
					t.Errorf("%d requests are stored", n)
				}
			})
		}
	}
}
