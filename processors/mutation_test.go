package processors

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mutation takes one of the rules that make the result exact out of a source file: texts and what to put in their place.
type mutation struct {
	rule, file string
	edits      []string            // old, new, old, new, …; each old text stands in the file once
	more       map[string][]string // edits of other files
	tests      string              // that must notice; "": exactTests
}

// exactTests are one by one asked to notice. The scenarios come first, which take half a second; those of 10,000 turns are run
// only for the rules that need them.
var exactTests = []string{"^TestScenarios$", propertyTest}

const (
	propertyTest  = "^TestExactlyOnce$"
	longScenarios = "^TestScenarios$/^turns_capped"
)

var mutations = []mutation{
	// The first three are those that the property test alone must notice.
	{rule: "a touched set that is not in memory is reloaded", file: "worker.go", tests: propertyTest, edits: []string{
		"if err := w.reload(ctx); err != nil {", "if err := ctx.Err(); err != nil {"}},
	{rule: "touched means rewritten", file: "worker.go", tests: propertyTest, edits: []string{
		"w.flushMinute(s, f)\n", "n, rows := s.members.n, f.minutes\nw.flushMinute(s, f)\nif s.members.n == n {\nf.minutes = rows\n}\n"}},
	// Minutes first, as a conversation would have to ask them; then it takes only what was new there.
	{rule: "every set decides for itself", file: "worker.go", tests: propertyTest, edits: []string{
		"for _, s := range w.touched {", `var order []*set
			for _, kind := range []bool{true, false} {
				for _, s := range w.touched {
					if (s.conversation == "") == kind {
						order = append(order, s)
					}
				}
			}
			for _, s := range order {`,
		"w.flushConversation(s, f)\n", `var kept []int
			for row := s.pending.first; row > 0; row = w.nextOf[1][row-1] {
				for _, fresh := range f.fresh {
					if fresh == int32(row-1) {
						kept = append(kept, int(fresh))
					}
				}
			}
			s.pending = chain{}
			for _, row := range kept {
				w.nextOf[1][row] = 0
				s.pending.add(row, w.nextOf[1])
			}
			if s.members.n+len(kept) > 0 {
				w.flushConversation(s, f)
			}
		`}},
	{rule: "requests are stored before rows", file: "flush.go", edits: []string{
		"{first, second, {f.positions.Block()}}", "{second, first, {f.positions.Block()}}"}},
	{rule: "rows are stored before the position", file: "flush.go", edits: []string{
		"{first, second, {f.positions.Block()}}", "{first, {f.positions.Block()}, second}"}},
	{rule: "the position is stored before the commit", file: "flush.go", edits: []string{
		"{first, second, {f.positions.Block()}}", "{first, second}"}},
	{rule: "a set with records that no flush has taken is not evicted", file: "evict.go", edits: []string{
		"next := s.newer\n\t\tif !s.touched {", "next := s.newer\n\t\t{"}},
	{rule: "all of a set comes back that was frozen", file: "frozen.go", edits: []string{
		"s.members = f.packer.read(packed, turns)\n", "s.members = f.packer.read(packed, turns)\nif s.members.n > 1 {\ns.members.truncate(1)\n}\n"}},
	{rule: "a frozen minute is known by its service", file: "frozen.go", edits: []string{
		"uint64(s.service.index)<<1)\n", "0)\n"}},
	{rule: "a frozen conversation is known by its service", file: "frozen.go", edits: []string{
		"uint64(s.service.index)<<1|1)\n", "1)\n"}},
	{rule: "the larger set of a minute wins", file: "worker.go", edits: []string{
		"Number, uint64(s.members.n)", "Number, 1"}},
	{rule: "the larger set of a conversation wins", file: "conversation.go", edits: []string{
		"return uint64(members.n)", "return 1"}},
	{rule: "the earlier cut of a conversation wins", file: "conversation.go", tests: longScenarios, edits: []string{
		"uint64(schemas.MaxArrivalUS-members.last().arrivalUS())", "1"}},
	{rule: "minutes up to the newest that was flushed may be stored", file: "worker.go", edits: []string{
		"= max(s.service.newest, s.number), true", "= s.service.newest, s.service.anyStored"}},
	{rule: "minutes up to the newest in the store may be stored", file: "worker.go", edits: []string{
		"s.newest, s.anyStored = minute, true", "s.newest = minute"}},
	{rule: "the newest minute itself may be stored", file: "worker.go", edits: []string{
		"number > s.newest", "number >= s.newest"}},
	{rule: "a conversation that was evicted is looked up when it returns", file: "evict.go", edits: []string{
		"w.known.add(w.numbered[service].hash, xxhash.Sum64(conversation))", "_, _ = service, xxhash.Sum64(nil)"}},
	{rule: "a conversation in the store is looked up", file: "worker.go", edits: []string{
		"w.known.add(w.service(name).hash, hash)", "_, _ = name, hash"}},
	{rule: "all of an identity decides, not the id alone", file: "member.go", edits: []string{
		"return cmp.Compare(m.content, o.content)", "return 0"}},
	{rule: "a minute's row is of its service's revision", file: "worker.go", edits: []string{
		"schemas.Version(s.service.revision.Number, uint64(s.members.n))", "uint64(s.members.n)"}},
	{rule: "a conversation's row is of its service's revision", file: "conversation.go", edits: []string{
		"schemas.Version(revision, conversationVersion(members, cut))", "conversationVersion(members, cut)"}},
	{rule: "a flush looks whether a revision has changed", file: "revision.go", edits: []string{
		"return !slices.ContainsFunc(f.services", "return true || !slices.ContainsFunc(f.services"}},
	{rule: "a flush looks when its rows are stored, not before", file: "revision.go", edits: []string{
		"return !slices.ContainsFunc(f.services, func(s *service) bool { return !now[s.name].Same(s.revision) })",
		"return !f.outdated",
	}, more: map[string][]string{"flush.go": {
		"services      []*service // that have rows in it", "services []*service\noutdated bool",
	}, "worker.go": {
		"for _, s := range w.touched {\n\t\tif of := s.service; of.flushed", "now, _ := w.store.Revisions(ctx)\nf.outdated = false\nfor _, s := range w.touched {\n" +
			"f.outdated = f.outdated || !now[s.service.name].Same(s.service.revision)\n\t\tif of := s.service; of.flushed"}}},
	{rule: "a changed revision makes what is in memory void", file: "revision.go", edits: []string{
		"return newWorker(w.topic, w.partition, w.partitions, w.group, w.store, w.metrics)",
		`again := newWorker(w.topic, w.partition, w.partitions, w.group, w.store, w.metrics)
			now, _ := w.store.Revisions(context.Background())
			for name, s := range w.services {
				for _, m := range s.minutes {
					m.touched, m.pending = false, chain{}
				}
				for _, c := range s.conversations {
					c.touched, c.pending = false, chain{}
				}
				s.revision = now[name]
			}
			again.services, again.cache = w.services, w.cache
			return again`}},
	{rule: "an old row does not count in the range of a recompute at work", file: "revision.go", edits: []string{
		"of.ranges = s.service.revision.Open(revision)", "of.ranges = nil"}},
	{rule: "requests are asked about the range of a recompute at work", file: "revision.go", edits: []string{
		"if len(of.ranges) > 0 && of.cut == cut {", "if false && of.cut == cut {"}},
	{rule: "all is asked about a conversation that was cut", file: "revision.go", tests: longScenarios, edits: []string{
		"if cut { // turns", "if false { // turns"}},
	{rule: "nothing is taken for new while a recompute is at work", file: "revision.go", edits: []string{
		"return len(s.revision.Unfinished) == 0", "return true"}},
	{rule: "the end of the conversations is a change, too", file: "revision.go", edits: []string{
		"!now[s.name].Same(s.revision)", "now[s.name].Number != s.revision.Number"}},
	{rule: "the revision is raised before requests are read", file: "recompute.go", edits: []string{
		"if err := r.write(ctx, schemas.Recomputes(r.self)); err != nil {\n\t\t\treturn err\n\t\t}\n\t\tif known,",
		"if known,",
		"\treturn r.report, nil\n}\n\n// recompute is one", "\treturn r.report, r.write(ctx, schemas.Recomputes(r.self))\n}\n\n// recompute is one"}},
	{rule: "two recomputes have two revisions", file: "recompute.go", tests: "^TestRecomputesAtOnce$", edits: []string{
		"if !slices.ContainsFunc(known,", "if true || !slices.ContainsFunc(known,"}},
	{rule: "conversations are said to be done when they are", file: "recompute.go", edits: []string{
		`{"conversations", r.conversations},`, `{"", func(ctx context.Context) error { return r.reach(ctx, schemas.RecomputeConversations) }}, {"conversations", r.conversations},`}},
	{rule: "a recompute says nothing of a wider range", file: "recompute.go", edits: []string{
		"&& r.self.Covers(&one)", ""}},
	{rule: "a partition is read again where a revision has changed", file: "kafka.go", tests: "^TestRunnerRecompute$", edits: []string{
		"p.again(ctx)\n\t\treturn", "f.stored()\n\t\treturn"}},
	{rule: "what was read after a flush that was not stored is forgotten", file: "kafka.go", tests: "^TestRunnerWriteFails$", edits: []string{
		"if end.err != nil || !end.all {", "if end.err != nil {\nreturn\n}\nif !end.all {"}},
	{rule: "a minute's row without requests goes", file: "recompute.go", edits: []string{
		"deleted.Append(r.query.Service, key, r.self.Revision)", "_ = key"}},
	{rule: "a conversation's row without requests goes", file: "recompute.go", edits: []string{
		"deleted.Append(r.query.Service, id, row.firstUS, row.lastUS, r.self.Revision)", "_ = row"}},
	{rule: "what is gone is told again under each revision", file: "recompute.go", tests: "^TestRecomputeTellsAgain$", edits: []string{
		"rows[key] = gone", "if !gone {\n\t\t\t\trows[key] = gone\n\t\t\t}"}},
	{rule: "a recompute's rows are of its revision", file: "recompute.go", edits: []string{
		"schemas.Version(r.self.Revision, uint64(set.n))", "uint64(set.n)"}},
	{rule: "a recompute cuts conversations", file: "recompute.go", tests: longScenarios, edits: []string{
		"cut := set.n > schemas.MaxTurns", "cut := false"}},
	{rule: "one flush at a time", file: "kafka.go", tests: "^TestRunnerOneFlushAtATime$", edits: []string{
		"if p.due() && p.flush == nil {", "if p.due() {"}},
	{rule: "the commit comes when all is stored", file: "kafka.go", tests: "^TestRunnerOneFlushAtATime$", edits: []string{
		"p.flush, p.writing = f, make(chan written, 1)", "p.flush, p.writing = f, make(chan written, 1)\np.commit(f.next)"}},
}

