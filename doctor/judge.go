package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidegauge/schemas"
)

// Bounds of what is believed of a log.
const (
	// Nobody's decoder gives more tokens a second to one request, and nobody waits for fewer: beyond them a duration is in
	// another unit.
	fastest, slowest = 20_000, 0.05
	// manyRequests is from how many on it is odd that none failed, or that all are alike.
	manyRequests = 1000
	someRequests = 100
	// coarse is the share of gaps of 0 from which fits by maximum likelihood mislead, as in reports.
	coarse = 0.01
	// rare is the share up to which a mistake is an accident of the log.
	rare = 0.01
	// longGap is how long nothing may come before it is worth a word.
	longGap = 6 * 60 * schemas.MinuteUS
)

// judge adds what is odd.
func (e *Examination) judge(d *Diagnosis, t Totals) {
	find := func(level, code string, n int64, example, format string, arguments ...any) {
		d.Findings = append(d.Findings, Finding{Level: level, Code: code, Count: n, Example: example, Text: fmt.Sprintf(format, arguments...)})
	}
	signed := func(s sign, code, format string, arguments ...any) {
		if n := e.counts[s]; n > 0 {
			level := Note
			if float64(n) > rare*float64(d.Requests) {
				level = Wrong
			}
			find(level, code, n, e.examples[s], "%s "+format, append([]any{plural(n, "request")}, arguments...)...)
		}
	}
	e.judgeUnits(d, t, find)
	signed(tooEarly, "arrivals_before_2000", "from before the year 2000: the clock counts in another unit (milliseconds where seconds are meant?)")
	signed(future, "arrivals_in_future", "from the future: is the clock's unit, or its zone, right?")
	signed(ttftAfterEnd, "ttft_after_end", "with a first token after the end (ttft above elapsed), left out of tpot: are both in one unit?")
	signed(queueAfterTTFT, "queue_above_ttft", "that waited longer than until the first token (queue above ttft): are both in one unit?")
	signed(cachedAboveRequest, "cached_above_request", "with more cached than request tokens: are cached tokens left out of request_tokens?")
	signed(reasoningAboveResponse, "reasoning_above_response", "with more reasoning than response tokens: response_tokens has to include them")
	signed(responseAboveMax, "response_above_max", "with an answer of more than max_tokens")
	e.judgeOrder(d, find)
	e.judgeClock(d, find)
	e.judgeIDs(d, find)
	e.judgeValues(d, find)
}

type finder func(level, code string, n int64, example, format string, arguments ...any)

// judgeUnits looks at durations: by how fast tokens came, which hardly depends on what was asked.
func (e *Examination) judgeUnits(d *Diagnosis, t Totals, find finder) {
	if e.speed.known >= 10 {
		switch speed := e.speed.median(); {
		case speed > fastest:
			find(Wrong, "elapsed_too_short", e.speed.known, "", "elapsed looks too short: half of the answers came faster than %s tokens/s. Is it in seconds where milliseconds are meant?", figure(speed))
		case speed < slowest:
			find(Wrong, "elapsed_too_long", e.speed.known, "", "elapsed looks too long: half of the answers came at under %s tokens/s. Is it in milliseconds where seconds are meant?", figure(speed))
		}
	} else if f := d.Field("elapsed"); f.Known > 10 && *f.Median > 3600*schemas.SecondUS {
		find(Wrong, "elapsed_too_long", f.Known, "", "elapsed looks too long: its median is %s. Is it in milliseconds where seconds are meant?", duration(*f.Median))
	}
	if t.CutDurations > 0 {
		find(Wrong, "cut_durations", t.CutDurations, "", "%s above 24 h, cut to it: a wrong unit, or a connection that nobody closed", plural(t.CutDurations, "duration"))
	}
}

