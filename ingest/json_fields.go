package ingest

import "bytes"

// The readers of a member's value: null is the same as absent, and a value of another kind is the field's fault.

func (c *cursor) textOf(field string) ([]byte, error) {
	if c.null() {
		return nil, nil
	}
	b, err := c.text()
	return b, c.blame(field, "a text", err)
}

// numberOf gives the number's text, nil for null.
func (c *cursor) numberOf(field string) ([]byte, error) {
	if c.null() {
		return nil, nil
	}
	b, err := c.number()
	return b, c.blame(field, "a number", err)
}

// idOf gives a text or a number as text: logs write ids as either.
func (c *cursor) idOf(field string) ([]byte, error) {
	if c.at < len(c.data) && c.data[c.at] == '"' {
		return c.textOf(field)
	}
	return c.numberOf(field)
}

func (c *cursor) countOf(field string) (int64, error) {
	b, err := c.numberOf(field)
	if err != nil {
		return 0, err
	}
	return count(field, b)
}

// hashesOf reads a list of whole numbers into dst. Negative ones, which some hash functions give, are taken by their
// bits.
func (c *cursor) hashesOf(field string, dst []uint64) ([]uint64, error) {
	if c.null() {
		return dst, nil
	}
	if err := c.list(); err != nil {
		return dst, c.blame(field, "a list", err)
	}
	for {
		more, err := c.more(']')
		if !more || err != nil {
			return dst, err
		}
		b, err := c.number()
		if err != nil {
			return dst, c.blame(field, "a list of whole numbers", err)
		}
		h, ok := hash(b)
		if !ok {
			return dst, fieldError(field, "%s is not a whole number of 64 bits", clip(b))
		}
		dst = append(dst, h)
	}
}

func hash(b []byte) (uint64, bool) {
	negative := b[0] == '-'
	if negative {
		b = b[1:]
	}
	var v uint64
	for i, ch := range b {
		d := uint64(ch - '0')
		if d > 9 || i == 20 || v > (1<<64-1-d)/10 {
			return 0, false
		}
		v = v*10 + d
	}
	if negative {
		if v > 1<<63 {
			return 0, false
		}
		return -v, true
	}
	return v, true
}

// blame turns a value of the wrong kind into an error of its field; the line's own faults (cut short, no JSON) stay.
func (c *cursor) blame(field, want string, err error) error {
	if err == nil || c.at >= len(c.data) {
		return err
	}
	value := c.data[c.at:]
	if i := bytes.IndexAny(value, ",}\n"); i > 0 {
		value = value[:i]
	}
	return fieldError(field, "%s is not %s", clip(value), want)
}

// topKeys calls f with the keys of the object that head starts with, as far as head goes, with a cursor at each value.
// It says whether head starts with an object that is valid as far as it goes.
func topKeys(head []byte, f func(key []byte, c cursor)) bool {
	c := cursor{data: head}
	if c.object() != nil {
		return false
	}
	for any := false; ; any = true {
		key, ok, err := c.key()
		if err != nil {
			return any && c.at >= len(head)
		}
		if !ok {
			return true
		}
		f(key, c)
		if c.skip() != nil {
			return c.at >= len(head)
		}
	}
}

// hasKeys says whether the object that head starts with has all these keys.
func hasKeys(head []byte, wanted ...string) bool {
	found := make([]bool, len(wanted))
	if !topKeys(head, func(key []byte, _ cursor) {
		for i, w := range wanted {
			found[i] = found[i] || string(key) == w
		}
	}) {
		return false
	}
	for _, f := range found {
		if !f {
			return false
		}
	}
	return true
}

// hasBelow says whether the object that head starts with has an object of a name with this key.
func hasBelow(head []byte, outer, inner string) bool {
	found := false
	topKeys(head, func(key []byte, c cursor) {
		found = found || (string(key) == outer && hasKeys(c.data[c.at:], inner))
	})
	return found
}
