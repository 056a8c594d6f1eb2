package ingest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"

	"tidegauge/schemas"
)

// Sizes of what is read. A block is about 1,500 rows of BurstGPT: decoded, it still fits a core's cache, and handing it
// on costs nothing a row.
const (
	blockBytes = 64 << 10
	// maxLine bounds a line. The largest real ones are prompts with 65,536 prefix hashes, 1.4 MB.
	maxLine = 4 << 20
	// maxQuoted bounds a CSV record with line breaks inside quotes; beyond it the opening quote was a mistake.
	maxQuoted = 256 << 10
	// identityBytes is how much of a source's text its rows' ids are made from.
	identityBytes = 1 << 10
)

// origin is what all blocks of one source share.
type origin struct {
	name   string
	format *Format
	// prefix starts the ids that are made for rows: 16 hexadecimal digits and a colon.
	prefix string
}

// block is a piece of a source: whole records, on their way from the cutter through a decoder to the reader's user.
type block struct {
	from *origin
	// buffer[start:end] are the records.
	buffer     []byte
	start, end int
	line       int64 // the physical line, from 1, that the block starts with; of frames, the number of its first
	layout     *layout
	nth        int  // how many objects begin on that line before the block
	quoted     bool // a quote is among the bytes: records may have line breaks
	list       bool // records are the objects of a list, whatever the format's are
	// refused is a line that was not even cut, in place of data; err ends the whole reading.
	refused *LineError
	err     error

	batch Batch
	done  chan struct{} // receives once the block is decoded
}

// cutter reads one source and cuts its text into blocks of whole records.
type cutter struct {
	reader *Reader
	ctx    context.Context
	follow bool
	in     *stream
	from   *origin
	layout *layout

	b        *block // being filled
	line     int64  // of b's first byte
	nth      int    // how many objects begin on that line before b
	begins   bool   // nothing but blank lines came so far: a header may follow
	dropping bool   // inside a line that is too long
	bytes    int64  // of decompressed text cut so far
}

func (c *cutter) run(s Source) error {
	c.follow = c.reader.config.Follow && s.Size >= 0 // a pipe waits by itself
	in, err := openStream(c.ctx, s, c.follow, c.reader.config.Poll, c.reader.progress)
	if err != nil {
		return err
	}
	defer in.close()
	c.in, c.line, c.begins = in, 1, true
	c.b = c.reader.takeBlock()
	end, err := c.begin(s)
	for err == nil {
		// The last line of a file may lack its newline; what came before an error may be half a line.
		if err = c.cut(end == io.EOF || end == errRotated); err != nil {
			break
		}
		if end != nil {
			if err = c.after(end); err != nil {
				break
			}
		}
		end = c.fill()
	}
	c.reader.freeBlock(c.b)
	if err == io.EOF {
		return nil
	}
	return err
}

// begin reads enough of the source to tell what it is, and what its rows' ids start with. end is what ended the text,
// nil if it goes on.
func (c *cutter) begin(s Source) (end, err error) {
	config := &c.reader.config
	want := identityBytes
	identity := config.Options.Source
	if identity == "" && c.follow {
		// Its first KiB may not be there yet.
		if identity, err = filepath.Abs(s.path); err != nil {
			return nil, fileError(s.Name, err)
		}
	}
	if identity != "" {
		want = 1
	}
	for end == nil && (c.b.end < want || (c.b.end < blockBytes && !firstLine(c.rest()))) {
		if end = c.fill(); end == errRotated || end == errTruncated {
			c.b.end, end = 0, nil // a followed file that was replaced before it had a whole line
		}
	}
	if identity == "" {
		identity = string(c.rest()[:min(c.b.end, identityBytes)])
	}
	c.from = &origin{name: s.Name, prefix: fmt.Sprintf("%016x:", schemas.IDHash(identity))}
	text := bytes.TrimSpace(trimBOM(c.rest()))
	switch {
	case len(text) == 0 && end != nil:
		return end, c.after(end) // an empty log has no rows and needs no format
	case config.Format != "":
		c.from.format, err = FindFormat(config.Format)
	case len(text) == 0:
		err = fmt.Errorf("starts with %d blank bytes: not a log", c.b.end)
	default:
		c.from.format, err = recognise(trimBOM(c.rest()))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	return end, nil
}

// firstLine says whether text holds a whole line that is not blank.
func firstLine(text []byte) bool {
	return bytes.IndexByte(bytes.TrimLeft(text, " \t\r\n"), '\n') >= 0
}

func trimBOM(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) }

