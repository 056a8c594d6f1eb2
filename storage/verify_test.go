package storage_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tidegauge/processors"
	"tidegauge/schemas"
	"tidegauge/stats"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// fill stores a log and the rows that processors make of it.
func fill(t testing.TB, db *storage.DB, log []schemas.Request) {
	t.Helper()
	blocks, err := processors.Evaluate(log)
	if err != nil {
		t.Fatal(err)
	}
	writer := testenv.Writer(t, db)
	for _, b := range blocks {
		if err := writer.Write(t.Context(), [][]schemas.Block{{b}}); err != nil {
			t.Fatal(err)
		}
	}
}

// verifyLog makes requests of two services with ties, bursts, long requests, all outcomes, unknown fields and copies.
func verifyLog(seed uint64, n int) []schemas.Request {
	rng := rand.New(rand.NewPCG(seed, 1))
	var log []schemas.Request
	at := int64(1_700_000_000_000_000)
	for i := range n {
		var r schemas.Request
		r.Reset()
		at += []int64{0, 1, 1000, rng.Int64N(3_000_000), rng.Int64N(20_000_000)}[rng.IntN(5)]
		if rng.IntN(300) == 0 {
			at += rng.Int64N(20 * schemas.MinuteUS)
		}
		r.Service, r.Model = []string{"a", oddService}[rng.IntN(2)], []string{"m", "n", "ö"}[rng.IntN(3)]
		r.LogType, r.ArrivalUS = []string{"", "api"}[rng.IntN(2)], at
		r.RequestID, r.Seq = fmt.Sprint("id", i), rng.Int64N(2)
		if rng.IntN(3) > 0 {
			r.Conversation = fmt.Sprint("c", rng.IntN(1+n/10))
			r.PromptID = "p" + r.Conversation
		}
		r.Outcome = schemas.OK
		if rng.IntN(3) == 0 {
			r.Outcome = schemas.Outcome(1 + rng.IntN(schemas.Outcomes-1))
		}
		if rng.IntN(2) == 0 {
			r.StatusCode = int32(390 + rng.IntN(130))
		}
		if rng.IntN(8) > 0 {
			r.RequestTokens, r.ResponseTokens = rng.Int64N(1<<rng.IntN(20)), rng.Int64N(1<<rng.IntN(14))
		}
		if rng.IntN(4) > 0 {
			r.ElapsedUS, r.TTFTUS = rng.Int64N(1<<rng.IntN(37)), rng.Int64N(1<<rng.IntN(25))
			r.ElapsedUS = min(r.ElapsedUS, schemas.MaxElapsedUS)
		}
		log = append(log, r)
		if rng.IntN(20) == 0 {
			log = append(log, log[rng.IntN(len(log))])
		}
	}
	return log
}

// oddService is a name that looks like other things to ClickHouse and to its client.
const oddService = `b'\ ? $1 @x {y:String}`

