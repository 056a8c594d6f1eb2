//go:build unix

package storage_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// storeRequests writes requests as processors do, each of them twice.
func storeRequests(t *testing.T, db *storage.DB, requests []schemas.Request) {
	t.Helper()
	w := testenv.Writer(t, db)
	for range 2 {
		var c schemas.Requests
		for i := range requests {
			c.Append(&requests[i], requests[i].Content())
		}
		if err := w.Write(t.Context(), [][]schemas.Block{{c.Block()}}); err != nil {
			t.Fatal(err)
		}
	}
}

func recorded(t *testing.T, db *storage.DB, s storage.Selection) (all []schemas.Request) {
	t.Helper()
	for r, err := range db.Requests(t.Context(), s) {
		if err != nil {
			t.Fatal(err)
		}
		one := *r
		one.Labels, one.PrefixHashes = slices.Clone(r.Labels), slices.Clone(r.PrefixHashes)
		all = append(all, one)
	}
	return all
}

// TestRequests reads back what was stored, in the order of everything, each request once.
func TestRequests(t *testing.T) {
	db := testenv.Migrated(t)
	minimal := schemas.Request{}
	minimal.Reset()
	minimal.Service, minimal.Model, minimal.ArrivalUS, minimal.Outcome = "b", "m", 1_760_000_000_000_000, schemas.OK
	full := minimal
	full.Service, full.Model, full.LogType, full.Operation, full.RequestID, full.Seq = "a", "m2", "api", "generation", "r-1", 7
	full.Conversation, full.Client, full.PromptID, full.Outcome, full.StatusCode = "c", "k", "p", schemas.Error, 503
	full.ErrorType, full.FinishReason, full.Config, full.Host = "oom", "length", "v2", "h1"
	full.RequestTokens, full.ResponseTokens, full.ReasoningTokens, full.CachedTokens = 10, 0, 3, 4
	full.MaxTokens, full.TargetTokens, full.Steps = 5, 6, 7
	full.ElapsedUS, full.TTFTUS, full.QueueUS, full.Temperature, full.TopP = 1_000_000, 20_000, 0, 0.7, 1
	full.Seed, full.HasSeed = -5, true
	full.PrefixHashes, full.PrefixBlockTokens = []uint64{1, 1<<64 - 1}, 512
	full.Labels = []schemas.Label{{Key: "region", Value: "eu"}, {Key: "team", Value: "x"}}
	var want []schemas.Request
	want = append(want, full)
	for i := range 5 { // of equal arrival and seq: the hash of the id decides
		r := minimal
		r.RequestID = fmt.Sprint("id-", i)
		want = append(want, r)
	}
	slices.SortFunc(want[1:], func(a, b schemas.Request) int {
		if schemas.IDHash(a.RequestID) < schemas.IDHash(b.RequestID) {
			return -1
		}
		return 1
	})
	for i := range 5 { // of minutes of their own
		r := minimal
		r.ArrivalUS += int64(i+1) * schemas.MinuteUS
		want = append(want, r)
	}
	late := minimal
	late.ArrivalUS += 40 * 24 * 3600 * schemas.SecondUS // of another partition of the table
	want = append(want, late)
	shuffled := slices.Clone(want)
	slices.Reverse(shuffled)
	storeRequests(t, db, shuffled)
	if diff := cmp.Diff(want, recorded(t, db, storage.Selection{}), cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	restore := storage.SetRequestsInQuery(2) // a minute or two at a time
	defer restore()
	if diff := cmp.Diff(want, recorded(t, db, storage.Selection{}), cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	for name, s := range map[string]storage.Selection{
		"service": {Service: "a"}, "model": {Model: "m2"}, "log type": {LogType: "api"},
	} {
		if got := recorded(t, db, s); len(got) != 1 || got[0].RequestID != "r-1" {
			t.Errorf("by %s: %v", name, got)
		}
	}
	for name, s := range map[string]storage.Selection{
		"from": {FromUS: late.ArrivalUS, ToUS: schemas.MaxArrivalUS}, "to": {Service: "b", ToUS: late.ArrivalUS},
	} {
		var chosen []schemas.Request
		for _, r := range want {
			if s.Has(&r) {
				chosen = append(chosen, r)
			}
		}
		if diff := cmp.Diff(chosen, recorded(t, db, s), cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" || len(chosen) == len(want) {
			t.Errorf("%s: %s", name, diff)
		}
	}
	// Over all services by time, as a trace has them: b's come first, as a's later.
	byTime := recorded(t, db, storage.Selection{ByTime: true})
	if len(byTime) != len(want) || !slices.IsSortedFunc(byTime, func(a, b schemas.Request) int { return int(a.ArrivalUS - b.ArrivalUS) }) || byTime[0].Service != "a" {
		t.Errorf("by time: %v", byTime)
	}
	for range db.Requests(t.Context(), storage.Selection{}) {
		break // ends the query
	}
	if n, err := db.CountRequests(t.Context(), storage.Selection{Service: "a"}); err != nil || n < 1 || n > 2 {
		t.Errorf("%d requests counted, %v", n, err)
	}
}