// TestMutations takes the rules out one at a time, each in a process of its own: the tests of exactness must fail each time, or they
// prove nothing. With nothing changed they must pass. That the rules are still where they are taken out is looked at by the quick
// tests, too.
func TestMutations(t *testing.T) {
	for _, m := range mutations {
		m.sources(t)
	}
	if testing.Short() {
		t.Skip("runs the tests once for each rule")
	}
	binary := buildMutated(t, mutations)
	running := make(chan struct{}, 2) // each takes a core or so
	unchanged := []mutation{{rule: "nothing is changed"}, {rule: "nothing is changed in the runner", tests: "^TestRunnerOneFlushAtATime$"}}
	for i, m := range append(unchanged, mutations...) {
		t.Run(m.rule, func(t *testing.T) {
			t.Parallel()
			running <- struct{}{}
			defer func() { <-running }()
			failed, output := m.run(t, binary, max(0, i+1-len(unchanged)))
			switch {
			case len(m.edits) == 0 && len(failed) > 0:
				t.Fatalf("the tests fail as they are:\n%s", output)
			case len(m.edits) == 0:
			case len(failed) == 0:
				t.Fatalf("no test notices that this rule is taken out of %s: add a scenario that does\n%s", m.file, output)
			default:
				t.Logf("%s: noticed by %s", m.rule, strings.Join(failed, ", "))
			}
		})
	}
}

