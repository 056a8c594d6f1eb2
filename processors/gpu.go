package processors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"tidegauge/schemas"
)

// GPUStore is where samples of GPUs and their minutes are kept: ClickHouse (storage.Store).
type GPUStore interface {
	// Write stores the blocks, each stage acknowledged before the next one starts; see Store.
	Write(ctx context.Context, stages [][]schemas.Block, check func(schemas.Revisions) bool) (all bool, err error)
	// RewriteMinutes makes the minute rows of hosts anew, of all their samples that were acknowledged.
	RewriteMinutes(ctx context.Context, rewrite schemas.Rewrite, keys []schemas.HostMinute) error
	// Positions gives the positions of a group's partitions of a topic, by partition.
	Positions(ctx context.Context, group, topic string) (map[int]schemas.Position, error)
}

// GPUDependencies are what a Runner of GPU samples needs of its surroundings.
type GPUDependencies struct {
	Store      GPUStore
	Dialer     *kafka.Dialer         // how to reach Kafka (TLS, SASL); nil: plainly
	Registerer prometheus.Registerer // nil: no metrics
	Logger     *slog.Logger          // nil: slog.Default
}

// NewGPU checks the configuration and makes a Runner of GPU samples. It starts nothing.
func NewGPU(c Config, d GPUDependencies) (*Runner, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("gpu processors: %w", err)
	}
	if d.Store == nil {
		return nil, errors.New("gpu processors: no store")
	}
	rewrites, err := schemas.Rewrites()
	if err != nil {
		return nil, err
	}
	r := newRunner(c, d.Dialer, d.Logger, newGPUMetrics(d.Registerer))
	r.kind = kind{positions: d.Store.Positions, work: func(partition, partitions int) work {
		return &gpuWorker{topic: c.Topic, partition: partition, partitions: partitions, group: c.Group, store: d.Store, rewrites: rewrites,
			metrics: r.metrics, retry: r.retry, minutes: make(map[string]map[schemas.HostMinute]struct{})}
	}}
	return r, nil
}

// gpuWorker turns one partition's records into samples, and has the minutes that they touch made anew from all samples
// that are stored. It keeps nothing from one flush to the next: whoever comes last makes a minute of all of its samples, so
// that no partition, process or replay has to know of another.
//
// A flush stores samples, then makes minutes, then stores the position: what a crash between leaves out is read
// again, and a minute that is touched is made again, also where every sample was there before.
type gpuWorker struct {
	topic      string
	partition  int
	partitions int
	group      string
	store      GPUStore
	rewrites   []schemas.Rewrite
	metrics    *metrics
	retry      func(ctx context.Context, doing string, do func() error) error

	reading
	samples     []*schemas.GPURecord
	minutes     map[string]map[schemas.HostMinute]struct{} // touched, by the table of their samples
	deadLetters schemas.DeadLetters
}

func (w *gpuWorker) assign(_ context.Context, next int64) error {
	w.next = next
	return nil
}

// add takes one record. One that is no sample becomes a dead letter.
func (w *gpuWorker) add(offset int64, value []byte) {
	w.read(offset, value)
	r, err := schemas.DecodeGPU(value)
	if err != nil {
		w.deadLetters.Append(w.topic, int32(w.partition), offset, err.Error(), value)
		w.metrics.deadLetters.Inc()
		return
	}
	w.samples = append(w.samples, r)
	table, key, ok := r.Minute()
	if !ok {
		return
	}
	if w.minutes[table] == nil {
		w.minutes[table] = make(map[schemas.HostMinute]struct{})
	}
	w.minutes[table][key] = struct{}{}
}

func (w *gpuWorker) empty() bool { return w.records == 0 }

func (w *gpuWorker) flush(context.Context) (*pending, error) {
	f := &gpuFlush{samples: schemas.GPUBlocks(w.samples), minutes: w.minutes}
	if w.deadLetters.Len() > 0 {
		f.samples = append(f.samples, w.deadLetters.Block())
	}
	position := schemas.Positions{Group: []string{w.group}, Topic: []string{w.topic}, Partition: []int32{int32(w.partition)},
		Position: []int64{w.next}, Partitions: []int32{int32(w.partitions)}}
	f.position = position.Block()
	w.metrics.samples.Add(float64(len(w.samples)))
	p := &pending{
		next: w.next, records: w.records, stored: func() {},
		write: func(ctx context.Context) (bool, error) { return true, w.write(ctx, f) },
	}
	w.samples, w.minutes, w.deadLetters = nil, make(map[string]map[schemas.HostMinute]struct{}), schemas.DeadLetters{}
	w.records, w.bytes = 0, 0
	return p, nil
}

// gpuFlush is what one flush writes.
type gpuFlush struct {
	samples  []schemas.Block
	minutes  map[string]map[schemas.HostMinute]struct{}
	position schemas.Block
}

// write stores a flush, step by step.
func (w *gpuWorker) write(ctx context.Context, f *gpuFlush) error {
	if _, err := w.store.Write(ctx, [][]schemas.Block{f.samples}, nil); err != nil {
		return err
	}
	for _, rewrite := range w.rewrites {
		touched := f.minutes[rewrite.Samples]
		if len(touched) == 0 {
			continue
		}
		keys := slices.SortedFunc(maps.Keys(touched), func(a, b schemas.HostMinute) int {
			if c := int(int64(a.Minute) - int64(b.Minute)); c != 0 {
				return c
			}
			return strings.Compare(a.Host, b.Host)
		})
		err := w.retry(ctx, "making minutes of samples", func() error { return w.store.RewriteMinutes(ctx, rewrite, keys) })
		if err != nil {
			return err
		}
		w.metrics.rewrites.Add(float64(len(keys)))
	}
	_, err := w.store.Write(ctx, [][]schemas.Block{{f.position}}, nil)
	return err
}

// again gives one that knows nothing.
func (w *gpuWorker) again() work {
	again := *w
	again.samples, again.minutes, again.deadLetters = nil, make(map[string]map[schemas.HostMinute]struct{}), schemas.DeadLetters{}
	again.reading = reading{}
	return &again
}

// There is nothing that it keeps.
func (w *gpuWorker) held() int   { return 0 }
func (w *gpuWorker) evict(int)   {}
func (w *gpuWorker) enlarge(int) {}
