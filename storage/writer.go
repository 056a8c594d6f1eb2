package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidegauge/schemas"
)

// WriterConfig bounds a Writer's inserts. Start from DefaultWriterConfig.
type WriterConfig struct {
	// InsertTimeout is how long one insert may take before it is given up and repeated.
	InsertTimeout time.Duration
	// MaxRows and MaxPartitions bound one insert: its rows, and the table partitions they fall in.
	MaxRows, MaxPartitions int
	// MaxInserts is how many inserts of one stage run at once.
	MaxInserts int
	// RetryInitial and RetryMax bound the delay before an insert is repeated, which doubles from one to the other. Chance
	// adds or takes up to the half of it.
	RetryInitial, RetryMax time.Duration
	// Settings are ClickHouse settings of every insert, such as insert_quorum on a cluster.
	Settings map[string]any
}

// retryMax is the longest pause between two tries, give or take the half of it by chance, so that many processes do not
// come back as one. After an outage, what is left of the pause is added to the wait, so it is short; and it may be: a try
// at a server that is away is a connection refused, and to one that has too much to do it is one of MaxInserts inserts
// every three seconds, where a process that can go on makes more in one.
const retryMax = 3 * time.Second

// DefaultWriterConfig is right for one node and for a cluster, but for the cluster's Settings.
func DefaultWriterConfig() WriterConfig {
	return WriterConfig{
		InsertTimeout: 60 * time.Second,
		MaxRows:       500_000, // below ClickHouse's own block of about a million rows, so that an insert is one part a partition
		MaxPartitions: 90,      // below max_partitions_per_insert_block, 100, with room for blocks that do not say
		MaxInserts:    4,
		RetryInitial:  100 * time.Millisecond,
		RetryMax:      retryMax,
	}
}

// Validate reports everything that is wrong, not only the first.
func (c WriterConfig) Validate() error {
	var wrong []error
	report := func(format string, arguments ...any) {
		wrong = append(wrong, fmt.Errorf("writer: "+format, arguments...))
	}
	if c.InsertTimeout <= 0 {
		report("insert timeout %s must be above zero", c.InsertTimeout)
	}
	if c.MaxRows < 1 || c.MaxPartitions < 1 || c.MaxInserts < 1 {
		report("rows %d, partitions %d and inserts %d must each be at least 1", c.MaxRows, c.MaxPartitions, c.MaxInserts)
	}
	if c.RetryInitial <= 0 || c.RetryMax < c.RetryInitial {
		report("the retry delay cannot grow from %s to %s", c.RetryInitial, c.RetryMax)
	}
	return errors.Join(wrong...)
}

// WriterDependencies are what a Writer works with.
type WriterDependencies struct {
	DB *DB
	// Registerer gets the metrics; nil for none.
	Registerer prometheus.Registerer
	// Logger is told of inserts that do not go through; nil is slog's default.
	Logger *slog.Logger
	// Quarantine gets each row that ClickHouse refuses for good, as a block of one row, before the Write that brought it
	// returns. It is never called twice at once, and whatever it does holds up the writer. It must not call Write.
	Quarantine func(table string, row schemas.Block, err error)
}

// Writer inserts blocks for all of a process's partitions. It is safe for use by several goroutines, and meant for it:
// while one flush is on its way, the calls that come in meanwhile are gathered and become the next one together
// (group commit), so that ClickHouse sees a few large inserts however many partitions there are.
type Writer struct {
	config     WriterConfig
	db         *DB
	logger     *slog.Logger
	quarantine func(string, schemas.Block, error)
	metrics    *writerMetrics

	mu      sync.Mutex
	queue   []*call
	running bool // a goroutine is working the queue off

	banishing sync.Mutex // held while rows are handed to quarantine

	troubleMu sync.Mutex
	warned    map[string]time.Time // when each kind of trouble was last logged
	refused   map[string]int       // by table: rows refused since an insert into it last went through
}

