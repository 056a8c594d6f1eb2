package storage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"tidegauge/schemas"
)

// VerifyQuery says what Verify checks. The zero value checks everything.
type VerifyQuery struct {
	// Service is the one to check; empty is all of them.
	Service string
	// FromUS (included) and ToUS (excluded) limit the range; nil: not limited. Whole minutes are checked, those that
	// begin in the range, and the conversations with a turn in it, whole.
	FromUS, ToUS *int64
	// ChunkRequests is how many requests one query recounts, about; memory grows with it, by half a KB each. 0 is 100,000.
	ChunkRequests int64
	// MaxDifferences is how many differences the report lists; 0 is 100. All are counted.
	MaxDifferences int
	// Settle is how long a row has to differ before that counts; 0 is 10 s, below 0 is not at all. Verify waits only
	// where something differs, for up to twice as long.
	Settle time.Duration
}

// VerifyReport is what Verify found.
type VerifyReport struct {
	Requests      int64 // distinct requests recounted
	Copies        int64 // of requests, that merging will remove: harmless
	Conflicting   int64 // request ids that stand on several different requests
	Minutes       int64 // rows of minutes compared
	Conversations int64 // rows of conversations compared
	Different     int64 // rows that differ, are missing, or have no requests
	Unsettled     int64 // rows that differed but were still being written: verify their range again later
	Differences   []Difference
}

// Difference is one column of one row that is not what the requests come to.
type Difference struct {
	Table, Service string
	// Of a row of minutes: its stream and when its minute begins.
	Grouping, Model, LogType string
	Minute                   time.Time
	// Of a row of conversations.
	Conversation string
	// Column is empty where the row as a whole is missing or should not be there.
	Column, Stored, Recomputed string
}

// String says where the row is and what differs.
func (d Difference) String() string {
	where := fmt.Sprintf("%s: service %q, conversation %q", d.Table, d.Service, d.Conversation)
	if d.Table == "minutes" {
		where = fmt.Sprintf("%s: service %q, %s", d.Table, d.Service, d.Minute.Format("2006-01-02 15:04"))
		switch d.Grouping {
		case "model":
			where += fmt.Sprintf(", model %q", d.Model)
		case "log_type":
			where += fmt.Sprintf(", log type %q", d.LogType)
		case "both":
			where += fmt.Sprintf(", model %q, log type %q", d.Model, d.LogType)
		}
	}
	if d.Column == "" {
		return fmt.Sprintf("%s: the row is %s, and should be %s", where, d.Stored, d.Recomputed)
	}
	return fmt.Sprintf("%s: %s is %s, and should be %s", where, d.Column, d.Stored, d.Recomputed)
}

// Verify recounts from table requests what the rows of minutes and conversations say, with SQL of its own
// (verify_minutes.sql, verify_conversations.sql), chunk by chunk, and reports every difference: identities, counts,
// integer sums and histograms must be equal, sums of logarithms and of quotients equal up to rounding. progress, which
// may be nil, is called with how many requests have been gone through, of how many.
//
// It may run while rows are being written or recomputed: what differs is looked at again before it counts (settle). The
// error is of reading, never of what was found.
func Verify(ctx context.Context, db *DB, q VerifyQuery, progress func(done, total int64)) (VerifyReport, error) {
	v := newVerifier(db, q, progress)
	all, err := v.services(ctx)
	if err != nil {
		return v.report, fmt.Errorf("verify: listing services: %w", err)
	}
	for _, s := range all {
		v.total += s.Requests + s.Turns
	}
	v.advance(0)
	for _, s := range together(all, v.query.ChunkRequests) {
		for _, step := range []struct {
			what string
			do   func(context.Context, services) error
		}{{"minutes", v.minutes}, {"conversations", v.conversations}, {"request ids", v.conflicts}} {
			if err := step.do(ctx, s); err != nil {
				return v.report, fmt.Errorf("verify: %s of %v: %w", step.what, s, err)
			}
		}
	}
	if err := v.settle(ctx); err != nil {
		return v.report, fmt.Errorf("verify: %w", err)
	}
	return v.report, nil
}

// verifier is one run of Verify.
type verifier struct {
	db          *DB
	query       VerifyQuery
	from, to    int64 // whole minutes, microseconds
	progress    func(done, total int64)
	done, total int64
	report      VerifyReport
	doubts      []doubt
}

// ServiceCount is a service and how much of it there is in a range.
type ServiceCount struct {
	Name            string
	Requests, Turns int64 // stored, copies included; turns are requests with a conversation
}

// services are those that one query is about. ClickHouse takes a second to plan a query as long as these, so that
// services with few requests are taken together.
type services struct {
	names           []string
	requests, turns int64
}

// mostTogether bounds the length of a query.
const mostTogether = 100

// together puts services together, in order, as long as they have no more than so many requests.
func together(all []ServiceCount, requests int64) (out []services) {
	for _, one := range all {
		n := len(out)
		if n == 0 || len(out[n-1].names) == mostTogether || out[n-1].requests+one.Requests > requests {
			out = append(out, services{})
			n++
		}
		s := &out[n-1]
		s.names, s.requests, s.turns = append(s.names, one.Name), s.requests+one.Requests, s.turns+one.Turns
	}
	return out
}

