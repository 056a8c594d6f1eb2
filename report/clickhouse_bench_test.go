package report_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"tidegauge/report"
	"tidegauge/schemas"
	"tidegauge/storage"
)

// The year that BenchmarkViews asks about: 60 requests a minute of one service with two models and two log types.
const (
	dayUS      = 24 * 60 * schemas.MinuteUS
	yearBegin  = 1735689600 * schemas.SecondUS // 2025-01-01
	yearDays   = 365
	yearEnd    = yearBegin + yearDays*dayUS
	rawDays    = 30 // requests and conversations are there for the last 30 days only: a year of them takes an hour to write
	daysAtOnce = 15
)

// year is a database with a year of minute rows. The first day's are made of its requests, the others are copies of them.
func year(b *testing.B) *storage.DB {
	b.Helper()
	var log []schemas.Request
	benchLog(90_000, true, func(r *schemas.Request) {
		if r.ArrivalUS < dayUS {
			r := *r
			r.ArrivalUS += yearBegin
			log = append(log, r)
		}
	})
	db := filled(b, log)
	for table, c := range map[string]struct {
		columns string // those that move with the day
		from    int
	}{
		"minutes": {"toUInt32(minute + day * 1440) AS minute, first_us + us AS first_us, last_us + us AS last_us", 1},
		"requests": {`arrival_us + us AS arrival_us, concat(request_id, '-', toString(day)) AS request_id,
			concat(conversation, '-', toString(day)) AS conversation`, yearDays - rawDays},
		"conversations": {`concat(conversation, '-', toString(day)) AS conversation, first_us + us AS first_us, last_us + us AS last_us,
			end_us + us AS end_us, arrayMap(a -> a + us, turn_arrival_us) AS turn_arrival_us`, yearDays - rawDays},
	} {
		must := func(sql string) {
			if err := db.Exec(b.Context(), sql); err != nil {
				b.Fatalf("%s: %v", sql, err)
			}
		}
		must(fmt.Sprintf("CREATE TABLE day_%[1]s ENGINE = Memory AS SELECT * FROM %[1]s FINAL", table))
		for day := c.from; day < yearDays; day += daysAtOnce {
			must(fmt.Sprintf("INSERT INTO %[1]s SELECT * EXCEPT (day, us) REPLACE (%[2]s) FROM (SELECT *, arrayJoin(range(%[3]d, %[4]d)) AS day, day * %[5]d AS us FROM day_%[1]s)",
				table, c.columns, day, min(day+daysAtOnce, yearDays), int64(dayUS)))
		}
		must("DROP TABLE day_" + table)
	}
	return db
}

// span is a range that ends with the year, and the widths of windows that somebody who looks at it would take.
type span struct {
	name  string
	us    int64
	steps []int
}

var spans = []span{
	{"minute", schemas.MinuteUS, []int{0}}, // hardly anything to read: what planning the query takes
	{"hour", 60 * schemas.MinuteUS, []int{60, 0}},
	{"day", dayUS, []int{300, 0}},
	{"30d", 30 * dayUS, []int{300, 7200, 0}},
	{"year", yearDays * dayUS, []int{86400, 0}},
}

// BenchmarkViews asks every view for a range of one stream, or of one service, that ends with a year of rows. cpu-ms and
// MB are the processor time and the peak of memory of a query in ClickHouse, min-ms the shortest time of all.
func BenchmarkViews(b *testing.B) {
	const service, stream = "service = 'chat'", "service = 'chat', model = NULL, log_type = NULL"
	db := year(b)
	for _, v := range []struct {
		names     string
		arguments string // before the range
		windows   bool
		more      string // after it
		raw       bool   // reads requests or conversations
	}{
		{"arrivals window_burstiness gap_histogram in_flight lengths length_joint outcomes load load_correlation latency", stream, true, "", false},
		{"by_weekday_hour by_hour", stream, false, ", time_zone = 'Europe/Berlin'", false},
		{"streams", service, false, "", false},
		{"in_flight_peak length_profile error_types", stream, true, "", true},
		{"goodput", stream, true, ", elapsed_s = 10, ttft_s = 1, tpot_s = NULL", true},
		{"log_quality conversation_summary turns_histogram", service, false, "", true},
		{"active_conversations", service, true, "", true},
	} {
		for _, name := range strings.Fields(v.names) {
			for _, span := range spans {
				if v.raw && span.us > rawDays*dayUS {
					continue
				}
				steps := span.steps
				if !v.windows {
					steps = steps[:1]
				}
				for _, step := range steps {
					sql := fmt.Sprintf("SELECT * FROM %s(%s, from_us = %d, to_us = %d", name, v.arguments, yearEnd-span.us, int64(yearEnd))
					what := name + "/" + span.name
					if v.windows {
						sql += fmt.Sprintf(", step_s = %d", step)
						what += fmt.Sprintf("/step=%d", step)
					}
					b.Run(what, func(b *testing.B) {
						benchQuery(b, db, sql+v.more+") FORMAT Null")
					})
				}
			}
		}
	}
	// All streams and sections of a service.
	b.Run("report/30d", func(b *testing.B) {
		from := int64(yearEnd - rawDays*dayUS)
		for b.Loop() {
			if _, err := report.FromClickHouse(b.Context(), db, report.Query{FromUS: &from}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// benchQuery runs a query that gives no rows, and tells how long each run took.
func benchQuery(b *testing.B, db *storage.DB, sql string, tell ...func(time.Duration)) {
	var peak int64
	ctx := clickhouse.Context(b.Context(), clickhouse.WithProfileEvents(func(events []clickhouse.ProfileEvent) {
		for _, e := range events {
			if e.Name == "MemoryTrackerPeakUsage" {
				peak = max(peak, e.Value)
			}
		}
	}))
	cpu := func() (us uint64) {
		// Of the whole engine: what a query reports of itself leaves out its planning.
		if err := db.QueryRow(b.Context(), "SELECT sum(value) FROM system.events WHERE event IN ('UserTimeMicroseconds', 'SystemTimeMicroseconds')").Scan(&us); err != nil {
			b.Fatal(err)
		}
		return us
	}
	before, shortest := cpu(), time.Duration(math.MaxInt64)
	for b.Loop() {
		began := time.Now()
		if err := db.Exec(ctx, sql); err != nil {
			b.Fatalf("%s: %v", sql, err)
		}
		took := time.Since(began)
		shortest = min(shortest, took)
		for _, f := range tell {
			f(took)
		}
	}
	b.ReportMetric(float64(shortest.Microseconds())/1000, "min-ms")
	b.ReportMetric(float64(cpu()-before)/1000/float64(b.N), "cpu-ms")
	b.ReportMetric(float64(peak)/1e6, "MB")
}
