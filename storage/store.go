package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"tidegauge/schemas"
)

// Store is where processors keep requests and rows (processors.Store): writes go through the shared Writer, reads reload
// sets. Reads see every acknowledged write: on one node by themselves, on a cluster by quorum inserts and sequential
// consistency.
type Store struct {
	db     *DB
	writer *Writer
}

// NewStore makes a Store of a connection and the writer that the process's partitions share.
func NewStore(db *DB, w *Writer) *Store { return &Store{db: db, writer: w} }

// QuorumInserts are the settings a cluster's Writer needs for Store's reads to see what was written.
func QuorumInserts() map[string]any {
	return map[string]any{"insert_quorum": "auto", "insert_quorum_parallel": 0, "insert_distributed_sync": 1}
}

// Write stores blocks, stage after stage, the last one only if check says so; see Writer.WriteChecked.
func (s *Store) Write(ctx context.Context, stages [][]schemas.Block, check func(schemas.Revisions) bool) (all bool, err error) {
	return s.writer.WriteChecked(ctx, stages, check)
}

// reading gives the context of a query whose answer has every acknowledged write.
func reading(ctx context.Context, db *DB) context.Context {
	if db.Config().Cluster == "" {
		return ctx
	}
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"select_sequential_consistency": 1}))
}

// query calls row for each row of a query's answer.
func (s *Store) query(ctx context.Context, sql string, row func(scan func(...any) error) error, arguments ...any) error {
	return queryAll(ctx, s.db, sql, row, arguments...)
}

