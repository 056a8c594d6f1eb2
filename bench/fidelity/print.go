package fidelity

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Write prints a result as Markdown, as README.md has it, with columns that line up on a terminal.
func (r *Result) Write(w io.Writer) error {
	fmt.Fprintf(w, "\n### %s: %s\nFitted to %d requests in %s, judged by %d in %s, %d seeds. Requests made:", r.Trace, r.Description,
		r.Requests[0], duration(r.Seconds[0]), r.Requests[1], duration(r.Seconds[1]), r.Seeds)
	for i, m := range r.Models {
		fmt.Fprintf(w, "%s %s %.0f", strings.Repeat(",", min(i, 1)), m.Name, m.Requests)
	}
	fmt.Fprint(w, ".\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	header := []string{"", "first half", "second half", "sampling error"}
	for _, m := range r.Models {
		header = append(header, m.Name)
	}
	fmt.Fprintf(t, "| %s\t|\n|%s\n", strings.Join(header, "\t| "), strings.Repeat("---\t|", len(header)))
	for i := range r.Cells {
		c := &r.Cells[i]
		name := c.Name
		if c.Stream != "" {
			name = c.Stream + ": " + name
		}
		line := []string{name, value(c.First), value(c.Second), c.distance(c.Sampling())}
		for m := range r.Models {
			line = append(line, c.mark(m))
		}
		fmt.Fprintf(t, "| %s\t|\n", strings.Join(line, "\t| "))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", r.Tally.sentence(r.Trace, r.Models))
	return nil
}

// Legend explains the tables.
const Legend = `
Errors are averages over the seeds: the factor by which a number is off (1.10x: a tenth too large or too small), or the
difference (0.03). **Bold** is the lowest error of the line, = is not above it by more than the sampling error; a line
without marks has no two models further apart than that; - is where a model has no such number.
`

// sentence says what the target asks.
func (t Tally) sentence(of string, models []Model) string {
	if len(models) == 0 || t.Cells == 0 {
		return of + ": nothing differs by more than the sampling error."
	}
	share := func(n, of int) string {
		if of == 0 {
			return "-"
		}
		return fmt.Sprintf("%d of %d (%.0f %%)", n, of, 100*float64(n)/float64(of))
	}
	return fmt.Sprintf("%s: %s has the lowest error in %s cells where models differ by more than the sampling error, and is within it of the lowest in %s; "+
		"without the cells that no rival has a number for %s and %s. Against the best rival, beyond the sampling error: better in %d, worse in %d. %d cells tell no models apart.",
		of, models[0].Name, share(t.Lowest, t.Cells), share(t.Close, t.Cells), share(t.WithoutLowest, t.WithoutCells), share(t.WithoutClose, t.WithoutCells),
		t.Won, t.Lost, t.Same)
}

// WriteTotal prints all traces' tally.
func WriteTotal(w io.Writer, results []*Result) {
	var total Tally
	for _, r := range results {
		total.Add(r.Tally)
	}
	if len(results) > 1 {
		fmt.Fprintf(w, "\n%s\n", total.sentence("All traces", results[0].Models))
	}
}

// mark is a model's error, marked.
func (c *Cell) mark(m int) string {
	text := c.distance(c.Errors[m])
	switch {
	case !c.Differ:
		return text
	case c.Errors[m] == c.Errors[c.Best]:
		return "**" + text + "**"
	case c.tied(m):
		return text + " ="
	}
	return text
}

// distance is an error for a reader.
func (c *Cell) distance(e float64) string {
	switch {
	case math.IsInf(e, 0) || math.IsNaN(e):
		return "-"
	case c.Scale == byDifference:
		return fmt.Sprintf("%.3f", e)
	case e > math.Log(100):
		return fmt.Sprintf("%.0fx", math.Exp(e))
	}
	return fmt.Sprintf("%.2fx", math.Exp(e))
}

// value has three digits, or all before the point.
func value(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case math.Abs(v) >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func duration(seconds float64) string {
	switch {
	case seconds >= 2*86400:
		return fmt.Sprintf("%.1f days", seconds/86400)
	case seconds >= 2*3600:
		return fmt.Sprintf("%.1f h", seconds/3600)
	}
	return fmt.Sprintf("%.1f min", seconds/60)
}
