package processors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// gpuLog makes records of two GPUs and an engine on two hosts over some minutes, with a counter that starts again, some of them twice and
// out of order, and one that is none.
func gpuLog() [][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var log [][]byte
	put := func(r *schemas.GPURecord) {
		value, err := json.Marshal(r)
		if err != nil {
			panic(err)
		}
		log = append(log, value)
		if rng.IntN(5) == 0 {
			log = append(log, value)
		}
	}
	const start = 1_700_000_040_000_000
	for i := range 12 {
		at := int64(start + i*15_000_000)
		energy, use, code := float64(i%7)*100, float64(i)/20, int64(i/5)
		for _, host := range []string{"node-a", "node-b"} {
			put(&schemas.GPURecord{GPU: &schemas.GPUSample{Host: host, UUID: "GPU-" + host, AtUS: at, Share: 1, Service: "chat", EnergyJ: &energy, Utilisation: &use, XID: &code}})
		}
		put(&schemas.GPURecord{Engine: &schemas.EngineSample{Host: "node-a", Target: "node-a:8000", Model: "m", Engine: "vllm", AtUS: at, Running: &energy, Preemptions: &energy}})
		put(&schemas.GPURecord{Scrape: &schemas.ScrapeSample{Host: "node-a", Target: "node-a:9400", AtUS: at, Up: i != 3}})
	}
	rng.Shuffle(len(log), func(i, j int) { log[i], log[j] = log[j], log[i] })
	return append(log, []byte(`{"gpu":{"host":"node-a"}}`))
}

var errKilled = errors.New("killed")

// mortalStore ends all work at a step: before it, or after it was done and before anybody knows.
type mortalStore struct {
	GPUStore
	steps int // that are left
	after bool
}

func (m *mortalStore) step(do func() error) error {
	if m.steps--; m.steps < 0 {
		return errKilled
	}
	if m.steps == 0 {
		if m.after {
			_ = do()
		}
		return errKilled
	}
	return do()
}

func (m *mortalStore) Write(ctx context.Context, stages [][]schemas.Block, check func(schemas.Revisions) bool) (all bool, err error) {
	err = m.step(func() (err error) {
		all, err = m.GPUStore.Write(ctx, stages, check)
		return err
	})
	return all, err
}

func (m *mortalStore) RewriteMinutes(ctx context.Context, rewrite schemas.Rewrite, keys []schemas.HostMinute) error {
	return m.step(func() error { return m.GPUStore.RewriteMinutes(ctx, rewrite, keys) })
}

