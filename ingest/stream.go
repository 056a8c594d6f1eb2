package ingest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// stream is a source's text, decompressed.
type stream struct {
	io.Reader
	compression string // "", "gzip" or "zstd"
	closers     []func()
}

func (s *stream) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

// maxWindow bounds the memory that a zstd file can ask for: what zstd --long writes.
const maxWindow = 128 << 20

// openStream opens a source and looks at its first bytes, not at its name, to see what it is packed in.
func openStream(ctx context.Context, s Source, follow bool, poll time.Duration, p *Progress) (*stream, error) {
	out := &stream{}
	raw := s.stream
	switch {
	case s.open != nil:
		f, err := s.open()
		if err != nil {
			return nil, fileError(s.Name, err)
		}
		raw = f
		out.closers = append(out.closers, func() { _ = f.Close() })
	case s.path != "":
		f, err := os.Open(s.path)
		if err != nil {
			return nil, fileError(s.Name, err)
		}
		raw = f
		if follow {
			w, err := newFollowed(ctx, s.path, f, poll)
			if err != nil {
				return nil, errors.Join(err, f.Close())
			}
			raw = w
			out.closers = append(out.closers, w.close)
		} else {
			out.closers = append(out.closers, func() { _ = f.Close() })
		}
	}
	raw = &counted{raw, p}
	if err := out.unpack(raw, s.Name, follow); err != nil {
		out.close()
		return nil, err
	}
	return out, nil
}

// magics are the beginnings of files that are no text, and what unpacks them; nothing where it takes the file itself.
var magics = []struct{ magic, kind, reader string }{
	{"BZh", "bzip2", "bzip2 -dc"},
	{"\xfd7zXZ\x00", "xz", "xz -dc"},
	{"\x04\x22\x4d\x18", "lz4", "lz4 -dc"},
	{"PK\x03\x04", "zip", "unzip -p"},
	{"PAR1", "Parquet", ""},
	{"ARROW1", "Arrow", ""},
	{"\xff\xfe", "UTF-16", "iconv -f UTF-16 -t UTF-8"},
	{"\xfe\xff", "UTF-16", "iconv -f UTF-16 -t UTF-8"},
}

func (s *stream) unpack(raw io.Reader, name string, follow bool) error {
	head := make([]byte, 6)
	n, err := io.ReadFull(raw, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		if ctxErr(err) {
			return err
		}
		return fileError(name, err)
	}
	head = head[:n]
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			if m.reader == "" {
				return fmt.Errorf("%s: is %s, which is read from its end: name the file instead of piping it", name, m.kind)
			}
			return fmt.Errorf("%s: is a %s file: unpack it on the way in, as in %s %s | tidegauge … -", name, m.kind, m.reader, name)
		}
	}
	raw = io.MultiReader(bytes.NewReader(head), raw)
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		s.compression = "gzip"
	case len(head) >= 4 && (bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")) || (head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18")):
		s.compression = "zstd"
	default:
		s.Reader = raw
		return nil
	}
	if follow {
		return fmt.Errorf("%s: is %s: only plain text can be followed; read it without --follow", name, s.compression)
	}
	if s.compression == "gzip" {
		z, err := gzip.NewReader(bufio.NewReaderSize(raw, blockBytes))
		if err != nil {
			return fmt.Errorf("%s: not a whole gzip file: %w", name, err)
		}
		s.Reader = z
		return nil
	}
	z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return fmt.Errorf("%s: not a zstd file: %w", name, err)
	}
	s.Reader = z
	s.closers = append(s.closers, z.Close)
	return nil
}

// counted counts the bytes of the source as it lies on disk, for progress.
type counted struct {
	io.Reader
	progress *Progress
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.progress.BytesDone.Add(int64(n))
	return n, err
}

func ctxErr(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
