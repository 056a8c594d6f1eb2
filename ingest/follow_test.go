package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// follower follows a file in a test.
type follower struct {
	*testing.T
	reader *Reader
	path   string
}

func follow(t *testing.T, c ReaderConfig, text string) *follower {
	f := &follower{T: t, path: filepath.Join(t.TempDir(), "app.log")}
	f.write(text)
	sources, err := Sources([]string{f.path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Follow, c.Poll = true, time.Millisecond
	if f.reader, err = NewReader(c, sources); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.reader.Close)
	return f
}

func (f *follower) write(text string) {
	f.Helper()
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = file.WriteString(text)
	}
	if err != nil || file.Close() != nil {
		f.Fatal(err)
	}
}

// wants waits for requests with these models at these lines.
func (f *follower) wants(want ...string) {
	f.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for len(want) > 0 {
		b, err := f.reader.Next(ctx)
		if err != nil {
			f.Fatalf("waiting for %s: %v", want, err)
		}
		for i, q := range b.Requests {
			if got := fmt.Sprintf("%s:%d", q.Model, b.Lines[i]); len(want) == 0 || got != want[0] {
				f.Fatalf("got %s, want %s", got, want)
			}
			want = want[1:]
		}
	}
}

// quiet says that nothing comes for a while.
func (f *follower) quiet() {
	f.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if b, err := f.reader.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		f.Fatalf("%v, %v", b, err)
	}
}

func TestFollowGrowth(t *testing.T) {
	f := follow(t, ReaderConfig{}, "")
	f.quiet()
	f.write(burst1)
	f.write("1,a,1,2,3,API log\n2,b,1,2,3,API")
	f.wants("a:2")
	f.quiet() // the last line has no end yet
	f.write(" log\n\n3,c,1,2,3,API log\n")
	f.wants("b:3", "c:5")
	// The ids are made of the path: the first KiB was not there when the first row was.
	want := readFiles(t, ReaderConfig{Options: Options{Source: f.path}}, f.path)
	again := follow(t, ReaderConfig{Options: Options{Source: f.path}}, burst1+"1,a,1,2,3,API log\n")
	b, err := again.reader.Next(context.Background())
	if err != nil || b.Requests[0].RequestID != want.requests[0].RequestID {
		t.Errorf("%v, %v", b, err)
	}
}

func TestFollowRename(t *testing.T) {
	f := follow(t, ReaderConfig{}, burst1+"1,a,1,2,3,API log\n")
	f.wants("a:2")
	old := f.path
	if err := os.Rename(f.path, f.path+".1"); err != nil {
		t.Fatal(err)
	}
	f.quiet()
	f.path = old + ".1" // its writer has not noticed yet, and ends without a newline
	f.write("2,b,1,2,3,API log\n3,c,1,2,3,API log")
	f.wants("b:3")
	f.path = old
	f.write("Log Type,Model,Request tokens,Response tokens,Timestamp\nAPI log,d,1,2,4\n")
	f.wants("c:4", "d:2")
	// And again, without a header.
	if err := os.Rename(f.path, f.path+".2"); err != nil {
		t.Fatal(err)
	}
	f.write("API log,e,1,2,4\n")
	f.wants("e:1")
	f.write("API log,f,1,2,4\n")
	f.wants("f:2")
}

func TestFollowTruncation(t *testing.T) {
	for _, on := range []OnError{Stop, Skip} {
		f := follow(t, ReaderConfig{OnError: on}, burst1+"1,a,1,2,3,API log\n2,lost,1,2")
		f.wants("a:2")
		if err := os.Truncate(f.path, 0); err != nil {
			t.Fatal(err)
		}
		if on == Skip {
			f.quiet() // the poll that sees it
		}
		f.write(burst1 + "3,b,1,2,3,API log\n")
		if on == Skip {
			f.wants("b:2")
			if s := f.reader.Stats(); s.Refused != 1 || s.Refusals[0].Line != 3 {
				t.Errorf("%+v", s)
			}
			continue
		}
		if _, err := f.reader.Next(context.Background()); !strings.Contains(errText(err), "line 3: row: its end was lost when the file was truncated") {
			t.Error(err)
		}
	}
}

func TestFollowRefuses(t *testing.T) {
	path := writeFile(t, "a.gz", gzipped(t, burst1))
	if out := readFiles(t, ReaderConfig{Follow: true}, path); !strings.Contains(errText(out.err), "is gzip: only plain text can be followed") {
		t.Error(out.err)
	}
	if out := readFiles(t, ReaderConfig{Follow: true}, writeFile(t, "a", "what is this\n")); !strings.Contains(errText(out.err), "not a known format") {
		t.Error(out.err)
	}
}

// TestFollowStream: a pipe that is followed is a pipe that is read to its end.
func TestFollowStream(t *testing.T) {
	out := read(t, ReaderConfig{Follow: true}, ReaderSource("standard input", io.MultiReader(strings.NewReader(burst1), strings.NewReader("1,a,1,2,3,API log"))))
	if out.err != nil || len(out.requests) != 1 {
		t.Errorf("%d requests, %v", len(out.requests), out.err)
	}
}
