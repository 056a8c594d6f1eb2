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

// month is a database with benchDays of a service's rows. The first day's are made of its requests, the others are copies of them.
func month(b *testing.B) *storage.DB {
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
	for table, columns := range map[string]string{
		"minutes": "toUInt32(minute + day * 1440) AS minute, first_us + us AS first_us, last_us + us AS last_us",
		"requests": `arrival_us + us AS arrival_us, concat(request_id, '-', toString(day)) AS request_id,
			if(conversation = '', '', concat(conversation, '-', toString(day))) AS conversation`,
		"conversations": `concat(conversation, '-', toString(day)) AS conversation, first_us + us AS first_us, last_us + us AS last_us,
			end_us + us AS end_us, arrayMap(a -> a + us, turn_arrival_us) AS turn_arrival_us`,
	} {
		for n := 1; n < benchDays; n++ {
			sql := fmt.Sprintf("INSERT INTO %[1]s SELECT * EXCEPT (day, us) REPLACE (%[2]s) FROM (SELECT *, %[3]d AS day, toInt64(%[3]d) * 86400000000 AS us FROM %[1]s FINAL WHERE service = 'month' AND %[4]s)",
				table, columns, n, map[string]string{"minutes": fmt.Sprintf("minute < %d", start.Add(day).Unix()/60),
					"requests": fmt.Sprintf("arrival_us < %d", start.Add(day).UnixMicro()), "conversations": fmt.Sprintf("first_us < %d", start.Add(day).UnixMicro())}[table])
			if err := db.Exec(b.Context(), sql); err != nil {
				b.Fatalf("%s: %v", sql, err)
			}
		}
		if err := db.Exec(b.Context(), "OPTIMIZE TABLE "+table+" FINAL"); err != nil { // as a month of merging leaves it
			b.Fatal(err)
		}
	}
	b.Logf("%d requests, %d minutes, %d conversations", count(b, db, "requests"), count(b, db, "minutes"), count(b, db, "conversations"))
	return db
}

// BenchmarkPanels asks for every metric over 30 days of one service at 10 requests a second, as a panel of 1,000 points does, one
// after the other, and prints what the 50th and the 95th percentile and the longest took. Read the last line: all of them.
func BenchmarkPanels(b *testing.B) {
	db := month(b)
	d := over(b, db, nil)
	var everything []time.Duration
	for _, m := range catalogue.All() {
		b.Run(m.ID, func(b *testing.B) {
			q := request(b, "A", object{"metric": m.ID, "service": "month", "limits": object{"ttft": 1}})
			q.TimeRange = backend.TimeRange{From: start, To: start.Add(benchDays * day)}
			q.Interval, q.MaxDataPoints = q.TimeRange.To.Sub(q.TimeRange.From)/1000, 1000
			if m.Kind == catalogue.Annotations {
				q.QueryType = "annotations"
			}
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if r := respond(b.Context(), b, d, q); r.Error != nil {
					b.Fatal(r.Error)
				}
				took = append(took, time.Since(began))
			}
			distribution(b, took)
			everything = append(everything, took...)
		})
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
		}
		distribution(b, everything)
	})
}

func distribution(b *testing.B, took []time.Duration) {
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	for _, p := range []struct {
		name string
		at   int
	}{{"p50-ms", len(took) / 2}, {"p95-ms", len(took) * 95 / 100}, {"max-ms", len(took) - 1}} {
		b.ReportMetric(float64(took[p.at].Microseconds())/1000, p.name)
	}
}
