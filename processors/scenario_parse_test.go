package processors

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidegauge/schemas"
)

// scenario is a file that was read.
type scenario struct {
	partition, partitions int
	steps                 []step
}

type step struct {
	line int
	do   func(*scene) error
}

// parser reads a scenario. Everything that can be known to be wrong without playing it is an error here.
type parser struct {
	scenario
	records  map[int64][]byte // by offset
	end      int64            // offsets below are given
	arrival  int64            // of the last request, Unknown before the first
	started  map[string]bool
	expected bool
}

// parseScenario reads the text of a file. Errors begin with the file's name and the line.
func parseScenario(file, text string) (*scenario, error) {
	p := &parser{scenario: scenario{partitions: 1}, records: make(map[int64][]byte), arrival: schemas.Unknown, started: make(map[string]bool)}
	line := 0
	for content := range strings.Lines(text) {
		line++
		if content = strings.TrimSpace(content); content == "" || content[0] == '#' {
			continue
		}
		do, err := p.line(content)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, line, err)
		}
		p.steps = append(p.steps, step{line, do})
	}
	if !p.expected {
		return nil, fmt.Errorf("%s: no line expects anything", file)
	}
	return &p.scenario, nil
}

var recordLine = regexp.MustCompile(`^(\d+)(?:\.\.(\d+))?:\s*(.*)$`)

func (p *parser) line(content string) (func(*scene) error, error) {
	if m := recordLine.FindStringSubmatch(content); m != nil {
		return p.recordsAt(m[1], m[2], m[3])
	}
	switch words := strings.Fields(content); words[0] {
	case "partition":
		return p.place(content)
	case "expect":
		p.expected = true
		return p.expect(words[1:])
	case "delete":
		return p.delete(words[1:])
	case "recompute":
		return p.recompute(words[1:])
	default:
		return p.act(words)
	}
}

func (p *parser) place(content string) (func(*scene) error, error) {
	if len(p.steps) > 0 {
		return nil, errors.New("partition comes first")
	}
	if n, _ := fmt.Sscanf(content, "partition %d of %d", &p.partition, &p.partitions); n != 2 || p.partition < 0 || p.partition >= p.partitions {
		return nil, errors.New("want partition N of M, N below M")
	}
	return func(*scene) error { return nil }, nil
}

// recordsAt reads what the log holds from one offset to another.
func (p *parser) recordsAt(first, last, what string) (func(*scene) error, error) {
	from, err := strconv.ParseInt(first, 10, 32)
	to := from
	if err == nil && last != "" {
		to, err = strconv.ParseInt(last, 10, 32)
	}
	if err != nil || to < from {
		return nil, fmt.Errorf("%s..%s is no range of offsets", first, last)
	}
	if from < p.end {
		return nil, fmt.Errorf("offset %d comes after offset %d: the log only grows", from, p.end-1)
	}
	log := make([][]byte, to+1-p.end) // nil where offsets are skipped
	for offset := from; offset <= to; offset++ {
		one := what
		if last != "" {
			one = strings.ReplaceAll(what, "%", strconv.FormatInt(offset, 10))
		}
		value, err := p.value(one)
		if err != nil {
			return nil, err
		}
		log[offset-p.end], p.records[offset] = value, value
	}
	p.end = to + 1
	return func(s *scene) error {
		s.log = append(s.log, log...)
		return nil
	}, nil
}