// newGPUWorker makes the work of a runner that does not try again.
func newGPUWorker(t *testing.T, store GPUStore, next int64) *gpuWorker {
	t.Helper()
	r, err := NewGPU(DefaultConfig(), GPUDependencies{Store: store, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w := r.kind.work(0, 1).(*gpuWorker)
	w.retry = func(_ context.Context, _ string, do func() error) error { return do() }
	if err := w.assign(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	return w
}

// process hands records from an offset on to a worker, and stores them every so many. It gives the offset after the last that was committed.
func processGPU(t *testing.T, store GPUStore, log [][]byte, from, every int) (committed int, err error) {
	t.Helper()
	w := newGPUWorker(t, store, int64(from))
	committed = from
	for offset := from; offset < len(log); offset++ {
		w.add(int64(offset), log[offset])
		if (offset+1-from)%every > 0 && offset+1 < len(log) {
			continue
		}
		f, err := w.flush(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.write(t.Context()); err != nil {
			return committed, err
		}
		committed = int(f.next)
	}
	return committed, nil
}

// gpuRows gives all rows as they stand, those of minutes with all that they hold.
func gpuRows(t *testing.T, db *storage.DB) (rows []string) {
	t.Helper()
	for _, query := range []string{
		"SELECT toString(tuple(* EXCEPT (stored_at))) FROM gpu_minutes FINAL ORDER BY host, uuid, minute",
		"SELECT toString(tuple(* EXCEPT (stored_at))) FROM engine_minutes FINAL ORDER BY host, minute",
		"SELECT toString((host, uuid, at_us, energy_j)) FROM gpu_samples FINAL ORDER BY host, uuid, at_us",
		"SELECT toString((target, at_us, running)) FROM engine_samples FINAL ORDER BY target, at_us",
		"SELECT toString((target, at_us, up)) FROM scrape_samples FINAL ORDER BY target, at_us",
		"SELECT toString((topic, offset, reason)) FROM dead_letters FINAL ORDER BY offset",
		"SELECT toString((consumer_group, topic, partition, position)) FROM positions FINAL ORDER BY partition",
	} {
		answer, err := db.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for answer.Next() {
			var row string
			if err := answer.Scan(&row); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
		if err := errors.Join(answer.Err(), answer.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// TestGPUExactlyOnce kills the work before, in and after each step, lets another go on from the last commit, and one that was taken for
// dead finish what it had begun: the rows are those of one that was never disturbed.
func TestGPUExactlyOnce(t *testing.T) {
	testenv.Sequential(t)
	log := gpuLog()
	storeOf := func(db *storage.DB) *storage.Store { return storage.NewStore(db, testenv.Writer(t, db)) }
	undisturbed := testenv.Migrated(t)
	if _, err := processGPU(t, storeOf(undisturbed), log, 0, len(log)); err != nil {
		t.Fatal(err)
	}
	want := gpuRows(t, undisturbed)
	// A row by hand: of the samples at 40 and 55 s that the first minute has.
	if first := want[0]; !strings.HasPrefix(first, "('node-a','GPU-node-a','',28333334,4,1700000040000000,1700000085000000,") {
		t.Errorf("the first minute is %s", first)
	}
	if len(want) != 3*2+3+12*4+1+1 {
		t.Fatalf("%d rows:\n%s", len(want), strings.Join(want, "\n"))
	}
	db := testenv.Migrated(t)
	const every = 30
	for _, death := range []struct {
		step int
		done bool
	}{{3, true}, {2, false}, {4, true}, {1, true}, {2, true}, {3, false}, {4, false}, {6, true}} {
		t.Run(fmt.Sprintf("killed at step %d, done %v", death.step, death.done), func(t *testing.T) {
			if testing.Short() && death.step > 3 {
				t.Skip("the long lane runs it")
			}
			for _, table := range []string{"gpu_samples", "gpu_minutes", "engine_samples", "engine_minutes", "scrape_samples", "dead_letters", "positions"} {
				if err := db.Exec(t.Context(), "TRUNCATE TABLE "+table); err != nil {
					t.Fatal(err)
				}
			}
			store := storeOf(db)
			committed, err := processGPU(t, &mortalStore{store, death.step, death.done}, log, 0, every)
			if !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			// A zombie has read as far and stands before its last steps.
			zombie := newGPUWorker(t, store, int64(committed))
			for offset := committed; offset < min(committed+every, len(log)); offset++ {
				zombie.add(int64(offset), log[offset])
			}
			late, err := zombie.flush(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := processGPU(t, store, log, committed, len(log)); err != nil {
				t.Fatal(err)
			}
			if _, err := late.write(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, gpuRows(t, db)); diff != "" {
				t.Errorf("(-undisturbed +got):\n%s", diff)
			}
		})
	}
}

// TestGPURunner reads a topic with two runners of one group, dead letters among the records, and adds a partition on the way: samples need no
// one owner.
func TestGPURunner(t *testing.T) {
	r := newRunnerTest(t, 2)
	db := testenv.Migrated(t)
	log := gpuLog()
	start := func() func() error {
		runner, err := NewGPU(r.config(), GPUDependencies{Store: storage.NewStore(db, testenv.Writer(t, db)), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- runner.Run(ctx) }()
		return func() error {
			cancel()
			return <-done
		}
	}
	stopFirst := start()
	for i, value := range log[:len(log)/2] {
		r.produce(i%2, string(value))
	}
	r.waitCommitted(map[int]int64{0: int64(len(log)/2+1) / 2, 1: int64(len(log)/2) / 2})
	stopSecond := start()
	for i, value := range log[len(log)/2:] {
		r.produce(i%2, string(value))
	}
	count := func(table string) (n uint64) {
		if err := db.QueryRow(t.Context(), "SELECT count() FROM "+table+" FINAL").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, "all samples are stored", func() bool {
		return count("gpu_samples") == 24 && count("engine_samples") == 12 && count("scrape_samples") == 12 && count("dead_letters") == 1
	})
	if err := errors.Join(stopFirst(), stopSecond()); err != nil {
		t.Fatal(err)
	}
	// The partition count may change: what is read of it is what was not committed.
	r.addPartition()
	transport := new(kafka.Transport) // that has not heard of the topic before
	defer transport.CloseIdleConnections()
	r.client.Transport = transport
	stop := start()
	r.produce(2, string(log[0]))
	eventually(t, "the new partition is read", func() bool { return count("positions") == 3 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	undisturbed := testenv.Migrated(t)
	if _, err := processGPU(t, storage.NewStore(undisturbed, testenv.Writer(t, undisturbed)), log, 0, len(log)); err != nil {
		t.Fatal(err)
	}
	rows := func(db *storage.DB) []string { return gpuRows(t, db)[:3*2+3+12*4] } // without where records stood
	if diff := cmp.Diff(rows(undisturbed), rows(db)); diff != "" {
		t.Errorf("(-one worker +runners):\n%s", diff)
	}
}