func (e *Examination) judgeOrder(d *Diagnosis, find finder) {
	if n := e.counts[backwards]; n > 0 {
		// A log that is written as requests end is out of order by as much as they take.
		usual := 3600.0 * schemas.SecondUS
		if f := d.Field("elapsed"); f.Max != nil {
			usual = max(usual, *f.Max)
		}
		if float64(e.farthestBack) > usual {
			find(Wrong, "clock_jumps_back", n, e.examples[backwards], "arrivals step back %s times, by up to %s: a clock that jumped, a wrong zone, or several logs in one file", count(n), duration(float64(e.farthestBack)))
		} else {
			find(Note, "out_of_order", n, e.examples[backwards], "arrivals step back %s times, by up to %s, as they do where a log is written as requests end. No number depends on it", count(n), duration(float64(e.farthestBack)))
		}
	}
	var widest, at int64
	for i := 1; i < len(e.rows); i++ {
		if a, b := &e.rows[i-1], &e.rows[i]; a.service == b.service && b.arrival-a.arrival > widest {
			widest, at = b.arrival-a.arrival, a.arrival
		}
	}
	if widest > longGap && d.Requests >= someRequests {
		find(Note, "long_gap", 0, "", "nothing arrived for %s after %s: is a part of the log missing?", duration(float64(widest)), clock(at))
	}
}

// judgeClock finds how finely the clock ticks, and what that does to gaps.
func (e *Examination) judgeClock(d *Diagnosis, find finder) {
	var tick, zeros, gaps int64
	for i := range e.rows {
		tick = divisor(tick, e.rows[i].arrival-d.FirstArrivalUS)
		if i > 0 && e.rows[i].service == e.rows[i-1].service {
			gaps++
			if e.rows[i].arrival == e.rows[i-1].arrival {
				zeros++
			}
		}
	}
	share := 0.0
	if gaps > 0 {
		share = float64(zeros) / float64(gaps)
	}
	if d.FirstArrivalUS < year2000 && e.counts[tooEarly] == 0 {
		moves := ""
		if slices.ContainsFunc(d.Sources, func(s Source) bool { return ownOrigin(s.Format) }) {
			moves = ". --epoch 2024-05-01T00:00:00Z moves it to where it was"
		}
		find(Note, "own_origin", 0, "", "times count from the trace's own start: hours and weekdays are not real%s", moves)
	}
	if d.Requests < 10 {
		return
	}
	if tick > 0 && tick%schemas.SecondUS == 0 {
		find(Note, "coarse_clock", zeros, "", "the clock ticks every %s (%s of gaps are 0): gamma_shape_mle, zero_gap_share and the fitted families say little; gap_cv and gamma_shape hold. Log fractions of a second",
			duration(float64(tick)), percent(share))
	} else if share > coarse {
		find(Note, "zero_gaps", zeros, "", "%s of gaps are 0 (the clock ticks every %s): fits of gaps by maximum likelihood leave them out", percent(share), duration(float64(max(tick, 1))))
	}
}

func divisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// judgeIDs finds requests that come twice, and ids that stand on several.
func (e *Examination) judgeIDs(d *Diagnosis, find finder) {
	made := slices.ContainsFunc(e.rows, func(r row) bool { return r.made })
	if made {
		find(Note, "ids_made", 0, "", "the log gives no ids of requests; they are made of the file's first KiB and the line. Reading it again is harmless, the same rows in another file are other requests")
	}
	slices.SortFunc(e.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.service, b.service), cmp.Compare(a.id, b.id), cmp.Compare(a.content, b.content))
	})
	var twice, conflicts int64
	for i := 1; i < len(e.rows); i++ {
		a, b := &e.rows[i-1], &e.rows[i]
		switch {
		case b.id == 0 || a.id != b.id || a.service != b.service:
		case a.content == b.content:
			twice++
		default:
			conflicts++
		}
	}
	if twice > 0 {
		find(Note, "duplicates", twice, "", "%s equal to others, id and all: they count once", plural(twice, "request"))
	}
	if conflicts > 0 {
		find(Wrong, "conflicting_ids", conflicts, "", "%s with an id that another request has, and other content: each counts. Is the id the conversation's, or are there two records of one request?", plural(conflicts, "request"))
	}
}

