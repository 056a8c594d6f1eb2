package plugin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"tidegauge/dashboards"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
	"tidegauge/traces"
)

// BenchmarkDashboards asks the queries of every panel of every dashboard, in both flavours, over 30 days of one service at 10 requests
// a second with GPUs, one after the other: what a panel takes, the processor time of each query in ClickHouse, and at the end the
// same over all panels of a flavour, each counted once.
func BenchmarkDashboards(b *testing.B) {
	db := month(b, "minutes", "requests", "conversations")
	monthOfGPUs(b, db)
	d := over(b, db, object{"queryTimeout": 300})
	values := dashboards.Values{From: start, To: start.Add(benchDays * day), Variables: map[string]string{"service": "month", "step": "auto", "time_zone": "UTC"}}
	for _, v := range dashboards.Variables() {
		if v.Name == "step_s" {
			sql, err := dashboards.Interpolate(v.SQL, values, dashboards.ClickHouse)
			if err != nil {
				b.Fatal(err)
			}
			var step string
			if err := db.QueryRow(b.Context(), sql).Scan(&step); err != nil {
				b.Fatal(err)
			}
			values.Variables["step_s"] = step
		}
	}
	for _, f := range dashboards.Flavours() {
		var everything, processor []time.Duration
		for _, board := range dashboards.Boards() {
			for _, p := range board.Panels {
				if p.Visual == dashboards.Row || p.Visual == dashboards.Text || !p.In(f) {
					continue
				}
				queries, err := p.Queries(f)
				if err != nil {
					b.Fatal(err)
				}
				for i, q := range queries {
					for key, value := range q {
						if text, ok := value.(string); ok {
							if q[key], err = dashboards.Interpolate(text, values, f); err != nil {
								b.Fatal(err)
							}
						}
					}
					name := fmt.Sprintf("%s/%s/%d %s, query %d", f.Name, board.Name, p.ID, strings.ReplaceAll(p.Title, "/", " by "), i+1)
					b.Run(name, func(b *testing.B) {
						var took []time.Duration
						before := processorTime(b, db)
						for b.Loop() {
							began := time.Now()
							askPanel(b, db, d, f, q, values)
							took = append(took, time.Since(began))
						}
						used := time.Duration(processorTime(b, db)-before) * time.Microsecond / time.Duration(len(took))
						b.ReportMetric(inMilliseconds(used), "cpu-ms")
						distribution(b, took, "-ms")
						everything, processor = append(everything, took[len(took)/2]), append(processor, used)
					})
				}
			}
		}
		b.Run(f.Name+"/all", func(b *testing.B) {
			for b.Loop() {
			}
			distribution(b, everything, "-ms")
			distribution(b, processor, "-cpu-ms")
		})
	}
}

func askPanel(b *testing.B, db *storage.DB, d *Datasource, f dashboards.Flavour, q object, values dashboards.Values) {
	if f == dashboards.Plugin {
		query := request(b, "A", q)
		query.TimeRange = backend.TimeRange{From: values.From, To: values.To}
		query.Interval, query.MaxDataPoints = values.To.Sub(values.From)/1000, 1000
		if r := respond(b.Context(), b, d, query); r.Error != nil {
			b.Fatal(r.Error)
		}
		return
	}
	rows, err := db.Query(b.Context(), q["rawSql"].(string))
	if err != nil {
		b.Fatalf("%v\n%s", err, q["rawSql"])
	}
	defer rows.Close()
	for rows.Next() {
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
}

// monthOfGPUs stores what a scraper reads in 30 days of the service's GPUs: a day of them, and copies.
func monthOfGPUs(b *testing.B, db *storage.DB) {
	var records []*schemas.GPURecord
	for r := range traces.DaySamples(traces.DayConfig{Start: start, Service: "month", Control: "other", Quiet: true}) {
		records = append(records, r)
	}
	if err := testenv.Writer(b, db).Write(b.Context(), [][]schemas.Block{schemas.GPUBlocks(records)}); err != nil {
		b.Fatal(err)
	}
	for _, table := range []string{"gpu_samples", "engine_samples", "scrape_samples"} {
		sql := fmt.Sprintf(`INSERT INTO %[1]s SELECT * EXCEPT (day) REPLACE (at_us + day * 86400000000 AS at_us)
			FROM (SELECT *, arrayJoin(range(1, %[2]d)) AS day FROM %[1]s WHERE at_us < %[3]d)`, table, benchDays, start.Add(day).UnixMicro())
		if err := db.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	rewrites, err := schemas.Rewrites()
	if err != nil {
		b.Fatal(err)
	}
	for _, rewrite := range rewrites {
		if err := db.Exec(b.Context(), fmt.Sprintf(rewrite.Insert, "1")); err != nil {
			b.Fatal(err)
		}
	}
}
