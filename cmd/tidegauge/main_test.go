package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidegauge/storage"
	"tidegauge/testenv"
)

var update = flag.Bool("update", false, "write the golden files")

// binary is the program, built once: commands are tested as scripts and people meet them.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	folder, err := os.MkdirTemp("", "tidegauge-cmd-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(folder, "tidegauge")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags", "-X main.release=test", "-o", binary, ".")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	status := 1
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building tidegauge:", err)
	} else {
		status = m.Run()
	}
	testenv.RemoveLLM()
	os.RemoveAll(folder)
	os.Exit(status)
}

// needEngine skips a test on a machine without the embedded engine, and fails it in CI.
func needEngine(t *testing.T) {
	t.Helper()
	if _, err := storage.FindEngine(""); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// shell runs commands with an environment of its own: no configuration, no running pipeline, but the engine's library.
type shell struct {
	t      *testing.T
	folder string
	env    []string
}

func newShell(t *testing.T) *shell {
	t.Helper()
	folder := t.TempDir()
	s := &shell{t: t, folder: folder}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "TIDEGAUGE_") && !strings.HasPrefix(name, "XDG_") {
			s.env = append(s.env, variable)
		}
	}
	if library, err := storage.FindEngine(""); err == nil {
		s.env = append(s.env, storage.EngineLibraryVariable+"="+library)
	}
	s.env = append(s.env, "HOME="+folder, "TIDEGAUGE_DATA_DIR="+filepath.Join(folder, "data"))
	return s
}

// in gives the same shell to a subtest.
func (s *shell) in(t *testing.T) *shell { return &shell{t: t, folder: s.folder, env: s.env} }

// write makes a file in the shell's folder and gives its path.
func (s *shell) write(name string, content []byte) string {
	s.t.Helper()
	path := filepath.Join(s.folder, name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *shell) command(arguments ...string) *exec.Cmd {
	c := exec.Command(binary, arguments...)
	c.Dir, c.Env = s.folder, s.env
	return c
}

// result is what a command left behind.
type result struct {
	status   int
	out, err string
}

func (s *shell) run(arguments ...string) result {
	s.t.Helper()
	return s.runInput("", arguments...)
}

func (s *shell) runInput(input string, arguments ...string) result {
	s.t.Helper()
	c := s.command(arguments...)
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &out, &errs
	// Far beyond what any of them takes: a command that hangs should say which.
	timer := time.AfterFunc(2*time.Minute, func() { c.Process.Kill() })
	defer timer.Stop()
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("tidegauge %s: %v", strings.Join(arguments, " "), err)
	}
	return result{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

// ok runs a command that must succeed and gives its output.
func (s *shell) ok(arguments ...string) string {
	s.t.Helper()
	r := s.run(arguments...)
	if r.status != exitOK {
		s.t.Fatalf("tidegauge %s ended with %d:\n%s%s", strings.Join(arguments, " "), r.status, r.out, r.err)
	}
	return r.out
}

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is not what is printed; if that is meant, run go test ./cmd/tidegauge -update and read the difference.\n%s", path, got)
	}
}
