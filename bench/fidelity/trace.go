package fidelity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"tidegauge/ingest"
	"tidegauge/schemas"
)

// service is what every trace's requests are said to be of: a trace is one arrival process.
const service = "trace"

// row is a request, as far as the models and the judge look at it.
type row struct {
	at           int64 // microseconds
	elapsed      int64 // schemas.Unknown where not logged
	request      int32 // tokens, schemas.Unknown where not logged
	response     int32
	conversation int32 // -1: none
	client       int32 // -1: none
	kind         uint16
	outcome      schemas.Outcome
}

// failed says that a request is none that lengths are measured of.
func (r *row) failed() bool { return r.outcome != schemas.OK }

// kind is a model and a log type.
type kind struct{ model, logType string }

// names are the texts that the numbers in rows stand for; the halves of a trace share them.
type names struct {
	kinds   []kind
	clients []string
}

// trace is requests in order of arrival, in [from, to).
type trace struct {
	from, to int64
	rows     []row
	names    *names
	tick     int64 // what all arrivals are multiples of: the log's clock
}

func (t *trace) seconds() float64 { return float64(t.to-t.from) / 1e6 }

// cut gives the trace's requests that arrived in [from, to).
func (t *trace) cut(from, to int64) *trace {
	at := func(v int64) int {
		i, _ := slices.BinarySearchFunc(t.rows, v, func(r row, v int64) int { return int(min(max(r.at-v, -1), 1)) })
		return i
	}
	return &trace{from: from, to: to, rows: t.rows[at(from):at(to)], names: t.names, tick: t.tick}
}

// logTypes are the log types that have requests, in the order of their names.
func (t *trace) logTypes() []string {
	seen := map[string]bool{}
	for i := range t.rows {
		seen[t.names.kinds[t.rows[i].kind].logType] = true
	}
	var all []string
	for name := range seen {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// requests gives the rows as the product knows them. The request is used again for the next one.
func (t *trace) requests() iter.Seq2[*schemas.Request, error] {
	return func(yield func(*schemas.Request, error) bool) {
		var r schemas.Request
		ids := map[int32]string{}
		for i := range t.rows {
			q := &t.rows[i]
			r.Reset()
			k := t.names.kinds[q.kind]
			r.Service, r.Model, r.LogType = service, k.model, k.logType
			r.ArrivalUS, r.Seq, r.Outcome = q.at, int64(i), q.outcome
			r.RequestTokens, r.ResponseTokens, r.ElapsedUS = int64(q.request), int64(q.response), q.elapsed
			if q.conversation >= 0 {
				id, ok := ids[q.conversation]
				if !ok {
					id = strconv.Itoa(int(q.conversation))
					ids[q.conversation] = id
				}
				r.Conversation = id
			}
			if q.client >= 0 {
				r.Client = t.names.clients[q.client]
			}
			if !yield(&r, nil) {
				return
			}
		}
	}
}

// builder makes rows of requests.
type builder struct {
	names         *names
	kinds         map[kind]uint16
	conversations map[string]int32
	clients       map[string]int32
	rows          []row
}

// newBuilder gives a builder that uses names, and adds to them what they lack.
func newBuilder(n *names) *builder {
	b := &builder{names: n, kinds: map[kind]uint16{}, conversations: map[string]int32{}, clients: map[string]int32{}}
	for i, k := range n.kinds {
		b.kinds[k] = uint16(i)
	}
	for i, c := range n.clients {
		b.clients[c] = int32(i)
	}
	return b
}

func (b *builder) add(r *schemas.Request) {
	q := row{at: r.ArrivalUS, elapsed: r.ElapsedUS, outcome: r.Outcome, conversation: -1, client: -1}
	q.request = int32(min(r.RequestTokens, math.MaxInt32))
	q.response = int32(min(r.ResponseTokens, math.MaxInt32))
	k := kind{r.Model, r.LogType}
	number, ok := b.kinds[k]
	if !ok {
		number = uint16(len(b.names.kinds))
		k = kind{strings.Clone(k.model), strings.Clone(k.logType)}
		b.names.kinds = append(b.names.kinds, k)
		b.kinds[k] = number
	}
	q.kind = number
	if r.Conversation != "" {
		if q.conversation, ok = b.conversations[r.Conversation]; !ok {
			q.conversation = int32(len(b.conversations))
			b.conversations[strings.Clone(r.Conversation)] = q.conversation
		}
	}
	if r.Client != "" {
		if q.client, ok = b.clients[r.Client]; !ok {
			q.client = int32(len(b.names.clients))
			name := strings.Clone(r.Client)
			b.names.clients = append(b.names.clients, name)
			b.clients[name] = q.client
		}
	}
	b.rows = append(b.rows, q)
}

// inOrder sorts rows by arrival and leaves equal ones as they are.
func inOrder(rows []row) {
	slices.SortStableFunc(rows, func(a, b row) int { return int(min(max(a.at-b.at, -1), 1)) })
}

// errTooShort says that there is nothing to halve.
var errTooShort = errors.New("fewer than 100 requests: nothing to fit half of them to")

// readTrace reads a log of any format that the product reads.
func readTrace(ctx context.Context, path string) (*trace, error) {
	sources, err := ingest.Sources([]string{path}, nil)
	if err != nil {
		return nil, err
	}
	reader, err := ingest.NewReader(ingest.ReaderConfig{}, sources)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	b := newBuilder(&names{})
	for {
		batch, err := reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for i := range batch.Requests {
			b.add(&batch.Requests[i])
		}
	}
	return newTrace(b.rows, b.names)
}

// newTrace is from the first request to just after the last.
func newTrace(rows []row, n *names) (*trace, error) {
	if len(rows) < 100 {
		return nil, errTooShort
	}
	inOrder(rows)
	t := &trace{rows: rows, names: n, from: rows[0].at, to: rows[len(rows)-1].at + 1}
	for i := 1; i < len(rows); i++ {
		t.tick = divisor(t.tick, rows[i].at-rows[i-1].at)
		if t.tick == 1 {
			break
		}
	}
	t.tick = max(t.tick, 1)
	return t, nil
}

// divisor is the greatest common one.
func divisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// halves cuts a trace where as many requests come before as after: the first half of its time may have few of them.
func (t *trace) halves() (first, second *trace) {
	middle := t.rows[len(t.rows)/2].at
	return t.cut(t.from, middle), t.cut(middle, t.to)
}
