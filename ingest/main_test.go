package ingest

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"tidegauge/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testData gives the folder of real logs, or skips the test.
func testData(t testing.TB) string {
	dir := os.Getenv("TIDEGAUGE_TEST_DATA")
	if dir == "" {
		t.Skip("TIDEGAUGE_TEST_DATA is not set")
	}
	return dir
}

// got is all that a reader gave.
type got struct {
	requests []schemas.Request
	lines    []int64
	stats    Stats
	err      error // nil at the end
}

// read reads sources to their end.
func read(t testing.TB, c ReaderConfig, sources ...Source) got {
	t.Helper()
	r, err := NewReader(c, sources)
	if err != nil {
		return got{err: err}
	}
	defer r.Close()
	var out got
	for {
		b, err := r.Next(context.Background())
		if err != nil {
			if !errors.Is(err, io.EOF) {
				out.err = err
			}
			out.stats = r.Stats()
			return out
		}
		for i := range b.Requests {
			q := b.Requests[i]
			q.PrefixHashes = append([]uint64(nil), q.PrefixHashes...)
			q.Labels = append([]schemas.Label(nil), q.Labels...)
			out.requests = append(out.requests, q)
		}
		out.lines = append(out.lines, b.Lines...)
	}
}

func readText(t testing.TB, c ReaderConfig, text string) got {
	t.Helper()
	return read(t, c, ReaderSource("log", strings.NewReader(text)))
}

func readFiles(t testing.TB, c ReaderConfig, paths ...string) got {
	t.Helper()
	sources, err := Sources(paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, c, sources...)
}

func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// jsonOf gives requests as the topic's JSON, a line each: what tests compare.
func jsonOf(requests []schemas.Request) string {
	var b []byte
	for i := range requests {
		b = append(schemas.AppendJSON(b, &requests[i]), '\n')
	}
	return string(b)
}

// errText gives an error's text, "" for nil.
func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
