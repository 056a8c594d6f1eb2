package contrast

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"tidegauge/report"
)

// LikenessSchema is the value of Likeness.Schema: the document's name and version.
const LikenessSchema = "tidegauge.likeness/1"

// LikenessJSONSchema is the JSON Schema (2020-12) of the document.
//
//go:embed likeness.schema.json
var LikenessJSONSchema []byte

// Likeness says which of some loads a workload resembles most.
type Likeness struct {
	Schema      string `json:"schema"`
	GeneratedBy string `json:"generated_by"`
	Name        string `json:"name"`
	Requests    int64  `json:"requests"`
	// Resembles is the first of Candidates, which are in order, the nearest first.
	Resembles  string      `json:"resembles"`
	Candidates []Candidate `json:"candidates"`
}

// Candidate is a load that the workload was compared with.
type Candidate struct {
	Name string `json:"name"`
	// Distance is how far it is: the mean over the sections of theirs. Null where no section could be compared.
	Distance report.Number `json:"distance"`
	// Sections are those that both have, but load and latency: a profile has no rate of its own, and latency is a server's.
	Sections []SectionDistance `json:"sections"`
}

// SectionDistance is how far a candidate is in one section: the mean over its measures of their distances, in tolerances.
type SectionDistance struct {
	Section  string        `json:"section"`
	Distance report.Number `json:"distance"`
	Verdict  Verdict       `json:"verdict"`
	// Nearest and Farthest are its measures that are.
	Nearest  string `json:"nearest"`
	Farthest string `json:"farthest"`
}

// farthestAway bounds a measure's distance, in tolerances: beyond, it is simply another load, and one such number should
// not hide all others.
const farthestAway = 20

// Like compares a workload with candidates.
func Like(w *Workload, candidates []*Workload, o Options) *Likeness {
	o.WholeOnly = true
	out := &Likeness{Schema: LikenessSchema, GeneratedBy: o.GeneratedBy, Name: w.Name, Requests: w.service().Requests, Candidates: []Candidate{}}
	for _, b := range candidates {
		c, _ := Compare(w, b, o)
		out.Candidates = append(out.Candidates, candidate(b.Name, &c.Streams[0]))
	}
	slices.SortStableFunc(out.Candidates, func(a, b Candidate) int { return cmp.Compare(far(a), far(b)) })
	if len(out.Candidates) > 0 && out.Candidates[0].Distance.Defined() {
		out.Resembles = out.Candidates[0].Name
	}
	return out
}

func far(c Candidate) float64 {
	if !c.Distance.Defined() {
		return math.Inf(1)
	}
	return float64(c.Distance)
}

func candidate(name string, s *Stream) Candidate {
	c := Candidate{Name: name, Distance: report.Null, Sections: []SectionDistance{}}
	var sum float64
	for _, section := range s.Sections {
		if section.Section == Load || section.Section == Latency {
			continue
		}
		d, ok := sectionDistance(&section)
		if !ok {
			continue
		}
		sum += float64(d.Distance)
		c.Sections = append(c.Sections, d)
	}
	if len(c.Sections) > 0 {
		c.Distance = report.Number(sum / float64(len(c.Sections)))
	}
	return c
}

// sectionDistance averages a section's measures, those that both sides have.
func sectionDistance(s *Section) (d SectionDistance, ok bool) {
	d = SectionDistance{Section: s.Section, Verdict: s.Verdict}
	low, high := math.Inf(1), math.Inf(-1)
	var sum, n float64
	for i := range s.Measures {
		m := &s.Measures[i]
		if math.IsNaN(float64(m.Distance)) || m.N.A == 0 || m.N.B == 0 {
			continue
		}
		tolerances := min(float64(m.Distance/m.Tolerance), farthestAway)
		sum += tolerances
		n++
		text := fmt.Sprintf("%s %s against %s", m.Title, m.quantity(m.A), m.quantity(m.B))
		if tolerances < low {
			low, d.Nearest = tolerances, text
		}
		if tolerances > high {
			high, d.Farthest = tolerances, text
		}
	}
	d.Distance = report.Number(sum / n)
	return d, n > 0
}

// WriteLikenessJSON writes the document followed by a newline.
func WriteLikenessJSON(w io.Writer, l *Likeness) error {
	var compact bytes.Buffer
	e := json.NewEncoder(&compact)
	e.SetEscapeHTML(false)
	if err := e.Encode(l); err != nil {
		return err
	}
	_, err := w.Write(report.Lines(compact.Bytes()))
	return err
}

// WriteLikeness writes it for a person.
func WriteLikeness(w io.Writer, l *Likeness, o TableOptions) error {
	t := table{paint: o.Colour}
	t.line("%s  %s", t.in(bold, l.Name), several(l.Requests, "request"))
	t.line("")
	t.line("%s", t.in(dim, fmt.Sprintf("%-14s %9s  %s", "", "distance", "in tolerances, and in each section")))
	for _, c := range l.Candidates {
		line := fmt.Sprintf("%-14s %9s", shorten(c.Name, 14), figure(float64(c.Distance)))
		for _, s := range c.Sections {
			line += fmt.Sprintf("  %s %s", s.Section, figure(float64(s.Distance)))
		}
		t.line("%s", line)
	}
	t.line("")
	if l.Resembles == "" {
		t.wrapped("", "Nothing can be told: there is nothing in it that could be compared.")
	} else {
		t.wrapped("", t.in(bold, fmt.Sprintf("It resembles %s most.", l.Resembles)))
		for _, s := range l.Candidates[0].Sections {
			words := fmt.Sprintf("%s: nearest %s; farthest %s", s.Section, s.Nearest, s.Farthest)
			if s.Nearest == s.Farthest {
				words = fmt.Sprintf("%s: %s", s.Section, s.Nearest)
			}
			t.wrapped("  ", words)
		}
		if d := l.Candidates[0].Distance; d > 5 {
			t.wrapped("", "That is not near: what is wanted is a profile of its own (tidegauge fit).")
		}
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}
