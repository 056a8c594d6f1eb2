package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"tidegauge/schemas"
)

// readRevisions gives the revision of each service that has one.
func readRevisions(ctx context.Context, db *DB) (schemas.Revisions, error) {
	out := make(schemas.Revisions)
	err := queryAll(ctx, db, `SELECT toString(service), toUInt64(revision), recompute, from_us, to_us, stage FROM revisions FINAL
WHERE stage < `+fmt.Sprint(schemas.RecomputeFinished)+` OR (service, revision) GLOBAL IN (SELECT service, max(revision) FROM revisions GROUP BY service)
ORDER BY service, revision, recompute`, func(scan func(...any) error) error {
		var one schemas.Recompute
		err := scan(&one.Service, &one.Revision, &one.ID, &one.FromUS, &one.ToUS, &one.Stage)
		out.Add(one)
		return err
	})
	return out, err
}

// Revisions gives the revision of each service that has one.
func (s *Store) Revisions(ctx context.Context) (schemas.Revisions, error) {
	return readRevisions(ctx, s.db)
}

// Recomputes gives the recomputes of a service, all there ever were.
func (s *Store) Recomputes(ctx context.Context, service string) (out []schemas.Recompute, err error) {
	err = s.query(ctx, "SELECT toUInt64(revision), recompute, from_us, to_us, stage FROM revisions FINAL WHERE service = "+quote(service),
		func(scan func(...any) error) error {
			one := schemas.Recompute{Service: service}
			err := scan(&one.Revision, &one.ID, &one.FromUS, &one.ToUS, &one.Stage)
			out = append(out, one)
			return err
		})
	return out, err
}

const (
	turnColumns = `conversation, arrival_us, seq, if(request_id = '', 0, xxHash64(request_id)), content, CAST(outcome, 'Int8'),
    request_tokens, response_tokens, elapsed_us`
	maxHashesInQuery = 5000 // of 21 bytes, see maxNamesInQuery
)

// scanTurn reads turnColumns.
func scanTurn(scan func(...any) error, service string) (conversation string, r schemas.StoredRequest, err error) {
	r = schemas.StoredRequest{Service: service, StatusCode: schemas.Unknown, TTFTUS: schemas.Unknown}
	var outcome int8
	err = scan(&conversation, &r.ArrivalUS, &r.Seq, &r.IDHash, &r.Content, &outcome, &r.RequestTokens, &r.ResponseTokens, &r.ElapsedUS)
	r.Outcome = schemas.Outcome(outcome)
	return conversation, r, err
}

