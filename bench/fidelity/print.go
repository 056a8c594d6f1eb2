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
	return t.Flush()
}

// legend explains the tables.
const legend = `
Errors are averages over the seeds: the factor by which a number is off (1.10x: a tenth too large or too small), or the
difference (0.03). **Bold** is the lowest error of the line, = is not above it by more than the sampling error; a line
without marks has no two models further apart than that; - is where a model has no such number.
`

// WriteTotal prints, for each trace, each section and all together, how many cells each model has the lowest error in.
func WriteTotal(w io.Writer, results []*Result) error {
	models := results[0].Models
	if len(models) < 2 {
		return nil
	}
	fmt.Fprint(w, legend, "\n")
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	header := []string{"lowest error (or within the sampling error of it)", "cells"}
	for _, m := range models {
		header = append(header, m.Name)
	}
	header = append(header, models[0].Name+" better, worse than the best rival")
	fmt.Fprintf(t, "| %s\t|\n|%s\n", strings.Join(header, "\t| "), strings.Repeat("---\t|", len(header)))
	line := func(name string, of Tally) {
		cells := []string{name, strconv.Itoa(of.Cells)}
		for m := range of.Lowest {
			cells = append(cells, fmt.Sprintf("%d (%d)", of.Lowest[m], of.Close[m]))
		}
		cells = append(cells, fmt.Sprintf("%d, %d", of.Won, of.Lost))
		fmt.Fprintf(t, "| %s\t|\n", strings.Join(cells, "\t| "))
	}
	var total, shared Tally
	var sections []string
	bySection := map[string]*Tally{}
	for _, r := range results {
		line(r.Trace, r.Tally)
		total.Add(r.Tally)
		for i := range r.Cells {
			c := &r.Cells[i]
			if bySection[c.Section] == nil {
				bySection[c.Section] = &Tally{}
				sections = append(sections, c.Section)
			}
			bySection[c.Section].Add(c.tally())
			if !c.onlyOurs() {
				shared.Add(c.tally())
			}
		}
	}
	for _, section := range sections {
		line("of "+section, *bySection[section])
	}
	line("all", total)
	line("that a rival has a number for", shared)
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nModels differ by more than the sampling error in %d of %d cells. Of these, %s has the lowest error in %s and is within the sampling error of the lowest in %s"+
		". Its own error and the lowest of the others differ by more than that in %d cells; it has the lower one in %s. Target: the lowest in 80 %%.\n",
		total.Cells, total.Cells+total.Same, models[0].Name, share(total.Lowest[0], total.Cells), share(total.Close[0], total.Cells),
		total.Won+total.Lost, share(total.Won, total.Won+total.Lost))
	return nil
}

func share(n, of int) string {
	if of == 0 {
		return "none"
	}
	return fmt.Sprintf("%d (%.0f %%)", n, 100*float64(n)/float64(of))
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
