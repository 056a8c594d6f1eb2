//go:build linux && amd64 && !noengine

package storage_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tidegauge/storage"
	"tidegauge/testenv"
)

func TestEngineServesBothProtocolsAndKeepsItsData(t *testing.T) {
	folder := filepath.Join(t.TempDir(), `it's a folder with <odd> & "names"`)
	c := engineConfig(folder)
	c.User, c.Password = "tide", "geheim'&<"
	e := startEngine(t, c)
	for _, address := range []string{e.Addr(), e.HTTPAddr()} {
		db := open(t, address)
		var version, user, zone string
		if err := db.QueryRow(t.Context(), "SELECT version(), currentUser(), timezone()").Scan(&version, &user, &zone); err != nil {
			t.Fatal(address, err)
		}
		if !strings.HasPrefix(version, "26.7.") || user != "tide" || !strings.Contains(zone, "UTC") {
			t.Errorf("%s: version %s, user %s, time zone %s", storage.Redact(address), version, user, zone)
		}
	}
	// The user that the engine keeps for its own session can connect, and can do nothing.
	internal := open(t, fmt.Sprintf("clickhouse://127.0.0.1:%d", e.NativePort()))
	for _, statement := range []string{"CREATE TABLE t (x UInt8) ENGINE = Memory", "SELECT * FROM file('/etc/hostname', 'LineAsString')", "SYSTEM SHUTDOWN"} {
		wantError(t, internal.Exec(t.Context(), statement), "Not enough privileges")
	}
	db := open(t, e.Addr())
	run(t, db, "CREATE TABLE kept (x UInt8) ENGINE = MergeTree ORDER BY x")
	run(t, db, "INSERT INTO kept VALUES (7)")
	if e.Folder() != folder || e.Err() != nil {
		t.Errorf("folder %q, error %v", e.Folder(), e.Err())
	}
	began := time.Now()
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopping took %s", took)
	}
	if err := e.Stop(t.Context()); err != nil || e.Err() != nil {
		t.Errorf("stopping again: %v, error %v", err, e.Err())
	}

	e = startEngine(t, c)
	if n := count(t, open(t, e.Addr()), "SELECT toUInt64(sum(x)) FROM kept"); n != 7 {
		t.Errorf("after a restart the table holds %d", n)
	}
}

func TestEngineLogsLittleAndLimitsItself(t *testing.T) {
	e := testenv.Engine(t)
	db := open(t, e.Addr())
	if n := count(t, db, "SELECT count() FROM system.tables WHERE database = 'system' AND name LIKE '%\\_log'"); n != 0 {
		t.Errorf("%d system log tables", n)
	}
	if n := count(t, db, "SELECT toUInt64(value) FROM system.server_settings WHERE name = 'max_server_memory_usage'"); n != 2<<30 {
		t.Errorf("memory limit %d", n)
	}
	// A query runs on as many threads as there are cores, little as the memory is.
	var plan []string
	if err := db.QueryRow(t.Context(), "SELECT groupArray(explain) FROM (EXPLAIN PIPELINE SELECT sum(number) FROM numbers_mt(100000000))").Scan(&plan); err != nil {
		t.Fatal(err)
	}
	if cores := runtime.NumCPU(); cores > 1 && !strings.Contains(strings.Join(plan, "\n"), fmt.Sprintf("× %d", min(cores, 8))) {
		t.Errorf("one thread of %d:\n%s", cores, strings.Join(plan, "\n"))
	}
	if n := count(t, db, "SELECT keep_free_space FROM system.disks WHERE name = 'default'"); n != 256<<20 {
		t.Errorf("%d bytes of the disk are kept free", n)
	}
	if text, err := os.ReadFile(filepath.Join(e.Folder(), "engine.log")); err != nil || len(text) == 0 || strings.Contains(string(text), "<Debug>") {
		t.Errorf("the log (%v) has %d bytes, with debugging: %t", err, len(text), strings.Contains(string(text), "<Debug>"))
	}
}

func TestEngineKeepsClientsFromFiles(t *testing.T) {
	db := testenv.Database(t)
	for _, statement := range []string{
		"SELECT * FROM file('/etc/hostname', 'LineAsString')",
		"INSERT INTO FUNCTION file('/tmp/tidegauge-written', 'LineAsString') SELECT 'x'",
		"CREATE TABLE stolen (x String) ENGINE = File(LineAsString, '/etc/hostname')",
		"SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString', 'x String')",
	} {
		wantError(t, db.Exec(t.Context(), statement), "Not enough privileges")
	}
}

func TestEngineRefusesASecondOneOnItsFolder(t *testing.T) {
	e := testenv.Engine(t)
	began := time.Now()
	_, err := storage.StartEngine(t.Context(), engineConfig(e.Folder()))
	if !errors.Is(err, storage.ErrFolderInUse) {
		t.Fatalf("error %v", err)
	}
	wantError(t, err, e.Folder(), fmt.Sprint(e.PID()))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s to say so", took)
	}
	if err := open(t, e.Addr()).Ping(t.Context()); err != nil {
		t.Errorf("the first engine was hurt: %v", err)
	}
}

