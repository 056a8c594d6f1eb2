package storage_test

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"tidegauge/storage"
	"tidegauge/testenv"
)

// migrations are a small schema of three migrations, one of two statements and one with a semicolon inside.
func migrations(count int) fs.FS {
	all := []string{
		"-- +goose Up\nCREATE TABLE IF NOT EXISTS a (x UInt64) ENGINE = MergeTree ORDER BY x;\n" +
			"CREATE OR REPLACE VIEW b AS SELECT count() AS n FROM a;\n",
		"-- +goose Up\n-- +goose StatementBegin\nCREATE OR REPLACE VIEW c AS SELECT ';' AS text;\n-- +goose StatementEnd\n",
		"-- +goose Up\nALTER TABLE a ADD COLUMN IF NOT EXISTS y String DEFAULT 'none';\n",
	}
	files := fstest.MapFS{}
	for i := range count {
		files[fmt.Sprintf("%05d_step.sql", i+1)] = &fstest.MapFile{Data: []byte(all[i])}
	}
	return files
}

func TestMigrate(t *testing.T) {
	for protocol, database := range map[string]func(testing.TB) *storage.DB{"native": testenv.Database, "http": testenv.DatabaseHTTP} {
		t.Run(protocol, func(t *testing.T) {
			db := database(t)
			err := storage.CheckSchema(t.Context(), db, migrations(2))
			if !errors.Is(err, storage.ErrSchemaOlder) {
				t.Errorf("unmigrated: %v", err)
			}
			wantError(t, err, "no tables", "tidegauge migrate", db.Database())

			for _, step := range []struct{ files, applied int }{{2, 2}, {2, 0}, {3, 1}} {
				applied, err := storage.Migrate(t.Context(), db, migrations(step.files))
				if err != nil || applied != step.applied {
					t.Fatalf("migrating to %d applied %d, want %d: %v", step.files, applied, step.applied, err)
				}
				version, err := storage.SchemaVersion(t.Context(), db)
				if err != nil || version != int64(step.files) {
					t.Errorf("version %d, want %d: %v", version, step.files, err)
				}
				if err := storage.CheckSchema(t.Context(), db, migrations(step.files)); err != nil {
					t.Error(err)
				}
			}
			run(t, db, "INSERT INTO a (x) VALUES (1)")
			if n := count(t, db, "SELECT n FROM b"); n != 1 {
				t.Errorf("the view says %d", n)
			}
			older := migrations(2)
			if err := storage.CheckSchema(t.Context(), db, older); !errors.Is(err, storage.ErrSchemaNewer) {
				t.Errorf("an older program: %v", err)
			}
			if _, err := storage.Migrate(t.Context(), db, older); !errors.Is(err, storage.ErrSchemaNewer) {
				t.Errorf("an older program migrating: %v", err)
			}
			if err := storage.CheckSchema(t.Context(), db, migrations(3)); err != nil {
				t.Error(err)
			}
		})
	}
}

// A server that goes away between the connection and the first question is waited for like one that was never there.
func TestCheckSchemaWaitsForAServer(t *testing.T) {
	db := testenv.Database(t)
	if _, err := storage.Migrate(t.Context(), db, migrations(3)); err != nil {
		t.Fatal(err)
	}
	gate := testenv.NewGate(t, fmt.Sprintf("127.0.0.1:%d", testenv.Engine(t).NativePort()))
	through := open(t, "clickhouse://"+gate.Addr(), func(c *storage.Config) { c.Database, c.Wait = db.Database(), 10*time.Second })
	gate.Shut()
	reset := make(chan bool)
	go func() {
		time.Sleep(300 * time.Millisecond)
		reset <- gate.Open()
	}()
	err := storage.CheckSchema(t.Context(), through, migrations(3))
	if !<-reset || err != nil {
		t.Error("after connections were reset: ", err)
	}
}

func TestMigrateByManyAtOnce(t *testing.T) {
	db := testenv.Database(t)
	var group sync.WaitGroup
	for range 6 {
		other := open(t, db.Config().Address, func(c *storage.Config) { c.Database = db.Database() })
		group.Go(func() {
			if _, err := storage.Migrate(t.Context(), other, migrations(3)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if err := storage.CheckSchema(t.Context(), db, migrations(3)); err != nil {
		t.Error(err)
	}
	if n := count(t, db, "SELECT count() FROM system.columns WHERE database = currentDatabase() AND table = 'a'"); n != 2 {
		t.Errorf("table a has %d columns", n)
	}
}

func TestMigrateCompletesWhatWasInterrupted(t *testing.T) {
	db := testenv.Database(t)
	// The version table was made and the process died before goose's first row was in it.
	run(t, db, "CREATE TABLE tidegauge_migrations (version_id Int64, is_applied UInt8, date Date DEFAULT now(), tstamp DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY version_id")
	// And the first statement of the first migration went through.
	run(t, db, "CREATE TABLE a (x UInt64) ENGINE = MergeTree ORDER BY x")
	if applied, err := storage.Migrate(t.Context(), db, migrations(3)); err != nil || applied != 3 {
		t.Errorf("applied %d: %v", applied, err)
	}
}

func TestMigrateReportsWhatFailed(t *testing.T) {
	db := testenv.Database(t)
	files := fstest.MapFS{"00001_bad.sql": {Data: []byte("-- +goose Up\nCREATE TABLE x (y NoSuchType) ENGINE = MergeTree ORDER BY y;\n")}}
	_, err := storage.Migrate(t.Context(), db, files)
	wantError(t, err, "00001_bad.sql", "NoSuchType", "run `tidegauge migrate` again")
	_, err = storage.Migrate(t.Context(), db, fstest.MapFS{})
	wantError(t, err, "migrations")
}
