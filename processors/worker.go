package processors

import (
	"context"
	"errors"
	"fmt"

	"tidegauge/schemas"
)

// worker owns one partition: it turns records into members of sets, keeps the sets as a cache over the store, and makes
// flushes of what was touched. It does no I/O but to reload sets, and starts nothing. Not for concurrent use.
//
// The rules that make the result exact, each of which a test breaks when it is taken out:
//   - a touched set that is not in memory is reloaded before anything is added to it;
//   - touched means rewritten, also where every record was a duplicate: the row may have been lost between two inserts;
//   - every set decides for itself whether a request is new to it;
//   - a flush is prepared only when the one before is stored, so that what is reloaded is all there is;
//   - sets of a service whose revision was raised are of no use any more (revision.go).
type worker struct {
	topic      string
	partition  int
	partitions int
	group      string
	store      Store
	metrics    *metrics

	revisions schemas.Revisions // as they were when the worker began
	services  map[string]*service
	numbered  []*service // by their index
	last      *service
	cache     cache
	frozen    frozen
	known     filter // conversations that may be stored and not in memory
	decoder   schemas.Decoder
	request   schemas.Request

	// The batch: requests read since the last flush. members[i] is what sets keep of requests row i.
	requests    *schemas.Requests
	members     []Member
	nextOf      [2][]uint32 // chains of the rows of one minute and of one conversation
	touched     []*set
	deadLetters schemas.DeadLetters
	reading

	hot     evaluations
	flushes uint64 // prepared
	idle    *idleFlushes
}

// service is what a worker keeps of one service.
type service struct {
	name          string
	index         uint32 // in the order in which the worker has met them
	hash          uint64
	misrouted     bool             // its requests belong to another partition
	revision      schemas.Revision // under which its sets were read
	flushed       uint64           // the last flush with rows of it
	pairs         pairs
	newest        uint32 // minutes up to here may be stored
	latest        uint32 // the latest minute that requests were read of
	anyStored     bool
	minutes       map[uint32]*set
	lastMinute    *set
	conversations map[string]*set
}

func newWorker(topic string, partition, partitions int, group string, store Store, m *metrics) *worker {
	w := &worker{
		topic: topic, partition: partition, partitions: partitions, group: group, store: store, metrics: m,
		services: make(map[string]*service), requests: new(schemas.Requests), hot: evaluations{of: make(map[minuteOf]*minute), most: mostHot},
		idle: &idleFlushes{most: 2},
	}
	w.frozen.gone = w.evicted
	return w
}

// assign learns what is stored of the partition's services: up to which minute, and which conversations. It must run
// after the partition's offset was fetched: whatever a previous owner writes later is not committed, so its records are
// read again.
func (w *worker) assign(ctx context.Context, next int64) error {
	w.next = next
	var err error
	if w.revisions, err = w.store.Revisions(ctx); err != nil { // before anything is loaded
		return fmt.Errorf("reading revisions: %w", err)
	}
	newest, err := w.store.NewestMinutes(ctx, func(name string) bool {
		return schemas.Partition(name, w.partitions) == w.partition
	})
	if err != nil {
		return fmt.Errorf("reading what is stored of partition %d: %w", w.partition, err)
	}
	var names []string
	for name, minute := range newest {
		s := w.service(name)
		s.newest, s.anyStored = minute, true
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil
	}
	err = w.store.ConversationHashes(ctx, names,
		func(n uint64) { w.known.reserve(uint(n)) },
		func(name string, hash uint64) { w.known.add(w.service(name).hash, hash) })
	if err != nil {
		return fmt.Errorf("reading the conversations stored of partition %d: %w", w.partition, err)
	}
	return nil
}

func (w *worker) service(name string) *service {
	if w.last != nil && w.last.name == name {
		return w.last
	}
	s := w.services[name]
	if s == nil {
		name = string([]byte(name)) // the decoder's name table may outlive its use
		s = &service{name: name, index: uint32(len(w.services)), hash: nameHash(name), minutes: make(map[uint32]*set), conversations: make(map[string]*set),
			misrouted: schemas.Partition(name, w.partitions) != w.partition, revision: w.revisions[name]}
		if !s.misrouted { // whoever gets the key wrong may do so for any number of names
			w.services[name] = s
			w.numbered = append(w.numbered, s)
		}
	}
	w.last = s
	return s
}

