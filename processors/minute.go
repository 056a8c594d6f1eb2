package processors

import (
	"maps"
	"slices"
	"unsafe"

	"tidegauge/schemas"
)

// pair is what tells a service's streams apart.
type pair struct{ model, logType string }

// maxPairs is how many pairs of model and log type one service may have: members number them in 16 bits.
const maxPairs = 1 << 16

// pairs numbers a service's pairs of model and log type, in the order in which they are met. The numbers mean nothing
// beyond the process: rows carry names.
type pairs struct {
	list  []pair
	index map[pair]uint16
}

// fewPairs is how many of a service's first pairs are compared one by one. Names are kept once by the decoder, so most
// comparisons are of addresses; hashing two names costs more than all of them.
const fewPairs = 8

// number gives the pair's number; false where there are more than maxPairs.
func (p *pairs) number(model, logType string) (uint16, bool) {
	key := pair{model, logType}
	for i := range min(len(p.list), fewPairs) {
		if p.list[i] == key {
			return uint16(i), true
		}
	}
	n, ok := p.index[key]
	if !ok {
		if len(p.list) == maxPairs {
			return 0, false
		}
		if p.index == nil {
			p.index = make(map[pair]uint16)
		}
		n = uint16(len(p.list))
		p.list = append(p.list, key)
		p.index[key] = n
	}
	return n, true
}

// totals are the part of a stream's row that adds up: that of two streams together is the sum of theirs. So they are
// kept once for each pair of model and log type, and merged for the rows that take several together.
type totals struct {
	arrivals arrivals
	lengths  lengths
	outcomes outcomes
	latency  latency
}

func (t *totals) reset() {
	t.arrivals.reset()
	t.lengths.reset()
	t.outcomes.reset()
	t.latency.reset()
}

func (t *totals) add(m *Member) {
	t.arrivals.add(m)
	t.lengths.add(m)
	t.outcomes.add(m)
	t.latency.add(m)
}

func (t *totals) merge(o *totals) {
	t.arrivals.merge(&o.arrivals)
	t.lengths.merge(&o.lengths)
	t.outcomes.merge(&o.outcomes)
	t.latency.merge(&o.latency)
}

func (t *totals) row(rows *schemas.Minutes, mem *memory, copies int) {
	t.arrivals.row(rows, mem, copies)
	t.lengths.row(rows, mem, copies)
	t.outcomes.row(rows, copies)
	t.latency.row(rows, mem, copies)
}

// sequence is the part of a stream's row that depends on which request follows which.
type sequence struct {
	all      bool   // it has every request of the minute
	streams  []bool // else by the minute's index of streams: whose requests it has
	gaps     gaps
	answers  answers
	failures failures
}

func (s *sequence) reset() {
	s.gaps.reset()
	s.answers.reset()
	s.failures.reset()
}

func (s *sequence) has(stream int) bool { return s.all || stream < len(s.streams) && s.streams[stream] }

// append adds a request after all others.
func (s *sequence) append(m *Member) {
	s.gaps.append(m.arrivalUS())
	if answered(m) {
		s.answers.append(m.responseTokens())
	}
	s.failures.append(m.outcome().Failed())
}

// mostSteps is how far neighbours are looked for before the minute is rather evaluated from its start: a long way only
// in a run of thousands of failures, or to the next request of a stream that is rare among thousands.
const mostSteps = 4096

// insert adds the request at a place to what its neighbours come to. It says whether it could.
func (s *sequence) insert(at place, of []int) bool {
	m, steps := at.member(), 0
	var arrivals [2][2]int64 // before and after, nearest first
	var tokens [2]int32      // the nearest answers
	var failed [2]uint64     // failures right beside it
	var edge [2]bool         // these reach the minute's edge
	for side, move := range [2]func(*place) bool{(*place).back, (*place).on} {
		arrivals[side] = [2]int64{schemas.Unknown, schemas.Unknown}
		tokens[side] = schemas.Unknown
		edge[side] = true
		p, met := at, 0
		for met < 2 || edge[side] || answered(m) && tokens[side] < 0 {
			if !move(&p) {
				break
			}
			if steps++; steps > mostSteps {
				return false
			}
			o := p.member()
			if !s.has(of[o.stream()]) {
				continue
			}
			if met < 2 {
				arrivals[side][met] = o.arrivalUS()
			}
			met++
			if tokens[side] < 0 && answered(o) {
				tokens[side] = o.responseTokens()
			}
			if !o.outcome().Failed() {
				edge[side] = false
			} else if edge[side] {
				failed[side]++
			}
		}
	}
	s.gaps.insert(m.arrivalUS(), arrivals[0], arrivals[1])
	if answered(m) {
		s.answers.insert(m.responseTokens(), tokens[0], tokens[1])
	}
	s.failures.insert(m.outcome().Failed(), failed[0], failed[1], edge[0], edge[1])
	return true
}

