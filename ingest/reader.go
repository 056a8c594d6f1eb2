package ingest

import (
	"context"
	"io"
	"iter"
	"runtime"
	"sync"

	"tidegauge/schemas"
)

// Reader reads sources one after the other, as if they were one log. One goroutine reads, decompresses and cuts the
// text into blocks of whole records, several decode them, and Next delivers them in order. A Reader is for one
// goroutine.
type Reader struct {
	config   ReaderConfig
	sources  []Source
	progress *Progress

	cancel  context.CancelFunc
	queue   chan *block // in the order of the log
	work    chan *block // the same blocks, for whoever is free
	ordered chan *block // the same blocks of formats whose records lean on earlier ones
	free    chan *block
	workers sync.WaitGroup
	cutting chan struct{} // closed when the cutter has ended

	held    *block // the block of the batch that Next gave last
	waiting *block // taken from the queue by a Next that was called off
	stats   Stats
	err     error // ends every further Next
}

// NewReader starts reading. Close it.
func NewReader(c ReaderConfig, sources []Source) (*Reader, error) {
	if err := c.validate(sources); err != nil {
		return nil, err
	}
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	r := &Reader{config: c, sources: sources, progress: c.Progress}
	if r.progress == nil {
		r.progress = new(Progress)
	}
	var total int64
	for _, s := range sources {
		if s.Size < 0 || total < 0 || c.Follow {
			total = -1
			continue
		}
		total += s.Size
	}
	r.progress.BytesTotal.Store(total)

	depth := 2*c.Workers + 2
	r.queue, r.free = make(chan *block, depth), make(chan *block, depth+c.Workers+2)
	r.work, r.ordered = make(chan *block, depth), make(chan *block, depth)
	r.cutting = make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.start(r.ordered)
	for range c.Workers {
		r.start(r.work)
	}
	go func() {
		defer close(r.cutting)
		defer close(r.queue)
		defer close(r.work)
		defer close(r.ordered)
		r.cutAll(ctx)
	}()
	return r, nil
}

func (r *Reader) start(from <-chan *block) {
	w := newWorker(r.config.Options, r.config.OnError)
	r.workers.Go(func() {
		for b := range from {
			w.decode(b)
			b.done <- struct{}{}
		}
	})
}

// cutAll sends all sources' blocks, and what ended them if it was not their end.
func (r *Reader) cutAll(ctx context.Context) {
	for _, s := range r.sources {
		r.progress.source.Store(&s.Name)
		c := cutter{reader: r, ctx: ctx}
		if err := c.run(s); err != nil {
			b := r.takeBlock()
			b.err = err
			_ = r.dispatch(ctx, b)
			return
		}
	}
}

// dispatch sends a block to the reader's user and, if there is something to decode, to a decoder.
func (r *Reader) dispatch(ctx context.Context, b *block) error {
	select {
	case r.queue <- b:
	case <-ctx.Done():
		return ctx.Err()
	}
	if b.err != nil || b.refused != nil {
		b.done <- struct{}{}
		return nil
	}
	to := r.work
	if b.from.format.ordered {
		to = r.ordered
	}
	to <- b // has room for all that the queue and the workers hold
	return nil
}

func (r *Reader) takeBlock() *block {
	select {
	case b := <-r.free:
		return b
	default:
		return &block{buffer: make([]byte, blockBytes), done: make(chan struct{}, 1)}
	}
}

func (r *Reader) freeBlock(b *block) {
	if len(b.buffer) > 4*blockBytes {
		return // of an unusually long line: not to be kept
	}
	*b = block{buffer: b.buffer, batch: b.batch, done: b.done}
	select {
	case r.free <- b:
	default:
	}
}

// Next gives the next requests. Its errors are final: io.EOF after the last request; a *LineError under Stop, after the
// rows before the bad one were given; an error that names the source where it cannot be read on, after what could be
// read of it. When the context ends, Next gives its error and can be called again.
func (r *Reader) Next(ctx context.Context) (*Batch, error) {
	if r.held != nil {
		r.freeBlock(r.held)
		r.held = nil
	}
	for r.err == nil {
		b, err := r.next(ctx)
		if err != nil {
			return nil, err
		}
		switch {
		case b == nil:
			r.err = io.EOF
			continue
		case b.err != nil:
			r.err = b.err
			continue
		case b.refused != nil && r.config.OnError == Stop:
			r.err = b.refused
			continue
		case b.refused != nil:
			b.batch.reset(b.from.name)
			b.batch.refused, b.batch.refusals = 1, []*LineError{b.refused}
		}
		r.count(&b.batch)
		if b.batch.stopped != nil {
			r.err = b.batch.stopped
		}
		if len(b.batch.Requests) > 0 {
			r.held = b
			return &b.batch, nil
		}
		r.freeBlock(b)
	}
	r.cancel()
	return nil, r.err
}

// next gives the next block once it is decoded, nil at the end.
func (r *Reader) next(ctx context.Context) (*block, error) {
	if r.waiting == nil {
		select {
		case b, ok := <-r.queue:
			if !ok {
				return nil, nil
			}
			r.waiting = b
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	select {
	case <-r.waiting.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	b := r.waiting
	r.waiting = nil
	return b, nil
}

func (r *Reader) count(b *Batch) {
	s := &r.stats
	if n := int64(len(b.Requests)); n > 0 {
		if s.Read == 0 {
			s.FirstArrivalUS, s.LastArrivalUS = b.first, b.last
		}
		s.FirstArrivalUS, s.LastArrivalUS = min(s.FirstArrivalUS, b.first), max(s.LastArrivalUS, b.last)
		s.Read += n
		r.progress.Rows.Add(n)
	}
	s.Other += b.other
	s.Repeated += b.repeated
	s.CutDurations += b.cut
	s.Refused += b.refused
	r.progress.Refused.Add(b.refused)
	if room := MaxRefusals - len(s.Refusals); room > 0 {
		s.Refusals = append(s.Refusals, b.refusals[:min(room, len(b.refusals))]...)
	}
}

// Stats gives what was delivered so far.
func (r *Reader) Stats() Stats { return r.stats }

// All gives the requests one by one, then the error that ended the reading, if it was not the end. The request is used
// again like a Batch's.
func (r *Reader) All(ctx context.Context) iter.Seq2[*schemas.Request, error] {
	return func(yield func(*schemas.Request, error) bool) {
		for {
			b, err := r.Next(ctx)
			if err != nil {
				if err != io.EOF {
					yield(nil, err)
				}
				return
			}
			for i := range b.Requests {
				if !yield(&b.Requests[i], nil) {
					return
				}
			}
		}
	}
}

// Close ends the reading and waits for its goroutines, but for one that a stream (standard input) keeps waiting: it
// ends with the stream.
func (r *Reader) Close() {
	r.cancel()
	for _, s := range r.sources {
		if s.stream != nil || s.Size < 0 {
			return
		}
	}
	<-r.cutting
	r.workers.Wait()
}
