package processors

import (
	"slices"

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
	last  uint16
}

// number gives the pair's number; false where there are more than maxPairs.
func (p *pairs) number(model, logType string) (uint16, bool) {
	key := pair{model, logType}
	if int(p.last) < len(p.list) && p.list[p.last] == key {
		return p.last, true
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
	p.last = n
	return n, true
}

// accumulators compute one stream's row of one minute from its members in order.
type accumulators struct {
	arrivals arrivals
	lengths  lengths
	outcomes outcomes
	latency  latency
}

func (a *accumulators) reset() {
	a.arrivals.reset()
	a.lengths.reset()
	a.outcomes.reset()
	a.latency.reset()
}

func (a *accumulators) add(m *Member) {
	a.arrivals.add(m)
	a.lengths.add(m)
	a.outcomes.add(m)
	a.latency.add(m)
}

func (a *accumulators) row(rows *schemas.Minutes, mem *memory) {
	a.arrivals.row(rows, mem)
	a.lengths.row(rows, mem)
	a.outcomes.row(rows, mem)
	a.latency.row(rows, mem)
}

// minute evaluates a minute's set into its rows, one for each stream with members in it. It takes members in order and
// can go on where it stopped when more came after: the operations are the same in the same order, so the rows are the
// same to the bit as if all had been there at once.
type minute struct {
	done    int      // members taken
	streams []uint16 // pairs met, ascending
	of      []int    // by pair number: index in streams, -1: not met
	feeds   [][]*accumulators
	outputs []output
	used    []*accumulators // all in use, each once
	free    []*accumulators
}

// output is one row: which stream it is about, and what computes it. Streams with the same members share accumulators.
type output struct {
	grouping schemas.Grouping
	pair     pair
	from     *accumulators
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
	m.free = append(m.free, m.used...)
	m.used, m.feeds, m.outputs = m.used[:0], m.feeds[:0], m.outputs[:0]
}

// take adds the members after those already taken. A stream not met before changes which accumulators there are, so
// everything is taken again.
func (m *minute) take(members []Member, known []pair) {
	before := len(m.streams)
	for i := range members[m.done:] {
		m.meet(members[m.done+i].stream())
	}
	if len(m.streams) != before {
		m.restart()
		m.build(known)
	}
	for i := range members[m.done:] {
		member := &members[m.done+i]
		for _, a := range m.feeds[m.of[member.stream()]] {
			a.add(member)
		}
	}
	m.done = len(members)
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

// build decides which accumulators the streams met need: one for each distinct set of members among all requests, those
// of a model, those of a log type and those of both.
func (m *minute) build(known []pair) {
	slices.Sort(m.streams)
	models, types := make(map[string]*group), make(map[string]*group)
	for i, s := range m.streams {
		m.of[s] = i
		p := known[s]
		join(models, p.model, i)
		join(types, p.logType, i)
		m.feeds = append(m.feeds, nil)
	}
	all := make([]int, len(m.streams))
	for i := range all {
		all[i] = i
	}
	single := make([]*accumulators, len(m.streams))
	for i, s := range m.streams {
		single[i] = m.accumulators([]int{i})
		m.outputs = append(m.outputs, output{schemas.GroupBoth, known[s], single[i]})
	}
	whole := single[0]
	if len(all) > 1 {
		whole = m.accumulators(all)
	}
	m.outputs = append(m.outputs, output{schemas.GroupAll, pair{}, whole})
	share := func(g *group) *accumulators {
		switch len(g.streams) {
		case 1:
			return single[g.streams[0]]
		case len(all):
			return whole
		}
		return m.accumulators(g.streams)
	}
	for name, g := range models {
		m.outputs = append(m.outputs, output{schemas.GroupModel, pair{model: name}, share(g)})
	}
	for name, g := range types {
		m.outputs = append(m.outputs, output{schemas.GroupLogType, pair{logType: name}, share(g)})
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

// accumulators gives fresh accumulators that the members of the given streams go to.
func (m *minute) accumulators(streams []int) *accumulators {
	var a *accumulators
	if n := len(m.free); n > 0 {
		a, m.free = m.free[n-1], m.free[:n-1]
	} else {
		a = new(accumulators)
	}
	a.reset()
	m.used = append(m.used, a)
	for _, s := range streams {
		m.feeds[s] = append(m.feeds[s], a)
	}
	return a
}

// rows appends the minute's rows.
func (m *minute) rows(service string, number uint32, version uint64, rows *schemas.Minutes, mem *memory) {
	for _, o := range m.outputs {
		rows.Service = append(rows.Service, service)
		rows.Grouping = append(rows.Grouping, o.grouping)
		rows.Model = append(rows.Model, o.pair.model)
		rows.LogType = append(rows.LogType, o.pair.logType)
		rows.Minute = append(rows.Minute, number)
		rows.Version = append(rows.Version, version)
		o.from.row(rows, mem)
	}
}
