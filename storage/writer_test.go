//go:build unix

package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// quarantined collects what a writer refuses.
type quarantined struct {
	mu   sync.Mutex
	rows []string
}

func (q *quarantined) add(table string, row schemas.Block, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rows = append(q.rows, fmt.Sprint(table, " ", row.Rows, " ", row.Columns[0].Data))
}

type harness struct {
	*storage.Writer
	db       *storage.DB
	bad      quarantined
	registry *prometheus.Registry
	log      *lockedBuffer
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func newWriter(t *testing.T, db *storage.DB, change ...func(*storage.WriterConfig)) *harness {
	t.Helper()
	h := &harness{db: db, registry: prometheus.NewRegistry(), log: &lockedBuffer{}}
	c := storage.DefaultWriterConfig()
	c.RetryInitial, c.RetryMax = 10*time.Millisecond, 100*time.Millisecond
	for _, f := range change {
		f(&c)
	}
	w, err := storage.NewWriter(c, storage.WriterDependencies{
		DB: db, Registerer: h.registry, Logger: slog.New(slog.NewTextHandler(h.log, nil)), Quarantine: h.bad.add,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Writer = w
	return h
}

// inserts is how many inserts into a table there were, by result.
func (h *harness) inserts(t *testing.T, table, result string) int {
	t.Helper()
	return h.counter(t, "tidegauge_storage_inserts_total", table, result)
}

// counter is a counter's value for a table and, where it has that label, a result; of a histogram, the observations.
func (h *harness) counter(t *testing.T, name, table, result string) int {
	t.Helper()
	families, err := h.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			if family.GetName() == name && labels["table"] == table && labels["result"] == result {
				total += int(metric.GetCounter().GetValue()) + int(metric.GetHistogram().GetSampleCount())
			}
		}
	}
	return total
}

// numbers is a block of table with x counting from first.
func numbers(table string, first, rows int) schemas.Block {
	x := make([]uint64, rows)
	for i := range x {
		x[i] = uint64(first + i)
	}
	return schemas.Block{Table: table, Rows: rows, Columns: []schemas.Column{{Name: "x", Data: x}}}
}

func within(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func TestWriterWritesColumnsOfAllKinds(t *testing.T) {
	for protocol, database := range map[string]func(testing.TB) *storage.DB{"native": testenv.Database, "http": testenv.DatabaseHTTP} {
		t.Run(protocol, func(t *testing.T) {
			db := database(t)
			run(t, db, "CREATE TABLE wide (id Int64, s LowCardinality(String), a_b Array(UInt16), f Float64, at DateTime64(6), extra String DEFAULT 'left out') ENGINE = MergeTree ORDER BY id")
			h := newWriter(t, db)
			block := schemas.Block{Table: "wide", Rows: 2, Columns: []schemas.Column{
				{Name: "s", Data: []string{"x", "y"}}, {Name: "id", Data: []int64{1, 2}}, {Name: "a_b", Data: [][]uint16{{1, 2}, {}}},
				{Name: "f", Data: []float64{1.5, -2}}, {Name: "at", Data: []time.Time{time.UnixMicro(1), time.UnixMicro(2)}},
			}}
			more := schemas.Block{Table: "wide", Rows: 1, Columns: []schemas.Column{{Name: "id", Data: []int64{3}}, {Name: "extra", Data: []string{"given"}}}}
			if err := h.Write(within(t, 10*time.Second), [][]schemas.Block{{block, more, {Table: "wide"}}, nil}); err != nil {
				t.Fatal(err)
			}
			var got string
			if err := db.QueryRow(t.Context(), "SELECT toString(groupArray((id, s, a_b, f, toUnixTimestamp64Micro(at), extra))) FROM (SELECT * FROM wide ORDER BY id)").Scan(&got); err != nil {
				t.Fatal(err)
			}
			want := "[(1,'x',[1,2],1.5,1,'left out'),(2,'y',[],-2,2,'left out'),(3,'',[],0,0,'given')]"
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if n := h.inserts(t, "wide", "ok"); n != 2 {
				t.Errorf("%d inserts for two column lists", n)
			}
		})
	}
}

// TestWriterSendsInBlocks writes far more than one block of an insert holds: every row is there once, whole, and all of them are
// one part.
func TestWriterSendsInBlocks(t *testing.T) {
	for protocol, database := range map[string]func(testing.TB) *storage.DB{"native": testenv.Database, "http": testenv.DatabaseHTTP} {
		t.Run(protocol, func(t *testing.T) {
			db := database(t)
			run(t, db, "CREATE TABLE large (id Int64, s String, a Array(UInt32)) ENGINE = MergeTree ORDER BY id")
			h := newWriter(t, db)
			const rows = 150_000
			block := func(first int64) schemas.Block {
				var texts schemas.Texts
				ids, arrays := make([]int64, rows), make([][]uint32, rows)
				for i := range ids {
					ids[i] = first + int64(i)
					texts.Append(fmt.Sprint("text ", ids[i]))
					arrays[i] = make([]uint32, ids[i]%5)
					for k := range arrays[i] {
						arrays[i][k] = uint32(ids[i]) + uint32(k)
					}
				}
				return schemas.Block{Table: "large", Rows: rows, Columns: []schemas.Column{{Name: "id", Data: ids}, {Name: "s", Data: texts}, {Name: "a", Data: arrays}}}
			}
			if err := h.Write(within(t, 60*time.Second), [][]schemas.Block{{block(0), block(rows)}}); err != nil {
				t.Fatal(err)
			}
			var n, distinct, wrong, parts uint64
			if err := db.QueryRow(t.Context(), `SELECT count(), uniqExact(id), countIf(s != concat('text ', toString(id))
    OR a != arrayMap(k -> toUInt32(id + k), range(toUInt64(id % 5)))), uniqExact(_part) FROM large`).Scan(&n, &distinct, &wrong, &parts); err != nil {
				t.Fatal(err)
			}
			if n != 2*rows || distinct != n || wrong != 0 || parts != 1 {
				t.Errorf("%d rows, %d of them different, %d wrong, in %d parts", n, distinct, wrong, parts)
			}
			if n := h.inserts(t, "large", "ok"); n != 1 {
				t.Errorf("%d inserts", n)
			}
		})
	}
}

func TestWriterCoalescesCallers(t *testing.T) {
	db := testenv.Database(t)
	run(t, db, "CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
	h := newWriter(t, db)
	const callers, rounds = 20, 10
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			for round := range rounds {
				if err := h.Write(within(t, 20*time.Second), [][]schemas.Block{{numbers("t", 1000*caller+10*round, 10)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if n := count(t, db, "SELECT uniqExact(x) FROM t"); n != callers*rounds*10 {
		t.Errorf("%d rows", n)
	}
	if n := h.inserts(t, "t", "ok"); n > 4*rounds {
		t.Errorf("%d inserts for %d calls: nothing was gathered", n, callers*rounds)
	}
	families, err := h.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

// An insert that has succeeded leaves its connection alone, however late the machine gets round to clickhouse-go's watch
// over it: without insertContext one insert in twenty here met a connection that the one before it had closed.
func TestWriterRepeatsNothingOnABusyMachine(t *testing.T) {
	db := testenv.Database(t)
	run(t, db, "CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
	h := newWriter(t, db)
	var busy, writers sync.WaitGroup
	var enough atomic.Bool
	for range 3 * runtime.GOMAXPROCS(0) {
		busy.Go(func() {
			for !enough.Load() {
			}
		})
	}
	const callers, rounds = 8, 20
	for caller := range callers {
		writers.Go(func() {
			for round := range rounds {
				if err := h.Write(within(t, 60*time.Second), [][]schemas.Block{{numbers("t", 100*caller+round, 1)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	enough.Store(true)
	busy.Wait()
	if n := h.inserts(t, "t", "transient"); n != 0 {
		t.Errorf("%d inserts were repeated", n)
	}
	if n := count(t, db, "SELECT count() FROM t"); n != callers*rounds {
		t.Errorf("%d rows", n)
	}
}

// A stage is stored before the next one begins: whoever reads later stages first finds their earlier ones.
func TestWriterKeepsStagesInOrder(t *testing.T) {
	db := testenv.Database(t)
	run(t, db, "CREATE TABLE first (x UInt64) ENGINE = MergeTree ORDER BY x")
	run(t, db, "CREATE TABLE second (x UInt64) ENGINE = MergeTree ORDER BY x")
	h := newWriter(t, db)
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			second := count(t, db, "SELECT count() FROM second")
			if first := count(t, db, "SELECT count() FROM first"); first < second {
				t.Errorf("%d in the second stage with %d in the first", second, first)
			}
		}
	})
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			for j := range 15 {
				if err := h.Write(within(t, 20*time.Second), [][]schemas.Block{{numbers("first", 100*i+j, 1)}, {numbers("second", 100*i+j, 1)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	group.Wait()
	// A second stage must not begin while the first is held up.
	run(t, db, "RENAME TABLE first TO away")
	err := h.Write(within(t, 300*time.Millisecond), [][]schemas.Block{{numbers("first", 9999, 1)}, {numbers("second", 9999, 1)}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if n := count(t, db, "SELECT count() FROM second WHERE x = 9999"); n != 0 {
		t.Error("the second stage was written without the first")
	}
}

func TestWriterCutsByPartitionAndRows(t *testing.T) {
	db := testenv.Database(t)
	run(t, db, "CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x PARTITION BY x % 25")
	block := numbers("t", 0, 100)
	block.Partition = make([]uint32, 100)
	for i := range block.Partition {
		block.Partition[i] = uint32(i % 25)
	}
	h := newWriter(t, db, func(c *storage.WriterConfig) {
		c.MaxPartitions = 9
		c.Settings = map[string]any{"max_partitions_per_insert_block": 10}
	})
	if err := h.Write(within(t, 30*time.Second), [][]schemas.Block{{block, block}}); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "SELECT uniqExact(x) FROM t"); n != 100 {
		t.Errorf("%d rows", n)
	}
	if ok, bad := h.inserts(t, "t", "ok"), h.inserts(t, "t", "row"); ok != 6 || bad != 0 {
		t.Errorf("%d inserts and %d refused; want 3 for each block and none", ok, bad)
	}
	// A block that does not say what partitions it falls in is refused by ClickHouse, and halved until it is not.
	if err := h.Write(within(t, 30*time.Second), [][]schemas.Block{{numbers("t", 100, 25)}}); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "SELECT uniqExact(x) FROM t"); n != 125 || len(h.bad.rows) > 0 {
		t.Errorf("%d rows, %d in quarantine", n, len(h.bad.rows))
	}
	run(t, db, "CREATE TABLE u (x UInt64) ENGINE = MergeTree ORDER BY x")
	h = newWriter(t, db, func(c *storage.WriterConfig) { c.MaxRows = 100 })
	if err := h.Write(within(t, 20*time.Second), [][]schemas.Block{{numbers("u", 0, 60), numbers("u", 60, 60), numbers("u", 120, 250)}}); err != nil {
		t.Fatal(err)
	}
	if n, inserts := count(t, db, "SELECT uniqExact(x) FROM u"), h.inserts(t, "u", "ok"); n != 370 || inserts != 5 {
		t.Errorf("%d rows in %d inserts", n, inserts)
	}
}

func TestWriterQuarantinesBadRowsAlone(t *testing.T) {
	for protocol, database := range map[string]func(testing.TB) *storage.DB{"native": testenv.Database, "http": testenv.DatabaseHTTP} {
		t.Run(protocol, func(t *testing.T) { quarantinesBadRowsAlone(t, database(t)) })
	}
}

func quarantinesBadRowsAlone(t *testing.T, db *storage.DB) {
	run(t, db, "CREATE TABLE t (x UInt64, e Enum8('good' = 1), CONSTRAINT c CHECK x % 100 != 13) ENGINE = MergeTree ORDER BY x")
	h := newWriter(t, db)
	block := numbers("t", 0, 600) // six of which violate the constraint
	words := make([]string, 600)
	for i := range words {
		words[i] = "good"
	}
	words[500] = "bad" // refused by clickhouse-go, not by the server
	block.Columns = append(block.Columns, schemas.Column{Name: "e", Data: words})
	var other sync.WaitGroup
	other.Go(func() {
		innocent := numbers("t", 5000, 10)
		innocent.Columns = append(innocent.Columns, schemas.Column{Name: "e", Data: words[:10]})
		if err := h.Write(within(t, 20*time.Second), [][]schemas.Block{{innocent}}); err != nil {
			t.Error(err)
		}
	})
	if err := h.Write(within(t, 20*time.Second), [][]schemas.Block{{block}}); err != nil {
		t.Fatal(err)
	}
	other.Wait()
	if n := count(t, db, "SELECT uniqExact(x) FROM t"); n != 603 {
		t.Errorf("%d rows stored, want 593 and 10", n)
	}
	if len(h.bad.rows) != 7 {
		t.Errorf("%d rows in quarantine: %s", len(h.bad.rows), h.bad.rows)
	}
	for name, want := range map[string]int{"tidegauge_storage_quarantined_rows_total": 7, "tidegauge_storage_insert_rows_total": 603,
		"tidegauge_storage_insert_batch_rows": h.inserts(t, "t", "ok"), "tidegauge_storage_insert_seconds": h.inserts(t, "t", "ok")} {
		if n := h.counter(t, name, "t", ""); n != want || n == 0 {
			t.Errorf("%s is %d, want %d", name, n, want)
		}
	}
	if joined := strings.Join(h.bad.rows, ","); !strings.Contains(joined, "t 1 [500]") || !strings.Contains(joined, "t 1 [513]") {
		t.Errorf("in quarantine: %s", joined)
	}
}

// When everything is refused the table is at fault; a stream must not be emptied into quarantine.
func TestWriterHoldsWhatIsRefusedAltogether(t *testing.T) {
	db := testenv.Database(t)
	run(t, db, "CREATE TABLE t (x UInt64, CONSTRAINT c CHECK x > 1000000) ENGINE = MergeTree ORDER BY x")
	h := newWriter(t, db)
	finished := make(chan error, 1)
	go func() { finished <- h.Write(within(t, 20*time.Second), [][]schemas.Block{{numbers("t", 0, 500)}}) }()
	eventually(t, "the writer's complaint", func() bool { return strings.Contains(h.log.String(), "held to be the table's fault") })
	run(t, db, "ALTER TABLE t DROP CONSTRAINT c")
	if err := <-finished; err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "SELECT uniqExact(x) FROM t"); n != 500 || len(h.bad.rows) > 0 {
		t.Errorf("%d rows, %d in quarantine", n, len(h.bad.rows))
	}
}

func TestWriterHoldsForErrorsOfTheSchema(t *testing.T) {
	for protocol, database := range map[string]func(testing.TB) *storage.DB{"native": testenv.Database, "http": testenv.DatabaseHTTP} {
		t.Run(protocol, func(t *testing.T) {
			db := database(t)
			h := newWriter(t, db)
			finished := make(chan error, 1)
			go func() { finished <- h.Write(within(t, 20*time.Second), [][]schemas.Block{{numbers("t", 0, 500)}}) }()
			eventually(t, "the missing table's complaint", func() bool { return strings.Contains(h.log.String(), "tidegauge migrate") })
			run(t, db, "CREATE TABLE t (y UInt64, z UInt64) ENGINE = MergeTree ORDER BY y")
			failed := h.inserts(t, "t", "schema")
			eventually(t, "the missing column's refusals", func() bool { return h.inserts(t, "t", "schema") > failed+2 })
			run(t, db, "ALTER TABLE t ADD COLUMN x IPv4") // no uint64 goes in there
			failed = h.inserts(t, "t", "schema")
			eventually(t, "the wrong column's refusals", func() bool { return h.inserts(t, "t", "schema") > failed+2 })
			run(t, db, "ALTER TABLE t DROP COLUMN x")
			run(t, db, "ALTER TABLE t ADD COLUMN x UInt64")
			if err := <-finished; err != nil {
				t.Fatal(err)
			}
			if n := count(t, db, "SELECT uniqExact(x) FROM t"); n != 500 || len(h.bad.rows) > 0 {
				t.Errorf("%d rows, %d in quarantine", n, len(h.bad.rows))
			}
			if lines := strings.Count(h.log.String(), "\n"); lines > 5 {
				t.Errorf("%d lines of log:\n%s", lines, h.log)
			}
		})
	}
}

func TestWriterOutlivesTheServer(t *testing.T) {
	c := engineConfig(t.TempDir())
	e := startEngine(t, c)
	c.NativePort, c.HTTPPort = e.NativePort(), e.HTTPPort()
	db := open(t, e.Addr())
	run(t, db, "CREATE TABLE t (x UInt64) ENGINE = ReplacingMergeTree ORDER BY x")
	h := newWriter(t, db, func(c *storage.WriterConfig) { c.InsertTimeout = time.Second })
	var group sync.WaitGroup
	stop := make(chan struct{})
	var written atomic.Int64
	for i := range 3 {
		group.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := h.Write(within(t, 40*time.Second), [][]schemas.Block{{numbers("t", 1000000*i+n*100, 100)}}); err != nil {
					t.Error(err)
					return
				}
				written.Add(1)
			}
		})
	}
	progress := func() {
		t.Helper()
		before := written.Load()
		eventually(t, "writes going through", func() bool { return written.Load() > before+5 })
	}
	progress()
	if err := e.Stop(t.Context()); err != nil { // away, cleanly
		t.Error(err)
	}
	eventually(t, "the writer's complaint", func() bool { return strings.Contains(h.log.String(), "repeated") })
	e = startEngine(t, c)
	progress()
	_ = syscall.Kill(e.PID(), syscall.SIGKILL) // away, in the middle of things
	<-e.Done()
	e = startEngine(t, c)
	progress()
	_ = syscall.Kill(e.PID(), syscall.SIGSTOP) // there, and silent
	eventually(t, "the writer's giving up an insert", func() bool { return strings.Contains(h.log.String(), "did not answer in time") })
	_ = syscall.Kill(e.PID(), syscall.SIGCONT)
	progress()
	close(stop)
	group.Wait()
	want := uint64(100 * written.Load())
	if n := count(t, db, "SELECT uniqExact(x) FROM t"); n != want || want == 0 {
		t.Errorf("%d rows, want %d", n, want)
	}
	if !strings.Contains(h.log.String(), "go through again") {
		t.Errorf("the log does not say that it is over:\n%s", h.log)
	}
	if n := h.counter(t, "tidegauge_storage_insert_retries_total", "t", ""); n != h.inserts(t, "t", "transient") {
		t.Errorf("%d retries of %d transient errors", n, h.inserts(t, "t", "transient"))
	}
	if h.inserts(t, "t", "transient") == 0 || len(h.bad.rows) > 0 {
		t.Errorf("%d transient errors, %d rows in quarantine", h.inserts(t, "t", "transient"), len(h.bad.rows))
	}
}

func TestWriterLetsACallerGo(t *testing.T) {
	shared := testenv.Database(t)
	run(t, shared, "CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
	before := goleak.IgnoreCurrent()
	db := open(t, shared.Config().Address, func(c *storage.Config) { c.Database = shared.Database() })
	h := newWriter(t, db)
	// The missing table holds its own caller up and, as they are written together, whoever came with it.
	impatient, patient := make(chan error, 1), make(chan error, 1)
	ctx, leave := context.WithCancel(t.Context())
	block := numbers("missing", 0, 100)
	go func() { impatient <- h.Write(ctx, [][]schemas.Block{{block}}) }()
	eventually(t, "the missing table's complaint", func() bool { return h.inserts(t, "missing", "schema") > 0 })
	go func() { patient <- h.Write(within(t, 20*time.Second), [][]schemas.Block{{numbers("t", 0, 10)}}) }()
	leave()
	if err := <-impatient; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	for i := range block.Columns[0].Data.([]uint64) { // the block is the caller's again; the race detector watches
		block.Columns[0].Data.([]uint64)[i] = 7
	}
	if err := <-patient; err != nil {
		t.Error(err)
	}
	if err := h.Write(ctx, [][]schemas.Block{{numbers("t", 10, 10)}}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	_ = db.Close()
	goleak.VerifyNone(t, before)
}

func TestWriterRefusesMalformedBlocks(t *testing.T) {
	h := newWriter(t, testenv.Database(t))
	short := numbers("t", 0, 3)
	short.Rows = 4
	partitions := numbers("t", 0, 3)
	partitions.Partition = []uint32{1}
	for _, block := range []schemas.Block{short, partitions, {Table: "t", Rows: 1}, {Table: "t", Rows: 1, Columns: []schemas.Column{{Name: "x", Data: 1}}}} {
		wantError(t, h.Write(t.Context(), [][]schemas.Block{{block}}), "block of table t")
	}
	_, err := storage.NewWriter(storage.WriterConfig{}, storage.WriterDependencies{})
	wantError(t, err, "insert timeout", "at least 1", "retry delay", "no database", "no quarantine")
}

// The classes of errors are given by code; the names beside them are what the engine calls these codes.
func TestErrorCodesHaveTheirNames(t *testing.T) {
	db := testenv.Database(t)
	for code, name := range storage.ErrorCodes() {
		var got string
		if err := db.QueryRow(t.Context(), fmt.Sprintf("SELECT errorCodeToName(%d)", code)).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != name {
			t.Errorf("code %d is %s, not %s", code, got, name)
		}
	}
}