// NewWriter checks its arguments and makes a Writer. There is nothing to start or stop: it has a goroutine only while
// calls are in progress.
func NewWriter(c WriterConfig, d WriterDependencies) (*Writer, error) {
	wrong := c.Validate()
	if d.DB == nil {
		wrong = errors.Join(wrong, errors.New("writer: no database"))
	}
	if d.Quarantine == nil {
		wrong = errors.Join(wrong, errors.New("writer: no quarantine: rows that are refused for good have to go somewhere"))
	}
	if wrong != nil {
		return nil, wrong
	}
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	metrics, err := newWriterMetrics(d.Registerer)
	if err != nil {
		return nil, err
	}
	return &Writer{
		config: c, db: d.DB, logger: d.Logger, quarantine: d.Quarantine, metrics: metrics,
		warned: make(map[string]time.Time), refused: make(map[string]int),
	}, nil
}

// call is one Write in progress.
type call struct {
	stages [][]schemas.Block
	// check decides with the revisions, read before the last stage, whether that is written; nil: it is. stopped: it was
	// not.
	check   func(schemas.Revisions) bool
	stopped bool
	group   *group        // the flush it is part of; nil while queued; guarded by Writer.mu
	gone    bool          // its caller has left; guarded by group.reading
	done    chan struct{} // closed once everything is acknowledged or quarantined
}

// group is the calls of one flush.
type group struct {
	calls []*call
	// reading is held for reading while blocks are read. A caller that leaves takes it for writing: after that nobody
	// looks at its blocks any more, and it may reuse them.
	reading sync.RWMutex
	waiting int                // callers that have not left; guarded by reading
	cancel  context.CancelFunc // called when the last one leaves
}

// Write inserts the blocks and returns nil once ClickHouse has acknowledged all of them, apart from rows that went to
// Quarantine. The blocks of a stage are acknowledged before the next stage's are sent; within a stage there is no order.
//
// Errors of ClickHouse are not returned: Write repeats until it succeeds or ctx ends, and then returns ctx's error. What
// had been sent by then may or may not be stored, so the same rows must be harmless to send again. Any other error is a
// malformed block. The blocks are the writer's while Write runs and the caller's again afterwards.
func (w *Writer) Write(ctx context.Context, stages [][]schemas.Block) error {
	_, err := w.WriteChecked(ctx, stages, nil)
	return err
}

// WriteChecked is Write, but when all stages but the last are acknowledged it reads the revisions, once for all calls of
// a flush, and asks check whether the last is to be written too; if not, all is false. check is called while
// WriteChecked runs, by another goroutine.
func (w *Writer) WriteChecked(ctx context.Context, stages [][]schemas.Block, ask func(schemas.Revisions) bool) (all bool, err error) {
	if err := check(stages); err != nil {
		return false, err
	}
	c := &call{stages: stages, check: ask, done: make(chan struct{})}
	w.mu.Lock()
	w.queue = append(w.queue, c)
	if !w.running {
		w.running = true
		go w.run()
	}
	w.mu.Unlock()
	select {
	case <-c.done:
		return !c.stopped, nil
	case <-ctx.Done():
		w.leave(c)
		return false, fmt.Errorf("writing to ClickHouse: %w", context.Cause(ctx))
	}
}

// check finds blocks that no server could take, so that a mistake of the program's is an error and not a stall.
func check(stages [][]schemas.Block) error {
	for _, stage := range stages {
		for _, block := range stage {
			if block.Rows > 0 && len(block.Columns) == 0 {
				return fmt.Errorf("block of table %s has %d rows and no columns", block.Table, block.Rows)
			}
			if block.Partition != nil && len(block.Partition) != block.Rows {
				return fmt.Errorf("block of table %s has %d rows and %d partitions", block.Table, block.Rows, len(block.Partition))
			}
			for _, column := range block.Columns {
				if column.Len() != block.Rows {
					return fmt.Errorf("block of table %s has %d rows; column %s is a %T and not one of as many", block.Table, block.Rows, column.Name, column.Data)
				}
			}
		}
	}
	return nil
}

