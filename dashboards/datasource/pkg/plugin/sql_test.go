package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"tidegauge/storage"
)

// analysts asks in SQL mode.
func analysts(t *testing.T, db *storage.DB, d *Datasource) {
	sql := func(text string) object { return object{"queryType": "sql", "sql": text} }
	frame := ask(t, d, sql(`SELECT window_start, rate, gap_cv FROM arrivals(service = 'demo', model = NULL, log_type = NULL,
		from_us = $__fromUs, to_us = $__toUs, step_s = $__interval_s) WHERE $__timeFilter(window_start)`))
	if frame.Meta.Type != data.FrameTypeTable || frame.Rows() < 700 || !strings.Contains(frame.Meta.ExecutedQueryString, "step_s = 120") {
		t.Errorf("%d rows of %s: %s", frame.Rows(), frame.Meta.Type, frame.Meta.ExecutedQueryString)
	}
	rate := ask(t, d, object{"metric": "rate", "service": "demo"})
	sum := func(of *data.Frame) (sum float64) {
		for row := range of.Rows() {
			sum += value(t, of, "rate", row)
		}
		return sum
	}
	same(t, "the rates' sum", sum(frame), sum(rate))

	series := object{"queryType": "sql", "format": "time_series", "sql": `SELECT $__timeGroup(arrival) AS time, model, count() AS requests
		FROM requests_view(service = 'demo', from_us = $__fromUs, to_us = $__toUs) GROUP BY time, model ORDER BY time DESC`}
	frame = ask(t, d, series)
	if frame.TimeSeriesSchema().Type != data.TimeSeriesTypeWide || frame.Meta.Type != data.FrameTypeTimeSeriesWide || len(frame.Fields) != 3 || frame.Fields[1].Labels["model"] == "" {
		t.Errorf("series by model: %s with %v", frame.Meta.Type, names(frame))
	}
	// Every type of a table's columns has its place.
	frame = ask(t, d, sql(`SELECT toUInt128(1), toInt256(-2), [1, 2], map('a', 1), (1, 'x'), true, NULL, toDecimal64(1.5, 2), toDate('2026-01-02'), toFloat64('nan'),
		toLowCardinality('l'), toNullable('n'), CAST('b' AS Enum8('a' = 1, 'b' = 2)), toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0'), toNullable(true), now64(6)`))
	for i, want := range []string{"1", "-2", "[1 2]", "map[a:1]"} {
		if got, _ := frame.Fields[i].ConcreteAt(0); got != want {
			t.Errorf("column %d is %v, want %v", i, got, want)
		}
	}
	if value(t, frame, "toDecimal64(1.5, 2)", 0) != 1.5 {
		t.Error("a decimal is no number")
	}

	// The server refuses whatever is not reading.
	before := count(t, db, "requests")
	for _, text := range []string{
		"INSERT INTO requests SELECT * FROM requests",
		"DROP TABLE requests",
		"TRUNCATE TABLE requests",
		"ALTER TABLE requests DELETE WHERE 1",
		"CREATE TABLE t (a Int8) ENGINE = Memory",
		"CREATE TEMPORARY TABLE t (a Int8)",
		"OPTIMIZE TABLE requests FINAL",
		"SET readonly = 0",
		"SELECT count() FROM requests SETTINGS readonly = 0",
		"SELECT 1 SETTINGS max_execution_time = 0",
		"SELECT * FROM url('http://127.0.0.1:1/x', 'CSV', 'a String')",
		"SELECT * FROM s3('http://127.0.0.1:1/x', 'CSV', 'a String')",
		"SELECT * FROM file('/etc/passwd', 'LineAsString', 'a String')",
		"SELECT * FROM remote('127.0.0.1:1', system.one)",
		"INSERT INTO FUNCTION file('x.csv') SELECT 1",
		"KILL QUERY WHERE user = currentUser() SYNC",
		"SELECT 1) SETTINGS readonly = 0 --",
		"EXCHANGE TABLES requests AND minutes",
		"KILL QUERY WHERE 1",
		"SYSTEM FLUSH LOGS",
		"SELECT 1; DROP TABLE requests",
	} {
		response := respond(t.Context(), t, d, request(t, "A", sql(text)))
		if response.Error == nil {
			t.Errorf("%s is allowed", text)
		}
	}
	if after := count(t, db, "requests"); after != before || before == 0 {
		t.Errorf("there were %d requests, and are %d", before, after)
	}
	for from, want := range map[string]string{
		"$__timeFilter(f(a, (b)))":       "(f(a, (b)) >= fromUnixTimestamp64Milli(toInt64(1767571200000), 'UTC') AND f(a, (b)) < fromUnixTimestamp64Milli(toInt64(1767657600000), 'UTC'))",
		"$__fromUs, $__toUs, $__step":    "1767571200000000, 1767657600000000, 60",
		"$__timeGroup(t)":                "toDateTime(intDiv(toUnixTimestamp(t), 60) * 60, 'UTC')",
		"SELECT '$5', $__interval_s()":   "SELECT '$5', 60",
		"$__timeFrom() AND $__timeTo":    "fromUnixTimestamp64Milli(toInt64(1767571200000), 'UTC') AND fromUnixTimestamp64Milli(toInt64(1767657600000), 'UTC')",
		"SELECT arrayMap(x -> (x), [1])": "SELECT arrayMap(x -> (x), [1])",
	} {
		got, err := query{SQL: from, Step: "60", from: start, to: start.Add(day)}.expand()
		if err != nil || got != want {
			t.Errorf("%s becomes %s (%v)", from, got, err)
		}
	}
	for _, from := range []string{"$__timeFilter", "$__timeFilter()", "$__timeFilter(a", "$__other"} {
		if got, err := (query{SQL: from}).expand(); err == nil {
			t.Errorf("%s becomes %s", from, got)
		}
	}
}