func TestEngineStartErrors(t *testing.T) {
	running := testenv.Engine(t)
	busy := func(c *storage.EngineConfig) { c.HTTPPort = running.HTTPPort() }
	for _, test := range []struct {
		name   string
		change func(*storage.EngineConfig)
		says   []string
	}{
		{"busy port", busy, []string{"did not start", "Address already in use"}},
		{"no library", func(c *storage.EngineConfig) { c.Library = "/nowhere/libchdb.so" }, []string{"not installed", "/nowhere/libchdb.so"}},
		{"not a library", func(c *storage.EngineConfig) { c.Library = "/etc/hostname" }, []string{"did not start", "/etc/hostname"}},
		{"folder is a file", func(c *storage.EngineConfig) { c.Folder = "/etc/hostname" }, []string{"data folder", "/etc/hostname"}},
		{"everything wrong at once", func(c *storage.EngineConfig) {
			*c = storage.EngineConfig{Host: "0.0.0.0", NativePort: -1, User: "a b", MemoryLimit: 1, LogLevel: "loud"}
		}, []string{"folder is empty", "reached from other machines", "native port -1", `"a b"`, "memory limit", `"loud"`, "timeout"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := engineConfig(t.TempDir())
			test.change(&c)
			e, err := storage.StartEngine(t.Context(), c)
			if err == nil {
				_ = e.Stop(t.Context())
			}
			wantError(t, err, test.says...)
		})
	}
}

// startParent starts a process that starts an engine on folder, and returns it with the engine's process and address.
func startParent(t *testing.T, folder string) (parent *exec.Cmd, engine int, address string) {
	t.Helper()
	testenv.Engine(t)
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(executable)
	command.Env = append(os.Environ(), parentVariable+"="+folder)
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	line, err := bufio.NewReader(output).ReadString('\n')
	if _, scanned := fmt.Sscan(line, &engine, &address); scanned != nil {
		t.Fatalf("the parent said %q: %v", line, err)
	}
	return command, engine, address
}

func TestEngineEndsWithItsKilledParent(t *testing.T) {
	folder := t.TempDir()
	parent, pid, address := startParent(t, folder)
	db := open(t, address)
	run(t, db, "CREATE TABLE kept (x UInt64) ENGINE = MergeTree ORDER BY x")
	run(t, db, "INSERT INTO kept VALUES (1)")
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	killed := time.Now()
	// A new engine may start at once: it waits for the old one to let go of the folder.
	e := startEngine(t, engineConfig(folder))
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		eventually(t, "the orphaned engine's end", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
	}
	t.Log("the new engine answered after ", time.Since(killed))
	if n := count(t, open(t, e.Addr()), "SELECT count() FROM kept"); n != 1 {
		t.Errorf("%d rows after the parent was killed", n)
	}
}

func TestEngineSaysWhenItDies(t *testing.T) {
	e := startEngine(t, engineConfig(t.TempDir()))
	if err := syscall.Kill(e.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-e.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("its death went unnoticed")
	}
	wantError(t, e.Err(), "ended by itself", "killed", e.Folder())
	if err := e.Stop(t.Context()); err != nil {
		t.Errorf("stopping a dead engine: %v", err)
	}
}

// Clients that die, reset, and talk nonsense must not take the engine along: without the pseudo-terminal they do.
func TestEngineSurvivesAbusiveClients(t *testing.T) {
	e := startEngine(t, engineConfig(t.TempDir()))
	db := open(t, e.Addr())
	run(t, db, "CREATE TABLE t (x UInt64, s String) ENGINE = MergeTree ORDER BY x")
	reset := func(port int, send string, read int) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, send)
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, _ = io.ReadFull(conn, make([]byte, read))
		_ = conn.(*net.TCPConn).SetLinger(0) // close with a reset
		_ = conn.Close()
	}
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 5 {
				reset(e.NativePort(), "GET / HTTP/1.1\r\n\r\n", 10)
				reset(e.NativePort(), "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff", 1)
				reset(e.HTTPPort(), "POST /?query=INSERT+INTO+t+FORMAT+TSV HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n1\ta\n2\t", 0)
				reset(e.HTTPPort(), "GET /?query=SELECT+*+FROM+numbers(100000000) HTTP/1.1\r\nHost: x\r\n\r\n", 5000)
			}
		})
		// Native inserts and answers, cut off in the middle.
		clients.Go(func() {
			c := storage.DefaultConfig()
			c.Address = e.Addr()
			for range 5 {
				ctx, cancel := context.WithCancel(t.Context())
				client, err := storage.Open(ctx, c)
				if err != nil {
					t.Error(err)
					cancel()
					return
				}
				batch, err := client.PrepareBatch(ctx, "INSERT INTO t (x, s)")
				if err == nil {
					_ = batch.Append(uint64(1), strings.Repeat("x", 100_000))
					_ = batch.Flush()
				}
				rows, err := client.Query(ctx, "SELECT number, toString(number) FROM numbers(10000000)")
				if err == nil {
					rows.Next()
				}
				cancel()
				_ = batch.Abort()
				if rows != nil {
					_ = rows.Close()
				}
				_ = client.Close()
			}
		})
	}
	clients.Wait()
	if err := e.Err(); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "SELECT toUInt64(1)"); n != 1 {
		t.Error("it answers nonsense")
	}
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/ping", e.HTTPPort()))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

func TestEngineKilledWhileInsertingKeepsWhatItAcknowledged(t *testing.T) {
	c := engineConfig(t.TempDir())
	e := startEngine(t, c)
	db := open(t, e.Addr())
	run(t, db, "CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
	var acknowledged atomic.Uint64
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for i := uint64(0); ; i++ {
			if err := db.Exec(context.Background(), fmt.Sprintf("INSERT INTO t VALUES (%d)", i)); err != nil {
				return
			}
			acknowledged.Add(1)
		}
	}()
	eventually(t, "some inserts", func() bool { return acknowledged.Load() > 30 })
	_ = syscall.Kill(e.PID(), syscall.SIGKILL)
	<-finished
	<-e.Done()
	e = startEngine(t, c)
	n := acknowledged.Load()
	if stored := count(t, open(t, e.Addr()), fmt.Sprintf("SELECT count() FROM t WHERE x < %d", n)); stored != n {
		t.Errorf("%d of %d acknowledged rows are there", stored, n)
	}
}
