package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// TableOptions says how WriteTable writes.
type TableOptions struct {
	// Colour sets headings and warnings off with ANSI escapes.
	Colour bool
	// Streams is how many streams of a service are shown, the largest; 0 is 12, negative all.
	Streams int
}

const (
	// defaultStreams keeps a section on a screen.
	defaultStreams = 12
	// mostServices keeps the whole to a few.
	mostServices = 8
	mostWarnings = 12
	notShown     = " not shown here; --json has all"
)

// WriteTable writes the summary for a person at a terminal: at most 100 columns wide, a section for each part of the
// document that the log has something to say about, one row a stream. It leaves numbers out; WriteJSON has all.
func WriteTable(w io.Writer, s *Summary, o TableOptions) error {
	if o.Streams == 0 {
		o.Streams = defaultStreams
	}
	var b strings.Builder
	p := paint{o.Colour}
	services := largest(s.Services, mostServices, func(v *Service) int64 { return v.Requests })
	for i, v := range services {
		if i > 0 {
			b.WriteString("\n\n")
		}
		writeService(&b, v, s.Range.TimeZone, o, p)
	}
	if more := len(s.Services) - len(services); more > 0 {
		b.WriteString("\n" + p.dim(plural(int64(more), "smaller service")+notShown) + "\n")
	}
	if len(s.Services) == 0 {
		b.WriteString("no requests\n")
	}
	writeWarnings(&b, s, p)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeService(b *strings.Builder, s *Service, zone string, o TableOptions, p paint) {
	fmt.Fprintf(b, "%s  %s, %s\n", p.bold(s.Service), plural(s.Requests, "request"),
		period(s.FirstArrivalUS, s.LastArrivalUS))
	writeHours(b, s, zone, p)
	streams, more := shown(s.Streams, o.Streams)
	for _, section := range []func(*strings.Builder, []*Stream, paint){
		writeArrivals, writeLengths, writeFailures, writeLatency,
	} {
		section(b, streams, p)
	}
	writeConversations(b, &s.Conversations, p)
	if more > 0 {
		b.WriteString("\n" + p.dim(plural(int64(more), "smaller stream")+notShown) + "\n")
	}
}

// writeHours draws the requests by hour of day, if the log covers a day.
func writeHours(b *strings.Builder, s *Service, zone string, p paint) {
	if s.LastArrivalUS-s.FirstArrivalUS < 24*hourUS {
		return
	}
	var requests [24]int64
	busiest := 0
	for h, v := range s.ByHour {
		requests[h] = v.Requests
		if v.Requests > requests[busiest] {
			busiest = h
		}
	}
	fmt.Fprintf(b, "%s 00 %s 23 %s, busiest at %02d:00 with %s of requests\n", p.dim("by hour"), sparks(requests[:]),
		zone, busiest, percent(ratio(requests[busiest], s.Requests)))
}

// shown picks the streams to show, in the document's order: the largest of those that no narrower stream repeats.
func shown(streams []Stream, most int) (out []*Stream, more int) {
	for i := range streams {
		if !slices.ContainsFunc(streams, func(o Stream) bool { return repeats(&streams[i], &o) }) {
			out = append(out, &streams[i])
		}
	}
	if most < 0 || len(out) <= most {
		return out, 0
	}
	kept := largest(out, most, func(s **Stream) int64 { return (*s).Requests })
	more = len(out) - most
	out = out[:0:0]
	for _, s := range kept {
		out = append(out, *s)
	}
	return out, more
}

// largest picks the largest of values, in the order they have.
func largest[T any](values []T, most int, size func(*T) int64) (out []*T) {
	for i := range values {
		out = append(out, &values[i])
	}
	if len(out) <= most {
		return out
	}
	bySize := slices.Clone(out)
	slices.SortStableFunc(bySize, func(a, b *T) int { return cmp.Compare(size(b), size(a)) })
	return slices.DeleteFunc(out, func(v *T) bool { return !slices.Contains(bySize[:most], v) })
}

// repeats says whether o names more than s does and still has all its requests.
func repeats(s, o *Stream) bool {
	within := func(all, one *string) bool { return all == nil || (one != nil && *all == *one) }
	narrower := (s.Model == nil && o.Model != nil) || (s.LogType == nil && o.LogType != nil)
	return narrower && s.Requests == o.Requests && within(s.Model, o.Model) && within(s.LogType, o.LogType)
}

// numbers are columns of numbers under one heading, or none.
func numbers(group string, names ...string) (columns []column) {
	for _, name := range names {
		columns = append(columns, column{group, name, false})
	}
	return columns
}

// streamColumns begin every section's table, streamCells its rows.
func streamColumns(more ...[]column) []column {
	return append([]column{{"", "model", true}, {"", "log type", true}}, slices.Concat(more...)...)
}

func streamCells(s *Stream, more ...string) []string {
	return append([]string{streamName(s.Model), streamName(s.LogType)}, more...)
}

// streamName writes half of a stream's name.
func streamName(name *string) string {
	switch {
	case name == nil:
		return "all"
	case *name == "":
		return "(none)"
	default:
		return *name
	}
}

func heading(b *strings.Builder, p paint, title, note string) {
	b.WriteString("\n" + p.bold(title))
	if note != "" {
		b.WriteString("  " + p.dim(note))
	}
	b.WriteString("\n")
}

// absent names, by warning, what a log may simply not have. That is no fault of the log, so it is said in one line.
var absent = map[string]string{
	WarnNoRequestTokens: "request tokens", WarnNoResponseTokens: "response tokens", WarnNoElapsed: "elapsed time",
	WarnNoTTFT: "time to first token", WarnNoConversations: "conversations",
}

func writeWarnings(b *strings.Builder, s *Summary, p paint) {
	missing := map[string][]string{} // by service
	var marked []string
	for _, w := range s.Warnings {
		if what, ok := absent[w.Code]; ok {
			missing[w.Service] = append(missing[w.Service], what)
		} else {
			marked = append(marked, prefix(s, w.Service)+w.Text)
		}
	}
	if len(s.Warnings) > 0 {
		b.WriteString("\n")
	}
	services := map[string][]string{} // by what they miss
	for _, v := range s.Services {
		if what := strings.Join(missing[v.Service], ", "); what != "" {
			services[what] = append(services[what], v.Service)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(services)) {
		text := "not in this log: " + what
		if names := services[what]; len(names) < len(s.Services) {
			text = prefix(s, enumerate(names, 3)) + text
		}
		for _, line := range wrap(text, tableWidth) {
			b.WriteString(p.dim(line) + "\n")
		}
	}
	for _, text := range marked[:min(len(marked), mostWarnings)] {
		for i, line := range wrap(text, tableWidth-2) {
			mark := "! "
			if i > 0 {
				mark = "  "
			}
			b.WriteString(p.yellow(mark+line) + "\n")
		}
	}
	if more := len(marked) - mostWarnings; more > 0 {
		b.WriteString(p.dim(plural(int64(more), "more warning")+notShown) + "\n")
	}
}

// enumerate lists names, but no more than most.
func enumerate(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
}

// prefix names the service a warning concerns, where there are several.
func prefix(s *Summary, service string) string {
	if service == "" || len(s.Services) < 2 {
		return ""
	}
	return service + ": "
}

// sentence writes a line of words, broken to the table's width.
func sentence(b *strings.Builder, format string, arguments ...any) {
	for i, line := range wrap(fmt.Sprintf(format, arguments...), tableWidth-4) {
		if i > 0 {
			b.WriteString("  ")
		}
		b.WriteString("  " + line + "\n")
	}
}

// unit finds the units that must stay on the line of their number.
var unit = regexp.MustCompile(`([0-9]) (µs|ms|s|min|h|d|tokens)\b`)

// wrap breaks a text between words.
func wrap(text string, width int) (lines []string) {
	const glue = "\u00a0"
	line := ""
	for _, word := range strings.Split(unit.ReplaceAllString(text, "$1"+glue+"$2"), " ") {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimLeft(line+" "+word, " ")
	}
	lines = append(lines, line)
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], glue, " ")
	}
	return lines
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return count(n) + " " + what + "s"
}