// errTooManyStreams is the reason of a dead letter whose model and log type are one pair too many (maxPairs).
var errTooManyStreams = errors.New("too many streams")

// add takes one record. A record that cannot become a request becomes a dead letter.
func (w *worker) add(offset int64, value []byte) {
	w.read(offset, value)
	if err := w.decode(value); err != nil {
		w.deadLetters.Append(w.topic, int32(w.partition), offset, err.Error(), value)
		w.metrics.deadLetters.Inc()
	}
}

func (w *worker) decode(value []byte) error {
	r := &w.request
	if len(value) == 0 {
		return errors.New("empty: the record has no value")
	}
	if err := w.decoder.Decode(value, r); err != nil {
		return fmt.Errorf("undecodable: %w", err)
	}
	return w.take(r)
}

// take adds a request to the batch. The names of its model and log type are kept as they are.
func (w *worker) take(r *schemas.Request) error {
	if _, err := r.Validate(); err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	s := w.service(r.Service)
	if s.misrouted {
		return fmt.Errorf("misrouted: service %q belongs to partition %d of %d by Kafka's standard partitioner; "+
			"key records by service with murmur2, or re-key the topic", r.Service, schemas.Partition(r.Service, w.partitions), w.partitions)
	}
	stream, ok := s.pairs.number(r.Model, r.LogType)
	if !ok {
		return fmt.Errorf("%w: service %q has more than %d pairs of model and log type", errTooManyStreams, r.Service, maxPairs)
	}
	content := r.Content()
	row := len(w.members)
	w.requests.Append(r, content)
	stored := schemas.StoredRequest{
		ArrivalUS: r.ArrivalUS, Seq: r.Seq, IDHash: schemas.IDHash(r.RequestID), Content: content, Outcome: r.Outcome,
		StatusCode: r.StatusCode, RequestTokens: int32(r.RequestTokens), ResponseTokens: int32(r.ResponseTokens),
		ElapsedUS: r.ElapsedUS, TTFTUS: r.TTFTUS,
	}
	w.members = append(w.members, newMember(&stored, stream))
	for i := range w.nextOf {
		w.nextOf[i] = append(w.nextOf[i], 0)
	}
	w.touch(w.minuteSet(s, uint32(r.ArrivalUS/schemas.MinuteUS)), row, w.nextOf[0])
	if r.Conversation != "" {
		w.touch(w.conversationSet(s, r.Conversation), row, w.nextOf[1])
	}
	return nil
}

func (w *worker) minuteSet(s *service, number uint32) *set {
	if m := s.lastMinute; m != nil && m.number == number {
		return m
	}
	m := s.minutes[number]
	s.latest = max(s.latest, number)
	if m == nil {
		m = &set{service: s, number: number, loaded: (!s.anyStored || number > s.newest) && s.rowsTell()}
		if !m.loaded && !w.thaw(m) {
			w.hot.cool(m.minute()) // it was evicted: what is read back may be more
		}
		s.minutes[number] = m
	}
	s.lastMinute = m
	return m
}

func (w *worker) conversationSet(s *service, id string) *set {
	c := s.conversations[id]
	if c == nil {
		hash := nameHash(id)
		id = string([]byte(id)) // the decoder's arena would stay alive for it
		c = &set{service: s, conversation: id}
		if !w.thaw(c) {
			c.loaded = !w.known.has(s.hash, hash) && s.rowsTell()
		}
		s.conversations[id] = c
	}
	return c
}

func (w *worker) touch(s *set, row int, next []uint32) {
	s.pending.add(row, next)
	if !s.touched {
		s.touched = true
		w.touched = append(w.touched, s)
	}
}

// empty says whether there is nothing to flush.
func (w *worker) empty() bool { return w.records == 0 }

