package storage

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Engine is a ClickHouse running as a child of this process. It ends with this process, however that ends.
type Engine struct {
	config               EngineConfig
	files                engineFiles
	command              *exec.Cmd
	lifeline             *os.File // the child stops when this end of the pipe is closed
	nativePort, httpPort int

	stopping sync.Once
	stopped  chan struct{} // closed by the first Stop
	done     chan struct{} // closed once the child has been waited for
	err      error         // why it ended, when not by Stop; written before done is closed
}

// StartEngine starts the engine on the configured folder and returns once it answers; ctx bounds that and not how
// long it runs. The caller must Stop it.
//
// Errors: ErrEngineMissing and ErrEngineUnsupported (no library), ErrFolderInUse (another engine has the folder), or
// what the engine said when it could not start.
func StartEngine(ctx context.Context, c EngineConfig) (*Engine, error) {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	library, err := FindEngine(c.Library)
	if err != nil {
		return nil, err
	}
	folder, err := filepath.Abs(c.Folder)
	if err != nil {
		return nil, fmt.Errorf("engine folder %s: %w", c.Folder, err)
	}
	c.Folder = folder
	if c.Executable == "" {
		if c.Executable, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("finding this program's own file, which the engine is started from: %w", err)
		}
	}
	e := &Engine{config: c, files: engineFiles{folder}, stopped: make(chan struct{}), done: make(chan struct{})}
	if err := os.MkdirAll(e.files.path(engineDataFolder), 0o700); err != nil {
		return nil, fmt.Errorf("making the engine's data folder: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.StartTimeout)
	defer cancel()
	lock, err := e.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Close() }() // the child has its own descriptor of it by then

	began := time.Now()
	token := rand.Text()
	if err := e.files.write(c, token); err != nil {
		return nil, err
	}
	if err := e.start(library, lock); err != nil {
		return nil, err
	}
	if err := e.ready(ctx, token); err != nil {
		_ = e.command.Process.Kill()
		<-e.done
		return nil, err
	}
	// The lock file names the owner for whoever finds the folder locked.
	if err := os.WriteFile(e.files.path(engineLockFile), []byte(strconv.Itoa(e.PID())+"\n"), 0o600); err != nil {
		c.Logger.Warn("the engine's lock file could not be written; it is locked all the same", "error", err)
	}
	c.Logger.Info("engine started", "folder", folder, "native", e.nativePort, "http", e.httpPort, "pid", e.PID(),
		"took", time.Since(began).Round(time.Millisecond))
	return e, nil
}

// lockPatience is how long an engine that is on its way out is waited for: one whose parent was killed needs a moment
// to write down what it holds.
const lockPatience = 20 * time.Second