// minute evaluates a minute's set into its rows, one for each stream with members in it. It can be told of members one
// by one, appended or inserted; as sums are whole numbers, rows are the same to the bit as if all had been taken at once.
type minute struct {
	done    int      // members taken; those of the set if they have been taken at all
	streams []uint16 // pairs met, ascending
	of      []int    // by pair number: index in streams, -1: not met
	totals  []*totals
	feeds   [][]*sequence // by index in streams: the sequences that its members are part of
	outputs []output
	sum     totals // of several streams

	flush         uint64 // the worker's flush that used it last
	size          int    // its bytes, as accounted
	freeTotals    []*totals
	freeSequences []*sequence
}

// output is the rows of one distinct set of streams: a row for each name that it goes by.
type output struct {
	keys     []streamKey
	streams  []int
	sequence *sequence
}

type streamKey struct {
	grouping schemas.Grouping
	pair     pair
}

// reset makes m ready for another set.
func (m *minute) reset() {
	m.restart()
	for _, s := range m.streams {
		m.of[s] = -1
	}
	m.streams = m.streams[:0]
}

// restart drops what was computed and keeps which streams there are.
func (m *minute) restart() {
	m.done = 0
	m.freeTotals = append(m.freeTotals, m.totals...)
	for _, o := range m.outputs {
		m.freeSequences = append(m.freeSequences, o.sequence)
	}
	m.totals, m.feeds, m.outputs = m.totals[:0], m.feeds[:0], m.outputs[:0]
}

// take evaluates a set from its start.
func (m *minute) take(set *members, known []pair) {
	m.reset()
	for _, chunk := range set.chunks() {
		for i := range chunk {
			m.meet(chunk[i].stream())
		}
	}
	m.build(known)
	for _, chunk := range set.chunks() {
		for i := range chunk {
			m.append(&chunk[i])
		}
	}
}

// met says whether m knows the member's stream: if not, all has to be taken again, as there are other outputs.
func (m *minute) met(member *Member) bool {
	stream := int(member.stream())
	return stream < len(m.of) && m.of[stream] >= 0
}

func (m *minute) append(member *Member) {
	i := m.of[member.stream()]
	m.totals[i].add(member)
	for _, s := range m.feeds[i] {
		s.append(member)
	}
	m.done++
}

// added takes a member that was added to the set at a place. It says whether it could; if not, m is of no use before it
// has taken all.
func (m *minute) added(at place, last bool) bool {
	member := at.member()
	if !m.met(member) {
		return false
	}
	if last {
		m.append(member)
		return true
	}
	i := m.of[member.stream()]
	for _, s := range m.feeds[i] {
		if !s.insert(at, m.of) {
			return false
		}
	}
	m.totals[i].add(member)
	m.done++
	return true
}

func (m *minute) meet(stream uint16) {
	for len(m.of) <= int(stream) {
		m.of = append(m.of, -1)
	}
	if m.of[stream] < 0 {
		m.of[stream] = len(m.streams)
		m.streams = append(m.streams, stream)
	}
}

