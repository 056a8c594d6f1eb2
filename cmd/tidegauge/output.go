package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// output is a file that appears whole or not at all: what is written lies beside it under another name until Commit. "-" is
// standard output, which takes what is written as it comes.
type output struct {
	path string
	w    *bufio.Writer
	file *os.File // nil for standard output
}

const outputBuffer = 1 << 20

// create begins an output file. Whoever calls it calls Commit, or Abort, which after Commit does nothing.
func (a *app) create(path string) (*output, error) {
	if path == "-" {
		return &output{path: path, w: bufio.NewWriterSize(a.out, outputBuffer)}, nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s: is a directory: name a file in it", path)
	} else if err == nil && !info.Mode().IsRegular() {
		// A pipe or a device has no name to take the place of.
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, outputError(path, err)
		}
		return &output{path: path, w: bufio.NewWriterSize(f, outputBuffer)}, nil // closed with the process
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part")
	if err != nil {
		return nil, outputError(path, err)
	}
	return &output{path: path, w: bufio.NewWriterSize(f, outputBuffer), file: f}, nil
}

func outputError(path string, err error) error {
	var e *os.PathError
	if errors.As(err, &e) {
		err = e.Err
	}
	if path == "-" {
		path = "standard output"
	}
	return fmt.Errorf("%s: cannot be written: %w", path, err)
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil {
		err = outputError(o.path, err)
	}
	return n, err
}

// Commit has the file appear, in place of one that was there.
func (o *output) Commit() error {
	if err := o.flush(); err != nil {
		o.Abort()
		return err
	}
	if o.file == nil {
		return nil
	}
	mode := os.FileMode(0o644) // what CreateTemp made is for its owner alone
	if info, err := os.Stat(o.path); err == nil {
		mode = info.Mode().Perm()
	}
	err := errors.Join(o.file.Chmod(mode), o.file.Sync(), o.file.Close())
	if err == nil {
		err = os.Rename(o.file.Name(), o.path)
	}
	if err != nil {
		_ = os.Remove(o.file.Name())
		err = outputError(o.path, err)
	}
	o.file = nil
	return err
}

// flush writes what is still in memory.
func (o *output) flush() error {
	if err := o.w.Flush(); err != nil {
		return outputError(o.path, err)
	}
	return nil
}

// Abort leaves no trace of what was written.
func (o *output) Abort() {
	if o.file == nil {
		return
	}
	_ = o.file.Close()
	_ = os.Remove(o.file.Name())
	o.file = nil
}
