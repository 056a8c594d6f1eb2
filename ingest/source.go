package ingest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Source is one log to read: a file, or a stream.
type Source struct {
	// Name stands in messages: the path, or "standard input".
	Name string
	// Size is the file's size in bytes as it lies on disk, -1 for a stream.
	Size int64
	// path is the file's, "" for a stream.
	path   string
	stream io.Reader
	// open, where given, opens what is read in the file's place.
	open func() (io.ReadCloser, error)
}

// Path is the file's, "" for a stream.
func (s Source) Path() string { return s.path }

// ReadThrough has a file's contents come from what open gives, such as the text of a file that is not text. Its size is not
// known then.
func (s Source) ReadThrough(open func() (io.ReadCloser, error)) Source {
	s.open, s.Size = open, -1
	return s
}

// ReaderSource makes a source of a stream. The stream is not closed.
func ReaderSource(name string, r io.Reader) Source { return Source{Name: name, Size: -1, stream: r} }

// Sources turns a command's arguments into sources: paths, patterns such as logs/**/*.csv.gz where the shell left them
// alone (their files in the order of their names), and "-" for standard input. Everything that is wrong with the arguments
// is reported at once, before anything is read.
func Sources(arguments []string, stdin io.Reader) ([]Source, error) {
	if len(arguments) == 0 {
		return nil, errors.New("no log to read: name files, or - for standard input")
	}
	var sources []Source
	var errs []error
	add := func(path string) {
		s, err := fileSource(path)
		switch {
		case err != nil:
			errs = append(errs, err)
		case !slices.ContainsFunc(sources, func(o Source) bool { return o.path == s.path }): // a.csv *.csv
			sources = append(sources, s)
		}
	}
	for _, argument := range arguments {
		if argument == "-" {
			if slices.ContainsFunc(sources, func(o Source) bool { return o.stream != nil }) {
				errs = append(errs, errors.New("standard input (-) is named twice"))
				continue
			}
			sources = append(sources, ReaderSource("standard input", stdin))
			continue
		}
		_, err := os.Lstat(argument)
		if err == nil || !strings.ContainsAny(argument, "*?[{") {
			add(argument)
			continue
		}
		paths, err := doublestar.FilepathGlob(argument, doublestar.WithFilesOnly())
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: not a pattern: %w", argument, err))
		case len(paths) == 0:
			errs = append(errs, fmt.Errorf("%s: no file matches", argument))
		}
		slices.Sort(paths)
		for _, p := range paths {
			add(p)
		}
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	return sources, nil
}

func fileSource(path string) (Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Source{}, fileError(path, err)
	}
	if info.IsDir() {
		return Source{}, fmt.Errorf("%s: is a directory: name its files, as in %s", path, filepath.Join(path, "*.csv"))
	}
	s := Source{Name: path, Size: info.Size(), path: filepath.Clean(path)}
	if !info.Mode().IsRegular() {
		// A named pipe or <(command): opening it here would take its only reader away from it.
		s.Size = -1
		return s, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return Source{}, fileError(path, err)
	}
	return s, f.Close()
}

// fileError says what is wrong with a file in the words of the system, without the name of the call.
func fileError(path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}
