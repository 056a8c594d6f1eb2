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
	RemoveLLM()
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
	requireEngine(t, engine.err)
	if err := engine.engine.Err(); err != nil {
		t.Fatal("the shared engine has died: ", err)
	}
	return engine.engine
}

func requireEngine(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case missing(err) && os.Getenv("CI") != "true":
		t.Skip("needs the engine: ", err)
	default:
		t.Fatal("starting the engine: ", err)
	}
}

// MortalEngine is an engine of one test's own, which may be killed and comes back on its folder and ports.
type MortalEngine struct {
	config storage.EngineConfig
	engine *storage.Engine
}

// StartMortalEngine starts an engine on a folder; it ends with the test.
func StartMortalEngine(t testing.TB, folder string) *MortalEngine {
	t.Helper()
	e := &MortalEngine{config: engineConfig(folder)}
	ports, err := freePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	e.config.NativePort, e.config.HTTPPort = ports[0], ports[1]
	requireEngine(t, e.Restart(t.Context()))
	t.Cleanup(func() { _ = e.engine.Stop(context.Background()) })
	return e
}

// Addr is its native address, host:port, the same for all its lives.
func (e *MortalEngine) Addr() string { return fmt.Sprintf("127.0.0.1:%d", e.config.NativePort) }

// Kill ends it with SIGKILL.
func (e *MortalEngine) Kill() error {
	process, err := os.FindProcess(e.engine.PID())
	if err == nil {
		err = process.Kill()
	}
	<-e.engine.Done()
	return err
}

// Restart starts it again after Kill.
func (e *MortalEngine) Restart(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		started, err := storage.StartEngine(ctx, e.config)
		if err == nil {
			e.engine = started
			return nil
		}
		// While it was away, a port may have been taken for somebody's outgoing connection.
		if attempt == 10 || !strings.Contains(err.Error(), "Address already in use") {
			return err
		}
		time.Sleep(500 * time.Millisecond)
	}
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
	db := open(t, address, newName())
	t.Cleanup(func() { drop(t, db) })
	return db
}

func newName() string { return "test_" + strings.ToLower(rand.Text()[:12]) }

// open opens a database, and makes it if it is not there.
func open(t testing.TB, address, name string) *storage.DB {
	t.Helper()
	configuration := storage.DefaultConfig()
	configuration.Address, configuration.Database, configuration.CreateDatabase = address, name, true
	db, err := storage.Open(context.Background(), configuration)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func drop(t testing.TB, db *storage.DB) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := db.Exec(ctx, "DROP DATABASE IF EXISTS "+db.Database()+" SYNC")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Log("dropping the test's database: ", err)
	}
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
	return storage.StartEngine(context.Background(), engineConfig(folder))
}

func engineConfig(folder string) storage.EngineConfig {
	c := storage.DefaultEngineConfig()
	c.Folder = folder
	c.MemoryLimit = 2 << 30 // several packages' tests run at once
	c.FsyncInserts = false
	c.Logger = slog.New(slog.DiscardHandler)
	return c
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
