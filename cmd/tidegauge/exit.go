package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"tidegauge/config"
	"tidegauge/ingest"
	"tidegauge/processors"
	"tidegauge/storage"
)

// Exit statuses. They are an interface: scripts and unit files rely on them, docs/operations.md lists them.
const (
	exitOK          = 0
	exitFailed      = 1   // the work could not be done
	exitUsage       = 2   // the command line or the configuration is wrong
	exitRefused     = 3   // the input was refused: a bad row, an unknown format
	exitUnreachable = 4   // a broker or database is not there, or turns us away
	exitInterrupted = 130 // stopped by Ctrl-C or SIGTERM before the work was done, as shells have it
)

const exitHelp = `Exit status:
  0    done
  1    the work could not be done
  2    the command line or the configuration is wrong
  3    the input was refused: a bad row, an unknown format
  4    Kafka or ClickHouse is not there, or turned the connection away
  130  interrupted before the work was done`

// failure is an error with what scripts and people need beside it.
type failure struct {
	status int
	err    error
	next   string // what to do about it, if the error does not say
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func usage(err error) error                    { return &failure{status: exitUsage, err: err} }
func unreachable(err error, next string) error { return &failure{exitUnreachable, err, next} }

// readError finds out what kind of error ended the reading of a log: the log itself is refused, unless it could not be
// read at all.
func readError(ctx context.Context, err error) error {
	var file *fs.PathError
	var system syscall.Errno
	switch {
	case ctx.Err() != nil:
		if err == context.Canceled { // says nothing to those who typed Ctrl-C
			err = errors.New("interrupted")
		}
		return &failure{status: exitInterrupted, err: err}
	case errors.As(err, &file), errors.As(err, &system):
		return err
	}
	return &failure{status: exitRefused, err: err}
}

// statusOf finds the exit status of an error that a command returned.
func statusOf(ctx context.Context, err error) int {
	var f *failure
	var line *ingest.LineError
	var dial *net.OpError
	var name *net.DNSError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &f):
		return f.status
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &line):
		return exitRefused
	case errors.Is(err, config.ErrNotRunning):
		return exitUnreachable
	case errors.Is(err, storage.ErrSchemaOlder), errors.Is(err, storage.ErrSchemaNewer), errors.Is(err, processors.ErrRefused):
		return exitFailed
	case errors.As(err, &dial) && dial.Op == "dial", errors.As(err, &name):
		return exitUnreachable
	}
	return exitFailed
}

// complain writes an error for a person: what failed, and what to do next where that is known.
func complain(w io.Writer, command string, err error) {
	fmt.Fprintf(w, "%s: %s\n", command, indent(err.Error()))
	var f *failure
	if errors.As(err, &f) && f.next != "" {
		fmt.Fprintf(w, "  %s\n", indent(f.next))
	}
}

// indent keeps the lines of a longer message together.
func indent(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}
