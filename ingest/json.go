package ingest

import (
	"bytes"
	"encoding/json"
)

// cursor walks through one JSON text without building anything. A method that fails leaves the cursor anywhere. What
// it passes is valid JSON (FuzzJSON holds it against encoding/json).
type cursor struct {
	data []byte
	at   int
	// first says that no member of the object or list at hand was read yet: no comma precedes the next.
	first bool
	depth int
}

// maxDepth bounds nesting, because skip recurses. No log nests ten deep.
const maxDepth = 200

func (c *cursor) fail(what string) error {
	return fieldError("json", "%s at byte %d", what, c.at+1)
}

// peek passes white space and gives the next byte, 0 at the end.
func (c *cursor) peek() byte {
	for ; c.at < len(c.data); c.at++ {
		switch b := c.data[c.at]; b {
		case ' ', '\t', '\r', '\n':
		default:
			return b
		}
	}
	return 0
}

// object enters the object at hand.
func (c *cursor) object() error { return c.enter('{', "an object was expected") }

// list enters the list at hand.
func (c *cursor) list() error { return c.enter('[', "a list was expected") }

func (c *cursor) enter(open byte, what string) error {
	if c.peek() != open {
		return c.fail(what)
	}
	if c.depth++; c.depth > maxDepth {
		return c.fail("nested too deeply")
	}
	c.at++
	c.first = true
	return nil
}

// key gives the next key of the object at hand, with the cursor at its value; ok is false at the object's end, which
// is passed.
func (c *cursor) key() (key []byte, ok bool, err error) {
	more, err := c.more('}')
	if !more || err != nil {
		return nil, false, err
	}
	if c.peek() != '"' {
		return nil, false, c.fail("a key was expected")
	}
	if key, err = c.text(); err != nil {
		return nil, false, err
	}
	if c.peek() != ':' {
		return nil, false, c.fail("a colon was expected")
	}
	c.at++
	c.peek()
	return key, true, nil
}

// more says whether the object or list at hand has another member; it passes the comma before it, or the end.
func (c *cursor) more(end byte) (bool, error) {
	b := c.peek()
	if b == end {
		c.at++
		c.depth--
		c.first = false
		return false, nil
	}
	if !c.first {
		if b != ',' {
			return false, c.fail("a comma was expected")
		}
		c.at++
		c.peek()
	}
	c.first = false
	return true, nil
}

// end says what is wrong with what follows the value.
func (c *cursor) end() error {
	if c.peek(); c.at < len(c.data) {
		return c.fail("more text follows the value")
	}
	return nil
}

// null passes a null.
func (c *cursor) null() bool {
	if bytes.HasPrefix(c.data[c.at:], []byte("null")) {
		c.at += 4
		return true
	}
	return false
}

// text reads the string at hand. The bytes are the record's own unless the string has escapes.
func (c *cursor) text() ([]byte, error) {
	if c.at >= len(c.data) || c.data[c.at] != '"' {
		return nil, c.fail("a text was expected")
	}
	start := c.at
	escaped := false
	for c.at++; c.at < len(c.data); c.at++ {
		switch b := c.data[c.at]; {
		case b == '"':
			c.at++
			if !escaped {
				return c.data[start+1 : c.at-1], nil
			}
			var s string
			if err := json.Unmarshal(c.data[start:c.at], &s); err != nil {
				return nil, c.fail("an escape that is none")
			}
			return []byte(s), nil
		case b == '\\':
			escaped = true
			c.at++
		case b < ' ':
			return nil, c.fail("a control character in a text")
		}
	}
	return nil, c.fail("the line ends inside a text")
}

// number reads the number at hand, as its text.
func (c *cursor) number() ([]byte, error) {
	start := c.at
	if c.at < len(c.data) && c.data[c.at] == '-' {
		c.at++
	}
	first := c.at
	if c.digits() == 0 || (c.data[first] == '0' && c.at > first+1) {
		return nil, c.fail("a number was expected")
	}
	if c.at < len(c.data) && c.data[c.at] == '.' {
		c.at++
		if c.digits() == 0 {
			return nil, c.fail("a digit was expected")
		}
	}
	if c.at < len(c.data) && c.data[c.at]|0x20 == 'e' {
		c.at++
		if c.at < len(c.data) && (c.data[c.at] == '-' || c.data[c.at] == '+') {
			c.at++
		}
		if c.digits() == 0 {
			return nil, c.fail("a digit was expected")
		}
	}
	return c.data[start:c.at], nil
}

func (c *cursor) digits() int {
	start := c.at
	for c.at < len(c.data) && c.data[c.at]-'0' <= 9 {
		c.at++
	}
	return c.at - start
}

// skip passes any value.
func (c *cursor) skip() error {
	switch b := c.peek(); b {
	case '"':
		_, err := c.text()
		return err
	case '{':
		if err := c.object(); err != nil {
			return err
		}
		for {
			if _, ok, err := c.key(); !ok || err != nil {
				return err
			}
			if err := c.skip(); err != nil {
				return err
			}
		}
	case '[':
		if err := c.list(); err != nil {
			return err
		}
		for {
			if ok, err := c.more(']'); !ok || err != nil {
				return err
			}
			if err := c.skip(); err != nil {
				return err
			}
		}
	case 't', 'f', 'n':
		for _, word := range [...]string{"true", "false", "null"} {
			if bytes.HasPrefix(c.data[c.at:], []byte(word)) {
				c.at += len(word)
				return nil
			}
		}
		return c.fail("a value was expected")
	}
	_, err := c.number()
	return err
}
