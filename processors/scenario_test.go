package processors

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tidegauge/testenv"
)

// TestScenarios plays testdata/*.scenario: what is in the log, what each process does with it and when it dies, and what
// stands in the tables then. testdata/README.md explains the language.
//
// Beside what a file expects, the store must keep its promises after every line (world.check), and at the end all
// records must be committed and the tables be, byte for byte, what one undisturbed process makes of all of it at once.
func TestScenarios(t *testing.T) {
	testenv.Sequential(t)
	files, err := filepath.Glob("testdata/*.scenario")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".scenario"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sc, err := parseScenario(file, string(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := sc.play(t, file); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestScenarioErrors holds the language to naming what is wrong in a file, and where: what it cannot mean, and below what
// does not come true.
func TestScenarioErrors(t *testing.T) {
	testenv.Sequential(t)
	const one = "0: at=2026-03-01 in=7\na starts\na reads\n"
	for text, want := range map[string]string{
		"0: at=2026-03-01\na starts":                   "x: no line expects anything",
		"0: at=2026-03-01\na starts\nexpect b reads=1": "x:3: no process b starts above",
		"a reads 1":                                              "x:1: no process a starts above",
		"a starts\na sleeps":                                     `x:2: "sleeps" is not one of`,
		"a starts\na stores lunch":                               `x:2: stores: "lunch" is not one of`,
		"a starts\na reads some":                                 `x:2: reads: "some" is no number`,
		"a starts\na reads 1 2":                                  `x:2: reads: "1 2" may not follow, only "[N]"`,
		"a starts cash=1":                                        `x:1: want cache=BYTES, not "cash=1"`,
		"a starts\na commits slowly":                             `x:2: commits: "slowly" may not follow, only "[refused|outdated]"`,
		"requests starts":                                        "x:1: a process cannot be called requests",
		"expect requests":                                        "x:1: want a number of rows, or key=value … : column=value …",
		"expect requests 1 weight=3":                             `x:1: columns of requests: "weight" is not one of arrival_us, `,
		"expect requests id=a : at=1":                            `x:1: columns of requests: "id" is not one of `,
		"expect minutes 1 minute=2026-03-01T00:00:01Z":           "x:1: minute: 2026-03-01T00:00:01Z is no whole minute",
		"expect minutes 1 grouping=none":                         `x:1: grouping: "none" is not one of all, `,
		"expect minutes 1 requests=many":                         `x:1: requests: "many" is no number`,
		"expect conversations 1 turn_outcome=ok,fine":            `x:1: turn_outcome: "fine" is no outcome`,
		"a starts\nexpect a tea=1":                               `x:2: "tea" is not one of conversations_reloaded, `,
		"0: at=yesterday":                                        `x:1: at: "yesterday" is neither`,
		"0: at=+1m":                                              "x:1: at: +1m: there is no request before",
		"0: at=2026-03-01 colour=red":                            `x:1: "colour" is not one of at, `,
		"0: at=2026-03-01 id":                                    `x:1: want key=value, not "id"`,
		"0: id=a":                                                "x:1: a request needs at=",
		"0: at=2026-03-01 in=few":                                `x:1: in: "few" is no number`,
		"0: at=2026-03-01 elapsed=5":                             `x:1: elapsed: "5" is no duration`,
		"0: at=2026-03-01 outcome=fine":                          `x:1: outcome: "fine" is no outcome`,
		"3: at=2026-03-01\n3: at=2026-03-01":                     "x:2: offset 3 comes after offset 3",
		"0: again 0":                                             "x:1: again: there is no record 0 above",
		"2..1: at=2026-03-01":                                    "x:1: 2..1 is no range",
		"partition 1 of 1":                                       "x:1: want partition N of M, N below M",
		"a starts\npartition 0 of 2":                             "x:2: partition comes first",
		"\n# a comment\n0: at=2026-03-01\nexpect committed soon": `x:4: "soon" is no number`,

		one + "a flushes\nexpect requests 2":                        "x:5: table requests has 1 such rows, want 2",
		one + "a flushes\nexpect requests 1 request_tokens=8":       "x:5: table requests has 0 such rows, want 1",
		one + "a flushes\nexpect minutes grouping=all : requests=2": "x:5: column requests is 1, want 2",
		one + "a flushes\nexpect minutes version=2 : requests=1":    "x:5: table minutes has 0 such rows, want one",
		one + "a flushes\nexpect minutes version=1 : requests=1":    "x:5: table minutes has 4 such rows, want one",
		one + "a flushes\nexpect a requests=1 duplicates=1":         "x:5: duplicates of a is 0, want 1",
		one + "a flushes\nexpect committed 2":                       "x:5: 1 is committed, want 2",
		one + "a begins\na stores minutes\nexpect minutes 4":        "x:5: a has no row for minutes to be stored now, after 0; still to do: [requests minutes",
		one + "a begins\na stores requests 2\nexpect requests 2":    "x:5: a has no row for requests to be stored now, after 1",
		one + "a begins\na commits\nexpect committed 1":             "x:5: a commits nothing before it is stored",
		one + "a begins\na begins\nexpect requests 0":               "x:5: a flush of a is under way",
		one + "a flushes\na flushes\nexpect requests 1":             "x:5: a has read nothing that it could flush",
		one + "a finishes\nexpect requests 0":                       "x:4: no flush of a is under way",
		one + "a reads\nexpect requests 0":                          "x:4: there were only 0 records to read",
		one + "a dies\na flushes\nexpect requests 0":                "x:5: a is dead",
		one + "b starts\na flushes\nexpect requests 1":              `x:5: how ends the flush of a? "refused", want ""`,
		one + "a flushes refused\nexpect requests 1":                `x:4: how ends the flush of a? "", want "refused"`,
		"delete requests":                                                        "x:1: want delete TABLE column=value",
		"delete positions position=3":                                            `x:1: "positions" is not one of`,
		"recompute until lunch":                                                  `x:1: "lunch" is not one of`,
		"recompute from=2026-03-01T00:00:01Z":                                    "x:1: recompute: its range is of whole minutes",
		"recompute twice":                                                        `x:1: recompute: want [service=S]`,
		"0: at=2026-03-01\nrecompute starts":                                     `x:2: recompute: want [service=S]`,
		one + "delete requests request_id=x\nexpect requests 0":                  "x:4: table requests has no such row to delete",
		one + "recompute on\nexpect requests 0":                                  "x:4: no recompute is under way",
		one + "recompute dies\nexpect requests 0":                                "x:4: no recompute is under way",
		one + "a flushes\nrecompute until minutes\nrecompute\nexpect requests 0": "x:6: a recompute is under way",
		one + "a flushes\nrecompute until minutes\nexpect requests 1":            "x: the scenario ends with a recompute under way",
		one + "a flushes\nrecompute until conversations\nexpect requests 1":      "x:5: the recompute has ended before that",
		one + "a flushes\ndelete requests request_tokens=7\nexpect requests 0":   "x: the scenario ends with rows damaged",
		one + "expect requests 0":                                                "x: the scenario ends with 0 committed of 1",
	} {
		sc, err := parseScenario("x", text)
		if err == nil {
			err = sc.play(t, "x")
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// play plays a scenario in a world of its own.
func (sc *scenario) play(t *testing.T, file string) error {
	s := &scene{
		world:  &world{t: t, store: newMemStore(), partition: sc.partition, partitions: sc.partitions},
		owners: make(map[string]*owner), months: make(map[string]int),
	}
	for _, step := range sc.steps {
		before := s.effects
		err := step.do(s)
		if err == nil && s.effects > before {
			err = s.check()
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", file, step.line, err)
		}
	}
	if err := s.complete(); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// scene is what a scenario plays in.
type scene struct {
	*world
	owners map[string]*owner
	months map[string]int // by owner: the most table partitions that one of its blocks fell in

	recomputing *recomputing // under way
}

func (s *scene) starts(name string, budget int) error {
	s.owners[name] = s.owner(budget)
	s.months[name] = 0
	return nil
}

// dead is the generation of a process that died.
const dead = -1

func (s *scene) begins(name string, o *owner) error {
	switch {
	case o.flush != nil:
		return fmt.Errorf("a flush of %s is under way: the next is prepared when it is stored", name)
	case o.empty():
		return fmt.Errorf("%s has read nothing that it could flush", name)
	}
	o.begin(s.world, nil)
	for _, stage := range o.flush.stages() {
		for _, b := range stage {
			s.months[name] = max(s.months[name], len(slices.Compact(slices.Sorted(slices.Values(b.Partition)))))
		}
	}
	return nil
}

// reads takes records. Fewer than said are an error, as is none.
func (s *scene) reads(o *owner, a arguments) error {
	if a.all {
		a.n = len(s.log)
	}
	if n := o.read(s.world, a.n); n == 0 || n < a.n && !a.all {
		return fmt.Errorf("there were only %d records to read", n)
	}
	return nil
}

// stores does the next effects on a table.
func (s *scene) stores(name string, o *owner, a arguments) error {
	if a.table == "positions" && len(o.effects) > 0 && o.effects[0].of == "check" {
		if err := s.checks(name, o, ""); err != nil {
			return err
		}
	}
	for done := 0; a.all || done < a.n; done++ {
		next := slices.IndexFunc(o.effects, func(e effect) bool { return e.stage == o.effects[0].stage && e.of == a.table })
		if next < 0 {
			if a.all && done > 0 {
				return nil
			}
			return fmt.Errorf("%s has no row for %s to be stored now, after %d; still to do: %s", name, a.table, done, o.rest())
		}
		e := o.effects[next]
		o.effects = slices.Insert(slices.Delete(o.effects, next, next+1), 0, e)
		o.step(s.world)
	}
	return nil
}

// rest says what is left of the flush under way.
func (o *owner) rest() string {
	var out []string
	for _, e := range o.effects {
		out = append(out, e.of)
	}
	return fmt.Sprint(slices.Compact(out))
}

// finishes does what is left of a flush. It must end as expected: with a commit, with one that Kafka refuses, or because a
// revision has changed.
func (s *scene) finishes(name string, o *owner, end string) error {
	if o.flush == nil {
		return fmt.Errorf("no flush of %s is under way", name)
	}
	restarts := o.restarts
	o.finish(s.world)
	return o.ended(name, restarts, end)
}

func (o *owner) ended(name string, restarts int, end string) error {
	got := ""
	switch {
	case o.restarts > restarts:
		got = "outdated"
	case o.flush == nil && o.refused:
		got = "refused"
	}
	if got != end {
		return fmt.Errorf("how ends the flush of %s? %q, want %q", name, got, end)
	}
	return nil
}

// checks lets a process look whether a revision has changed, which comes before the position.
func (s *scene) checks(name string, o *owner, end string) error {
	if o.flush == nil || o.effects[0].of != "check" {
		return fmt.Errorf("%s checks nothing before its rows are stored; still to do: %s", name, o.rest())
	}
	restarts := o.restarts
	o.step(s.world)
	return o.ended(name, restarts, end)
}

// complete holds the end of a scenario to what one undisturbed process makes of the log, of what is left of it.
func (s *scene) complete() error {
	if s.commit != int64(len(s.log)) {
		return fmt.Errorf("the scenario ends with %d committed of %d: let a process read and flush the rest", s.commit, len(s.log))
	}
	switch {
	case s.recomputing != nil:
		return errors.New("the scenario ends with a recompute under way")
	case len(s.damaged) > 0:
		return fmt.Errorf("the scenario ends with rows damaged: recompute all that was deleted: %v", s.damaged[0].entities)
	}
	return s.world.complete()
}