// value reads a record's value.
func (p *parser) value(what string) ([]byte, error) {
	switch word, rest, _ := strings.Cut(what, " "); word {
	case "raw":
		return []byte(rest), nil
	case "again":
		offset, err := integer(rest)
		value, ok := p.records[offset]
		if err == nil && !ok {
			err = fmt.Errorf("again: there is no record %d above", offset)
		}
		return value, err
	}
	var r schemas.Request
	r.Reset()
	r.Service, r.Model, r.Outcome = "s", "m", schemas.OK
	for _, word := range strings.Fields(what) {
		key, text, ok := strings.Cut(word, "=")
		if !ok {
			return nil, fmt.Errorf("want key=value, not %q", word)
		}
		set, err := oneOf(requestKeys, key)
		if err != nil {
			return nil, err
		}
		if key == "at" {
			text, err = p.absolute(text)
		}
		if err == nil {
			err = set(&r, text)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	if r.ArrivalUS == schemas.Unknown {
		return nil, errors.New("a request needs at=")
	}
	p.arrival = r.ArrivalUS
	return schemas.AppendJSON(nil, &r), nil
}

// absolute makes a time that is said relative to the request before one in microseconds.
func (p *parser) absolute(text string) (string, error) {
	if text == "" || !strings.ContainsRune("+-", rune(text[0])) {
		return text, nil
	}
	if p.arrival == schemas.Unknown {
		return "", fmt.Errorf("%s: there is no request before", text)
	}
	d, err := duration(text[1:])
	if text[0] == '-' {
		d = -d
	}
	return time.UnixMicro(p.arrival + d).UTC().Format(time.RFC3339Nano), err
}

// requestKeys are what can be said of a request.
var requestKeys = map[string]func(r *schemas.Request, text string) error{
	"service":      func(r *schemas.Request, text string) error { r.Service = text; return nil },
	"model":        func(r *schemas.Request, text string) error { r.Model = text; return nil },
	"log_type":     func(r *schemas.Request, text string) error { r.LogType = text; return nil },
	"id":           func(r *schemas.Request, text string) error { r.RequestID = text; return nil },
	"conversation": func(r *schemas.Request, text string) error { r.Conversation = text; return nil },
	"at":           func(r *schemas.Request, text string) (err error) { r.ArrivalUS, err = instant(text); return err },
	"seq":          func(r *schemas.Request, text string) (err error) { r.Seq, err = integer(text); return err },
	"in":           func(r *schemas.Request, text string) (err error) { r.RequestTokens, err = integer(text); return err },
	"out":          func(r *schemas.Request, text string) (err error) { r.ResponseTokens, err = integer(text); return err },
	"elapsed":      func(r *schemas.Request, text string) (err error) { r.ElapsedUS, err = duration(text); return err },
	"ttft":         func(r *schemas.Request, text string) (err error) { r.TTFTUS, err = duration(text); return err },
	"outcome":      func(r *schemas.Request, text string) (err error) { r.Outcome, err = outcome(text); return err },
	"status": func(r *schemas.Request, text string) error {
		n, err := integer(text)
		r.StatusCode = int32(n)
		return err
	},
}

// oneOf looks a word up, and says which there are if it is not among them.
func oneOf[V any](known map[string]V, word string) (V, error) {
	v, ok := known[word]
	if !ok {
		return v, fmt.Errorf("%q is not one of %s", word, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	return v, nil
}

func integer(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return n, nil
}

func outcome(text string) (schemas.Outcome, error) {
	o := schemas.ParseOutcome(text)
	if o == schemas.OutcomeUnknown {
		return 0, fmt.Errorf("%q is no outcome", text)
	}
	return o, nil
}

var days = regexp.MustCompile(`^(\d+)d`)

// duration gives microseconds: Go's notation, days before it (30d12h).
func duration(text string) (int64, error) {
	var us int64
	rest := text
	if m := days.FindStringSubmatch(text); m != nil {
		n, _ := strconv.ParseInt(m[1], 10, 32) // digits; too many are far beyond any arrival
		us, rest = n*24*3600*schemas.SecondUS, text[len(m[0]):]
		if rest == "" {
			return us, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration (such as 1us, 59.999999s, 30d12h)", text)
	}
	return us + d.Microseconds(), nil
}

// instant gives microseconds since the epoch.
func instant(text string) (int64, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UnixMicro(), nil
		}
	}
	return 0, fmt.Errorf("%q is neither a time (2026-03-01T12:00:59.999999Z, 2026-03-01T12:00Z, 2026-03-01) nor relative (+1m)", text)
}

// arguments are what may follow a verb.
type arguments struct {
	table string
	n     int    // rows, records or bytes
	all   bool   // no n was given
	end   string // "", refused or outdated: how a flush ends
}

// verbs are what processes do, and what they take.
var verbs = map[string]struct {
	takes string
	do    func(s *scene, name string, o *owner, a arguments) error
}{
	"reads":  {"[N]", func(s *scene, _ string, o *owner, a arguments) error { return s.reads(o, a) }},
	"begins": {"", func(s *scene, name string, o *owner, _ arguments) error { return s.begins(name, o) }},
	"stores": {"TABLE [N]", func(s *scene, name string, o *owner, a arguments) error { return s.stores(name, o, a) }},
	"checks": {"[refused|outdated]", func(s *scene, name string, o *owner, a arguments) error { return s.checks(name, o, a.end) }},
	"commits": {"[refused|outdated]", func(s *scene, name string, o *owner, a arguments) error {
		if len(o.effects) > 1 {
			return fmt.Errorf("%s commits nothing before it is stored; still to do: %s", name, o.rest())
		}
		return s.finishes(name, o, a.end)
	}},
	"finishes": {"[refused|outdated]", func(s *scene, name string, o *owner, a arguments) error { return s.finishes(name, o, a.end) }},
	"flushes": {"[refused|outdated]", func(s *scene, name string, o *owner, a arguments) error {
		if err := s.begins(name, o); err != nil {
			return err
		}
		return s.finishes(name, o, a.end)
	}},
	"evicts": {"[N]", func(_ *scene, _ string, o *owner, a arguments) error { o.evict(a.n); return nil }},
	"dies":   {"", func(_ *scene, _ string, o *owner, _ arguments) error { o.generation = dead; return nil }},
}

// act reads what a process does.
func (p *parser) act(words []string) (func(*scene) error, error) {
	name := words[0]
	if len(words) == 1 {
		return nil, fmt.Errorf("%s does what?", name)
	}
	if words[1] == "starts" {
		return p.starts(name, words[2:])
	}
	if !p.started[name] {
		return nil, fmt.Errorf("no process %s starts above", name)
	}
	verb, err := oneOf(verbs, words[1])
	if err != nil {
		return nil, err
	}
	a, err := argumentsOf(verb.takes, words[2:])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", words[1], err)
	}
	return func(s *scene) error {
		o := s.owners[name]
		if o.generation == dead {
			return fmt.Errorf("%s is dead", name)
		}
		return verb.do(s, name, o, a)
	}, nil
}

func argumentsOf(takes string, words []string) (a arguments, err error) {
	if strings.HasPrefix(takes, "TABLE") {
		if len(words) == 0 {
			return a, errors.New("of which table?")
		}
		if _, err := oneOf(tables, words[0]); err != nil {
			return a, err
		}
		a.table, words = words[0], words[1:]
	}
	a.all = len(words) == 0
	switch {
	case a.all:
	case len(words) == 1 && strings.HasSuffix(takes, "[N]"):
		var n int64
		n, err = integer(words[0])
		a.n = int(n)
	case len(words) == 1 && takes == "[refused|outdated]" && (words[0] == "refused" || words[0] == "outdated"):
		a.end = words[0]
	default:
		err = fmt.Errorf("%q may not follow, only %q", strings.Join(words, " "), takes)
	}
	return a, err
}

func (p *parser) starts(name string, rest []string) (func(*scene) error, error) {
	if _, taken := tables[name]; taken || name == "committed" || name == "recompute" {
		return nil, fmt.Errorf("a process cannot be called %s", name)
	}
	budget := int64(1 << 30)
	if len(rest) > 0 {
		text, ok := strings.CutPrefix(rest[0], "cache=")
		var err error
		if budget, err = integer(text); !ok || err != nil || len(rest) > 1 {
			return nil, fmt.Errorf("want cache=BYTES, not %q", strings.Join(rest, " "))
		}
	}
	p.started[name] = true
	return func(s *scene) error { return s.starts(name, int(budget)) }, nil
}
