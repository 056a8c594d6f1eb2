package processors

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// BenchmarkDrain measures the CPU that a record costs from its bytes to ClickHouse's acknowledgement, this process's and
// the engine's, for twelve partitions of one service each, flushed every 32,768 records as a full processor does.
func BenchmarkDrain(b *testing.B) {
	for _, perMinute := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprintf("perMinute=%d", perMinute), func(b *testing.B) {
			db := testenv.Database(b)
			migrations, err := schemas.Migrations(schemas.Topology{})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := storage.Migrate(b.Context(), db, migrations); err != nil {
				b.Fatal(err)
			}
			for _, q := range strings.Split(os.Getenv("DDL"), ";") {
				if q != "" {
					if err := db.Exec(b.Context(), q); err != nil {
						b.Fatal(err)
					}
				}
			}
			writer, err := storage.NewWriter(storage.DefaultWriterConfig(), storage.WriterDependencies{DB: db,
				Quarantine: func(table string, _ schemas.Block, err error) { b.Errorf("a row of %s is refused: %v", table, err) }})
			if err != nil {
				b.Fatal(err)
			}
			store := storage.NewStore(db, writer)
			const partitions, batch = 12, 32_768
			var workers []*worker
			var logs []*burst
			for p := range partitions {
				w := newWorker("t", p, partitions, "g", store, newMetrics(nil))
				if err := w.assign(b.Context(), 0); err != nil {
					b.Fatal(err)
				}
				name := ""
				for i := 0; name == "" || schemas.Partition(name, partitions) != p; i++ {
					name = fmt.Sprintf("service-%d", i)
				}
				workers, logs = append(workers, w), append(logs, newBurst(name, perMinute))
			}
			records := 0
			var own, engine time.Duration
			for b.Loop() {
				var batches [partitions][][]byte
				for p := range workers {
					batches[p] = logs[p].next(batch)
				}
				o, e := ownCPU(), childrenCPU(b)
				var running sync.WaitGroup
				for p, w := range workers {
					running.Go(func() {
						for _, record := range batches[p] {
							w.add(w.next, record)
						}
						f, err := w.prepare(b.Context())
						if err != nil {
							b.Error(err)
							return
						}
						stages := f.stages()
						if only := os.Getenv("ONLY"); only != "" {
							for i := range stages {
								stages[i] = slices.DeleteFunc(stages[i], func(b schemas.Block) bool { return !strings.Contains(only, b.Table) })
							}
						}
						if err := store.Write(b.Context(), stages); err != nil {
							b.Error(err)
						}
						w.stored(f)
						w.evict(32 << 20)
					})
				}
				running.Wait()
				own += ownCPU() - o
				engine += childrenCPU(b) - e
				records += partitions * batch
			}
			b.ReportMetric(float64(own.Nanoseconds())/float64(records), "cpu-ns/record")
			b.ReportMetric(float64(engine.Nanoseconds())/float64(records), "engine-cpu-ns/record")
		})
	}
}

// burst makes the records of one service at a rate: two models, two log types, a tenth of them turns of conversations.
type burst struct {
	rng       *rand.Rand
	service   string
	perMinute int
	t         float64
	n         int
	log       [][]byte
}

func newBurst(service string, perMinute int) *burst {
	return &burst{rng: rand.New(rand.NewPCG(7, schemas.IDHash(service))), service: service, perMinute: perMinute}
}

func (g *burst) next(n int) [][]byte {
	g.log = g.log[:0]
	var r schemas.Request
	for range n {
		g.t += g.rng.ExpFloat64() * schemas.MinuteUS / float64(g.perMinute)
		r.Reset()
		r.Service, r.Model, r.LogType, r.Outcome = g.service, []string{"ChatGPT", "GPT-4"}[g.rng.IntN(2)], "api", schemas.OK
		r.ArrivalUS, r.Seq, r.RequestID = int64(g.t), int64(g.n), fmt.Sprintf("3f8a9b1c2d4e5f60:%d", g.n)
		r.RequestTokens, r.ResponseTokens, r.ElapsedUS = 1+g.rng.Int64N(2000), 1+g.rng.Int64N(800), g.rng.Int64N(30_000_000)
		if g.rng.IntN(10) == 0 {
			r.LogType, r.Conversation = "conversation", fmt.Sprint(g.n/400*10+g.rng.IntN(10))
		}
		g.log = append(g.log, schemas.AppendJSON(nil, &r))
		g.n++
	}
	return g.log
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// childrenCPU is the CPU time of this process's children, of which the engine is the only one that works.
func childrenCPU(b *testing.B) time.Duration {
	list, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", os.Getpid()))
	if err != nil {
		b.Skip(err)
	}
	var ticks int64
	for _, pid := range allChildren(b) {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		ticks += user + system
	}
	_ = list
	return time.Duration(ticks) * 10 * time.Millisecond
}

func allChildren(b *testing.B) []string {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		b.Skip(err)
	}
	var all []string
	for _, t := range tasks {
		list, _ := os.ReadFile("/proc/self/task/" + t.Name() + "/children")
		all = append(all, strings.Fields(string(list))...)
	}
	return all
}
