package ingest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func gzipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstandard(t testing.TB, text string) string {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return string(z.EncodeAll([]byte(text), nil))
}

func TestSources(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.csv", "b.csv", "sub/c.csv", "sub/deep/d.csv", "we[i]rd.csv"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(names ...string) []string {
		for i, n := range names {
			if n != "-" {
				names[i] = filepath.Join(dir, n)
			}
		}
		return names
	}
	tests := []struct {
		arguments []string
		want      string // names, or
		err       string
	}{
		{in("b.csv", "a.csv"), "b.csv a.csv", ""},
		{in("*.csv"), "a.csv b.csv we[i]rd.csv", ""},
		{in("b.csv", "*.csv"), "b.csv a.csv we[i]rd.csv", ""},
		{in("**/*.csv"), "a.csv b.csv sub/c.csv sub/deep/d.csv we[i]rd.csv", ""},
		{in("{a,b}.csv"), "a.csv b.csv", ""},
		{in("we[i]rd.csv"), "we[i]rd.csv", ""},
		{in("-", "a.csv"), "standard input a.csv", ""},
		{in("-", "-"), "", "standard input (-) is named twice"},
		{nil, "", "no log to read"},
		{in("sub"), "", "sub: is a directory: name its files, as in " + filepath.Join(dir, "sub", "*.csv")},
		{in("z.csv"), "", "z.csv: no such file or directory"},
		{in("*.gz"), "", "*.gz: no file matches"},
		{in("[.csv"), "", "[.csv: not a pattern"},
		{in("z.csv", "sub"), "", "no such file or directory\n"},
	}
	for _, test := range tests {
		sources, err := Sources(test.arguments, strings.NewReader(""))
		if test.err != "" {
			if !strings.Contains(errText(err), test.err) {
				t.Errorf("%v: %v, want %s", test.arguments, err, test.err)
			}
			continue
		}
		var names []string
		for _, s := range sources {
			names = append(names, strings.TrimPrefix(s.Name, dir+"/"))
			if s.Size != 5 && s.Size != -1 {
				t.Errorf("%s has %d bytes", s.Name, s.Size)
			}
		}
		if got := strings.Join(names, " "); err != nil || got != test.want {
			t.Errorf("%v: %s, %v; want %s", test.arguments, got, err, test.want)
		}
	}
	if os.Getuid() != 0 { // root reads everything
		path := writeFile(t, "secret.csv", "x")
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := Sources([]string{path}, nil); !strings.Contains(errText(err), "permission denied") {
			t.Error(err)
		}
	}
}

// TestIdentity: the name and the packing of a log change nothing; --source does.
func TestIdentity(t *testing.T) {
	text := manyRows(3_000, "")
	want := jsonOf(readFiles(t, ReaderConfig{}, writeFile(t, "a.csv", text)).requests)
	if len(want) == 0 {
		t.Fatal("nothing was read")
	}
	half := len(text) / 2
	for name, content := range map[string]string{
		"renamed.txt": text, "a.csv.gz": gzipped(t, text), "a.csv.zst": zstandard(t, text), "gzip without the name": gzipped(t, text),
		"two members.gz": gzipped(t, text[:half]) + gzipped(t, text[half:]), "two frames.zst": zstandard(t, text[:half]) + zstandard(t, text[half:]),
		"crlf.csv": text,
	} {
		out := readFiles(t, ReaderConfig{}, writeFile(t, name, content))
		if out.err != nil || jsonOf(out.requests) != want {
			t.Errorf("%s: %v, %d requests", name, out.err, len(out.requests))
		}
	}
	first := func(c ReaderConfig, text string) string {
		out := readText(t, c, text)
		if out.err != nil {
			t.Fatal(out.err)
		}
		return out.requests[0].RequestID
	}
	// The first KiB decides, or --source.
	if first(ReaderConfig{}, text) == first(ReaderConfig{}, strings.Replace(text, ",m,", ",n,", 1)) {
		t.Error("another beginning, the same id")
	}
	if first(ReaderConfig{}, text) != first(ReaderConfig{}, text[:2000]+strings.ReplaceAll(text[2000:], ",m,", ",n,")) {
		t.Error("the same beginning, another id")
	}
	named := ReaderConfig{Options: Options{Source: "prod"}}
	if first(named, text) != first(named, strings.Replace(text, ",m,", ",n,", 1)) || first(named, text) == first(ReaderConfig{}, text) {
		t.Error("--source does not decide")
	}
	// The id is stable for ever: stored requests carry it.
	if got := first(ReaderConfig{}, burst1+"5,ChatGPT,472,18,490,Conversation log\n"); got != "f47a213004c59f25:2" {
		t.Errorf("the id of a known log is %s", got)
	}
}

func TestBrokenCompression(t *testing.T) {
	text := manyRows(60_000, "")
	for kind, packed := range map[string]string{"gzip": gzipped(t, text), "zstd": zstandard(t, text)} {
		path := writeFile(t, "log.csv", packed[:len(packed)*2/3])
		out := readFiles(t, ReaderConfig{}, path)
		if n := len(out.requests); n < 10_000 || n >= 60_000 {
			t.Errorf("%s: %d requests", kind, n)
		}
		message := errText(out.err)
		for _, want := range []string{path + ": its " + kind + " data break off or are damaged after line ", "unexpected EOF", "get the whole file and read it again"} {
			if !strings.Contains(message, want) {
				t.Errorf("%s: %s\nlacks %s", kind, message, want)
			}
		}
		if want := jsonOf(readText(t, ReaderConfig{}, text).requests[:len(out.requests)]); jsonOf(out.requests) != want {
			t.Errorf("%s: other requests", kind)
		}
		// A flipped byte in the middle is noticed at the latest by the checksum.
		damaged := []byte(packed)
		damaged[len(damaged)/2] ^= 0x55
		if out := readFiles(t, ReaderConfig{OnError: Skip}, writeFile(t, "log", string(damaged))); out.err == nil {
			t.Errorf("%s: damage goes unnoticed", kind)
		}
		if out := readFiles(t, ReaderConfig{}, writeFile(t, "log", packed[:8])); out.err == nil {
			t.Errorf("%s: a stump is read", kind)
		}
	}
}

func TestNotText(t *testing.T) {
	for text, want := range map[string]string{
		"BZh91AY&SY":           "log: is a bzip2 file: unpack it on the way in, as in bzip2 -dc log | tidegauge … -",
		"\xfd7zXZ\x00\x00":     "is a xz file",
		"PK\x03\x04....":       "is a zip file",
		"\x04\x22\x4d\x18....": "is a lz4 file",
		"\xff\xfeT\x00i\x00m":  "is a UTF-16 file: unpack it on the way in, as in iconv",
		"PAR1\x15\x04\x15\x10": "is Parquet, which is read from its end: name the file instead of piping it",
	} {
		if out := readText(t, ReaderConfig{}, text); !strings.Contains(errText(out.err), want) {
			t.Errorf("%q: %v, want %s", text, out.err, want)
		}
	}
}
