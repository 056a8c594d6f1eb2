package processors

import "context"

// work is what becomes of a partition's records: of requests, sets and their rows (worker), or of samples, minutes
// (gpuWorker). A partitionRun reads records, hands them on, and stores and commits what it gets back.
type work interface {
	// assign begins at an offset. It runs after the partition's offset was fetched.
	assign(ctx context.Context, next int64) error
	// add takes one record.
	add(offset int64, value []byte)
	// position is how far the work is.
	position() *reading
	// empty says whether there is nothing to flush.
	empty() bool
	// flush gives what was read since the last one to be stored; the batch is empty afterwards. On an error (ctx has ended)
	// nothing has changed.
	flush(ctx context.Context) (*pending, error)
	// again gives work that knows nothing, for one whose flush was not stored.
	again() work
	// held is the memory that is kept between flushes, evict drops some of it, down to most bytes; enlarge gets memory for a
	// batch of n records.
	held() int
	evict(most int)
	enlarge(n int)
}

// reading is how far a partition was read.
type reading struct {
	next    int64 // the offset after the last record read
	records int   // records read since the last flush
	bytes   int64 // their bytes
}

// position gives the part of the work that whoever reads records keeps an eye on.
func (r *reading) position() *reading { return r }

// read counts one record.
func (r *reading) read(offset int64, value []byte) {
	r.next = offset + 1
	r.records++
	r.bytes += int64(len(value))
}

// pending is a flush under way.
type pending struct {
	next    int64 // the offset to commit once it is stored
	records int
	// write stores all of it and waits for the acknowledgement. all is false where the position was not stored, as what the
	// rows were made under has changed.
	write func(ctx context.Context) (all bool, err error)
	// stored is called when it is.
	stored func()
}
