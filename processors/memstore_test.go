package processors

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"tidegauge/schemas"
)

// memStore is the store's twin in memory: tables as ReplacingMergeTree leaves them, the newest version of each key. The
// contract tests in package storage hold ClickHouse's store to the same behaviour.
type memStore struct {
	mu     sync.Mutex
	tables map[string]map[string]row
}

type row struct {
	version uint64
	values  map[string]any
}

// deleted says that the row stands for none.
func (r row) deleted() bool { return r.values["deleted"] == uint8(1) }

func newMemStore() *memStore { return &memStore{tables: make(map[string]map[string]row)} }

// keyColumns are the tables' keys, version columns what decides between rows of one key (none: any row will do).
var keyColumns = map[string][]string{
	"requests":      {"service", "arrival_us", "request_id", "content"},
	"minutes":       {"service", "grouping", "model", "log_type", "minute"},
	"conversations": {"service", "conversation"},
	"positions":     {"consumer_group", "topic", "partition"},
	"dead_letters":  {"topic", "partition", "offset"},
	"revisions":     {"service", "revision", "recompute"},
}

func (m *memStore) Write(ctx context.Context, stages [][]schemas.Block, check func(schemas.Revisions) bool) (bool, error) {
	for i, stage := range stages {
		if check != nil && i == len(stages)-1 {
			if revisions, err := m.Revisions(ctx); err != nil || !check(revisions) {
				return false, err
			}
		}
		for _, b := range stage {
			m.put(b)
		}
	}
	return true, nil
}

// put stores a block. It gives the last row, and whether there was one of its key.
func (m *memStore) put(b schemas.Block) (r row, replaced bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	table := m.tables[b.Table]
	if table == nil {
		table = make(map[string]row)
		m.tables[b.Table] = table
	}
	for i := range b.Rows {
		r = row{values: make(map[string]any, len(b.Columns))}
		for _, c := range b.Columns {
			if texts, ok := c.Data.(schemas.Texts); ok { // their memory is used again after Write
				r.values[c.Name] = strings.Clone(texts.At(i))
				continue
			}
			v := reflect.ValueOf(c.Data).Index(i)
			if v.Kind() == reflect.Slice { // the arrays' memory is used again after Write
				v = reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v)
			}
			r.values[c.Name] = v.Interface()
		}
		key := b.Table + "\x00"
		for _, name := range keyColumns[b.Table] {
			key += fmt.Sprintf("%v\x00", r.values[name])
		}
		switch v := r.values["version"].(type) {
		case uint64:
			r.version = v
		}
		if p, ok := r.values["position"].(int64); ok {
			r.version = uint64(p)
		}
		if stage, ok := r.values["stage"].(uint8); ok {
			r.version = uint64(stage)
		}
		var old row
		if old, replaced = table[key]; !replaced || r.version >= old.version {
			table[key] = r
		}
	}
	return r, replaced
}

func (m *memStore) Positions(_ context.Context, group, topic string) (map[int]schemas.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	positions := make(map[int]schemas.Position)
	for _, r := range m.tables["positions"] {
		if r.values["consumer_group"] == group && r.values["topic"] == topic {
			positions[int(r.values["partition"].(int32))] = schemas.Position{
				Offset: r.values["position"].(int64), Partitions: int(r.values["partitions"].(int32))}
		}
	}
	return positions, nil
}

func (m *memStore) NewestMinutes(_ context.Context, mine func(string) bool) (map[string]uint32, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	newest := make(map[string]uint32)
	for _, r := range m.tables["minutes"] {
		if service := r.values["service"].(string); mine(service) {
			newest[service] = max(newest[service], r.values["minute"].(uint32))
		}
	}
	return newest, nil
}

func (m *memStore) ConversationHashes(_ context.Context, services []string, size func(uint64), each func(string, uint64)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	size(uint64(len(m.tables["conversations"])))
	for _, r := range m.tables["conversations"] {
		each(r.values["service"].(string), xxhash.Sum64String(r.values["conversation"].(string)))
	}
	return nil
}

func (m *memStore) LoadMinutes(_ context.Context, keys []schemas.MinuteKey, each func(*schemas.StoredRequest)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range keys {
		for _, r := range m.tables["requests"] {
			if t := r.values["arrival_us"].(int64); r.values["service"] == k.Service && uint32(t/schemas.MinuteUS) == k.Minute {
				each(storedRequest(r))
			}
		}
	}
	return nil
}

func storedRequest(r row) *schemas.StoredRequest {
	return &schemas.StoredRequest{
		Service: r.values["service"].(string), Model: r.values["model"].(string), LogType: r.values["log_type"].(string),
		ArrivalUS: r.values["arrival_us"].(int64), Seq: r.values["seq"].(int64), IDHash: schemas.IDHash(r.values["request_id"].(string)),
		Content: r.values["content"].(uint64), Outcome: schemas.Outcome(r.values["outcome"].(int8)),
		StatusCode: optional(r, "status_code"), RequestTokens: optional(r, "request_tokens"),
		ResponseTokens: optional(r, "response_tokens"), ElapsedUS: optional64(r, "elapsed_us"), TTFTUS: optional64(r, "ttft_us"),
	}
}

func optional(r row, name string) int32 {
	if v, ok := r.values[name]; ok {
		return v.(int32)
	}
	return schemas.Unknown
}

func optional64(r row, name string) int64 {
	if v, ok := r.values[name]; ok {
		return v.(int64)
	}
	return schemas.Unknown
}

func (m *memStore) LoadConversations(_ context.Context, keys []schemas.ConversationKey,
	each func(string, *schemas.StoredRequest, bool, uint64)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range keys {
		for _, r := range m.tables["conversations"] {
			if r.values["service"] != k.Service || r.values["conversation"] != k.Conversation || r.deleted() {
				continue
			}
			for i, t := range r.values["turn_arrival_us"].([]int64) {
				each(k.Conversation, &schemas.StoredRequest{
					Service: k.Service, ArrivalUS: t, Seq: r.values["turn_seq"].([]int64)[i],
					IDHash: r.values["turn_id_hash"].([]uint64)[i], Content: r.values["turn_content"].([]uint64)[i],
					RequestTokens:  r.values["turn_request_tokens"].([]int32)[i],
					ResponseTokens: r.values["turn_response_tokens"].([]int32)[i],
					ElapsedUS:      r.values["turn_elapsed_us"].([]int64)[i], TTFTUS: schemas.Unknown, StatusCode: schemas.Unknown,
					Outcome: schemas.Outcome(r.values["turn_outcome"].([]int8)[i]),
				}, r.values["cut"] == uint8(1), r.version>>schemas.RevisionShift)
			}
		}
	}
	return nil
}

// dump gives a table's rows by key, every column in words, versions without the revision; columns left out of a block
// are left out here too, unless they hold more than their default.
func (m *memStore) dump(table string) map[string]string {
	out := make(map[string]string)
	for key, r := range m.tables[table] {
		if r.deleted() {
			continue
		}
		if _, ok := r.values["version"]; ok {
			r.values = maps.Clone(r.values)
			r.values["version"] = r.version & schemas.MembersMask
		}
		names := make([]string, 0, len(r.values))
		for name := range r.values {
			names = append(names, name)
		}
		out[key] = fmt.Sprint(sortedValues(names, r.values))
	}
	return out
}

func counterValue(c prometheus.Counter) float64 {
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		return -1
	}
	return m.GetCounter().GetValue()
}
