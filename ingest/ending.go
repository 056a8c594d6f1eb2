package ingest

import (
	"bytes"
	"strconv"
	"strings"

	"tidegauge/schemas"
)

// ended sets the outcome of a request whose log says how it ended by an HTTP status, an error's name and a finish reason,
// as far as it has them. failed says that the log calls it a failure. A status decides before a name, as names are the
// libraries' own.
func ended(r *schemas.Request, failed bool) {
	r.ErrorType, r.FinishReason = shorten(r.ErrorType), shorten(r.FinishReason)
	if r.StatusCode == schemas.Unknown {
		// OpenTelemetry: error.type is the status where a status is all that is known.
		if code, err := strconv.Atoi(r.ErrorType); err == nil && code >= 100 && code <= 599 {
			r.StatusCode = int32(code)
		}
	}
	failed = failed || r.StatusCode >= 400
	switch {
	case failed:
		r.Outcome = failure(r.StatusCode, r.ErrorType)
		if r.Outcome == schemas.Error && r.ErrorType == "" {
			r.ErrorType = "_OTHER" // OpenTelemetry's name of an error without one
			if r.StatusCode != schemas.Unknown {
				r.ErrorType = strconv.Itoa(int(r.StatusCode))
			}
		}
	case oneOf(r.FinishReason, "content_filter", "content_filtered", "guardrail_intervened", "refusal", "safety", "prohibited_content", "blocklist", "spii"):
		r.Outcome = schemas.Filtered
	case oneOf(r.FinishReason, "abort", "aborted", "cancelled", "canceled"):
		r.Outcome = schemas.Cancelled
	case r.FinishReason == "error":
		r.Outcome, r.ErrorType = schemas.Error, "_OTHER"
	default:
		r.Outcome = r.GenerationEnd()
	}
}

// failure tells kinds of failures apart.
func failure(status int32, name string) schemas.Outcome {
	switch status {
	case 429:
		return schemas.RateLimited
	case 408, 504:
		return schemas.Timeout
	case 499: // the client closed the request: nginx's, and by now everybody's
		return schemas.Cancelled
	}
	name = strings.NewReplacer("_", "", "-", "", ".", "", " ", "").Replace(strings.ToLower(name))
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(name, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("ratelimit", "toomanyrequests", "throttl"):
		return schemas.RateLimited
	case has("timeout", "timedout", "deadlineexceeded"):
		return schemas.Timeout
	case has("cancel", "clientdisconnect", "abort"):
		return schemas.Cancelled
	case has("contentpolicy", "contentfilter", "guardrail"):
		return schemas.Filtered
	}
	return schemas.Error
}

func oneOf(s string, names ...string) bool {
	for _, n := range names {
		if strings.EqualFold(s, n) {
			return true
		}
	}
	return false
}

// shorten cuts what should have been a name to what a name may have: an error's message in its place is no reason to
// refuse the request.
func shorten(s string) string {
	if len(s) <= schemas.MaxName {
		return s
	}
	return strings.ToValidUTF8(s[:schemas.MaxName], "")
}

// The readers of values that such logs write in several ways.

// momentOf reads a wall clock: seconds since 1970 as a number, or a date and time as a text. ok is false where there is
// none.
func (c *cursor) momentOf(field string) (us int64, ok bool, err error) {
	b, err := c.idOf(field)
	if err != nil || len(b) == 0 {
		return 0, false, err
	}
	if len(b) > 4 && b[4] == '-' {
		if us, err = clock(b); err != nil {
			err = fieldError(field, "%s %v", clip(b), err)
		}
		return us, err == nil, err
	}
	us, err = moment(field, b, 6, 0)
	return us, err == nil, err
}

// flagOf reads a truth: true, or "True" as a text; anything else is none.
func (c *cursor) flagOf(field string) (bool, error) {
	if c.peek() == '"' {
		b, err := c.textOf(field)
		return bytes.EqualFold(b, []byte("true")), err
	}
	is := bytes.HasPrefix(c.data[c.at:], []byte("true"))
	return is, c.skip()
}

// statusOf reads an HTTP status, a number or a text; what is none is unknown.
func (c *cursor) statusOf(field string) (int32, error) {
	if b := c.peek(); b == '{' || b == '[' || b == 't' || b == 'f' {
		return schemas.Unknown, c.skip()
	}
	b, err := c.idOf(field)
	if err != nil {
		return schemas.Unknown, err
	}
	if code, err := strconv.Atoi(string(b)); err == nil && code >= 0 && code <= 599 {
		return int32(code), nil
	}
	return schemas.Unknown, nil
}

// realOf reads a real number, NaN where there is none.
func (c *cursor) realOf(field string, into *float64) error {
	b, err := c.numberOf(field)
	if err != nil || b == nil {
		return err
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fieldError(field, "%s %v", clip(b), errRange)
	}
	*into = v
	return nil
}

// within calls f with each key of the object at hand, or of an object that the text at hand holds. Anything else is
// passed: logs write a text, or nothing, where there is no object to write.
func (c *cursor) within(field string, f func(c *cursor, key []byte) error) error {
	switch c.peek() {
	case '{':
		return members(c, func(key []byte) error { return f(c, key) })
	case '"':
		b, err := c.textOf(field)
		if err != nil {
			return err
		}
		inner := cursor{data: b}
		if inner.peek() != '{' {
			return nil
		}
		if err := members(&inner, func(key []byte) error { return f(&inner, key) }); err != nil {
			return fieldError(field, "holds a text that is no JSON: %v", err)
		}
		return inner.end()
	}
	return c.skip()
}

// elements calls f at each element of the list at hand; anything but a list is passed.
func (c *cursor) elements(f func() error) error {
	if c.peek() != '[' {
		return c.skip()
	}
	if err := c.list(); err != nil {
		return err
	}
	for {
		if more, err := c.more(']'); !more || err != nil {
			return err
		}
		if err := f(); err != nil {
			return err
		}
	}
}
