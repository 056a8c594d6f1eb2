package schemas

import (
	"cmp"
	"math"
	"slices"
)

// Recompute is a row of table revisions: one recompute of a service's range, which raised the service's revision.
type Recompute struct {
	Service  string
	Revision uint64
	ID       uint64 // told apart from another that took the same revision at the same moment
	FromUS   int64  // the range, whole minutes, the end excluded
	ToUS     int64
	Stage    uint8
}

// The stages of a recompute: how far all rows of its range are under its revision or a later one.
const (
	RecomputeBegun         uint8 = iota
	RecomputeConversations       // those of conversations with a turn in the range are
	RecomputeFinished            // those of minutes too
)

// Covers says whether all of o's range is in r's.
func (r *Recompute) Covers(o *Recompute) bool { return r.FromUS <= o.FromUS && r.ToUS >= o.ToUS }

// Has says whether an arrival is in the range.
func (r *Recompute) Has(arrivalUS int64) bool { return arrivalUS >= r.FromUS && arrivalUS < r.ToUS }

// Revision is what processors need to know of a service's recomputes.
type Revision struct {
	Number     uint64      // the highest; 0 where there was none
	Unfinished []Recompute // by revision
}

// Same says whether nothing has changed.
func (r Revision) Same(o Revision) bool {
	return r.Number == o.Number && slices.Equal(r.Unfinished, o.Unfinished)
}

// Open gives the recomputes above a revision that have not come to the end of the conversations.
func (r Revision) Open(above uint64) (open []Recompute) {
	for _, one := range r.Unfinished {
		if one.Stage < RecomputeConversations && one.Revision > above {
			open = append(open, one)
		}
	}
	return open
}

// Revisions are those of all services that were ever recomputed, by service.
type Revisions map[string]Revision

// Add takes in one recompute, of a revision and ID above those that came before.
func (r Revisions) Add(one Recompute) {
	of := r[one.Service]
	of.Number = max(of.Number, one.Revision)
	if one.Stage < RecomputeFinished {
		of.Unfinished = append(of.Unfinished, one)
	}
	r[one.Service] = of
}

// Recomputes gives rows of table revisions as a block.
func Recomputes(rows ...Recompute) Block {
	n := len(rows)
	services, revisions, ids := make([]string, n), make([]uint16, n), make([]uint64, n)
	from, to, stages := make([]int64, n), make([]int64, n), make([]uint8, n)
	for i, r := range rows {
		services[i], revisions[i], ids[i], from[i], to[i] = r.Service, uint16(min(r.Revision, math.MaxUint16)), r.ID, r.FromUS, r.ToUS
		stages[i] = r.Stage
	}
	return Block{Table: "revisions", Rows: n, Columns: []Column{
		{"service", services}, {"revision", revisions}, {"recompute", ids}, {"from_us", from}, {"to_us", to}, {"stage", stages}}}
}

// MinuteRowKey names a row of table minutes within its service.
type MinuteRowKey struct {
	Grouping       Grouping
	Model, LogType string
	Minute         uint32
}

// Compare orders keys as table minutes does.
func (k MinuteRowKey) Compare(o MinuteRowKey) int {
	return cmp.Or(cmp.Compare(k.Grouping, o.Grouping), cmp.Compare(k.Model, o.Model), cmp.Compare(k.LogType, o.LogType), cmp.Compare(k.Minute, o.Minute))
}

// DeletedMinutes are rows of table minutes that say that there is none of this key any more, so that an older one
// counts no longer.
type DeletedMinutes struct {
	Service  []string   `column:"service"`
	Grouping []Grouping `column:"grouping"`
	Model    []string   `column:"model"`
	LogType  []string   `column:"log_type"`
	Minute   []uint32   `column:"minute"`
	Version  []uint64   `column:"version"`
	Deleted  []uint8    `column:"deleted"`
}

// Append adds a row.
func (c *DeletedMinutes) Append(service string, key MinuteRowKey, revision uint64) {
	c.Service = append(c.Service, service)
	c.Grouping = append(c.Grouping, key.Grouping)
	c.Model = append(c.Model, key.Model)
	c.LogType = append(c.LogType, key.LogType)
	c.Minute = append(c.Minute, key.Minute)
	c.Version = append(c.Version, Version(revision, 0))
	c.Deleted = append(c.Deleted, 1)
}

// Block gives the rows as a block for table minutes.
func (c *DeletedMinutes) Block() Block {
	b := blockOf("minutes", c, len(c.Minute))
	b.Partition = minuteMonths(c.Minute)
	return b
}

// DeletedConversations are rows of table conversations that say that there is none of this key any more. They keep the
// arrivals that the row had: what selects the one by them selects the other too.
type DeletedConversations struct {
	Service      []string `column:"service"`
	Conversation []string `column:"conversation"`
	Version      []uint64 `column:"version"`
	FirstUS      []int64  `column:"first_us"`
	LastUS       []int64  `column:"last_us"`
	Deleted      []uint8  `column:"deleted"`
}

// Append adds a row.
func (c *DeletedConversations) Append(service, conversation string, firstUS, lastUS int64, revision uint64) {
	c.Service = append(c.Service, service)
	c.Conversation = append(c.Conversation, conversation)
	c.Version = append(c.Version, Version(revision, 0))
	c.FirstUS = append(c.FirstUS, firstUS)
	c.LastUS = append(c.LastUS, lastUS)
	c.Deleted = append(c.Deleted, 1)
}

// Block gives the rows as a block for table conversations.
func (c *DeletedConversations) Block() Block { return blockOf("conversations", c, len(c.Version)) }