func queryAll(ctx context.Context, db *DB, sql string, row func(scan func(...any) error) error, arguments ...any) error {
	rows, err := db.Query(reading(ctx, db), sql, arguments...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Positions gives the positions of a group's partitions of a topic, by partition.
func (s *Store) Positions(ctx context.Context, group, topic string) (map[int]schemas.Position, error) {
	positions := make(map[int]schemas.Position)
	err := s.query(ctx, "SELECT partition, position, partitions FROM positions FINAL WHERE consumer_group = ? AND topic = ?",
		func(scan func(...any) error) error {
			var partition, partitions int32
			var offset int64
			if err := scan(&partition, &offset, &partitions); err != nil {
				return err
			}
			positions[int(partition)] = schemas.Position{Offset: offset, Partitions: int(partitions)}
			return nil
		}, group, topic)
	return positions, err
}

// NewestMinutes gives each service's newest minute with a row, for the services that mine accepts.
func (s *Store) NewestMinutes(ctx context.Context, mine func(service string) bool) (map[string]uint32, error) {
	newest := make(map[string]uint32)
	err := s.query(ctx, "SELECT service, max(minute) FROM minutes WHERE grouping = 'all' GROUP BY service",
		func(scan func(...any) error) error {
			var service string
			var minute uint32
			if err := scan(&service, &minute); err != nil {
				return err
			}
			if mine(service) {
				newest[service] = minute
			}
			return nil
		})
	return newest, err
}

// ConversationHashes calls size with the number of conversations stored for the given services, then each with the XXH64
// of each one's id. A conversation may come more than once.
func (s *Store) ConversationHashes(ctx context.Context, services []string, size func(n uint64), each func(service string, hash uint64)) error {
	for chunk := range slices.Chunk(services, maxNamesInQuery) {
		in := "service IN (" + quoteAll(chunk) + ")"
		err := s.query(ctx, "SELECT count() FROM conversations WHERE "+in, func(scan func(...any) error) error {
			var n uint64
			if err := scan(&n); err != nil {
				return err
			}
			size(n)
			return nil
		})
		if err != nil {
			return err
		}
		err = s.query(ctx, "SELECT service, xxHash64(conversation) FROM conversations WHERE "+in, func(scan func(...any) error) error {
			var service string
			var hash uint64
			if err := scan(&service, &hash); err != nil {
				return err
			}
			each(service, hash)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Bounds of one query's text: ClickHouse parses at most max_query_size (256 KiB by default) of it.
const (
	maxNamesInQuery  = 200 // ids of up to 512 bytes, quoted
	maxRangesInQuery = 300
)

// LoadMinutes calls each with the stored requests of the given minutes, in any order, repetitions included: sets take
// each only once.
func (s *Store) LoadMinutes(ctx context.Context, keys []schemas.MinuteKey, each func(*schemas.StoredRequest)) error {
	for chunk := range slices.Chunk(minuteRanges(keys), maxRangesInQuery) {
		err := s.query(ctx, `SELECT service, model, log_type, arrival_us, seq, if(request_id = '', 0, xxHash64(request_id)), content,
	CAST(outcome, 'Int8'), status_code, request_tokens, response_tokens, elapsed_us, ttft_us
FROM requests WHERE `+strings.Join(chunk, " OR "), func(scan func(...any) error) error {
			var r schemas.StoredRequest
			var outcome int8
			if err := scan(&r.Service, &r.Model, &r.LogType, &r.ArrivalUS, &r.Seq, &r.IDHash, &r.Content, &outcome,
				&r.StatusCode, &r.RequestTokens, &r.ResponseTokens, &r.ElapsedUS, &r.TTFTUS); err != nil {
				return err
			}
			r.Outcome = schemas.Outcome(outcome)
			each(&r)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// minuteRanges gives conditions for the requests of the minutes, one for each run of neighbouring minutes of a service.
func minuteRanges(keys []schemas.MinuteKey) []string {
	slices.SortFunc(keys, func(a, b schemas.MinuteKey) int {
		if c := strings.Compare(a.Service, b.Service); c != 0 {
			return c
		}
		return int(int64(a.Minute) - int64(b.Minute))
	})
	var conditions []string
	for i := 0; i < len(keys); {
		k := i + 1
		for k < len(keys) && keys[k].Service == keys[i].Service && keys[k].Minute <= keys[k-1].Minute+1 {
			k++
		}
		conditions = append(conditions, fmt.Sprintf("(service = %s AND arrival_us >= %d AND arrival_us < %d)", quote(keys[i].Service),
			int64(keys[i].Minute)*schemas.MinuteUS, (int64(keys[k-1].Minute)+1)*schemas.MinuteUS))
		i = k
	}
	return conditions
}

// LoadConversations calls each with the turns of the given conversations' rows, those of the highest version, and that
// row's revision. cut says that the row was cut.
func (s *Store) LoadConversations(ctx context.Context, keys []schemas.ConversationKey,
	each func(conversation string, turn *schemas.StoredRequest, cut bool, revision uint64)) error {
	byService := make(map[string][]string)
	for _, k := range keys {
		byService[k.Service] = append(byService[k.Service], k.Conversation)
	}
	for service, ids := range byService {
		for chunk := range slices.Chunk(ids, maxNamesInQuery) {
			err := s.query(ctx, `SELECT conversation, version, cut, turn_arrival_us, turn_seq, turn_id_hash, turn_content, turn_request_tokens,
	turn_response_tokens, turn_elapsed_us, arrayMap(o -> CAST(o, 'Int8'), turn_outcome)
FROM conversations WHERE service = `+quote(service)+" AND conversation IN ("+quoteAll(chunk)+") ORDER BY version DESC LIMIT 1 BY conversation", func(scan func(...any) error) error {
				var id string
				var version uint64
				var cut uint8
				var arrivals, seqs, elapsed []int64
				var hashes, contents []uint64
				var requests, responses []int32
				var outcomes []int8
				if err := scan(&id, &version, &cut, &arrivals, &seqs, &hashes, &contents, &requests, &responses, &elapsed, &outcomes); err != nil {
					return err
				}
				r := schemas.StoredRequest{Service: service, StatusCode: schemas.Unknown, TTFTUS: schemas.Unknown}
				for i := range arrivals {
					r.ArrivalUS, r.Seq, r.IDHash, r.Content = arrivals[i], seqs[i], hashes[i], contents[i]
					r.RequestTokens, r.ResponseTokens, r.ElapsedUS = requests[i], responses[i], elapsed[i]
					r.Outcome = schemas.Outcome(outcomes[i])
					each(id, &r, cut != 0, version>>schemas.RevisionShift)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

var quoter = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// quote makes a ClickHouse string literal.
func quote(s string) string { return "'" + quoter.Replace(s) + "'" }

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quote(n)
	}
	return strings.Join(quoted, ", ")
}