// build decides which outputs the streams met need: one for each distinct set of streams among all requests, those of a
// model, those of a log type and those of both.
func (m *minute) build(known []pair) {
	slices.Sort(m.streams)
	models, types := make(map[string]*group), make(map[string]*group)
	for i, s := range m.streams {
		m.of[s] = i
		join(models, known[s].model, i)
		join(types, known[s].logType, i)
		m.totals = append(m.totals, reuse(&m.freeTotals))
		m.totals[i].reset()
		m.feeds = append(m.feeds, nil)
		m.output([]int{i}, streamKey{schemas.GroupBoth, known[s]})
	}
	all := make([]int, len(m.streams))
	for i := range all {
		all[i] = i
	}
	m.output(all, streamKey{schemas.GroupAll, pair{}})
	// In order, so that the same log makes the same flushes.
	for _, name := range slices.Sorted(maps.Keys(models)) {
		m.output(models[name].streams, streamKey{schemas.GroupModel, pair{model: name}})
	}
	for _, name := range slices.Sorted(maps.Keys(types)) {
		m.output(types[name].streams, streamKey{schemas.GroupLogType, pair{logType: name}})
	}
}

type group struct{ streams []int }

func join(groups map[string]*group, name string, stream int) {
	g := groups[name]
	if g == nil {
		g = &group{}
		groups[name] = g
	}
	g.streams = append(g.streams, stream)
}

// output adds a name to the output of a set of streams: to that of one stream or of all where it is the same.
func (m *minute) output(streams []int, key streamKey) {
	n := len(m.streams)
	same := -1
	switch {
	case len(streams) == 1:
		same = streams[0]
	case len(streams) == n:
		same = n
	}
	if same >= 0 && same < len(m.outputs) {
		m.outputs[same].keys = append(m.outputs[same].keys, key)
		return
	}
	s := reuse(&m.freeSequences)
	s.reset()
	s.all, s.streams = len(streams) == n, s.streams[:0]
	if !s.all {
		s.streams = append(s.streams, make([]bool, slices.Max(streams)+1)...)
	}
	for _, i := range streams {
		if !s.all {
			s.streams[i] = true
		}
		m.feeds[i] = append(m.feeds[i], s)
	}
	m.outputs = append(m.outputs, output{[]streamKey{key}, streams, s})
}

// reuse takes one from the list, or makes one.
func reuse[T any](free *[]*T) *T {
	n := len(*free)
	if n == 0 {
		return new(T)
	}
	v := (*free)[n-1]
	*free = (*free)[:n-1]
	return v
}

// rows appends the minute's rows.
func (m *minute) rows(service string, number uint32, version uint64, rows *schemas.Minutes, mem *memory) {
	for i := range m.outputs {
		o := &m.outputs[i]
		for _, key := range o.keys {
			rows.Service = append(rows.Service, service)
			rows.Grouping = append(rows.Grouping, key.grouping)
			rows.Model = append(rows.Model, key.pair.model)
			rows.LogType = append(rows.LogType, key.pair.logType)
			rows.Minute = append(rows.Minute, number)
			rows.Version = append(rows.Version, version)
		}
		sum := m.totals[o.streams[0]]
		if len(o.streams) > 1 {
			sum = &m.sum
			sum.reset()
			for _, s := range o.streams {
				sum.merge(m.totals[s])
			}
		}
		copies := len(o.keys)
		sum.row(rows, mem, copies)
		o.sequence.gaps.row(rows, mem, copies)
		o.sequence.answers.row(rows, copies)
		o.sequence.failures.row(rows, mem, copies)
	}
}

// put appends a value once for each of the rows that share it.
func put[T any](column *[]T, copies int, v T) {
	for range copies {
		*column = append(*column, v)
	}
}

// bytes is about the memory that m takes, what it has to use again included.
func (m *minute) bytes() int {
	n := m.sum.bytes()
	for _, list := range [][]*totals{m.totals, m.freeTotals} {
		for _, t := range list {
			n += t.bytes()
		}
	}
	for _, o := range m.outputs {
		n += o.sequence.bytes()
	}
	for _, s := range m.freeSequences {
		n += s.bytes()
	}
	return n
}

func (t *totals) bytes() int {
	n := int(unsafe.Sizeof(*t)) + 8*cap(t.arrivals.carried)
	for _, c := range []*counter{&t.lengths.requests, &t.lengths.responses, &t.lengths.joint, &t.latency.elapsed.buckets,
		&t.latency.ttft.buckets, &t.latency.tpot} {
		n += c.bytes()
	}
	return n
}

func (s *sequence) bytes() int { return int(unsafe.Sizeof(*s)) + s.gaps.sketch.bytes() }
