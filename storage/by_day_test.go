package storage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tidegauge/processors"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// longTalks is a log of conversations of some days in a random order: their first turns come at any time.
func longTalks(rng *rand.Rand, n int) []schemas.Request {
	log := make([]schemas.Request, n)
	for i := range log {
		r := &log[i]
		r.Reset()
		r.Service, r.Model, r.Outcome, r.Conversation = "a", "m", schemas.OK, fmt.Sprint("c", rng.IntN(n/12))
		r.ArrivalUS = 1_700_000_000_000_000 + rng.Int64N(6*schemas.DayUS)
		r.RequestID, r.RequestTokens, r.ResponseTokens, r.ElapsedUS = fmt.Sprint("id", i), rng.Int64N(1000), rng.Int64N(100), rng.Int64N(9_000_000)
	}
	return log
}

// TestConversationsByDay writes the rows that a log of late first turns comes to at random moments, in a random order and some of
// them again, as owners do that are stale or crash: every conversation stands on its day, once. Then turns are deleted.
func TestConversationsByDay(t *testing.T) {
	testenv.Sequential(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for range testenv.Times(1, 30) {
		db := testenv.Migrated(t)
		log := longTalks(rng, 240)
		var flushes [][]schemas.Block
		for n := 20; n <= len(log); n += 20 {
			blocks, err := processors.Evaluate(log[:n])
			if err != nil {
				t.Fatal(err)
			}
			flushes = append(flushes, blocks)
		}
		flushes = append(flushes, flushes[rng.IntN(len(flushes))], flushes[rng.IntN(len(flushes))])
		rng.Shuffle(len(flushes), func(i, j int) { flushes[i], flushes[j] = flushes[j], flushes[i] })
		writer := testenv.Writer(t, db)
		for _, blocks := range flushes {
			if err := writer.Write(t.Context(), [][]schemas.Block{blocks}); err != nil {
				t.Fatal(err)
			}
		}
		whole := func(when string) {
			t.Helper()
			if r := verify(t, db, storage.VerifyQuery{}); r.Different != 0 || r.Conversations < 10 {
				t.Errorf("%s: %+v", when, r)
			}
		}
		whole("at the end of the log")
		run(t, db, "OPTIMIZE TABLE conversations_by_day FINAL")
		whole("merged")

		// The first turns of some conversations, and some conversations whole.
		run(t, db, `ALTER TABLE requests DELETE WHERE request_id IN (
    SELECT argMin(request_id, arrival_us) FROM requests GROUP BY conversation HAVING cityHash64(conversation) % 2 = 0
    UNION ALL SELECT request_id FROM requests WHERE cityHash64(conversation) % 5 = 0) SETTINGS mutations_sync = 2`)
		recompute(t, db, "a", schemas.MinArrivalUS, schemas.MaxArrivalUS)
		whole("after turns were deleted")
	}
}

// TestVerifyConversationsByDay wants verify to see what is wrong with the table, and a recompute to mend it.
func TestVerifyConversationsByDay(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	fill(t, db, longTalks(rand.New(rand.NewPCG(3, 4)), 240))
	const changed = "INSERT INTO conversations_by_day SELECT * REPLACE (%s) FROM (SELECT * FROM conversations_by_day FINAL WHERE conversation = '%s')"
	run(t, db, fmt.Sprintf(changed, "day - 9 AS day, first_us - 9 * 86400000000 AS first_us", "c1"))
	run(t, db, "ALTER TABLE conversations_by_day DELETE WHERE conversation = 'c2' SETTINGS mutations_sync = 2")
	run(t, db, fmt.Sprintf(changed, "'nobody' AS conversation", "c3"))
	run(t, db, fmt.Sprintf(changed, "arrayMap(n -> n + 1, turn_request_tokens) AS turn_request_tokens", "c4"))
	run(t, db, fmt.Sprintf(changed, "version + 1 AS version", "c5"))
	r := verify(t, db, storage.VerifyQuery{})
	if r.Different != 5 {
		t.Errorf("%+v", r)
	}
	var all []string
	for _, d := range r.Differences {
		all = append(all, d.String())
	}
	for _, want := range []string{`"c1": days is 2, and should be 1`, `"c2": the row is missing, and should be there`,
		`"nobody": the row is there, and should be missing: no row of conversations belongs to it`, `"c4": content is`, `"c5": version is`} {
		if !slices.ContainsFunc(all, func(d string) bool {
			return strings.Contains(d, "conversations_by_day: service \"a\", conversation "+want)
		}) {
			t.Errorf("no %q in\n%s", want, strings.Join(all, "\n"))
		}
	}
	recompute(t, db, "a", schemas.MinArrivalUS, schemas.MaxArrivalUS)
	if r := verify(t, db, storage.VerifyQuery{}); r.Different != 0 {
		t.Errorf("after a recompute: %+v", r)
	}
}