var failedTest = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)

// run gives the tests that fail without the rule of that number: of exactTests the first that does, as each takes a core for seconds.
func (m mutation) run(t *testing.T, binary string, rule int) (failed []string, output string) {
	which := [][]string{{"-test.run", m.tests}}
	if m.tests == "" {
		which = nil
		for _, test := range exactTests {
			which = append(which, []string{"-test.run", test, "-test.skip", longScenarios})
		}
	}
	for _, arguments := range which {
		if failed, output = m.test(t, binary, rule, arguments); len(failed) > 0 {
			break
		}
	}
	return failed, output
}

// test runs some of the tests of a binary.
func (m mutation) test(t *testing.T, binary string, rule int, arguments []string) (failed []string, output string) {
	c := exec.CommandContext(t.Context(), binary, append(arguments, "-test.short", "-test.failfast", "-test.timeout=2m")...)
	c.Env = append(os.Environ(), "GOGC=400", fmt.Sprint(ruleVariable, "=", rule)) // memory is small and thrown away
	out, err := c.CombinedOutput()
	for _, match := range failedTest.FindAllSubmatch(out, -1) {
		failed = append(failed, string(match[1]))
	}
	// A test that fails says so; anything else (a test that hangs, a process that dies) proves nothing.
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || len(failed) == 0) || strings.Contains(string(out), "panic: test timed out") {
		t.Fatalf("the tests could not be run with %s changed: %v\n%s", m.file, err, out)
	}
	return failed, string(out)
}

// sources gives the files that the mutation changes, changed.
func (m mutation) sources(t *testing.T) map[string][]byte {
	changed := make(map[string][]byte)
	for file, edits := range m.more {
		changed[file] = mutate(t, file, edits)
	}
	if len(m.edits) > 0 {
		changed[m.file] = mutate(t, m.file, m.edits)
	}
	return changed
}

func mutate(t *testing.T, file string, edits []string) []byte {
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	for edit := range slices.Chunk(edits, 2) {
		if n := strings.Count(text, edit[0]); n != 1 {
			t.Fatalf("%s has %q %d times, want once: if the code has moved, say here what takes this rule out of it now", file, edit[0], n)
		}
		text = strings.Replace(text, edit[0], edit[1], 1)
	}
	return []byte(text)
}
