package processors

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
)

// recomputeContract is what a store must do for revisions and recomputes.
func recomputeContract(t *testing.T, store RecomputeStore) {
	ctx := t.Context()
	same := func(what string, want, got any, err error) {
		t.Helper()
		if diff := gocmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
		}
	}
	write := func(blocks ...schemas.Block) {
		t.Helper()
		if all, err := store.Write(ctx, [][]schemas.Block{blocks}, nil); err != nil || !all {
			t.Fatal(all, err)
		}
	}

	// Revisions, and the check between two stages.
	revisions, err := store.Revisions(ctx)
	same("no revisions", schemas.Revisions{}, revisions, err)
	one := schemas.Recompute{Service: oddService, Revision: 1, ID: 1 << 63, FromUS: 0, ToUS: schemas.MaxArrivalUS}
	twin := schemas.Recompute{Service: oddService, Revision: 1, ID: 7, FromUS: schemas.MinuteUS, ToUS: 2 * schemas.MinuteUS}
	ended := schemas.Recompute{Service: "plain", Revision: schemas.MaxRevision, ID: 1, Stage: schemas.RecomputeFinished}
	write(schemas.Recomputes(one, twin, ended))
	one.Stage = schemas.RecomputeConversations
	write(schemas.Recomputes(one))
	write(schemas.Recomputes(schemas.Recompute{Service: "plain", Revision: schemas.MaxRevision - 1, ID: 9, Stage: schemas.RecomputeFinished}))
	one.Stage = schemas.RecomputeBegun
	write(schemas.Recomputes(one)) // late: its stage stays
	one.Stage = schemas.RecomputeConversations
	want := schemas.Revisions{oddService: {Number: 1, Unfinished: []schemas.Recompute{twin, one}}, "plain": {Number: schemas.MaxRevision}}
	revisions, err = store.Revisions(ctx)
	same("revisions", want, revisions, err)
	known, err := store.Recomputes(ctx, oddService)
	slices.SortFunc(known, func(a, b schemas.Recompute) int { return cmp.Compare(a.ID, b.ID) })
	same("recomputes", []schemas.Recompute{twin, one}, known, err)

	position := func(offset int64) schemas.Block {
		p := schemas.Positions{Group: []string{"g"}, Topic: []string{"t"}, Partition: []int32{0}, Position: []int64{offset}, Partitions: []int32{1}}
		return p.Block()
	}
	for i, yes := range []bool{true, false} {
		next := schemas.Recompute{Service: fmt.Sprint("new", i), Revision: 1, Stage: schemas.RecomputeFinished}
		var met schemas.Revisions
		all, err := store.Write(ctx, [][]schemas.Block{{schemas.Recomputes(next)}, {position(int64(i + 1))}}, func(now schemas.Revisions) bool {
			met = now
			return yes
		})
		if all != yes || err != nil || met[next.Service].Number != 1 {
			t.Errorf("a check that says %v: %v, %v; it was asked with %v", yes, all, err, met)
		}
	}
	positions, err := store.Positions(ctx, "g", "t")
	same("the position, of the first only", map[int]schemas.Position{0: {Offset: 1, Partitions: 1}}, positions, err)

	// Requests and rows.
	var requests []schemas.Request
	put := func(conversation, id string, arrival int64) {
		var r schemas.Request
		r.Reset()
		r.Service, r.Model, r.Conversation, r.RequestID, r.ArrivalUS, r.Outcome = oddService, "m", conversation, id, arrival, schemas.OK
		requests = append(requests, r)
	}
	put(`c'"\`, "x", 0)
	put(`c'"\`, "y", 5*schemas.MinuteUS)
	put("d", "z", 5*schemas.MinuteUS+1)
	put("e", "u", 9*schemas.MinuteUS)
	put("", "v", 6*schemas.MinuteUS)
	blocks, err := Evaluate(requests)
	if err != nil {
		t.Fatal(err)
	}
	write(blocks...)
	var gone schemas.DeletedMinutes
	gone.Append(oddService, schemas.MinuteRowKey{Grouping: schemas.GroupModel, Model: "m", Minute: 5}, 1)
	var lost schemas.DeletedConversations
	lost.Append(oddService, "d", 5*schemas.MinuteUS+1, 5*schemas.MinuteUS+1, 1)
	write(gone.Block(), lost.Block())
	var newer schemas.Conversations
	var mem memory
	var set members
	set.fill([]Member{newMember(&schemas.StoredRequest{ArrivalUS: 4 * schemas.MinuteUS, Outcome: schemas.OK}, 0)})
	conversationRow(oddService, "e", 2, &set, false, &newer, &mem) // smaller, of a later revision
	write(newer.Block())

	turns := make(map[string][]int64)
	revision := make(map[string]uint64)
	keys := []schemas.ConversationKey{{Service: oddService, Conversation: "d"}, {Service: oddService, Conversation: "e"}, {Service: oddService, Conversation: `c'"\`}}
	err = store.LoadConversations(ctx, keys, func(id string, r *schemas.StoredRequest, _ bool, of uint64) {
		turns[id], revision[id] = append(turns[id], r.ArrivalUS), of
	})
	same("turns", map[string][]int64{"e": {4 * schemas.MinuteUS}, `c'"\`: {0, 5 * schemas.MinuteUS}}, turns, err)
	same("their revisions", map[string]uint64{"e": 2, `c'"\`: 0}, revision, nil)

	collect := func() (map[string][]int64, func(string, *schemas.StoredRequest)) {
		out := make(map[string][]int64)
		return out, func(id string, r *schemas.StoredRequest) {
			out[id] = append(out[id], r.ArrivalUS)
			slices.Sort(out[id])
			out[id] = slices.Compact(out[id]) // repetitions are allowed
		}
	}
	asked, each := collect()
	err = store.LoadTurns(ctx, oddService, []string{`c'"\`, "e", "nobody"}, []schemas.Recompute{{FromUS: 0, ToUS: 1}, {FromUS: 6 * schemas.MinuteUS, ToUS: 9*schemas.MinuteUS + 1}}, each)
	same("turns in ranges", map[string][]int64{`c'"\`: {0}, "e": {9 * schemas.MinuteUS}}, asked, err)

	part := schemas.Recompute{Service: oddService, FromUS: 4 * schemas.MinuteUS, ToUS: 7 * schemas.MinuteUS}
	counts := make(map[uint32]int64)
	err = store.MinuteCounts(ctx, part, func(minute uint32, n int64) { counts[minute] = n })
	same("minutes", map[uint32]int64{5: 2, 6: 1}, counts, err)
	rows := make(map[string][]bool)
	err = store.MinuteRows(ctx, part, func(key schemas.MinuteRowKey, gone bool) { rows[fmt.Sprint(key)] = append(rows[fmt.Sprint(key)], gone) })
	still, not := []bool{false}, []bool{true}
	same("rows of minutes", map[string][]bool{"{0   5}": still, "{1 m  5}": not, "{2   5}": still, "{3 m  5}": still,
		"{0   6}": still, "{1 m  6}": still, "{2   6}": still, "{3 m  6}": still}, rows, err)
	n, err := store.ConversationCount(ctx, part)
	same("turns of conversations", int64(4), n, err) // of e by its row
	for _, parts := range []uint64{1, 3} {
		whole, turn := collect()
		stored := make(map[string]string)
		for i := range parts {
			if err := store.ConversationTurns(ctx, part, i, parts, turn, func(id string, first, last int64, gone bool) { stored[id] = fmt.Sprint(first, last, gone) }); err != nil {
				t.Fatal(err)
			}
		}
		same("conversations", map[string][]int64{`c'"\`: {0, 5 * schemas.MinuteUS}, "d": {5*schemas.MinuteUS + 1}, "e": {9 * schemas.MinuteUS}}, whole, nil)
		same("rows of conversations", map[string]string{`c'"\`: "0 300000000 false", "e": "240000000 240000000 false", "d": "300000001 300000001 true"}, stored, nil)
	}
}
