package report_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tidegauge/schemas"
	"tidegauge/storage"
)

// busyDays are the days that BenchmarkAlertViews asks about: 10 requests a second of one service.
const busyDays = 30

// busyMonth is a database with as many days of requests and minute rows, all stored a second after they ended. The first
// day's rows are made of its requests, the others are copies of them.
func busyMonth(b *testing.B) *storage.DB {
	b.Helper()
	var log []schemas.Request
	benchLog(900_000, true, func(r *schemas.Request) {
		r.ArrivalUS /= 10
		if r.ArrivalUS < dayUS {
			r := *r
			// Four requests in ten belong to a conversation, of three turns in ten minutes.
			if r.Conversation = ""; len(log)%10 < 4 {
				r.Conversation = fmt.Sprint("c", r.ArrivalUS/(10*schemas.MinuteUS), "-", r.RequestTokens*7919%800)
			}
			r.ArrivalUS += yearBegin
			log = append(log, r)
		}
	})
	db := filled(b, log)
	for table, columns := range map[string]string{
		"minutes": "toUInt32(minute + day * 1440) AS minute, first_us + us AS first_us, last_us + us AS last_us, toDateTime((minute + day * 1440) * 60 + 120) AS stored_at",
		"requests": `arrival_us + us AS arrival_us, concat(request_id, '-', toString(day)) AS request_id, concat(conversation, '-', toString(day)) AS conversation,
			toDateTime(intDiv(arrival_us + us + greatest(elapsed_us, 0), 1000000) + 1) AS stored_at`,
	} {
		must := func(sql string) {
			if err := db.Exec(b.Context(), sql); err != nil {
				b.Fatalf("%s: %v", sql, err)
			}
		}
		must(fmt.Sprintf("CREATE TABLE day_%[1]s ENGINE = Memory AS SELECT * FROM %[1]s FINAL", table))
		must("TRUNCATE TABLE " + table)
		for day := range busyDays {
			must(fmt.Sprintf("INSERT INTO %[1]s SELECT * EXCEPT (day, us) REPLACE (%[2]s) FROM (SELECT *, %[3]d AS day, day * %[4]d AS us FROM day_%[1]s)",
				table, columns, day, int64(dayUS)))
		}
		must("DROP TABLE day_" + table)
	}
	return db
}

// BenchmarkAlertViews asks the views for alerts about the ranges that alert rules and dashboards ask about. p95-ms is the
// time that 19 of 20 queries stay below.
func BenchmarkAlertViews(b *testing.B) {
	db := busyMonth(b)
	const end, service, stream = yearBegin + busyDays*dayUS, "service = 'chat', ", "service = 'chat', model = NULL, log_type = NULL, "
	const minutes, hour, day = 5 * schemas.MinuteUS, 60 * schemas.MinuteUS, int64(dayUS)
	for _, v := range []struct {
		view, before, after string
		ranges              []int64
	}{
		{"fault_burn", stream, ", step_s = 300", []int64{hour, 6 * hour, day}},
		{"fault_burn_services", "", "", []int64{minutes, 30 * schemas.MinuteUS, hour, 6 * hour}},
		{"burst_baseline", stream, "", []int64{6 * hour, day, 30 * day}},
		{"burst_services", "", "", []int64{0}},
		{"conversation_stall", service, ", step_s = 300", []int64{6 * hour, day}},
		{"stall_services", "", "", []int64{15 * schemas.MinuteUS, hour}},
		{"failure_runs_view", stream, "", []int64{6 * hour, day, 30 * day}},
		{"late_data", service, "", []int64{6 * hour, day, 30 * day}},
		{"storing_delay", service, ", step_s = 300", []int64{hour, 6 * hour, day, 30 * day}},
		{"dead_letter_counts", "", ", step_s = 3600", []int64{30 * day}},
		{"latency_services", "", "", []int64{minutes, 6 * hour}},
		{"load_services", "", "", []int64{minutes, 6 * hour}},
		{"conversation_services", "", "", []int64{minutes}},
		{"silent_services", "", "", []int64{10 * schemas.MinuteUS}},
	} {
		for _, us := range v.ranges {
			arguments := fmt.Sprintf("from_us = %d, to_us = %d", end-us, int64(end))
			if us == 0 {
				arguments = fmt.Sprintf("to_us = %d", int64(end))
			}
			sql := fmt.Sprintf("SELECT * FROM %s(%s%s%s) FORMAT Null", v.view, v.before, arguments, v.after)
			b.Run(fmt.Sprintf("%s/%v", v.view, time.Duration(us)*time.Microsecond), func(b *testing.B) {
				var took []time.Duration
				benchQuery(b, db, sql, func(d time.Duration) { took = append(took, d) })
				slices.Sort(took)
				b.ReportMetric(float64(took[(len(took)*19-1)/20].Microseconds())/1000, "p95-ms")
			})
		}
	}
}