// in makes a query that asks for a service ask for these.
func (s services) in(sql string) string {
	return strings.ReplaceAll(sql, "service = {service:String}", "service IN ("+quoteAll(s.names)+")")
}

func (s services) String() string {
	if len(s.names) == 1 {
		return fmt.Sprintf("service %q", s.names[0])
	}
	return fmt.Sprintf("services %q to %q", s.names[0], s.names[len(s.names)-1])
}

func newVerifier(db *DB, q VerifyQuery, progress func(done, total int64)) *verifier {
	if q.ChunkRequests <= 0 {
		q.ChunkRequests = 100_000
	}
	if q.MaxDifferences <= 0 {
		q.MaxDifferences = 100
	}
	if q.Settle == 0 {
		q.Settle = 10 * time.Second
	}
	v := &verifier{db: db, query: q, progress: progress}
	v.from, v.to = WholeMinutes(q.FromUS, q.ToUS)
	return v
}

// WholeMinutes gives the range of the minutes that begin in a range; nil is no limit.
func WholeMinutes(fromUS, toUS *int64) (from, to int64) {
	from, to = schemas.MinArrivalUS, schemas.MaxArrivalUS
	up := func(us int64) int64 { return (us + schemas.MinuteUS - 1) / schemas.MinuteUS * schemas.MinuteUS }
	if fromUS != nil {
		from = up(max(*fromUS, schemas.MinArrivalUS))
	}
	if toUS != nil {
		to = up(min(*toUS, schemas.MaxArrivalUS))
	}
	return from, to
}

// ServicesIn lists the services that have requests or rows in the range of a query.
func ServicesIn(ctx context.Context, db *DB, q VerifyQuery) ([]ServiceCount, error) {
	return newVerifier(db, q, nil).services(ctx)
}

func (v *verifier) advance(requests int64) {
	v.done += requests
	if v.progress != nil {
		v.progress(min(v.done, v.total), v.total)
	}
}

// rows runs a query with the named parameters and calls row for each row of the answer.
func (v *verifier) rows(ctx context.Context, sql string, parameters map[string]any, row func(scan func(...any) error) error) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"join_use_nulls": 0,
		"max_block_size": 4096, // rows here hold a minute's requests as arrays
	}))
	named := make([]any, 0, len(parameters))
	for name, value := range parameters {
		named = append(named, clickhouse.Named(name, value))
	}
	rows, err := v.db.Query(ctx, sql, named...)
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

// services lists the services that have requests or rows in the range. Both, because a row without requests is as wrong
// as requests without a row.
func (v *verifier) services(ctx context.Context) (out []ServiceCount, err error) {
	const sql = `
SELECT service, sum(n) AS requests, sum(t) AS turns
FROM
(
    SELECT toString(service) AS service, count() AS n, countIf(conversation != '') AS t
    FROM requests
    WHERE arrival_us >= {from_us:Int64} AND arrival_us < {to_us:Int64} AND ({only:String} = '' OR service = {only:String})
    GROUP BY service
    UNION ALL
    SELECT DISTINCT toString(service) AS service, 0 AS n, 0 AS t
    FROM minutes FINAL
    WHERE minute >= intDiv({from_us:Int64}, 60000000) AND minute < intDiv({to_us:Int64}, 60000000)
        AND ({only:String} = '' OR service = {only:String})
    UNION ALL
    SELECT DISTINCT toString(service) AS service, 0 AS n, 0 AS t
    FROM conversations FINAL
    WHERE first_us >= {from_us:Int64} AND first_us < {to_us:Int64} AND ({only:String} = '' OR service = {only:String})
)
GROUP BY service
ORDER BY service`
	err = v.rows(ctx, sql, map[string]any{"from_us": v.from, "to_us": v.to, "only": v.query.Service}, func(scan func(...any) error) error {
		var s ServiceCount
		var requests, turns uint64
		err := scan(&s.Name, &requests, &turns)
		s.Requests, s.Turns = int64(requests), int64(turns)
		out = append(out, s)
		return err
	})
	return out, err
}

// conflicts counts the request ids that stand on different requests, some millions of ids at a time, told apart by
// their hash.
func (v *verifier) conflicts(ctx context.Context, s services) error {
	const idsAtOnce = 4_000_000 // 32 bytes each while they are counted
	parts := uint64(s.requests/idsAtOnce) + 1
	for part := range parts {
		const sql = `
SELECT count()
FROM
(
    SELECT service, cityHash64(request_id) AS id
    FROM requests FINAL
    WHERE service = {service:String} AND arrival_us >= {from_us:Int64} AND arrival_us < {to_us:Int64} AND request_id != ''
        AND cityHash64(request_id) % {parts:UInt64} = {part:UInt64}
    GROUP BY service, id
    HAVING count() > 1
)`
		err := v.rows(ctx, s.in(sql), map[string]any{"from_us": v.from, "to_us": v.to, "parts": parts, "part": part},
			func(scan func(...any) error) error {
				var n uint64
				err := scan(&n)
				v.report.Conflicting += int64(n)
				return err
			})
		if err != nil {
			return err
		}
	}
	return nil
}
