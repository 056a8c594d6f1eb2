package storage_test

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// TestTablesHaveGoColumns holds the tables, as the engine made them, against the columns that Go writes.
func TestTablesHaveGoColumns(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	for table, columns := range map[string]any{
		"requests": &schemas.Requests{}, "minutes": &schemas.Minutes{}, "conversations": &schemas.Conversations{},
		"positions": &schemas.Positions{}, "dead_letters": &schemas.DeadLetters{},
	} {
		var got []string
		if err := db.QueryRow(t.Context(), `SELECT groupArray(name) FROM (SELECT name FROM system.columns
			WHERE database = currentDatabase() AND table = ? AND name NOT IN ('stored_at', 'deleted') ORDER BY position)`, table).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if want := schemas.ColumnNames(columns); !slices.Equal(got, want) {
			t.Errorf("table %s has\n%v\nGo:\n%v", table, got, want)
		}
	}
}

// TestMigrationsRepeat applies the schema twice: what a migration that was interrupted needs.
func TestMigrationsRepeat(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	run(t, db, "DROP TABLE tidegauge_migrations")
	files, err := schemas.Migrations(schemas.Topology{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := storage.Migrate(t.Context(), db, files); err != nil {
		t.Error(err)
	}
}

// TestClusterDDLParses lets the engine parse every statement of the cluster's schema, which it cannot run.
func TestClusterDDLParses(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Database(t)
	files, err := schemas.Migrations(schemas.Topology{Cluster: "it's `one`"})
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	parsed := 0
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		for _, statement := range strings.Split(comments.ReplaceAllString(up, ""), ";") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			var formatted string
			if err := db.QueryRow(t.Context(), "SELECT formatQuery(?)", statement).Scan(&formatted); err != nil {
				t.Errorf("%s: %v\n%s", name, err, statement)
			}
			if strings.Contains(formatted, "CREATE") && !strings.Contains(formatted, "ON CLUSTER") {
				t.Errorf("%s: a statement for one node only:\n%s", name, formatted)
			}
			parsed++
		}
	}
	if parsed < 30 {
		t.Errorf("only %d statements found", parsed)
	}
}

var comments = regexp.MustCompile(`(?m)^\s*--.*$`)

// TestViewsExamples runs the example that each view's comment begins with.
func TestViewsExamples(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	fill(t, db, verifyLog(5, 300))
	run(t, db, "INSERT INTO dead_letters (topic, partition, offset, reason) VALUES ('t', 0, 1, 'undecodable: not a JSON object')")
	fillGPUs(t, db, "a")
	files, err := schemas.Migrations(schemas.Topology{})
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for _, name := range []string{"00002_views.sql", "00003_gpu.sql", "00005_conversations_by_day.sql"} {
		of, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, of...)
	}
	examples := regexp.MustCompile(`(?m)^-- (SELECT .*)$`).FindAllStringSubmatch(string(text), -1)
	views := regexp.MustCompile(`(?m)^CREATE OR REPLACE VIEW (\w+)`).FindAllStringSubmatch(string(text), -1)
	if len(examples) != len(views) {
		t.Errorf("%d examples of %d views", len(examples), len(views))
	}
	for i, example := range examples {
		if i < len(views) && !strings.Contains(example[1], " "+views[i][1]+"(") {
			t.Errorf("the example before view %s is of another: %s", views[i][1], example[1])
		}
		for _, service := range []string{"chat", "a"} { // one that is not there, one that is
			sql := strings.ReplaceAll(example[1], "'chat'", "'"+service+"'")
			rows, err := db.Query(t.Context(), sql)
			if err != nil {
				t.Errorf("%s: %v", sql, err)
				continue
			}
			n := 0
			for rows.Next() {
				n++
			}
			if err := rows.Err(); err != nil {
				t.Errorf("%s: %v", sql, err)
			}
			if service == "a" && n == 0 && !rowless.MatchString(sql) {
				t.Errorf("no row: %s", sql)
			}
			_ = rows.Close()
		}
	}
}

// rowless are the examples that may find nothing: of a model that the log does not have, of the last five minutes before 2100,
// of something that is not in every log.
var rowless = regexp.MustCompile(`'llama'|burst_services|failure_runs_view`)

// TestViewsPrune wants the views' conditions to lead to the rows of one stream by the primary key.
func TestViewsPrune(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	for _, query := range []string{
		"SELECT sum(requests) FROM arrivals(service = 's', model = 'm', log_type = NULL, from_us = 60000000, to_us = 120000000, step_s = 300)",
		"SELECT request_p50 FROM lengths(service = 's', model = 'm', log_type = NULL, from_us = 60000000, to_us = 120000000, step_s = 0)",
		"SELECT in_flight_mean FROM in_flight(service = 's', model = 'm', log_type = NULL, from_us = 60000000, to_us = 120000000, step_s = 60)",
	} {
		run(t, db, "INSERT INTO minutes (service, grouping, model, minute, version, requests) SELECT 's', 'model', 'm', number, 1, 1 FROM numbers(10)")
		rows, err := db.Query(t.Context(), "EXPLAIN indexes = 1 "+query)
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(line + "\n")
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		_ = rows.Close()
		for _, condition := range []string{"(service in ['s', 's'])", "(grouping in [1, 1])", "(model in ['m', 'm'])", "(log_type in ['', ''])", "(minute in "} {
			if !strings.Contains(plan.String(), condition) {
				t.Errorf("%s: the primary key does not prune by %s:\n%s", query, condition, plan.String())
			}
		}
	}
}

// TestMigratePast migrates databases of every past version with rows in them: they have the tables and views of a new one then,
// and their rows are right.
func TestMigratePast(t *testing.T) {
	testenv.Sequential(t)
	files, err := schemas.Migrations(schemas.Topology{})
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	const objects = `SELECT groupArray(name || ' ' || replaceAll(create_table_query, currentDatabase(), 'database'))
		FROM (SELECT * FROM system.tables WHERE database = currentDatabase() ORDER BY name)`
	var want []string
	if err := testenv.Migrated(t).QueryRow(t.Context(), objects).Scan(&want); err != nil {
		t.Fatal(err)
	}
	log := verifyLog(8, 300)
	past := make(fstest.MapFS)
	for i, name := range names[:len(names)-1] {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		past[name] = &fstest.MapFile{Data: text}
		t.Run(name, func(t *testing.T) {
			db := testenv.Database(t)
			if _, err := storage.Migrate(t.Context(), db, past); err != nil {
				t.Fatal(err)
			}
			fill(t, db, log)
			if applied, err := storage.Migrate(t.Context(), db, files); err != nil || applied != len(names)-i-1 {
				t.Fatalf("%d were applied, %v", applied, err)
			}
			var got []string
			if err := db.QueryRow(t.Context(), objects).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("not the schema of a new database (-new +migrated):\n%s", diff)
			}
			if r := verify(t, db, storage.VerifyQuery{}); r.Different != 0 || r.Requests < 300 {
				t.Errorf("%+v", r)
			}
		})
	}
}
