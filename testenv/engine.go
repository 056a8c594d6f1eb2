// Package testenv gives tests the real services they need: a ClickHouse engine shared by a test binary's tests, with a
// fresh database for each. It is imported by tests only.
package testenv

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tidegauge/storage"
)

// Main is what a package's TestMain calls when its tests use the engine:
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
//
// The engine is the test binary itself, started again: Main serves where that is what this process was started for,
// and otherwise runs the tests and stops the shared engine at their end.
func Main(m *testing.M) {
	storage.ServeIfEngine()
	code := m.Run()
	stopKafka()
	if err := stopEngine(); err != nil {
		fmt.Fprintln(os.Stderr, "testenv:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// engine is the test binary's one engine, started by the first test that asks.
var engine struct {
	sync.Mutex
	started bool
	engine  *storage.Engine
	folder  string
	err     error
}

// Engine returns the engine that this test binary's tests share. Where the engine's library is not installed the test
// is skipped, and fails where CI=true.
func Engine(t testing.TB) *storage.Engine {
	t.Helper()
	engine.Lock()
	defer engine.Unlock()
	if !engine.started {
		engine.started = true
		engine.engine, engine.err = startEngine()
	}
	switch {
	case engine.err != nil && missing(engine.err) && os.Getenv("CI") != "true":
		t.Skip("needs the engine: ", engine.err)
	case engine.err != nil:
		t.Fatal("starting the engine: ", engine.err)
	case engine.engine.Err() != nil:
		t.Fatal("the shared engine has died: ", engine.engine.Err())
	}
	return engine.engine
}

// Database returns a fresh, empty database on the shared engine, opened over the native protocol. It is dropped and
// closed at the test's end.
func Database(t testing.TB) *storage.DB {
	t.Helper()
	return Open(t, Engine(t).Addr())
}

// DatabaseHTTP is Database over HTTP.
func DatabaseHTTP(t testing.TB) *storage.DB {
	t.Helper()
	return Open(t, Engine(t).HTTPAddr())
}

// Open makes a fresh database on the ClickHouse at address, which is dropped and closed at the test's end.
func Open(t testing.TB, address string) *storage.DB {
	t.Helper()
	configuration := storage.DefaultConfig()
	configuration.Address = address
	configuration.Database = "test_" + strings.ToLower(rand.Text()[:12])
	configuration.CreateDatabase = true
	db, err := storage.Open(context.Background(), configuration)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := db.Exec(ctx, "DROP DATABASE IF EXISTS "+configuration.Database+" SYNC")
		if err := errors.Join(err, db.Close()); err != nil {
			t.Log("dropping the test's database: ", err)
		}
	})
	return db
}

func missing(err error) bool {
	return errors.Is(err, storage.ErrEngineMissing) || errors.Is(err, storage.ErrEngineUnsupported)
}

func startEngine() (*storage.Engine, error) {
	folder, err := os.MkdirTemp("", "tidegauge-engine-")
	if err != nil {
		return nil, err
	}
	engine.folder = folder
	configuration := storage.DefaultEngineConfig()
	configuration.Folder = folder
	configuration.MemoryLimit = 2 << 30 // several packages' tests run at once
	configuration.FsyncInserts = false
	configuration.Logger = slog.New(slog.DiscardHandler)
	return storage.StartEngine(context.Background(), configuration)
}

func stopEngine() error {
	engine.Lock()
	defer engine.Unlock()
	var err error
	if engine.engine != nil {
		err = errors.Join(engine.engine.Err(), engine.engine.Stop(context.Background()))
	}
	if engine.folder != "" {
		err = errors.Join(err, os.RemoveAll(engine.folder))
	}
	return err
}