// judgeValues looks at what values there are.
func (e *Examination) judgeValues(d *Diagnosis, find finder) {
	n := d.Requests
	switch {
	case e.failures == 0 && n >= manyRequests:
		find(Note, "no_failures", 0, "", "none of %s failed: are failures written to another log? Without them there are no failure rates", plural(n, "request"))
	case e.failures == n && n >= 10:
		find(Wrong, "all_failed", n, "", "all requests failed: is the outcome, or the count of response tokens, read from the right place?")
	case e.failures > 0:
		if f := d.Field("outcome"); !slices.ContainsFunc(f.Examples, func(o string) bool { return o != "ok" && o != "empty" && o != "cancelled" }) && d.Field("status_code").Known == 0 && f.Distinct <= 3 {
			find(Note, "only_empty", e.failures, "", "all failures are answers of 0 tokens (empty): the log says no status and no error, so others are not seen")
		}
	}
	for _, name := range []string{"request_tokens", "response_tokens"} {
		if f := d.Field(name); f.Known >= someRequests && *f.Min == *f.Max && *f.Max > 0 {
			find(Note, "constant_tokens", f.Known, "", "all requests have %s %s: a benchmark, or a value that somebody filled in? lengths have no spread", count(int64(*f.Max)), name)
		}
	}
	if f := d.Field("conversation"); f.Known >= someRequests && f.Distinct > mostValues/2 && int64(f.Distinct) == min(f.Known, mostValues+1) && e.fields[fieldAt("conversation")].mostOften() == 1 {
		find(Wrong, "conversations_of_one", f.Known, "", "no conversation comes twice: is its id the request's?")
	}
	if f := d.Field("model"); f.Distinct > mostValues {
		find(Wrong, "many_models", int64(f.Distinct), "", "%s models: is something else in their place? Each is a stream of its own", atLeast(f.Distinct))
	}
	if f := d.Field("service"); f.Distinct > mostValues {
		find(Wrong, "many_services", int64(f.Distinct), "", "%s services: is it the caller's name? Each is counted for itself", atLeast(f.Distinct))
	}
	if f := d.Field("model"); f.Known > 0 && slices.Contains(f.Examples, "unknown") {
		find(Note, "unknown_model", 0, "", "the log names no model: say which with --model")
	}
	for _, f := range d.Fields {
		if key, ok := strings.CutPrefix(f.Name, "label "); ok && f.Distinct > mostValues {
			find(Note, "many_label_values", int64(f.Distinct), "", "label %s has %s values: leave it out (--labels), or have them share buckets (--labels %s/100,…)", key, atLeast(f.Distinct), key)
		}
	}
}

func (c *fieldCount) mostOften() (n int64) {
	for _, v := range c.values {
		n = max(n, v)
	}
	return n
}

func fieldAt(name string) int {
	return slices.IndexFunc(kinds, func(k fieldKind) bool { return k.name == name })
}

// sections says how much of the characterisation the log allows.
func (e *Examination) sections(d *Diagnosis) {
	add := func(name string, wants ...string) {
		s := Section{Name: name, Have: "all"}
		var lost, some []string
		for _, w := range wants {
			switch share := d.share(w); {
			case share == 0:
				lost = append(lost, w)
			case share < 0.99:
				some = append(some, fmt.Sprintf("%s of %s", w, percent(share)))
			}
		}
		if len(lost) == len(wants) && len(wants) > 0 {
			s.Have = "nothing"
		} else if len(lost)+len(some) > 0 {
			s.Have = "part"
		}
		if len(lost) > 0 {
			s.Why = "no " + strings.Join(lost, ", no ")
		}
		if len(some) > 0 {
			s.Why = strings.TrimPrefix(s.Why+"; "+strings.Join(some, ", "), "; ")
		}
		d.Sections = append(d.Sections, s)
	}
	add("Arrivals", "elapsed")
	a := &d.Sections[0]
	if a.Have != "all" {
		a.Have, a.Why = "part", strings.Replace(a.Why, "elapsed", "elapsed: in_flight", 1)
	}
	if d.has("coarse_clock") || d.has("zero_gaps") {
		a.Have, a.Why = "part", strings.TrimPrefix(a.Why+"; a coarse clock: fits of gaps", "; ")
	}
	add("Conversations", "conversation")
	add("Lengths", "request_tokens", "response_tokens")
	add("Failures", "outcome", "status_code", "error_type")
	f := &d.Sections[len(d.Sections)-1]
	switch {
	case e.failures == 0:
		f.Have, f.Why = "part", "none failed"
	case d.has("only_empty"):
		f.Have, f.Why = "part", "empty answers only"
	}
	add("Latency", "elapsed", "ttft")
}

func clock(us int64) string { return time.UnixMicro(us).UTC().Format("2006-01-02 15:04:05") }
