package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
)

// table is printed as Markdown, as README.md has it, with columns that line up on a terminal.
type table struct{ t *tabwriter.Writer }

func newTable(w io.Writer, header ...string) *table {
	t := &table{tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)}
	fmt.Fprintln(w)
	fmt.Fprintf(t.t, "| %s\t|\n|%s\n", strings.Join(header, "\t| "), strings.Repeat("---\t|", len(header)))
	return t
}

// add adds a row: integers get separators, fractions two digits.
func (t *table) add(cells ...any) {
	for _, c := range cells {
		switch c := c.(type) {
		case int64:
			fmt.Fprintf(t.t, "| %s\t", humanize.Comma(c))
		case float64:
			fmt.Fprintf(t.t, "| %.2f\t", c)
		default:
			fmt.Fprintf(t.t, "| %v\t", c)
		}
	}
	fmt.Fprintln(t.t, "|")
}

func (t *table) print() error { return t.t.Flush() }
