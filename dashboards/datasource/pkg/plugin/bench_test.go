package plugin

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"tidegauge/dashboards/catalogue"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
	"tidegauge/traces"
)

// benchDays of one service at benchRate requests a second are what BenchmarkPanels asks about.
const (
	benchDays = 30
	benchRate = 10
)

// month is a database with benchDays of a service's rows. The first day's are made of its requests, the others are copies of them. They
// lie as they do in life: rows come by time, ClickHouse has merged the parts of days that are over, and those of the last day are
// still apart, an hour in each.
func month(b *testing.B, tables ...string) *storage.DB {
	b.Helper()
	db := testenv.Migrated(b)
	// The sample has 28,000 requests a day. Thirty-one of it, shifted against each other by seconds, are 10 a second.
	var log []schemas.Request
	c := traces.DefaultSampleConfig()
	c.Days = 1
	for copied := range benchRate * 86_400 / len(sample()) {
		c.Seed, c.Service = uint64(copied+1), "month"
		for r := range traces.Sample(c) {
			r := *r
			r.Labels = slices.Clone(r.Labels)
			r.RequestID = fmt.Sprintf("%s-%d", r.RequestID, copied)
			if r.Conversation != "" {
				r.Conversation = fmt.Sprintf("%s-%d", r.Conversation, copied)
			}
			log = append(log, r)
		}
	}
	fill(b, db, log)
	moved := map[string]string{ // by a table's name what moves with the day
		"minutes": "toUInt32(minute + day * 1440) AS minute, first_us + us AS first_us, last_us + us AS last_us",
		"requests": `arrival_us + us AS arrival_us, concat(request_id, '-', toString(day)) AS request_id,
			if(conversation = '', '', concat(conversation, '-', toString(day))) AS conversation`,
		"conversations": `concat(conversation, '-', toString(day)) AS conversation, first_us + us AS first_us, last_us + us AS last_us,
			end_us + us AS end_us, arrayMap(a -> a + us, turn_arrival_us) AS turn_arrival_us`,
	}
	must := func(sql string) {
		if err := db.Exec(b.Context(), sql); err != nil {
			b.Fatalf("%s: %v", sql, err)
		}
	}
	hour := map[string]string{"minutes": "intDiv(minute, 60)", "requests": "intDiv(arrival_us, 3600000000)", "conversations": "intDiv(first_us, 3600000000)"}
	for _, table := range tables {
		must(fmt.Sprintf("CREATE TABLE day_%[1]s ENGINE = Memory AS SELECT * FROM %[1]s FINAL", table))
		add := func(day int, where string) {
			must(fmt.Sprintf("INSERT INTO %[1]s SELECT * EXCEPT (day, us) REPLACE (%[2]s) FROM (SELECT *, %[3]d AS day, toInt64(day) * 86400000000 AS us FROM day_%[1]s WHERE %[4]s)",
				table, moved[table], day, where))
		}
		for day := 1; day < benchDays-1; day++ {
			add(day, "1")
		}
		must("OPTIMIZE TABLE " + table + " FINAL")
		if table == "conversations" {
			must("OPTIMIZE TABLE conversations_by_day FINAL")
		}
		for h := range 24 {
			add(benchDays-1, fmt.Sprintf("%s %% 24 = %d", hour[table], h))
		}
		must("DROP TABLE day_" + table)
	}
	b.Logf("%d requests, %d minutes, %d conversations", count(b, db, "requests"), count(b, db, "minutes"), count(b, db, "conversations"))
	return db
}

// BenchmarkPanels asks for every metric over 30 days of one service at 10 requests a second, as a panel of 1,000 points does, one
// after the other, and prints what the 50th and the 95th percentile and the longest took, and the processor time of each query in
// ClickHouse. Read its last line: all of them.
func BenchmarkPanels(b *testing.B) { panels(b, month(b, "minutes"), false) }

// BenchmarkRawPanels does the same of the metrics that read requests and conversations, of which there are 26 million and more.
func BenchmarkRawPanels(b *testing.B) {
	panels(b, month(b, "minutes", "requests", "conversations"), true)
}

func panels(b *testing.B, db *storage.DB, raw bool) {
	d := over(b, db, object{"queryTimeout": 300})
	var everything []time.Duration
	for _, m := range catalogue.All() {
		if m.Raw != raw {
			continue
		}
		b.Run(m.ID, func(b *testing.B) {
			q := request(b, "A", object{"metric": m.ID, "service": "month", "limits": object{"ttft": 1}})
			q.TimeRange = backend.TimeRange{From: start, To: start.Add(benchDays * day)}
			q.Interval, q.MaxDataPoints = q.TimeRange.To.Sub(q.TimeRange.From)/1000, 1000
			if m.Kind == catalogue.Annotations {
				q.QueryType = "annotations"
			}
			var took []time.Duration
			before := processorTime(b, db)
			for b.Loop() {
				began := time.Now()
				if r := respond(b.Context(), b, d, q); r.Error != nil {
					b.Fatal(r.Error)
				}
				took = append(took, time.Since(began))
			}
			b.ReportMetric(inMilliseconds(time.Duration(processorTime(b, db)-before)*time.Microsecond)/float64(b.N), "cpu-ms")
			distribution(b, took, "-ms")
			everything = append(everything, took...)
		})
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
		}
		distribution(b, everything, "-ms")
	})
}

// processorTime is what the engine has used, in microseconds.
func processorTime(b *testing.B, db *storage.DB) (us uint64) {
	if err := db.QueryRow(b.Context(), "SELECT sum(value) FROM system.events WHERE event IN ('UserTimeMicroseconds', 'SystemTimeMicroseconds')").Scan(&us); err != nil {
		b.Fatal(err)
	}
	return us
}

func inMilliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func distribution(b *testing.B, took []time.Duration, unit string) {
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op") // the percentiles say it
	for _, p := range []struct {
		name string
		at   int
	}{{"p50", len(took) / 2}, {"p95", len(took) * 95 / 100}, {"max", len(took) - 1}} {
		b.ReportMetric(inMilliseconds(took[p.at]), p.name+unit)
	}
}
