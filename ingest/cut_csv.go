package ingest

import (
	"bytes"
	"fmt"
)

// cutCSV is cut for CSV: records may have line breaks inside quotes, and a header may stand at the top and, where files
// were joined, anywhere.
func (c *cutter) cutCSV(ended bool) error {
	rest := c.rest()
	c.b.quoted = bytes.IndexByte(rest, '"') >= 0
	if !c.begins && !c.b.quoted && !bytes.Contains(rest, []byte(c.from.format.table.mark)) {
		return c.send(bytes.LastIndexByte(rest, '\n') + 1)
	}
	whole := 0 // of rest: records that were looked at and can be sent
	for {
		rest = c.rest()[whole:]
		n := recordCSV(rest)
		if n == 0 {
			line := bytes.IndexByte(rest, '\n') + 1
			if line == 0 || (!ended && len(rest) < maxQuoted) {
				return c.send(whole)
			}
			// A quote that nothing closes: its line goes alone, for the decoder to refuse, and reading goes on behind it.
			if err := c.send(whole); err != nil {
				return err
			}
			c.b.quoted = true
			if err := c.send(line); err != nil {
				return err
			}
			whole = 0
			continue
		}
		text := bytes.TrimRight(rest[:n], "\r\n")
		if c.begins && len(bytes.TrimSpace(text)) == 0 {
			whole += n
			continue
		}
		header, err := c.header(text)
		if err != nil {
			return err
		}
		if header == nil {
			whole += n
			continue
		}
		if err := c.send(whole); err != nil {
			return err
		}
		c.layout = header
		c.skip(n)
		whole = 0
	}
}

// header gives the layout that a record is the header of, nil for a row.
func (c *cutter) header(text []byte) (*layout, error) {
	table := c.from.format.table
	if !c.begins && !bytes.Contains(text, []byte(table.mark)) {
		return nil, nil
	}
	l, err := table.layoutOf(text, &c.reader.config.Options)
	first := c.begins
	c.begins = false
	switch {
	case err == nil:
		return l, nil
	case first && c.layout == nil:
		return nil, &LineError{File: c.from.name, Line: c.line, Field: "header", Reason: fmt.Sprintf("%v: a %s log needs one in its first line", err, c.from.format.Name)}
	}
	return nil, nil // the row of a file that was rotated without a header, or one that only looks like a header
}
