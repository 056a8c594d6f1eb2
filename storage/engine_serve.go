//go:build linux && amd64 && !noengine

package storage

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Descriptors the parent gives the child (exec.Cmd's ExtraFiles start at 3).
const (
	lifelineDescriptor = 3 // a pipe whose other end only the parent holds: its end is the parent's end
	lockDescriptor     = 4 // the locked file of the data folder, locked for as long as this process lives
)

// A child whose parent is gone has nobody to kill it when ClickHouse does not come to an end, so it does so itself.
const orphanStopLimit = 60 * time.Second

// ServeEngine is the child's side of StartEngine: it loads the engine's library into this process and serves until
// the parent closes its end of the pipe (or dies) or SIGTERM or SIGINT comes. It must be called on the main goroutine
// and takes over standard input and the process's signals, so nothing else can live in the same process.
//
// What runs is clickhouse-local's main. Two things about it are not obvious:
//
//   - Standard input is a pseudo-terminal. Without one, this version installs an error handler that ends the whole
//     process when an exception escapes a connection handler: one client killed in mid-insert would take the engine
//     along (ClickHouse issue 115666). With a terminal it does not.
//   - What keeps it serving is its own prompt: once its queries have opened the listeners and written the ports down,
//     it waits for somebody to type. Ending it is typing exit.
func ServeEngine(arguments []string) error {
	runtime.LockOSThread()
	flags := flag.NewFlagSet("engine serve", flag.ContinueOnError)
	library := flags.String("library", "", "the engine's library")
	configuration := flags.String("config", "", "ClickHouse's configuration file")
	ready := flags.String("ready", "", "file that gets the ports once the listeners are up")
	level := flags.String("log-level", "information", "ClickHouse's log level")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *library == "" || *configuration == "" || *ready == "" {
		return errors.New("engine serve is started by tidegauge itself; use `tidegauge up`, or give --library, --config and --ready")
	}
	// Any one of them may be missing when somebody starts the hidden command by hand.
	lifeline := os.NewFile(lifelineDescriptor, "lifeline")
	if _, err := lifeline.Stat(); err != nil {
		return fmt.Errorf("engine serve is started by tidegauge itself, with a pipe that ends with it: %w", err)
	}
	master, slave, err := openTerminal()
	if err != nil {
		return err
	}
	if err := duplicateOnto(slave, 0); err != nil {
		return fmt.Errorf("making the pseudo-terminal the standard input: %w", err)
	}
	go func() { _, _ = io.Copy(io.Discard, master) }()

	query := fmt.Sprintf("SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; "+
		"SELECT getServerPort('tcp_port'), getServerPort('http_port') INTO OUTFILE %s FORMAT TSV", quoteString(*ready))

	stop := make(chan struct{}, 2)
	go func() {
		_, _ = io.Copy(io.Discard, lifeline)
		stop <- struct{}{}
	}()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		stop <- struct{}{}
	}()
	go func() {
		<-stop
		endClickHouse(master)
	}()

	return runClickHouse(*library, []string{"clickhouse", "--config-file", *configuration, "--log-level", *level,
		"--disable_suggestion", "--interactive", "--query", query})
}

// stopGrace is what running queries get to finish before their connections are cut.
const stopGrace = 500 * time.Millisecond

// endClickHouse types exit at ClickHouse's prompt, again and again: it may still be starting, and what is typed before
// the prompt is there can be lost.
func endClickHouse(terminal *os.File) {
	// An empty lock file tells the next engine on this folder that this one is about to end, and worth waiting for.
	_ = os.NewFile(lockDescriptor, "lock").Truncate(0)
	began := time.Now()
	for time.Since(began) < orphanStopLimit {
		_, _ = terminal.WriteString("exit\n")
		time.Sleep(20 * time.Millisecond)
		// ClickHouse waits five seconds for connections to end, and idle ones, which every pool keeps, do not.
		if time.Since(began) > stopGrace {
			hangUp()
		}
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// runClickHouse calls the library's entry point, which is clickhouse-local's main, and returns when that does.
func runClickHouse(library string, arguments []string) error {
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return fmt.Errorf("loading the engine's library %s: %w (it needs glibc on x86-64; fetch it again with `tidegauge engine fetch`)", library, err)
	}
	var commandLine func(count int32, arguments unsafe.Pointer) unsafe.Pointer
	var resultError func(result unsafe.Pointer) string
	purego.RegisterLibFunc(&commandLine, handle, "chdb_query_cmdline")
	purego.RegisterLibFunc(&resultError, handle, "chdb_result_error")

	vector := make([]*byte, len(arguments)+1) // C's argv ends with a null pointer
	var pinned runtime.Pinner
	defer pinned.Unpin()
	for i, argument := range arguments {
		text := append([]byte(argument), 0)
		pinned.Pin(&text[0])
		vector[i] = &text[0]
	}
	result := commandLine(int32(len(arguments)), unsafe.Pointer(&vector[0]))
	if result == nil {
		return errors.New("the engine ended without a result")
	}
	if message := resultError(result); message != "" {
		return errors.New(message)
	}
	return nil
}
