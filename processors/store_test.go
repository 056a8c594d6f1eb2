package processors

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"
	gocmp "github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// TestStore holds ClickHouse's store and its twin in memory to the same contract.
func TestStore(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		storeContract(t, newMemStore())
		recomputeContract(t, newMemStore())
	})
	t.Run("ClickHouse", func(t *testing.T) {
		db := testenv.Migrated(t)
		storeContract(t, storage.NewStore(db, testenv.Writer(t, db)))
		db = testenv.Migrated(t)
		recomputeContract(t, storage.NewStore(db, testenv.Writer(t, db)))
	})
}

const oddService = `o'neil\'s ; -- ü ?`

func storeContract(t *testing.T, store Store) {
	ctx := t.Context()
	var log [][]byte
	put := func(service, conversation, id string, arrival int64, change func(*schemas.Request)) {
		var r schemas.Request
		r.Reset()
		r.Service, r.Model, r.LogType, r.Conversation, r.RequestID = service, `m'\`, "api", conversation, id
		r.ArrivalUS, r.Outcome = arrival, schemas.OK
		if change != nil {
			change(&r)
		}
		log = append(log, schemas.AppendJSON(nil, &r))
	}
	known := func(r *schemas.Request) {
		r.Outcome, r.StatusCode, r.ErrorType, r.Seq = schemas.Error, 418, "teapot", 9
		r.RequestTokens, r.ResponseTokens, r.ElapsedUS, r.TTFTUS = 3, schemas.MaxTokens, schemas.MaxElapsedUS, 0
		r.Labels, r.PrefixHashes, r.Temperature = []schemas.Label{{Key: "a", Value: "b"}}, []uint64{1 << 63}, .5
	}
	put(oddService, `c'"\`, "x", 0, nil)
	put(oddService, `c'"\`, "", schemas.MinuteUS-1, known)
	put(oddService, "", "edge", schemas.MinuteUS, nil)
	put(oddService, "", "far", schemas.MaxArrivalUS-1, nil)
	put("plain", "c", "p", 5*schemas.MinuteUS, known)
	flush := func(records [][]byte, offset int64) {
		t.Helper()
		w := newWorker("t", 0, 1, "g", store, newMetrics(nil))
		for i, r := range records {
			w.add(offset+int64(i), r)
		}
		f, err := w.prepare(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Write(ctx, f.stages(), nil); err != nil {
			t.Fatal(err)
		}
	}
	flush(log[:2], 0)
	flush(log, 0) // again, and more
	flush(log[:1], 0)

	requestsOf := func(keys ...schemas.MinuteKey) []schemas.StoredRequest {
		t.Helper()
		var got []schemas.StoredRequest
		if err := store.LoadMinutes(ctx, keys, func(r *schemas.StoredRequest) { got = append(got, *r) }); err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(got, func(a, b schemas.StoredRequest) int {
			return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.ArrivalUS, b.ArrivalUS))
		})
		return slices.Compact(got) // repetitions are allowed
	}
	want := func(indices ...int) []schemas.StoredRequest {
		var out []schemas.StoredRequest
		for _, i := range indices {
			var d schemas.Decoder
			var r schemas.Request
			if err := d.Decode(log[i], &r); err != nil {
				t.Fatal(err)
			}
			out = append(out, schemas.StoredRequest{Service: r.Service, Model: r.Model, LogType: r.LogType, ArrivalUS: r.ArrivalUS, Seq: r.Seq,
				IDHash: schemas.IDHash(r.RequestID), Content: r.Content(), Outcome: r.Outcome, StatusCode: r.StatusCode,
				RequestTokens: int32(r.RequestTokens), ResponseTokens: int32(r.ResponseTokens), ElapsedUS: r.ElapsedUS, TTFTUS: r.TTFTUS})
		}
		return out
	}
	lastMinute := uint32((schemas.MaxArrivalUS - 1) / schemas.MinuteUS)
	for name, c := range map[string]struct {
		keys []schemas.MinuteKey
		want []schemas.StoredRequest
	}{
		"one minute, both its edges": {[]schemas.MinuteKey{{Service: oddService, Minute: 0}}, want(0, 1)},
		"the next":                   {[]schemas.MinuteKey{{Service: oddService, Minute: 1}}, want(2)},
		"the last of all":            {[]schemas.MinuteKey{{Service: oddService, Minute: lastMinute}}, want(3)},
		"neighbours and strangers": {[]schemas.MinuteKey{{Service: "plain", Minute: 5}, {Service: oddService, Minute: 1},
			{Service: oddService, Minute: 0}, {Service: "nobody", Minute: 0}}, want(0, 1, 2, 4)},
		"an empty one": {[]schemas.MinuteKey{{Service: "plain", Minute: 0}}, nil},
	} {
		if diff := gocmp.Diff(c.want, requestsOf(c.keys...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}

	var turns []schemas.StoredRequest
	err := store.LoadConversations(ctx, []schemas.ConversationKey{{Service: oddService, Conversation: `c'"\`}, {Service: oddService, Conversation: "c"}},
		func(id string, r *schemas.StoredRequest, cut bool, revision uint64) {
			if id != `c'"\` || cut || revision != 0 {
				t.Errorf("conversation %q, cut %v, revision %d", id, cut, revision)
			}
			turns = append(turns, *r)
		})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(turns, func(a, b schemas.StoredRequest) int { return cmp.Compare(a.ArrivalUS, b.ArrivalUS) })
	wantTurns := want(0, 1)
	for i := range wantTurns { // what a conversation's row does not keep
		wantTurns[i].Model, wantTurns[i].LogType, wantTurns[i].TTFTUS, wantTurns[i].StatusCode = "", "", schemas.Unknown, schemas.Unknown
	}
	if diff := gocmp.Diff(wantTurns, slices.Compact(turns)); diff != "" {
		t.Errorf("turns (-want +got):\n%s", diff)
	}

	newest, err := store.NewestMinutes(ctx, func(s string) bool { return s != "plain" })
	if diff := gocmp.Diff(map[string]uint32{oddService: lastMinute}, newest); err != nil || diff != "" {
		t.Errorf("newest minutes: %v\n%s", err, diff)
	}
	hashes := map[uint64]bool{}
	var size uint64
	err = store.ConversationHashes(ctx, []string{oddService, "plain"}, func(n uint64) { size = n }, func(_ string, h uint64) { hashes[h] = true })
	if err != nil || size < 2 || len(hashes) != 2 || !hashes[xxhash.Sum64String("c")] || !hashes[xxhash.Sum64String(`c'"\`)] {
		t.Errorf("conversation hashes: %v, %d, %v", err, size, hashes)
	}
	positions, err := store.Positions(ctx, "g", "t")
	if diff := gocmp.Diff(map[int]schemas.Position{0: {Offset: 5, Partitions: 1}}, positions); err != nil || diff != "" {
		t.Errorf("positions: %v\n%s", err, diff)
	}
	if positions, err := store.Positions(context.Background(), "g", "other"); err != nil || len(positions) != 0 {
		t.Errorf("positions of another topic: %v, %v", positions, err)
	}
}