func verify(t testing.TB, db *storage.DB, q storage.VerifyQuery) storage.VerifyReport {
	t.Helper()
	q.Settle = -1
	report, err := storage.Verify(t.Context(), db, q, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestVerify holds the processors' rows against the SQL, which share nothing.
func TestVerify(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	log := verifyLog(1, 2500)
	fill(t, db, log)
	clash := log[0]
	clash.ArrivalUS, clash.Conversation = clash.ArrivalUS+1, ""
	fill(t, db, []schemas.Request{clash}) // its minute has too few now
	fill(t, db, append(log, clash))

	var calls, last, total int64
	report, err := storage.Verify(t.Context(), db, storage.VerifyQuery{ChunkRequests: 700, Settle: -1}, func(done, of int64) {
		if done < last || done > of {
			t.Errorf("progress went from %d to %d of %d", last, done, of)
		}
		calls, last, total = calls+1, done, of
	})
	if err != nil {
		t.Fatal(err)
	}
	if report.Different != 0 || len(report.Differences) != 0 {
		t.Errorf("%d rows differ: %v", report.Different, report.Differences)
	}
	if report.Requests != 2501 || report.Conflicting != 1 || report.Minutes < 1000 || report.Conversations < 250 {
		t.Errorf("%+v", report)
	}
	if calls < 6 || last < total*9/10 {
		t.Errorf("%d calls of progress, the last %d of %d", calls, last, total)
	}

	// A part of the range, and of the services.
	from, to := log[1000].ArrivalUS, log[1500].ArrivalUS
	part := verify(t, db, storage.VerifyQuery{Service: "a", FromUS: &from, ToUS: &to})
	if part.Different != 0 || part.Requests < 150 || part.Requests > 350 || part.Conversations == 0 || part.Conversations >= report.Conversations {
		t.Errorf("of a part: %+v", part)
	}
}

// TestVerifyEmpty wants an empty database to be right.
func TestVerifyEmpty(t *testing.T) {
	testenv.Sequential(t)
	if r := verify(t, testenv.Migrated(t), storage.VerifyQuery{}); r.Different != 0 || r.Requests != 0 {
		t.Errorf("%+v", r)
	}
}

// TestVerifyFindsTampering changes every column, each in a row of its own, and wants that column of that row named.
func TestVerifyFindsTampering(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	fill(t, db, verifyLog(2, 600))
	changed := make(map[string]bool) // by table, row and column
	for table, c := range map[string]struct {
		columns any
		keys    []string
		row     string // names one as differences do
	}{
		"minutes": {&schemas.Minutes{}, []string{"service", "grouping", "model", "log_type", "minute"},
			"concat(grouping, ' ', model, ' ', log_type, ' ', toString(minute))"},
		"conversations": {&schemas.Conversations{}, []string{"service", "conversation"}, "conversation"},
	} {
		original := "original_" + table
		run(t, db, fmt.Sprintf("CREATE TABLE %s ENGINE = Memory AS SELECT *, %s AS row, rowNumberInAllBlocks() AS number FROM (SELECT * FROM %s FINAL WHERE service = 'a' ORDER BY ALL)",
			original, c.row, table))
		// A higher revision makes the changed row the one that counts.
		number := 0
		for _, column := range schemas.ColumnNames(c.columns) {
			if slices.Contains(c.keys, column) {
				continue
			}
			var kind, row string
			if err := db.QueryRow(t.Context(), "SELECT type FROM system.columns WHERE database = currentDatabase() AND table = ? AND name = ?",
				table, column).Scan(&kind); err != nil {
				t.Fatal(err)
			}
			if err := db.QueryRow(t.Context(), fmt.Sprintf("SELECT row FROM %s WHERE number = %d", original, number)).Scan(&row); err != nil {
				t.Fatalf("%s has no row to change %s in: %v", table, column, err)
			}
			value := column + " + 1"
			switch {
			case strings.HasPrefix(kind, "Array(Enum"):
				value = fmt.Sprintf("arrayMap((v, i) -> if(i = 1, 1 + toInt8(v) %% 7, toInt8(v)), %[1]s, arrayEnumerate(%[1]s))", column)
			case strings.HasPrefix(kind, "Array"):
				value = fmt.Sprintf("if(empty(%[1]s), [1], arrayMap((v, i) -> if(i = 1, v + 1, v), %[1]s, arrayEnumerate(%[1]s)))", column)
			}
			version, change := "version", fmt.Sprintf(", CAST(%s, '%s') AS %s", value, strings.ReplaceAll(kind, "'", "\\'"), column)
			if column == "version" {
				version, change = value, ""
			}
			run(t, db, fmt.Sprintf("INSERT INTO %s SELECT * EXCEPT (row, number) REPLACE (%s + bitShiftLeft(toUInt64(1), %d) AS version %s) FROM %s WHERE number = %d",
				table, version, schemas.RevisionShift, change, original, number))
			changed[fmt.Sprint(table, " ", row, " ", column)] = true
			number++
		}
	}
	r := verify(t, db, storage.VerifyQuery{Service: "a", MaxDifferences: 10 * len(changed)})
	if r.Different != int64(len(changed)) {
		t.Errorf("%d rows differ, %d were changed", r.Different, len(changed))
	}
	for _, d := range r.Differences {
		row := d.Conversation
		if d.Table == "minutes" {
			row = fmt.Sprint(d.Grouping, " ", d.Model, " ", d.LogType, " ", d.Minute.Unix()/60)
		}
		delete(changed, fmt.Sprint(d.Table, " ", row, " ", d.Column))
	}
	for one := range changed {
		t.Errorf("not found: %s", one)
	}
	for _, table := range []string{"minutes", "conversations"} {
		run(t, db, fmt.Sprintf("INSERT INTO %[1]s SELECT * EXCEPT (row, number) REPLACE (version + bitShiftLeft(toUInt64(2), %[2]d) AS version) FROM original_%[1]s",
			table, schemas.RevisionShift))
	}
	if r := verify(t, db, storage.VerifyQuery{}); r.Different != 0 {
		t.Errorf("put right: %v", r.Differences)
	}
}

// TestVerifyLongMinute has a minute of more requests than ClickHouse has memory for an array of them each.
func TestVerifyLongMinute(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	var log []schemas.Request
	for i := range 12_000 {
		var r schemas.Request
		r.Reset()
		r.Service, r.Model, r.RequestID, r.Outcome = "s", "m", fmt.Sprint(i), schemas.OK
		r.ArrivalUS = 1_700_000_040_000_000 + int64(i)*4999
		r.RequestTokens, r.ResponseTokens, r.ElapsedUS, r.TTFTUS = int64(i), int64(1+i%700), int64(i)*7919, int64(i)
		log = append(log, r)
	}
	fill(t, db, log)
	narrow := open(t, testenv.Engine(t).Addr(), func(c *storage.Config) {
		c.Database, c.Settings = db.Database(), map[string]any{"max_memory_usage": 400_000_000}
	})
	if r := verify(t, narrow, storage.VerifyQuery{}); r.Different != 0 || r.Requests != int64(len(log)) {
		t.Errorf("%+v", r)
	}
}

// TestVerifyFindsRows wants rows found that are missing or should not be there.
func TestVerifyFindsRows(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	fill(t, db, verifyLog(3, 200))
	run(t, db, "CREATE TABLE taken ENGINE = Memory AS SELECT * FROM minutes FINAL WHERE grouping = 'both' ORDER BY ALL LIMIT 2")
	run(t, db, "ALTER TABLE minutes DELETE WHERE (service, grouping, model, log_type, minute) IN (SELECT service, grouping, model, log_type, minute FROM taken) SETTINGS mutations_sync = 2")
	run(t, db, "INSERT INTO minutes SELECT * REPLACE (minute + 100000 AS minute) FROM taken LIMIT 1")
	run(t, db, "INSERT INTO conversations SELECT * REPLACE ('nobody' AS conversation) FROM conversations WHERE service = 'a' LIMIT 1")
	run(t, db, "INSERT INTO minutes SELECT * REPLACE ('gone' AS service) FROM taken LIMIT 1")
	run(t, db, "INSERT INTO requests SELECT * FROM requests LIMIT 1") // a copy: harmless
	r := verify(t, db, storage.VerifyQuery{MaxDifferences: 4})
	if r.Different != 5 || len(r.Differences) != 4 || r.Copies != 1 {
		t.Errorf("%d rows differ, %d copies: %v", r.Different, r.Copies, r.Differences)
	}
	var missing, orphan int
	for _, d := range r.Differences {
		if d.Column == "" && d.Stored == "missing" {
			missing++
		}
		if d.Column == "" && strings.HasPrefix(d.Recomputed, "missing") {
			orphan++
		}
	}
	if missing != 2 || orphan != 2 {
		t.Errorf("%d missing, %d orphans: %v", missing, orphan, r.Differences)
	}
}

// TestVerifySettles wants rows waited for that lag behind their requests, for seconds or for long, as where a processor
// has died; and those counted that stay as they are.
func TestVerifySettles(t *testing.T) {
	testenv.Sequential(t)
	for _, old := range []bool{false, true} {
		t.Run(fmt.Sprintf("old=%v", old), func(t *testing.T) {
			db := testenv.Migrated(t)
			log := verifyLog(4, 100)
			fill(t, db, log)
			if old {
				run(t, db, "ALTER TABLE requests UPDATE stored_at = toDateTime(1) WHERE 1 SETTINGS mutations_sync = 2")
			}
			run(t, db, "CREATE TABLE late AS minutes")
			run(t, db, "EXCHANGE TABLES late AND minutes") // requests are there, rows are not
			done := make(chan error)
			go func() {
				time.Sleep(1500 * time.Millisecond)
				done <- db.Exec(context.Background(), "INSERT INTO minutes SELECT * FROM late")
			}()
			r, err := storage.Verify(t.Context(), db, storage.VerifyQuery{Settle: 20 * time.Second}, nil)
			if err := errors.Join(err, <-done); err != nil {
				t.Fatal(err)
			}
			if r.Different != 0 || r.Unsettled != 0 || r.Conversations == 0 {
				t.Errorf("%+v", r)
			}
			// What is never written is different, or stays unsettled as long as it is new.
			run(t, db, "TRUNCATE TABLE minutes")
			if !old {
				fill(t, db, log[:1])
			}
			r, err = storage.Verify(t.Context(), db, storage.VerifyQuery{Settle: time.Second, Service: log[0].Service}, nil)
			if err != nil || r.Different+r.Unsettled == 0 || old && (r.Different == 0 || r.Unsettled > 0) {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// TestVerifyCutConversation has more turns than a conversation keeps.
func TestVerifyCutConversation(t *testing.T) {
	testenv.Sequential(t)
	if testing.Short() {
		t.Skip("10,000 turns")
	}
	db := testenv.Migrated(t)
	var log []schemas.Request
	for i := range schemas.MaxTurns + 50 {
		var r schemas.Request
		r.Reset()
		r.Service, r.Model, r.RequestID, r.Conversation = "s", "m", fmt.Sprint(i), "endless"
		r.ArrivalUS, r.Outcome, r.RequestTokens = 1e15+int64(i/3)*1_000_000, schemas.OK, int64(i)
		log = append(log, r)
	}
	fill(t, db, log)
	if r := verify(t, db, storage.VerifyQuery{}); r.Different != 0 || r.Conversations != 1 {
		t.Errorf("%+v", r)
	}
}

// TestVerifyBuckets holds the logarithms in verify's SQL, and in the views, against the exact limits of buckets: at the
// largest whole number of each bucket and the one after it, for whole numbers up to 24 hours of microseconds.
func TestVerifyBuckets(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Database(t)
	var values []uint64
	var want []int16
	for v := uint64(1); v < 300; v++ {
		values, want = append(values, v), append(want, stats.Bucket(v))
	}
	// 51^b / 50^b, in integers.
	power, scale := big.NewInt(1), big.NewInt(1)
	for {
		power.Mul(power, big.NewInt(51))
		scale.Mul(scale, big.NewInt(50))
		limit := new(big.Int).Quo(power, scale).Uint64()
		if limit > schemas.MaxElapsedUS {
			break
		}
		for _, v := range []uint64{limit, limit + 1} {
			values, want = append(values, v), append(want, stats.Bucket(v))
		}
	}
	var got []int16
	if err := db.QueryRow(t.Context(), "SELECT arrayMap(v -> toInt16(ceil(log(v) / log(1.02))), ?)", values).Scan(&got); err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if got[i] != want[i] {
			t.Errorf("bucket(%d) is %d in SQL, %d in stats", v, got[i], want[i])
		}
	}
}
