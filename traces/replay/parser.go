package replay

import "tidegauge/schemas"

// maxDepth is how deep JSON may be nested: answers have five levels.
const maxDepth = 64

// parser goes through one JSON text (RFC 8259) once, without allocating.
type parser struct {
	text  []byte
	i     int
	depth int
}

// at is the byte at hand, 0 at the end.
func (p *parser) at() byte {
	if p.i < len(p.text) {
		return p.text[p.i]
	}
	return 0
}

func (p *parser) space() {
	for p.i < len(p.text) {
		switch p.text[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

func (p *parser) end() bool {
	p.space()
	return p.i == len(p.text)
}

// object passes an object; where c is given, its fields are those of a level.
func (p *parser) object(c *chunk, at level) bool {
	if p.depth++; p.depth > maxDepth {
		return false
	}
	defer func() { p.depth-- }()
	p.i++ // {
	p.space()
	if p.at() == '}' {
		p.i++
		return true
	}
	for {
		var key []byte
		p.space()
		if p.at() != '"' || !p.string(&key) {
			return false
		}
		p.space()
		if p.at() != ':' {
			return false
		}
		p.i++
		p.space()
		if at == levelOther {
			if !p.value(c, levelOther) {
				return false
			}
		} else if !p.field(c, at, key) {
			return false
		}
		p.space()
		switch p.at() {
		case ',':
			p.i++
		case '}':
			p.i++
			return true
		default:
			return false
		}
	}
}

// array passes an array, whose objects are of a level.
func (p *parser) array(c *chunk, at level) bool {
	if p.depth++; p.depth > maxDepth {
		return false
	}
	defer func() { p.depth-- }()
	p.i++ // [
	p.space()
	if p.at() == ']' {
		p.i++
		return true
	}
	for {
		p.space()
		if !p.value(c, at) {
			return false
		}
		p.space()
		switch p.at() {
		case ',':
			p.i++
		case ']':
			p.i++
			return true
		default:
			return false
		}
	}
}

func (p *parser) value(c *chunk, at level) bool {
	switch b := p.at(); b {
	case '{':
		return p.object(c, at)
	case '[':
		return p.array(c, at)
	case '"':
		return p.string(nil)
	case 't':
		return p.word("true")
	case 'f':
		return p.word("false")
	case 'n':
		return p.word("null")
	default:
		return p.number()
	}
}

func (p *parser) word(w string) bool {
	if len(p.text)-p.i < len(w) || string(p.text[p.i:p.i+len(w)]) != w {
		return false
	}
	p.i += len(w)
	return true
}

// string passes a string and gives what is between its quotes.
func (p *parser) string(to *[]byte) bool {
	p.i++
	start := p.i
	for p.i < len(p.text) {
		switch b := p.text[p.i]; {
		case b == '"':
			if to != nil {
				*to = p.text[start:p.i]
			}
			p.i++
			return true
		case b < 0x20:
			return false
		case b == '\\':
			if !p.escape() {
				return false
			}
		default:
			p.i++
		}
	}
	return false
}

func (p *parser) escape() bool {
	p.i++
	switch p.at() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		p.i++
		return true
	case 'u':
		p.i++
		for range 4 {
			b := p.at()
			if (b < '0' || b > '9') && (b|0x20 < 'a' || b|0x20 > 'f') {
				return false
			}
			p.i++
		}
		return true
	}
	return false
}

func (p *parser) digits() bool {
	start := p.i
	for b := p.at(); b >= '0' && b <= '9'; b = p.at() {
		p.i++
	}
	return p.i > start
}

func (p *parser) number() bool {
	if p.at() == '-' {
		p.i++
	}
	if p.at() == '0' {
		p.i++
	} else if !p.digits() {
		return false
	}
	if p.at() == '.' {
		p.i++
		if !p.digits() {
			return false
		}
	}
	if p.at()|0x20 == 'e' {
		p.i++
		if p.at() == '+' || p.at() == '-' {
			p.i++
		}
		return p.digits()
	}
	return true
}

// whole reads a whole number that a count of tokens may be.
func whole(text []byte) (n int64, ok bool) {
	for _, b := range text {
		if b < '0' || b > '9' {
			return 0, false
		}
		if n = n*10 + int64(b-'0'); n > schemas.MaxTokens {
			return 0, false
		}
	}
	return n, len(text) > 0
}