// prepare reloads the touched sets that are not in memory, merges what was read into them, and gives the flush that
// stores it. The batch is empty afterwards. On an error (ctx has ended) nothing has changed.
func (w *worker) prepare(ctx context.Context) (*flush, error) {
	if err := w.reload(ctx); err != nil {
		return nil, err
	}
	f := w.idle.take()
	w.flushes++
	f.next, f.records = w.next, w.records
	for _, s := range w.touched {
		if of := s.service; of.flushed != w.flushes {
			of.flushed = w.flushes
			f.services = append(f.services, of)
		}
		w.cache.change(s, func() {
			if s.conversation == "" {
				w.flushMinute(s, f)
			} else {
				w.flushConversation(s, f)
			}
		})
		s.touched, s.pending, s.flushed = false, chain{}, w.flushes
		w.cache.touch(s)
	}
	w.hot.coolDown(w.flushes)
	w.freeze()
	f.duplicates = len(w.members) - len(f.fresh)
	w.swap(f)
	if f.duplicates > 0 {
		w.requests.Gather(&f.requests, f.fresh)
		*w.requests, f.requests = f.requests, *w.requests
		w.requests.Reset()
	}
	f.deadLetters, w.deadLetters = w.deadLetters, f.deadLetters
	f.positions.Group = append(f.positions.Group, w.group)
	f.positions.Topic = append(f.positions.Topic, w.topic)
	f.positions.Partition = append(f.positions.Partition, int32(w.partition))
	f.positions.Position = append(f.positions.Position, f.next)
	f.positions.Partitions = append(f.positions.Partitions, int32(w.partitions))
	clear(w.touched)
	w.touched, w.records, w.bytes = w.touched[:0], 0, 0
	return f, nil
}

// flush makes it of what was read.
func (w *worker) flush(ctx context.Context) (*pending, error) {
	f, err := w.prepare(ctx)
	if err != nil {
		return nil, err
	}
	w.metrics.requests.Add(float64(len(f.fresh)))
	w.metrics.duplicates.Add(float64(f.duplicates))
	return &pending{
		next: f.next, records: f.records,
		write:  func(ctx context.Context) (bool, error) { return w.store.Write(ctx, f.stages(), f.unchanged) },
		stored: func() { w.stored(f) },
	}, nil
}

// stored says that a flush is in the store: its memory may be used again, and the next flush be prepared.
func (w *worker) stored(f *flush) { w.idle.put(f) }

func (w *worker) flushMinute(s *set, f *flush) {
	e, kept := w.hot.take(s.minute())
	grows := s.members.n > 0 || s.number >= s.service.latest
	for row := s.pending.first; row > 0; row = w.nextOf[0][row-1] {
		at, fresh, last := s.members.add(&w.members[row-1])
		if !fresh {
			continue
		}
		f.fresh = append(f.fresh, int32(row-1))
		kept = kept && e.added(at, last) // once it could not, it does not know the members between
	}
	if e.done != s.members.n {
		e.take(&s.members, s.service.pairs.list)
	}
	e.rows(s.service.name, s.number, schemas.Version(s.service.revision.Number, uint64(s.members.n)), &f.minutes, &f.memory)
	s.service.newest, s.service.anyStored = max(s.service.newest, s.number), true
	if grows && s.members.n >= keepFrom {
		w.hot.keep(s.minute(), e, w.flushes)
	} else {
		w.hot.spare(e)
	}
}

func (w *worker) flushConversation(s *set, f *flush) {
	for row := s.pending.first; row > 0; row = w.nextOf[1][row-1] {
		s.members.add(&w.members[row-1])
	}
	if s.members.n > schemas.MaxTurns {
		s.members.truncate(schemas.MaxTurns)
		s.cut = true
	}
	conversationRow(s.service.name, s.conversation, s.service.revision.Number, &s.members, s.cut, &f.conversations, &f.memory)
}

// held is the memory of the sets, of what is kept of their evaluation, and of the filter.
func (w *worker) held() int { return w.cache.bytes + w.frozen.bytes() + w.hot.bytes + w.known.bytes() }
