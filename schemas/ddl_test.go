package schemas

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func TestMigrations(t *testing.T) {
	for name, c := range map[string]struct {
		topology   Topology
		want, lack []string
	}{
		"one node": {Topology{}, []string{"ENGINE = ReplacingMergeTree(version, deleted)", "CREATE TABLE IF NOT EXISTS minutes"},
			[]string{"ON CLUSTER", "Replicated", "_local", "Distributed"}},
		"cluster": {Topology{Cluster: "prod`s"}, []string{"ON CLUSTER `prod``s`", "minutes_local", "'{replica}', version, deleted)",
			"ENGINE = Distributed(`prod``s`, currentDatabase(), minutes_local, cityHash64(service))"}, []string{"ENGINE = ReplacingMergeTree"}},
	} {
		rendered, err := Migrations(c.topology)
		if err != nil {
			t.Fatal(err)
		}
		if err := fstest.TestFS(rendered, "00001_tables.sql", "00002_views.sql", "00003_gpu.sql", "00005_conversations_by_day.sql"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text, err := fs.ReadFile(rendered, "00001_tables.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: no %q", name, want)
			}
		}
		for _, lack := range c.lack {
			if strings.Contains(string(text), lack) {
				t.Errorf("%s: has %q", name, lack)
			}
		}
	}
}

// TestViewQueries wants every view's query, whole.
func TestViewQueries(t *testing.T) {
	rendered, err := Migrations(Topology{})
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for _, name := range []string{"00002_views.sql", "00003_gpu.sql", "00005_conversations_by_day.sql"} {
		of, err := fs.ReadFile(rendered, name)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, of...)
	}
	queries, err := ViewQueries()
	if err != nil {
		t.Fatal(err)
	}
	views := make(map[string]bool) // some are made again by a later migration
	for _, made := range regexp.MustCompile(`CREATE OR REPLACE VIEW (\w+)`).FindAllSubmatch(text, -1) {
		views[string(made[1])] = true
	}
	if len(views) != len(queries) || len(views) == 0 {
		t.Errorf("%d queries of %d views", len(queries), len(views))
	}
	for name, query := range queries {
		if !strings.Contains(string(text), "CREATE OR REPLACE VIEW "+name+"  AS\n"+query+";\n") || strings.Contains(query, ";") {
			t.Errorf("this is not the query of view %s:\n%s", name, query)
		}
	}
}

// TestColumnsMatchTables holds the Go types' columns against the DDL, by name.
func TestColumnsMatchTables(t *testing.T) {
	rendered, err := Migrations(Topology{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := fs.ReadFile(rendered, "00001_tables.sql")
	if err != nil {
		t.Fatal(err)
	}
	for table, columns := range map[string]any{
		"requests": &Requests{}, "minutes": &Minutes{}, "conversations": &Conversations{}, "positions": &Positions{}, "dead_letters": &DeadLetters{},
	} {
		_, after, found := strings.Cut(string(text), "CREATE TABLE IF NOT EXISTS "+table+" ")
		body, _, closed := strings.Cut(after, "\n) ENGINE")
		if !found || !closed {
			t.Fatalf("no table %s", table)
		}
		var got []string
		for line := range strings.Lines(body) {
			if name := strings.Fields(line); strings.HasPrefix(line, "    ") && name[0] != "INDEX" && name[0] != "stored_at" && name[0] != "deleted" {
				got = append(got, name[0])
			}
		}
		if want := ColumnNames(columns); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("table %s:\n%v\nGo:\n%v", table, got, want)
		}
	}
}
