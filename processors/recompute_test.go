package processors

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"tidegauge/schemas"
	"tidegauge/testenv"
)

var allTime = RecomputeQuery{Service: "a", FromUS: schemas.MinArrivalUS, ToUS: schemas.MaxArrivalUS}

// TestRecomputesAtOnce wants recomputes that begin at the same moment to write under revisions of their own.
func TestRecomputesAtOnce(t *testing.T) {
	met := 0
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		w := &world{t: t, store: newMemStore()}
		running := []*recomputing{w.recompute(allTime), w.recompute(allTime), w.recompute(allTime)}
		all := append([]*recomputing(nil), running...)
		for len(running) > 0 {
			i := rng.IntN(len(running))
			if !running[i].step() {
				running = append(running[:i], running[i+1:]...)
			}
		}
		of := make(map[uint64]bool)
		for _, r := range all {
			if r.err != nil {
				t.Fatal(r.err)
			}
			of[r.report.Revision] = true
		}
		if len(of) != len(all) {
			t.Errorf("seed %d: %d recomputes have the revisions %v", seed, len(all), of)
		}
		if len(w.store.recomputes()) > len(all) {
			met++
		}
	}
	if met == 0 {
		t.Error("no two of them ever met")
	}
}

// TestRecomputeTellsAgain wants what is gone to be told again under each revision: a row that was made before it went,
// under a revision between two recomputes, may come after both.
func TestRecomputeTellsAgain(t *testing.T) {
	testenv.Sequential(t)
	store := newMemStore()
	blocks, err := Evaluate([]schemas.Request{one("a", 0, "c1"), one("a", schemas.MinuteUS, "c2")})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		store.put(b)
	}
	clear(store.tables["requests"])
	for revision := uint64(1); revision <= 3; revision++ {
		r, err := Recompute(t.Context(), store, allTime, nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[uint64]int64{1: 10}[revision]; r.Deleted != want { // four rows a minute, two conversations
			t.Errorf("recompute %d: %d rows are gone, want %d", revision, r.Deleted, want)
		}
		for _, table := range []string{"minutes", "conversations"} {
			for key, row := range store.tables[table] {
				if !row.deleted() || row.version != schemas.Version(revision, 0) {
					t.Errorf("recompute %d: %q has version %x", revision, key, row.version)
				}
			}
		}
	}
}

func one(service string, arrivalUS int64, conversation string) (r schemas.Request) {
	r.Reset()
	r.Service, r.Model, r.ArrivalUS, r.Conversation, r.Outcome = service, "m", arrivalUS, conversation, schemas.OK
	return r
}

// TestRecomputeExhausted wants an error where versions have no room for another revision, and nothing written.
func TestRecomputeExhausted(t *testing.T) {
	testenv.Sequential(t)
	store := newMemStore()
	store.put(schemas.Recomputes(schemas.Recompute{Service: "a", Revision: schemas.MaxRevision, Stage: schemas.RecomputeFinished}))
	if _, err := Recompute(t.Context(), store, allTime, nil); !errors.Is(err, ErrRevisions) {
		t.Error(err)
	}
	if n := len(store.tables["revisions"]); n != 1 {
		t.Errorf("%d revisions", n)
	}
	store = newMemStore()
	store.put(schemas.Recomputes(schemas.Recompute{Service: "a", Revision: schemas.MaxRevision - 1, Stage: schemas.RecomputeFinished}))
	if r, err := Recompute(t.Context(), store, allTime, nil); err != nil || r.Revision != schemas.MaxRevision {
		t.Error(r, err)
	}
}

// TestRunnerRecompute recomputes again and again, and deletes, while runners read.
func TestRunnerRecompute(t *testing.T) {
	r := newRunnerTest(t, 1)
	store := newMemStore()
	_, stop := r.start(r.config(), store)
	all := requests("a", 0, 600)
	recompute := func() {
		t.Helper()
		if _, err := Recompute(context.Background(), store, allTime, nil); err != nil {
			t.Fatal(err)
		}
	}
	deleted := func() {
		store.mu.Lock()
		defer store.mu.Unlock()
		for key, row := range store.tables["requests"] {
			if row.values["request_id"] == "r3" {
				delete(store.tables["requests"], key)
			}
		}
	}
	for i := 0; i < len(all); i += 60 {
		r.produce(0, all[i:i+60]...)
		if i == 0 {
			r.waitCommitted(map[int]int64{0: 60})
			deleted()
		}
		recompute()
	}
	r.waitCommitted(map[int]int64{0: int64(len(all))})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	left := append(append([]string(nil), all[:3]...), all[4:]...)
	sameTables(t, undisturbed(t, left), store, "requests", "minutes", "conversations")
	if now, _ := store.Revisions(t.Context()); now["a"].Number < 10 || len(now["a"].Unfinished) > 0 {
		t.Error(fmt.Sprint(now))
	}
}