// rest is the text that is read and not yet cut.
func (c *cutter) rest() []byte { return c.b.buffer[c.b.start:c.b.end] }

// fill reads more of the source. It gives what ended the text, if something did.
func (c *cutter) fill() error {
	b := c.b
	if b.end == len(b.buffer) {
		if b.start > 0 {
			b.end = copy(b.buffer, c.rest())
			b.start = 0
		} else {
			b.buffer = append(b.buffer, make([]byte, len(b.buffer))...)
		}
	}
	for {
		n, err := c.in.Read(b.buffer[b.end:])
		b.end += n
		if err != nil {
			return err
		}
		if n > 0 {
			return nil
		}
	}
}

// cut sends the whole records that are there; ended says that no more text follows.
func (c *cutter) cut(ended bool) error {
	if c.line == 1 {
		c.skip(len(c.rest()) - len(trimBOM(c.rest())))
	}
	if c.dropping {
		i := bytes.IndexByte(c.rest(), '\n')
		if i < 0 {
			c.skip(len(c.rest()))
			return nil
		}
		c.skip(i + 1)
		c.dropping = false
	}
	if c.from.format.frames {
		return c.cutFrames(ended)
	}
	if n := len(c.rest()); ended && n > 0 && c.rest()[n-1] != '\n' {
		if c.b.end == len(c.b.buffer) {
			c.b.buffer = append(c.b.buffer, make([]byte, blockBytes)...)
		}
		c.b.buffer[c.b.end] = '\n'
		c.b.end++
		c.bytes--
	}
	var err error
	most := maxLine
	switch {
	case c.from.format.table != nil:
		err = c.cutCSV(ended)
	case c.from.format.objects:
		most = maxObject
		err = c.cutObjects(ended)
	default:
		err = c.send(bytes.LastIndexByte(c.rest(), '\n') + 1)
	}
	if err != nil {
		return err
	}
	if len(c.rest()) >= most {
		if err := c.refuse(c.line, fmt.Sprintf("the line is longer than %d bytes", most)); err != nil {
			return err
		}
		c.dropping = true
		c.skip(len(c.rest()))
	}
	return nil
}

// send hands the first n bytes of the rest on as a block.
func (c *cutter) send(n int) error {
	if n == 0 {
		return nil
	}
	b := c.b
	next := c.reader.takeBlock()
	rest := c.rest()[n:]
	if len(rest) > len(next.buffer) {
		next.buffer = make([]byte, len(b.buffer))
	}
	next.end = copy(next.buffer, rest)
	next.quoted = b.quoted
	b.end = b.start + n
	b.from, b.layout, b.line = c.from, c.layout, c.line
	if !c.from.format.frames { // whose cutter counts them itself
		c.line += int64(bytes.Count(b.buffer[b.start:b.end], []byte("\n")))
	}
	c.bytes += int64(n)
	c.b = next
	return c.reader.dispatch(c.ctx, b)
}

// skip passes over the first n bytes of the rest.
func (c *cutter) skip(n int) {
	c.line += int64(bytes.Count(c.rest()[:n], []byte("\n")))
	c.bytes += int64(n)
	c.b.start += n
}

// refuse hands on a line that cannot even be cut.
func (c *cutter) refuse(line int64, reason string) error {
	b := c.reader.takeBlock()
	b.from, b.refused = c.from, &LineError{File: c.from.name, Line: line, Field: "row", Reason: reason}
	return c.reader.dispatch(c.ctx, b)
}

// after decides how to go on when the text ended with err, and gives io.EOF where it does not.
func (c *cutter) after(err error) error {
	switch {
	case err == io.EOF:
		return io.EOF
	case err == errRotated, err == errTruncated:
		if n := len(c.rest()); n > 0 {
			if err := c.refuse(c.line, "its end was lost when the file was truncated"); err != nil {
				return err
			}
			c.skip(n)
		}
		c.line, c.nth, c.begins, c.dropping = 1, 0, true, false
		return nil
	case ctxErr(err):
		return io.EOF // asked to stop: a line without an end is not a row yet
	}
	if c.in.compression == "" {
		return fmt.Errorf("%s: reading it failed after line %d (%d bytes): %w", c.from.name, c.line-1, c.bytes, err)
	}
	return fmt.Errorf("%s: its %s data break off or are damaged after line %d (%d bytes of text): %w. The rows up to there were read; get the whole file and read it again (rows read twice count once)",
		c.from.name, c.in.compression, c.line-1, c.bytes, err)
}
