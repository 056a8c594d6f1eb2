package replay

// chunk is what one piece of an answer says: an event of a stream, or the whole of an answer that is not streamed.
type chunk struct {
	content  bool // it brings text, reasoning, or a call of a tool
	finished bool // with a reason
	failed   bool // it is an error
	// finish is the reason why generation ended, message and kind an error's; they lie in what was parsed, escapes and all.
	finish, message, kind []byte
	// Counts of tokens as the server says, -1 where it does not.
	requestTokens, responseTokens, cachedTokens, reasoningTokens int64
}

// parse reads one JSON object, by hand and without allocating: at a few hundred thousand pieces a second it is what a
// replay does most. It reports whether text is one valid object; of fields it does not know it only checks the form.
func (c *chunk) parse(text []byte) bool {
	*c = chunk{requestTokens: -1, responseTokens: -1, cachedTokens: -1, reasoningTokens: -1}
	p := parser{text: text}
	p.space()
	return p.at() == '{' && p.object(c, levelRoot) && p.end()
}

// level is where in an answer an object stands: it decides what its keys mean.
type level int

const (
	levelOther level = iota
	levelRoot
	levelChoices
	levelDelta // or message
	levelUsage
	levelPromptDetails
	levelCompletionDetails
	levelError
)

// field takes the value at hand of a key in an object of a level.
func (p *parser) field(c *chunk, at level, key []byte) bool {
	inside := levelOther
	start := p.i
	switch at {
	case levelRoot:
		switch string(key) {
		case "choices":
			inside = levelChoices
		case "usage":
			inside = levelUsage
		case "error":
			inside = levelError
			c.failed = c.failed || p.at() != 'n'
			if p.at() == '"' { // some servers: {"error":"what"}
				return p.string(&c.message)
			}
		case "object": // older vLLM: {"object":"error","message":…,"type":…}
			var what []byte
			if p.at() != '"' {
				break
			}
			if !p.string(&what) {
				return false
			}
			c.failed = c.failed || string(what) == "error"
			return true
		case "message":
			if p.at() == '"' {
				return p.string(&c.message)
			}
		case "type":
			if p.at() == '"' {
				return p.string(&c.kind)
			}
		}
	case levelChoices:
		switch string(key) {
		case "delta", "message":
			inside = levelDelta
		case "finish_reason":
			if p.at() == '"' {
				c.finished = true
				return p.string(&c.finish)
			}
		case "text":
			return p.brings(c)
		}
	case levelDelta:
		switch string(key) {
		case "content", "reasoning_content", "reasoning", "tool_calls", "function_call", "refusal":
			return p.brings(c)
		}
	case levelUsage:
		switch string(key) {
		case "prompt_tokens":
			return p.count(&c.requestTokens)
		case "completion_tokens":
			return p.count(&c.responseTokens)
		case "prompt_tokens_details":
			inside = levelPromptDetails
		case "completion_tokens_details":
			inside = levelCompletionDetails
		}
	case levelPromptDetails:
		if string(key) == "cached_tokens" {
			return p.count(&c.cachedTokens)
		}
	case levelCompletionDetails:
		if string(key) == "reasoning_tokens" {
			return p.count(&c.reasoningTokens)
		}
	case levelError:
		switch {
		case string(key) == "message" && p.at() == '"':
			return p.string(&c.message)
		case string(key) == "type" && p.at() == '"':
			return p.string(&c.kind)
		}
	}
	p.i = start
	return p.value(c, inside)
}

// brings takes a value that is text of the answer unless it is empty or null.
func (p *parser) brings(c *chunk) bool {
	start := p.i
	if !p.value(c, levelOther) {
		return false
	}
	switch v := string(p.text[start:p.i]); v {
	case `""`, "null", "[]", "{}":
	default:
		c.content = true
	}
	return true
}

// count takes a whole number that is no more than the most tokens a request may have; what is none is passed over.
func (p *parser) count(to *int64) bool {
	start := p.i
	if !p.value(nil, levelOther) {
		return false
	}
	if n, ok := whole(p.text[start:p.i]); ok {
		*to = n
	}
	return true
}
