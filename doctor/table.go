package doctor

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// TableOptions says how WriteTable writes.
type TableOptions struct {
	// Colour sets headings and what is wrong off with ANSI escapes.
	Colour bool
}

// width is where text is wrapped.
const width = 100

// WriteTable writes a diagnosis for a person at a terminal: what one gets first, then why not more.
func WriteTable(w io.Writer, d *Diagnosis, o TableOptions) error {
	t := table{paint: o.Colour}
	t.head(d)
	if d.Requests > 0 {
		t.sections(d)
		t.fields(d)
	}
	t.refusals(d)
	t.findings(d)
	t.advice(d)
	t.verdict(d)
	_, err := io.WriteString(w, t.b.String())
	return err
}

type table struct {
	b     strings.Builder
	paint bool
}

// Escapes of ANSI.
const (
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	plain  = "\x1b[0m"
)

func (t *table) in(style, text string) string {
	if !t.paint || text == "" {
		return text
	}
	return style + text + plain
}

func (t *table) line(format string, arguments ...any) {
	t.b.WriteString(strings.TrimRight(fmt.Sprintf(format, arguments...), " ") + "\n")
}

func (t *table) heading(name, about string) {
	t.b.WriteString("\n" + t.in(bold, name))
	if about != "" {
		t.b.WriteString("  " + t.in(dim, about))
	}
	t.b.WriteString("\n")
}

// mostSources is how many files are named.
const mostSources = 8

func (t *table) head(d *Diagnosis) {
	for i, s := range d.Sources {
		if i == mostSources && len(d.Sources) > mostSources+1 {
			t.line("… and %s", plural(int64(len(d.Sources)-i), "more source"))
			break
		}
		t.line("%s  %s, %s", t.in(bold, s.Name), s.Format, plural(s.Requests, "request"))
	}
	if d.Requests == 0 {
		t.line("no requests")
		return
	}
	var more []string
	if f := d.Field("service"); f.Distinct > 1 {
		more = append(more, atLeast(f.Distinct)+" services")
	}
	if d.Refused > 0 {
		more = append(more, t.in(red, plural(d.Refused, "row")+" refused"))
	}
	if d.Other > 0 {
		more = append(more, plural(d.Other, "record")+" passed over (no request)")
	}
	if d.Repeated > 0 {
		more = append(more, plural(d.Repeated, "span")+" of calls that others show too")
	}
	t.line("%s", strings.Join(append([]string{clock(d.FirstArrivalUS) + " to " + clock(d.LastArrivalUS)}, more...), ", "))
}

func (t *table) sections(d *Diagnosis) {
	t.heading("What you get", "")
	for _, s := range d.Sections {
		mark, style := "✓", green
		switch s.Have {
		case "part":
			mark, style = "~", yellow
		case "nothing":
			mark, style = "✗", red
		}
		t.line("  %s %-14s %-8s %s", t.in(style, mark), s.Name, s.Have, s.Why)
	}
}

func (t *table) fields(d *Diagnosis) {
	t.heading("Fields", "known of the requests that could have it; least, median and largest, or the commonest values")
	var absent []string
	for _, f := range d.Fields {
		switch {
		case f.Known == 0 && (f.optional || f.Of > 0 && f.Costs == ""):
			absent = append(absent, f.Name)
		case f.Known == 0 && f.Of == 0:
			t.row(f, "", t.in(dim, "no request that could have it"))
		case f.Known == 0:
			t.row(f, red, t.in(red, "missing, costs ")+f.Costs)
		case f.Costs != "":
			t.row(f, yellow, f.values()+"; the rest costs "+f.Costs)
		default:
			t.row(f, green, f.values())
		}
	}
	if len(absent) > 0 {
		t.wrapped("  ", t.in(dim, "not there, which costs no number: ")+strings.Join(absent, ", "))
	}
}

// blocks draw eighths.
var blocks = []rune(" ▏▎▍▌▋▊▉█")

const barCells = 8

func (t *table) row(f Field, style, text string) {
	share, shown := 0.0, "-"
	if f.Of > 0 {
		share = float64(f.Known) / float64(f.Of)
		shown = percent(share)
	}
	eighths := int(share*barCells*8 + 0.5)
	if f.Known > 0 && eighths == 0 {
		eighths = 1
	}
	bar := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		bar += string(blocks[rest])
	}
	bar += strings.Repeat("·", barCells-utf8.RuneCountInString(bar))
	indent := 2 + nameCells + 1 + barCells + 1 + 8 + 2
	text = wrap(text, width-indent, strings.Repeat(" ", indent))
	t.line("  %-*s %s %8s  %s", nameCells, clip(f.Name, nameCells), t.in(style, bar), shown, text)
}