// leave takes a call whose context has ended out of the queue or out of its flush.
func (w *Writer) leave(c *call) {
	w.mu.Lock()
	w.queue = slices.DeleteFunc(w.queue, func(queued *call) bool { return queued == c })
	g := c.group
	w.mu.Unlock()
	if g == nil {
		return
	}
	g.reading.Lock()
	defer g.reading.Unlock()
	c.gone = true
	if g.waiting--; g.waiting == 0 {
		g.cancel()
	}
}

// run works the queue off, all that is in it at a time.
func (w *Writer) run() {
	for {
		w.mu.Lock()
		if len(w.queue) == 0 {
			w.running = false
			w.mu.Unlock()
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		g := &group{calls: w.queue, waiting: len(w.queue), cancel: cancel}
		w.queue = nil
		for _, c := range g.calls {
			c.group = g
		}
		w.mu.Unlock()

		w.flush(ctx, g)
		cancel()
		for _, c := range g.calls {
			close(c.done)
		}
	}
}

// target is what an insert goes into. Callers may give different columns of one table; each list is inserted apart.
type target struct {
	table   string
	columns []string
}

func (t *target) query() string {
	names := make([]string, len(t.columns))
	for i, name := range t.columns {
		names[i] = quoteName(name)
	}
	return "INSERT INTO " + quoteName(t.table) + " (" + strings.Join(names, ", ") + ")"
}

// flush inserts a group's blocks stage by stage.
func (w *Writer) flush(ctx context.Context, g *group) {
	stages := 0
	for _, c := range g.calls {
		stages = max(stages, len(c.stages))
	}
	for stage := 0; stage < stages && ctx.Err() == nil; stage++ {
		w.ask(ctx, g, stage)
		slots := make(chan struct{}, w.config.MaxInserts)
		var inserts sync.WaitGroup
		for _, c := range w.gather(g, stage) {
			slots <- struct{}{}
			inserts.Go(func() {
				defer func() { <-slots }()
				w.insert(ctx, g, c)
			})
		}
		inserts.Wait()
	}
}

// ask reads the revisions for the calls whose last stage comes next, and lets these decide.
func (w *Writer) ask(ctx context.Context, g *group, stage int) {
	asks := func(c *call) bool { return c.check != nil && len(c.stages)-1 == stage }
	if !slices.ContainsFunc(g.calls, asks) {
		return
	}
	var revisions schemas.Revisions
	for delays := w.delays(); ; wait(ctx, delays.NextBackOff()) {
		reading, cancel := context.WithTimeout(ctx, w.config.InsertTimeout)
		var err error
		revisions, err = readRevisions(reading, w.db)
		cancel()
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		w.metrics.retries.WithLabelValues("revisions").Inc()
		w.unread(err)
	}
	g.reading.RLock()
	defer g.reading.RUnlock()
	for _, c := range g.calls {
		if asks(c) && !c.gone {
			c.stopped = !c.check(revisions)
		}
	}
}

// gather turns all callers' blocks of a stage into the chunks to insert.
func (w *Writer) gather(g *group, stage int) []chunk {
	g.reading.RLock()
	defer g.reading.RUnlock()
	var order []*target
	pieces := make(map[string][]piece)
	targets := make(map[string]*target)
	for _, c := range g.calls {
		if c.gone || c.stopped || stage >= len(c.stages) {
			continue
		}
		for i := range c.stages[stage] {
			block := &c.stages[stage][i]
			if block.Rows == 0 {
				continue
			}
			to := &target{table: block.Table}
			for _, column := range block.Columns {
				to.columns = append(to.columns, column.Name)
			}
			key := to.query()
			if targets[key] == nil {
				targets[key] = to
				order = append(order, to)
			}
			pieces[key] = append(pieces[key], piece{call: c, block: block, to: block.Rows})
		}
	}
	var chunks []chunk
	for _, to := range order {
		chunks = append(chunks, cut(to, pieces[to.query()], w.config.MaxRows, w.config.MaxPartitions)...)
	}
	return chunks
}