// LoadTurns calls each with the stored requests of the given conversations of a service that arrived in one of the
// ranges, in any order, repetitions included. It reads all of the service's requests in the ranges.
func (s *Store) LoadTurns(ctx context.Context, service string, conversations []string, ranges []schemas.Recompute,
	each func(conversation string, turn *schemas.StoredRequest)) error {
	var within []string
	for _, r := range ranges {
		within = append(within, fmt.Sprintf("(arrival_us >= %d AND arrival_us < %d)", r.FromUS, r.ToUS))
	}
	for chunk := range slices.Chunk(conversations, maxHashesInQuery) {
		asked, hashes := make(map[string]bool), make([]string, len(chunk))
		for i, id := range chunk {
			asked[id], hashes[i] = true, fmt.Sprint(xxhash.Sum64String(id))
		}
		sql := fmt.Sprintf("SELECT %s FROM requests WHERE service = %s AND (%s) AND conversation != '' AND xxHash64(conversation) IN (%s)",
			turnColumns, quote(service), strings.Join(within, " OR "), strings.Join(hashes, ", "))
		err := s.query(ctx, sql, func(scan func(...any) error) error {
			id, r, err := scanTurn(scan, service)
			if err == nil && asked[id] {
				each(id, &r)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// MinuteCounts calls each, in order, with the minutes of the range that have requests or a row, and how many requests
// are stored, copies included.
func (s *Store) MinuteCounts(ctx context.Context, of schemas.Recompute, each func(minute uint32, requests int64)) error {
	sql := fmt.Sprintf(`SELECT minute, toInt64(sum(n))
FROM
(
    SELECT toUInt32(intDiv(arrival_us, 60000000)) AS minute, count() AS n FROM requests
    WHERE service = %[1]s AND arrival_us >= %[2]d AND arrival_us < %[3]d GROUP BY minute
    UNION ALL
    SELECT DISTINCT minute, toUInt64(0) AS n FROM minutes WHERE service = %[1]s AND minute >= %[4]d AND minute < %[5]d
)
GROUP BY minute
ORDER BY minute`, quote(of.Service), of.FromUS, of.ToUS, of.FromUS/schemas.MinuteUS, of.ToUS/schemas.MinuteUS)
	return s.query(ctx, sql, func(scan func(...any) error) error {
		var minute uint32
		var n int64
		err := scan(&minute, &n)
		if err == nil {
			each(minute, n)
		}
		return err
	})
}

// MinuteRows calls each with the keys of the stored rows of minutes in the range; gone says that the newest is one that
// says that there is none.
func (s *Store) MinuteRows(ctx context.Context, of schemas.Recompute, each func(key schemas.MinuteRowKey, gone bool)) error {
	sql := fmt.Sprintf(`SELECT CAST(grouping, 'Int8') AS g, toString(model) AS m, toString(log_type) AS t, minute, argMax(deleted, version) != 0
FROM minutes WHERE service = %s AND minute >= %d AND minute < %d
GROUP BY g, m, t, minute`, quote(of.Service), of.FromUS/schemas.MinuteUS, of.ToUS/schemas.MinuteUS)
	return s.query(ctx, sql, func(scan func(...any) error) error {
		var key schemas.MinuteRowKey
		var gone bool
		err := scan(&key.Grouping, &key.Model, &key.LogType, &key.Minute, &gone)
		if err == nil {
			each(key, gone)
		}
		return err
	})
}

// inRange is the condition for the conversations of a service with a turn in the range, in requests or in a row. The
// rows need not be the newest. One that says that there is none has no turns, only where they were.
func inRange(of schemas.Recompute) string {
	if of.FromUS <= schemas.MinArrivalUS && of.ToUS >= schemas.MaxArrivalUS {
		return "1"
	}
	return fmt.Sprintf(`conversation GLOBAL IN (
    SELECT conversation FROM requests WHERE service = %[1]s AND arrival_us >= %[2]d AND arrival_us < %[3]d AND conversation != ''
    UNION ALL
    SELECT conversation FROM conversations WHERE service = %[1]s AND first_us < %[3]d AND last_us >= %[2]d
        AND (deleted OR arrayExists(t -> t >= %[2]d AND t < %[3]d, turn_arrival_us))
    UNION ALL
    SELECT conversation FROM conversations_by_day FINAL WHERE service = %[1]s AND day <= %[4]d AND first_us < %[3]d AND last_us >= %[2]d
        AND arrayExists(t -> t >= %[2]d AND t < %[3]d, turn_arrival_us))`, quote(of.Service), of.FromUS, of.ToUS, schemas.Day(of.ToUS))
}

// ConversationCount gives how many turns the conversations with a turn in the range have, copies included.
func (s *Store) ConversationCount(ctx context.Context, of schemas.Recompute) (turns int64, err error) {
	err = s.query(ctx, fmt.Sprintf("SELECT toInt64(count()) FROM requests WHERE service = %s AND conversation != '' AND %s",
		quote(of.Service), inRange(of)), func(scan func(...any) error) error { return scan(&turns) })
	return turns, err
}

// ConversationTurns calls row with the arrivals of the stored rows of conversations that have a turn in the range, gone as for
// MinuteRows, of each day on which it begins by conversations_by_day, then turn with the stored requests of those conversations, whole; of these conversations it takes one part of several.
func (s *Store) ConversationTurns(ctx context.Context, of schemas.Recompute, part, parts uint64,
	turn func(conversation string, turn *schemas.StoredRequest), row func(conversation string, firstUS, lastUS int64, gone bool)) error {
	where := fmt.Sprintf("WHERE service = %s AND conversation != '' AND cityHash64(conversation) %% %d = %d AND %s", quote(of.Service), parts, part, inRange(of))
	err := s.query(ctx, fmt.Sprintf(`SELECT conversation, argMax(first_us, version), argMax(last_us, version), argMax(deleted, version) != 0
FROM conversations %[1]s GROUP BY conversation
UNION ALL
SELECT conversation, first_us, last_us, false FROM conversations_by_day FINAL %[1]s`, where), func(scan func(...any) error) error {
		var id string
		var first, last int64
		var gone bool
		err := scan(&id, &first, &last, &gone)
		if err == nil {
			row(id, first, last, gone)
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.query(ctx, "SELECT "+turnColumns+" FROM requests "+where, func(scan func(...any) error) error {
		id, r, err := scanTurn(scan, of.Service)
		if err == nil {
			turn(id, &r)
		}
		return err
	})
}