// lock takes the folder's lock. An owner that is stopping (its lock file is empty) is waited for; a running one is an
// error at once.
func (e *Engine) lock(ctx context.Context) (*os.File, error) {
	path := e.files.path(engineLockFile)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the engine's lock file: %w", err)
	}
	began := time.Now()
	for {
		locked, err := lockFile(file)
		if locked {
			return file, file.Truncate(0)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), file.Close())
		}
		owner, _ := os.ReadFile(path)
		pid := strings.TrimSpace(string(owner))
		// A parent's death takes its engine some milliseconds to notice, so that no owner is believed before that.
		if waited := time.Since(began); pid != "" && waited > time.Second || waited > lockPatience || ctx.Err() != nil {
			if pid == "" {
				pid = "unknown"
			}
			return nil, errors.Join(fmt.Errorf("%w: %s is used by the engine with process id %s; stop that one (a `tidegauge up`?) or choose another folder",
				ErrFolderInUse, e.config.Folder, pid), file.Close())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (e *Engine) start(library string, lock *os.File) error {
	// What an earlier start left must not be taken for this one's.
	if err := os.Remove(e.files.path(engineReadyFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("clearing the engine's ready file: %w", err)
	}
	output, err := os.OpenFile(e.files.path(engineOutputFile), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the engine's output file: %w", err)
	}
	defer func() { _ = output.Close() }()
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making the engine's pipe: %w", err)
	}
	defer func() { _ = read.Close() }()

	command := exec.Command(e.config.Executable, append(append([]string(nil), e.config.Command...),
		"--library", library, "--config", e.files.path(engineConfigFile), "--ready", e.files.path(engineReadyFile),
		"--log-level", e.config.LogLevel)...)
	// A file, not a pipe: writing to it still works while the child stops because this process was killed.
	command.Stdout, command.Stderr = output, output
	command.ExtraFiles = []*os.File{read, lock} // lifelineDescriptor, lockDescriptor
	command.SysProcAttr = engineProcess()
	command.Dir = e.config.Folder
	if err := command.Start(); err != nil {
		return errors.Join(fmt.Errorf("starting the engine: %w", err), write.Close())
	}
	e.command, e.lifeline = command, write
	go e.wait()
	return nil
}

// wait is the one place that learns of the child's end.
func (e *Engine) wait() {
	_ = e.command.Wait() // how it ended is in ProcessState
	_ = e.lifeline.Close()
	select {
	case <-e.stopped:
	default:
		e.err = fmt.Errorf("the engine on %s ended by itself (%s)%s; its log is %s", e.config.Folder, e.command.ProcessState,
			e.lastWords(), e.files.path(engineLogFile))
	}
	close(e.done)
}

// ready waits until this very engine answers on its native port. The ports' file alone is not enough, and neither is
// an answer: with a fixed port it could come from another server, so the answer must hold this start's token.
func (e *Engine) ready(ctx context.Context, token string) error {
	for e.nativePort == 0 {
		ports, err := os.ReadFile(e.files.path(engineReadyFile))
		if err == nil && bytes.HasSuffix(ports, []byte("\n")) {
			if _, err := fmt.Sscan(string(ports), &e.nativePort, &e.httpPort); err != nil {
				return fmt.Errorf("the engine reported its ports as %q: %w", ports, err)
			}
			break
		}
		// An error in its first queries leaves it waiting at its prompt; it has said why by then.
		if words := e.lastWords(); strings.Contains(words, "DB::Exception") {
			return fmt.Errorf("the engine on %s did not start%s", e.config.Folder, words)
		}
		select {
		case <-e.done:
			return fmt.Errorf("the engine on %s did not start (%s)%s; its log is %s", e.config.Folder, e.command.ProcessState,
				e.lastWords(), e.files.path(engineLogFile))
		case <-ctx.Done():
			return fmt.Errorf("the engine on %s did not start within %s%s; its log is %s: %w", e.config.Folder,
				e.config.StartTimeout, e.lastWords(), e.files.path(engineLogFile), ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
	configuration := DefaultConfig()
	configuration.Address = e.Addr()
	db, err := Open(ctx, configuration)
	if err != nil {
		return fmt.Errorf("the engine on %s started and does not answer: %w", e.config.Folder, err)
	}
	defer func() { _ = db.Close() }()
	var answer string
	if err := db.QueryRow(ctx, "SELECT getMacro('tidegauge_engine')").Scan(&answer); err != nil {
		return fmt.Errorf("asking the engine on %s who it is: %w", e.config.Folder, err)
	}
	if answer != token {
		return fmt.Errorf("port %d is answered by another ClickHouse than the engine just started: choose another port", e.nativePort)
	}
	return nil
}

// lastWords is the last thing the child said, made fit for an error message; empty when it said nothing of use.
func (e *Engine) lastWords() string {
	file, err := os.Open(e.files.path(engineOutputFile))
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	// The beginning is enough: ClickHouse says what went wrong once and then waits or ends.
	text, _ := io.ReadAll(io.LimitReader(file, 64<<10))
	var telling []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "DB::Exception") || strings.HasPrefix(line, "Error") || strings.HasPrefix(line, "panic:") ||
			strings.HasPrefix(line, "fatal error:") || strings.Contains(line, "engine") {
			telling = append(telling, line)
		}
	}
	if len(telling) == 0 {
		return ""
	}
	return ": " + telling[len(telling)-1]
}

// Addr is the native address, as Config.Address takes it, with the user and password where there are any.
func (e *Engine) Addr() string { return e.address("clickhouse", e.nativePort) }

// HTTPAddr is the HTTP address, as Config.Address takes it.
func (e *Engine) HTTPAddr() string { return e.address("http", e.httpPort) }

func (e *Engine) address(scheme string, port int) string {
	host := e.config.Host
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	address := url.URL{Scheme: scheme, Host: net.JoinHostPort(host, strconv.Itoa(port))}
	if e.config.User != "" {
		address.User = url.UserPassword(e.config.User, e.config.Password)
	}
	return address.String()
}

// NativePort is the port of the native protocol.
func (e *Engine) NativePort() int { return e.nativePort }

// HTTPPort is the port of HTTP.
func (e *Engine) HTTPPort() int { return e.httpPort }

// PID is the child's process id.
func (e *Engine) PID() int { return e.command.Process.Pid }

// Folder is the data folder's full path.
func (e *Engine) Folder() string { return e.config.Folder }

// Done is closed when the child has ended, for whatever reason.
func (e *Engine) Done() <-chan struct{} { return e.done }

// Err is nil while the engine runs and after Stop; when it ended otherwise, it says how and where its log is.
func (e *Engine) Err() error {
	select {
	case <-e.done:
		return e.err
	default:
		return nil
	}
}

// Stop ends the engine and waits for it. It is given the configured time to end cleanly, less if ctx ends earlier;
// then it is killed, which loses nothing that was acknowledged. Stop may be called again, and from several goroutines.
func (e *Engine) Stop(ctx context.Context) error {
	e.stopping.Do(func() {
		close(e.stopped)
		_ = e.lifeline.Close()
	})
	ctx, cancel := context.WithTimeout(ctx, e.config.StopTimeout)
	defer cancel()
	select {
	case <-e.done:
		return nil
	case <-ctx.Done():
	}
	_ = e.command.Process.Kill()
	<-e.done
	return fmt.Errorf("the engine on %s did not end in time and was killed; nothing acknowledged is lost", e.config.Folder)
}