const nameCells = 16

// values says in half a line what a field is like.
func (f *Field) values() string {
	if f.Min != nil {
		write := func(v float64) string { return count(int64(v)) }
		if f.unit == "us" {
			write = duration
		}
		if *f.Min == *f.Max {
			return "always " + write(*f.Min)
		}
		return write(*f.Min) + " … " + write(*f.Median) + " … " + write(*f.Max)
	}
	var names []string
	for _, e := range f.Examples {
		names = append(names, clip(printable(e), 24))
	}
	text := strings.Join(names, ", ")
	if f.Distinct > len(f.Examples) {
		text = atLeast(f.Distinct) + ": " + text + ", …"
	}
	return text
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}

func clip(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

func (t *table) refusals(d *Diagnosis) {
	if len(d.Refusals) == 0 {
		return
	}
	t.heading("Refused", "rows that cannot be read, by reason")
	for _, r := range d.Refusals {
		rows := strings.Join(r.Rows, ", ")
		if int64(len(r.Rows)) < r.Count {
			rows += ", …"
		}
		t.wrapped("  ", fmt.Sprintf("%s %s × %s: %s  %s", t.in(red, "✗"), count(r.Count), r.Field, printable(r.Reason), t.in(dim, "("+rows+")")))
	}
}

func (t *table) findings(d *Diagnosis) {
	if len(d.Findings) == 0 {
		return
	}
	t.heading("To look at", "")
	for _, f := range d.Findings {
		mark := t.in(yellow, "·")
		if f.Level == Wrong {
			mark = t.in(red, "✗")
		}
		text := f.Text
		if f.Example != "" {
			text += " " + t.in(dim, "(first: "+f.Example+")")
		}
		t.wrapped("  ", mark+" "+text)
	}
}

func (t *table) advice(d *Diagnosis) {
	if len(d.Advice) == 0 {
		return
	}
	t.heading("To change where the log is made", "")
	several := false
	for _, a := range d.Advice {
		several = several || a.Format != d.Advice[0].Format
	}
	for _, a := range d.Advice {
		name := a.Field
		if several {
			name = a.Format + " " + name
		}
		t.wrapped("  ", t.in(bold, name)+": "+a.Text)
	}
}

func (t *table) verdict(d *Diagnosis) {
	wrong := 0
	for _, f := range d.Findings {
		if f.Level == Wrong {
			wrong++
		}
	}
	t.b.WriteString("\n")
	switch {
	case d.Refused > 0 && wrong > 0:
		t.line("%s %s refused, and %s", t.in(red, "✗"), plural(d.Refused, "row"), things(wrong))
	case d.Refused > 0:
		t.line("%s %s refused; what was read looks right", t.in(red, "✗"), plural(d.Refused, "row"))
	case wrong > 0:
		t.line("%s %s", t.in(red, "✗"), things(wrong))
	case d.Requests == 0:
		t.line("%s no request was found", t.in(yellow, "~"))
	default:
		t.line("%s every row was read, and nothing looks wrong", t.in(green, "✓"))
	}
}

func things(n int) string {
	if n == 1 {
		return "one thing looks wrong (✗ above)"
	}
	return fmt.Sprintf("%d things look wrong (✗ above)", n)
}

// wrapped writes a paragraph, its further lines below its text.
func (t *table) wrapped(indent, text string) {
	t.line("%s%s", indent, wrap(text, width-len(indent), indent+"  "))
}

// wrap breaks text at spaces. Escapes take no room.
func wrap(text string, room int, indent string) string {
	var b strings.Builder
	used := 0
	for i, word := range strings.Split(text, " ") {
		n := visible(word)
		switch {
		case i == 0:
		case used+1+n > room && used > 0:
			b.WriteString("\n" + indent)
			used = 0
		default:
			b.WriteString(" ")
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}

// visible counts the characters of a word that are seen.
func visible(word string) (n int) {
	escape := false
	for _, r := range word {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r != 'm'
		default:
			n++
		}
	}
	return n
}
