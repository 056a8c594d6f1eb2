package ingest

import (
	"encoding/binary"
	"fmt"
)

// A log of frames is binary messages, each after its length in four bytes, the most significant first: what the collector's
// file exporter writes with format proto, or with a compression. In place of lines, messages and ids have the frames' numbers.
// A length that cannot be is the end of the log: nothing says where the next frame begins.

// frameHead is the bytes of a length.
const frameHead = 4

// nextFrame finds the frame that b starts with: b[frameHead:end]. It is not whole if b ends inside it.
func nextFrame(b []byte) (end int, whole bool, err error) {
	if len(b) < frameHead {
		return len(b), false, nil
	}
	n := binary.BigEndian.Uint32(b)
	if n > maxObject {
		return 0, false, fmt.Errorf("a length of %d bytes, more than the %d that a message may have: the file is damaged there, or is of another kind", n, maxObject)
	}
	if len(b)-frameHead < int(n) {
		return len(b), false, nil
	}
	return frameHead + int(n), true, nil
}

// cutFrames sends the whole frames that are there; ended says that no more follows.
func (c *cutter) cutFrames(ended bool) error {
	rest := c.rest()
	n, frames := 0, int64(0)
	for n < len(rest) {
		end, whole, err := nextFrame(rest[n:])
		if err != nil {
			at := c.bytes + int64(n)
			if err := c.sendFrames(n, frames); err != nil {
				return err
			}
			return fmt.Errorf("%s: message %d, at byte %d: %w", c.from.name, c.line, at, err)
		}
		if !whole {
			break
		}
		n += end
		frames++
	}
	if err := c.sendFrames(n, frames); err != nil {
		return err
	}
	if ended && len(c.rest()) > 0 {
		if err := c.refuse(c.line, "the file ends inside this message"); err != nil {
			return err
		}
		c.b.start = c.b.end
	}
	return nil
}

func (c *cutter) sendFrames(n int, frames int64) error {
	err := c.send(n)
	c.line += frames
	return err
}

// decodeFrames is decode for formats whose records are frames.
func (w *worker) decodeFrames(b *block, d decoder) {
	data := b.buffer[b.start:b.end]
	for frame := b.line; len(data) > 0; frame++ {
		end, whole, err := nextFrame(data)
		if err != nil || !whole {
			return // the cutter sends whole ones only
		}
		if !w.record(b, d, record{data: data[frameHead:end]}, frame, 0) {
			return
		}
		data = data[end:]
	}
}
