package workload

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"tidegauge/schemas"
)

// Schema is the JSON Schema (2020-12) of the profile.
//
//go:embed profile.schema.json
var Schema []byte

// MaxProfile bounds a profile's document, in bytes. Fit makes none above a megabyte for a service; what is larger is
// something else.
const MaxProfile = 64 << 20

// VersionError says that a document is no profile of this version.
type VersionError struct{ Schema string }

// Error says what to do about it.
func (e *VersionError) Error() string {
	switch {
	case strings.HasPrefix(e.Schema, "tidegauge.workload/"):
		return fmt.Sprintf("the profile is of version %s, and this tidegauge reads %s: fit it again with this version, or use the tidegauge that made it", e.Schema, SchemaName)
	case e.Schema != "":
		return fmt.Sprintf("the document is a %s, not a workload profile (%s): tidegauge fit makes one", e.Schema, SchemaName)
	}
	return fmt.Sprintf("this is no workload profile: a profile begins with \"schema\": %q, and tidegauge fit makes one", SchemaName)
}

// Read reads a profile and checks all of it, so that any that it gives can be generated from. Errors are *VersionError, or say what
// is wrong where.
func Read(r io.Reader) (*Profile, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxProfile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxProfile {
		return nil, fmt.Errorf("the document has more than %d MB: profiles are far smaller", MaxProfile>>20)
	}
	// The version first: what else a document of another one holds is not for this one to judge.
	var version struct {
		Schema *string `json:"schema"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, fmt.Errorf("this is no workload profile: it is no JSON: %w", err)
	}
	if version.Schema == nil {
		return nil, &VersionError{}
	}
	if *version.Schema != SchemaName {
		return nil, &VersionError{*version.Schema}
	}
	p := new(Profile)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("reading the profile: %w", err)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("the profile is damaged: %w", err)
	}
	return p, nil
}

// numbers are lists of numbers that an indented document spreads over lines.
var numbers = regexp.MustCompile(`\[\s+-?[0-9][-0-9.,\s]*\]`)

// Write writes the profile: indented, a list of numbers on a line.
func (p *Profile) Write(w io.Writer) error {
	text, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return err
	}
	text = numbers.ReplaceAllFunc(text, func(list []byte) []byte {
		return bytes.Join(bytes.Fields(list), nil)
	})
	_, err = w.Write(append(text, '\n'))
	return err
}

// checker collects what is wrong with a profile.
type checker struct{ errs []error }

func (c *checker) wrong(where, format string, arguments ...any) {
	if len(c.errs) < 10 {
		c.errs = append(c.errs, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, arguments...)))
	}
}

// Limits of what a profile may claim, far beyond what Fit writes.
const (
	mostFlows  = 1000
	mostKnots  = 4096
	mostTables = 1 << 16
	mostRate   = 1e7
	mostGrown  = 2 * schemas.MaxTokens
	mostValues = 1 << 32 // values of a distribution in steps
	farUS      = 400 * dayUS
)

// check holds the profile to what the generator relies on.
func (p *Profile) check() error {
	c := new(checker)
	if len(p.Services) == 0 {
		c.wrong("services", "there is none")
	}
	flows := 0
	for i := range p.Services {
		s := &p.Services[i]
		where := fmt.Sprintf("services[%d]", i)
		c.text(where+".service", s.Service, 1)
		if q := s.Silences; q != nil {
			c.values(where+".silences.duration_us", &q.DurationUS, 0, farUS)
			if q.BetweenUS < secondUS {
				c.wrong(where+".silences.between_us", "%d is less than a second", q.BetweenUS)
			}
		}
		c.recorded(where+".recorded", s.Recorded)
		for j := range s.Flows {
			c.flow(fmt.Sprintf("%s.flows[%d]", where, j), &s.Flows[j])
			c.path(fmt.Sprintf("%s.flows[%d].arrivals.path", where, j), &s.Flows[j].Arrivals, s.Recorded)
		}
		flows += len(s.Flows)
	}
	if flows == 0 {
		c.wrong("services", "there is no flow in them")
	}
	if flows > mostFlows {
		c.wrong("services", "%d flows are more than %d", flows, mostFlows)
	}
	return errors.Join(c.errs...)
}

func (c *checker) text(where, text string, least int) {
	if len(text) < least {
		c.wrong(where, "is empty")
	}
	if len(text) > schemas.MaxName {
		c.wrong(where, "has %d bytes, more than %d", len(text), schemas.MaxName)
	}
}

func (c *checker) share(where string, share int) {
	if share < 0 || share > One {
		c.wrong(where, "%d is not between 0 and %d", share, One)
	}
}

// values checks a distribution of values between least and most.
func (c *checker) values(where string, v *Values, least, most int64) {
	if len(v.Knots) == 0 || len(v.Knots) > mostKnots {
		c.wrong(where+".knots", "there are %d, want 1 to %d", len(v.Knots), mostKnots)
		return
	}
	for i, k := range v.Knots {
		if k < least || k > most {
			c.wrong(where+".knots", "%d is not between %d and %d", k, least, most)
			return
		}
		if i > 0 && k < v.Knots[i-1] {
			c.wrong(where+".knots", "%d comes after %d", k, v.Knots[i-1])
			return
		}
	}
	if len(v.Tail) == 0 {
		return
	}
	if len(v.Knots) < 2 || len(v.Tail) > 63 {
		c.wrong(where+".tail", "has %d values after %d knots", len(v.Tail), len(v.Knots))
		return
	}
	last := v.Knots[len(v.Knots)-2]
	for _, k := range v.Tail {
		if k < last || k > v.Knots[len(v.Knots)-1] {
			c.wrong(where+".tail", "%d is out of order", k)
			return
		}
		last = k
	}
}

// weights checks weights of so many things, which may be none at all where empty is allowed.
func (c *checker) weights(where string, w []int, n int, empty bool) {
	if len(w) == 0 && empty {
		return
	}
	if len(w) != n {
		c.wrong(where, "has %d weights, want %d", len(w), n)
		return
	}
	sum := 0
	for _, x := range w {
		if x < 0 || x > 100*One {
			c.wrong(where, "the weight %d is not between 0 and %d", x, 100*One)
			return
		}
		sum += x
	}
	if sum == 0 {
		c.wrong(where, "all weights are 0")
	}
}

func (c *checker) flow(where string, f *Flow) {
	if f.Kind != KindRequests && f.Kind != KindConversations {
		c.wrong(where+".kind", "%q is neither %s nor %s", f.Kind, KindRequests, KindConversations)
	}
	if (f.Kind == KindConversations) != (f.Conversations != nil) {
		c.wrong(where+".conversations", "are told for conversations, and for them only")
	}
	c.text(where+".log_type", f.LogType, 0)
	c.text(where+".client", f.Client, 0)
	c.arrivals(where+".arrivals", &f.Arrivals)
	if f.Conversations != nil {
		c.conversations(where+".conversations", f.Conversations)
	}
	if len(f.Models) == 0 || len(f.Models) > 256 {
		c.wrong(where+".models", "there are %d, want 1 to 256", len(f.Models))
	}
	sum := 0
	for i := range f.Models {
		m := &f.Models[i]
		c.model(fmt.Sprintf("%s.models[%d]", where, i), m)
		sum += m.Weight
	}
	if sum <= 0 {
		c.wrong(where+".models", "all weights are 0")
	}
	if f.Failures != nil {
		c.failures(where+".failures", f.Failures)
	}
}

func (c *checker) arrivals(where string, a *Arrivals) {
	if !(a.Rate > 0 && a.Rate <= mostRate) {
		c.wrong(where+".rate", "%g is not above 0 and at most %g", a.Rate, float64(mostRate))
	}
	if a.TickUS < 1 || a.TickUS > hourUS {
		c.wrong(where+".tick_us", "%d is not between 1 and an hour", a.TickUS)
	}
	if a.CellUS < 1000 || a.CellUS > dayUS || a.CellUS < a.TickUS {
		c.wrong(where+".cell_us", "%d is not between a millisecond (or a tick) and a day", a.CellUS)
	}
	if a.Rate*float64(a.CellUS)/1e6 > 1e8 {
		c.wrong(where+".cell_us", "a cell would have more than 100 million requests")
	}
	c.values(where+".level", &a.Level, 0, mostLevel*One)
	if n := len(a.Shape.Hours); n != 1 && n != 24 && n != 168 {
		c.wrong(where+".shape.hours", "there are %d, want 1, 24 or 168", n)
	}
	highest := 0
	for _, h := range a.Shape.Hours {
		if h < 0 || h > 168*One {
			c.wrong(where+".shape.hours", "%d is not between 0 and %d", h, 168*One)
		}
		highest = max(highest, h)
	}
	if highest == 0 || len(a.Level.Knots) > 0 && a.Level.Knots[len(a.Level.Knots)-1] == 0 {
		c.wrong(where, "no request would ever arrive")
	}
	total := 0
	for i, m := range a.Memory {
		if m.Cells < 1 || m.Cells > 1<<20 || m.Weight < 0 {
			c.wrong(fmt.Sprintf("%s.memory[%d]", where, i), "is out of range")
		}
		total += m.Weight
	}
	if total > One || len(a.Memory) > 64 {
		c.wrong(where+".memory", "the weights add up to %d of %d, in %d components", total, One, len(a.Memory))
	}
	c.moods(where+".moods", a.Moods)
	if len(a.Splits) > mostTables {
		c.wrong(where+".splits", "there are %d, more than %d", len(a.Splits), mostTables)
	}
	for i := range a.Splits {
		s, where := &a.Splits[i], fmt.Sprintf("%s.splits[%d]", where, i)
		moods := 1
		if a.Moods != nil {
			moods = len(a.Moods.Next)
		}
		if s.Mood < 0 || s.Mood >= moods || s.Halving < -64 || s.Halving > 64 || s.From < 1 || s.To < s.From || s.To > 1<<40 || s.Before < -1 || s.Before >= befores {
			c.wrong(where, "is out of range")
			continue
		}
		if s.From <= fewest {
			if s.To != s.From {
				c.wrong(where, "up to %d requests are told one by one", fewest)
				continue
			}
			c.weights(where+".left", s.Left, s.From+1, false)
			continue
		}
		if s.None < 0 || s.All < 0 || s.None+s.All > One {
			c.wrong(where, "none and all are %d and %d of %d", s.None, s.All, One)
		}
		if len(s.Share) < 2 || len(s.Share) > mostKnots {
			c.wrong(where+".share", "there are %d, want 2 to %d", len(s.Share), mostKnots)
		}
		for k, x := range s.Share {
			if x < 0 || x > One || k > 0 && x < s.Share[k-1] {
				c.wrong(where+".share", "%d is out of order, or not between 0 and %d", x, One)
				break
			}
		}
	}
}

func (c *checker) moods(where string, m *Moods) {
	if m == nil {
		return
	}
	if m.Cells < 1 || m.Cells > 1<<20 || len(m.Next) < 1 || len(m.Next) > 16 {
		c.wrong(where, "%d moods of %d cells are out of range", len(m.Next), m.Cells)
	}
	c.rows(where+".next", m.Next, len(m.Next), len(m.Next))
}

func (c *checker) conversations(where string, t *Conversations) {
	if t.Pause != pauseAnswer && t.Pause != pauseArrival {
		c.wrong(where+".pause", "%q is neither %s nor %s", t.Pause, pauseAnswer, pauseArrival)
	}
	if t.TickUS < 0 || t.TickUS > hourUS {
		c.wrong(where+".tick_us", "%d is not between 0 and an hour", t.TickUS)
	}
	if t.DurationUS < 0 || t.DurationUS > dayUS {
		c.wrong(where+".duration_us", "%d is not between 0 and a day", t.DurationUS)
	}
	if t.Count < 0 || t.Turns < t.Count || t.Turns > 1<<50 {
		c.wrong(where, "%d turns in %d conversations", t.Turns, t.Count)
	}
	if len(t.Next) > 1000 {
		c.wrong(where+".next", "there are %d, more than 1000", len(t.Next))
	}
	for i := range t.Next {
		n, where := &t.Next[i], fmt.Sprintf("%s.next[%d]", where, i)
		c.share(where+".ends", n.Ends)
		c.values(where+".pause_us", &n.PauseUS, -farUS, farUS)
		if n.FromTurn < 1 || n.ToTurn != 0 && n.ToTurn < n.FromTurn {
			c.wrong(where, "turns %d to %d", n.FromTurn, n.ToTurn)
		}
		switch n.After {
		case afterAny:
		case afterShort, afterLong:
			if t.next(n.FromTurn, -1) == nil || t.next(max(n.ToTurn, n.FromTurn), -1) == nil {
				c.wrong(where, "there is none of the same turns after any pause")
			}
		default:
			c.wrong(where+".after", "%q is neither %s nor %s nor %s", n.After, afterAny, afterShort, afterLong)
		}
		// Without an end, and without a pause, a conversation would fill all memory.
		if n.Ends == 0 && len(n.PauseUS.Knots) > 0 && n.PauseUS.Knots[len(n.PauseUS.Knots)-1] < secondUS {
			c.wrong(where, "never ends, and never pauses")
		}
	}
}

func (c *checker) portion(where string, p *Portion, most int64) {
	if p == nil {
		return
	}
	c.share(where+".known", p.Known)
	c.values(where+".values", &p.Values, 0, most)
}

func (c *checker) rows(where string, rows [][]int, n, of int) {
	if len(rows) != n {
		c.wrong(where, "has %d rows, want %d", len(rows), n)
		return
	}
	for i := range rows {
		c.weights(fmt.Sprintf("%s[%d]", where, i), rows[i], of, true)
	}
}

func (c *checker) model(where string, m *Model) {
	c.text(where+".model", m.Model, 1)
	c.text(where+".operation", m.Operation, 0)
	if m.Weight < 0 || m.Weight > One {
		c.wrong(where+".weight", "%d is not between 0 and %d", m.Weight, One)
	}
	if m.FailureFactor < 0 || m.FailureFactor > 1<<40 {
		c.wrong(where+".failure_factor", "%d is out of range", m.FailureFactor)
	}
	c.share(where+".cancelled", m.Cancelled)
	if m.Runs != nil {
		c.values(where+".runs", m.Runs, 0, 1<<40)
	}
	l, w := &m.Lengths, where+".lengths"
	x, y := len(l.Request), len(l.Response)
	if x > 256 || y > 256 {
		c.wrong(w, "%d and %d classes, want at most 256", x, y)
		return
	}
	c.classes(w+".request", l.Request)
	c.classes(w+".response", l.Response)
	c.share(w+".request_unknown", l.RequestUnknown)
	c.share(w+".response_unknown", l.ResponseUnknown)
	c.topics(w, l)
	for _, shares := range [][]int{l.SameRequest, l.LikeRequest, l.SameResponse} {
		for _, s := range shares {
			c.share(w+"'s shares of what stands alike", s)
		}
	}
	if l.Context != nil {
		c.context(w+".context", l.Context, x, y)
	}
	c.portion(w+".max_tokens", l.MaxTokens, schemas.MaxTokens)
	c.portion(w+".reasoning", l.Reasoning, One)
	c.portion(w+".cached", l.Cached, One)
	t := &m.Latency
	c.share(where+".latency.known", t.Known)
	c.share(where+".latency.ttft_known", t.TTFTKnown)
	if t.TickUS < 0 || t.TickUS > dayUS {
		c.wrong(where+".latency.tick_us", "%d is not between 0 and a day", t.TickUS)
	}
	for name, tables := range map[string][][]Values{"rest_us": t.RestUS, "ttft_us": t.TTFTUS} {
		for i := range tables {
			for j := range tables[i] {
				c.values(fmt.Sprintf("%s.latency.%s[%d][%d]", where, name, i, j), &tables[i][j], 0, 2*schemas.MaxElapsedUS)
			}
		}
	}
	for i, r := range m.FinishReasons {
		c.text(fmt.Sprintf("%s.finish_reasons[%d].reason", where, i), r.Reason, 0)
		if len(r.Weights) == 0 {
			c.wrong(fmt.Sprintf("%s.finish_reasons[%d].weights", where, i), "there is none")
		}
		for _, weight := range r.Weights {
			c.share(fmt.Sprintf("%s.finish_reasons[%d].weights", where, i), weight)
		}
	}
}

// classes checks classes of tokens, each a distribution in steps.
func (c *checker) classes(where string, classes []Steps) {
	for i := range classes {
		d, where := &classes[i], fmt.Sprintf("%s[%d]", where, i)
		if len(d.From) == 0 || len(d.From) > mostKnots || len(d.To) != len(d.From) || len(d.N) != len(d.From) {
			c.wrong(where, "has %d from, %d to and %d n, want 1 to %d, as many of each", len(d.From), len(d.To), len(d.N), mostKnots)
			continue
		}
		sum := int64(0)
		for k := range d.From {
			if d.From[k] < 0 || d.To[k] < d.From[k] || d.To[k] > schemas.MaxTokens || k > 0 && d.From[k] < d.From[k-1] {
				c.wrong(where, "a step from %d to %d is out of order, or not between 0 and %d", d.From[k], d.To[k], schemas.MaxTokens)
				break
			}
			if d.N[k] < 1 || d.N[k] > mostValues {
				c.wrong(where, "a step of %d values is not between 1 and %d", d.N[k], int64(mostValues))
				break
			}
			sum += d.N[k]
		}
		if sum > mostValues {
			c.wrong(where, "has more than %d values", int64(mostValues))
		}
		if i > 0 && len(classes[i-1].From) > 0 && classes[i-1].From[0] > d.From[0] {
			c.wrong(where, "begins below the class before")
		}
	}
}

func (c *checker) topics(where string, l *Lengths) {
	x, y := len(l.Request), len(l.Response)
	if x+y > 0 && len(l.Topics) == 0 || len(l.Topics) > 256 {
		c.wrong(where+".topics", "there are %d, want 1 to 256", len(l.Topics))
	}
	first, next := 0, 0
	for i := range l.Topics {
		t, where := &l.Topics[i], fmt.Sprintf("%s.topics[%d]", where, i)
		if t.Run < runUnit || t.Run > 1<<50 {
			c.wrong(where+".run", "%d is not between %d and 2^50", t.Run, runUnit)
		}
		c.share(where+".first", t.First)
		c.share(where+".weight", t.Weight)
		first, next = first+t.First, next+t.Weight
		c.weights(where+".request", t.Request, x, x == 0)
		if y == 0 {
			continue
		}
		if len(t.Answer) != max(x, 1) {
			c.wrong(where+".answer", "has %d rows, want %d", len(t.Answer), max(x, 1))
			continue
		}
		for k, a := range t.Answer {
			c.weights(fmt.Sprintf("%s.answer[%d]", where, k), a, y, false)
		}
	}
	if len(l.Topics) > 1 && (first == 0 || next == 0) {
		c.wrong(where+".topics", "all weights are 0")
	}
}

// context checks how conversations carry their history, over so many classes of requests and responses.
func (c *checker) context(where string, m *Context, x, y int) {
	if len(m.Cut) < 3 || len(m.Cut) > 1000 || x == 0 {
		c.wrong(where+".cut", "has %d rows, want 3 to 1000, and %d classes", len(m.Cut), x)
	}
	for i, row := range m.Cut {
		if len(row) != x {
			c.wrong(fmt.Sprintf("%s.cut[%d]", where, i), "has %d shares, want %d", len(row), x)
		}
		for _, s := range row {
			c.share(fmt.Sprintf("%s.cut[%d]", where, i), s)
		}
	}
	if len(m.Grown) != grownStates {
		c.wrong(where+".grown", "has %d rows, want %d", len(m.Grown), grownStates)
	}
	for i, row := range m.Grown {
		if len(row) != max(y, 1) {
			c.wrong(fmt.Sprintf("%s.grown[%d]", where, i), "has %d distributions, want %d", len(row), max(y, 1))
		}
		for k := range row {
			c.values(fmt.Sprintf("%s.grown[%d][%d]", where, i, k), &row[k], -mostGrown, mostGrown)
		}
	}
	if len(m.Kept) != x {
		c.wrong(where+".kept", "has %d distributions, want %d", len(m.Kept), x)
	}
	for i := range m.Kept {
		c.values(fmt.Sprintf("%s.kept[%d]", where, i), &m.Kept[i], 0, One)
	}
	if len(m.Drawn) != len(m.Meant) {
		c.wrong(where, "%d quantiles are drawn, and %d meant", len(m.Drawn), len(m.Meant))
	}
	if len(m.Drawn) > 0 {
		c.values(where+".drawn", &Values{Knots: m.Drawn}, 1, schemas.MaxTokens)
		c.values(where+".meant", &Values{Knots: m.Meant}, 0, schemas.MaxTokens)
	}
}

func (c *checker) failures(where string, f *Failures) {
	if f.Block < 1 || f.Block > 1<<20 {
		c.wrong(where+".block", "%d is not between 1 and 2^20", f.Block)
	}
	if len(f.Classes) == 0 || len(f.Classes) > 64 || len(f.Kinds) == 0 || len(f.Kinds) > 1000 {
		c.wrong(where, "%d classes and %d kinds, want 1 to 64 and 1 to 1000", len(f.Classes), len(f.Kinds))
	}
	for i := range f.Classes {
		k, where := &f.Classes[i], fmt.Sprintf("%s.classes[%d]", where, i)
		c.share(where+".after_ok", k.AfterOK)
		c.share(where+".after_fail", k.AfterFail)
		for q := range k.Next {
			c.weights(fmt.Sprintf("%s.next[%d]", where, q), k.Next[q], len(f.Classes), false)
		}
	}
	sum := 0
	for i := range f.Kinds {
		k, where := &f.Kinds[i], fmt.Sprintf("%s.kinds[%d]", where, i)
		if o := schemas.ParseOutcome(k.Outcome); !o.Failed() || o == schemas.OutcomeUnknown {
			c.wrong(where+".outcome", "%q is no failure", k.Outcome)
		}
		if k.StatusCode < schemas.Unknown || k.StatusCode > 999 {
			c.wrong(where+".status_code", "%d is not between -1 and 999", k.StatusCode)
		}
		c.text(where+".error_type", k.ErrorType, 0)
		c.text(where+".finish_reason", k.FinishReason, 0)
		c.share(where+".weight", k.Weight)
		c.share(where+".stays", k.Stays)
		c.share(where+".request_zero", k.RequestZero)
		c.share(where+".request_unknown", k.RequestUnknown)
		if k.Response != nil {
			c.values(where+".response", k.Response, 0, schemas.MaxTokens)
		}
		if k.ElapsedUS != nil {
			c.values(where+".elapsed_us", k.ElapsedUS, 0, schemas.MaxElapsedUS)
		}
		sum += k.Weight
	}
	if sum == 0 {
		c.wrong(where+".kinds", "all weights are 0")
	}
}