func count(t testing.TB, db *storage.DB, from string) (n uint64) {
	t.Helper()
	if err := db.QueryRow(t.Context(), "SELECT count() FROM "+from).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// boundaries asks for more than a data source allows.
func boundaries(t *testing.T, db *storage.DB) {
	d := over(t, db, object{"maxRows": 100, "queryTimeout": 1})
	frame := ask(t, d, object{"queryType": "sql", "sql": "SELECT number FROM numbers(1000000)"})
	if frame.Rows() != 100 || len(frame.Meta.Notices) != 1 {
		t.Errorf("%d rows, notices %v", frame.Rows(), frame.Meta.Notices)
	}
	if frame = ask(t, d, object{"queryType": "sql", "sql": "SELECT number FROM numbers(100)"}); frame.Rows() != 100 || len(frame.Meta.Notices) != 0 {
		t.Errorf("%d rows, notices %v, and there are no more", frame.Rows(), frame.Meta.Notices)
	}
	for _, c := range []struct {
		q      object
		status int
		want   string
	}{
		{object{"metric": "rate", "service": "demo", "step": "60"}, 400, "choose a coarser step"},
		{object{"queryType": "sql", "sql": "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash128(number))"}, 504, "no answer within the data source's 1 s"},
	} {
		response := respond(t.Context(), t, d, request(t, "A", c.q))
		if response.Error == nil || !strings.Contains(response.Error.Error(), c.want) || int(response.Status) != c.status {
			t.Errorf("%v: error %v, status %v; it should say %q", c.q, response.Error, response.Status, c.want)
		}
	}
	d = over(t, db, object{"maxBytes": 10_000})
	if frame = ask(t, d, object{"queryType": "sql", "sql": "SELECT repeat('x', 1000) FROM numbers(1000000)"}); frame.Rows() > 11 || len(frame.Meta.Notices) != 1 {
		t.Errorf("%d rows of 1,000 bytes, notices %v", frame.Rows(), frame.Meta.Notices)
	}
}

// cancellation leaves a panel while its query runs: the query ends in ClickHouse too.
func cancellation(t *testing.T, db *storage.DB, d *Datasource) {
	mark := fmt.Sprintf("cancellation %d", time.Now().UnixNano())
	running := func() bool {
		return count(t, db, fmt.Sprintf("system.processes WHERE query LIKE '%%/* %s */%%' AND query NOT LIKE '%%system.processes%%'", mark)) > 0
	}
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- respond(ctx, t, d, request(t, "A", object{"queryType": "sql", "sql": "SELECT /* " + mark + " */ count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash128(number))"})).Error
	}()
	until(t, "the query runs", running)
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("a query that was left ends with %v", err)
	}
	until(t, "the query has ended", func() bool { return !running() })
}

// until asks again and again, and fails when the test's time is up.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); {
		if time.Now().After(deadline) {
			t.Fatal("in a minute it did not come to pass that ", what)
		}
	}
}
