package storage_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"tidegauge/storage"
	"tidegauge/testenv"
)

// parentVariable makes the test binary a small parent that starts an engine on the folder named by it and waits: for
// the tests of what becomes of an engine whose parent is killed.
const parentVariable = "TIDEGAUGE_TEST_PARENT"

func TestMain(m *testing.M) {
	if folder := os.Getenv(parentVariable); folder != "" && len(os.Args) < 2 {
		engine, err := storage.StartEngine(context.Background(), engineConfig(folder))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(engine.PID(), engine.Addr())
		select {}
	}
	testenv.Main(m)
}

func engineConfig(folder string) storage.EngineConfig {
	c := storage.DefaultEngineConfig()
	c.Folder = folder
	c.MemoryLimit = 1 << 30
	c.Logger = slog.New(slog.DiscardHandler)
	return c
}

// startEngine starts an engine of the test's own, for tests that stop or kill it.
func startEngine(t *testing.T, c storage.EngineConfig) *storage.Engine {
	t.Helper()
	testenv.Engine(t) // skips where there is no library
	e, err := storage.StartEngine(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Stop(context.Background()) })
	return e
}

func open(t *testing.T, address string, change ...func(*storage.Config)) *storage.DB {
	t.Helper()
	c := storage.DefaultConfig()
	c.Address = address
	for _, f := range change {
		f(&c)
	}
	db, err := storage.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func run(t testing.TB, db *storage.DB, statement string, arguments ...any) {
	t.Helper()
	if err := db.Exec(t.Context(), statement, arguments...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func count(t testing.TB, db *storage.DB, query string) uint64 {
	t.Helper()
	var n uint64
	if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// eventually waits for a condition that another process brings about.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatal("waited in vain: ", what)
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one that says %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}
