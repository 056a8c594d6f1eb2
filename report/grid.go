package report

import (
	"strings"
	"unicode/utf8"
)

// grid is a table of texts: names on the left, numbers right-aligned under their headings.
type grid struct {
	columns []column
	rows    [][]string
}

// column: consecutive columns of one group share a heading above their own.
type column struct {
	group, name string
	text        bool // left-aligned, and may be shortened
}

// tableWidth is how wide a table may be, in characters: what fits beside another window.
const tableWidth = 100

const (
	columnSpace  = 2
	leastName    = 8 // a text column is not made shorter than this
	groupDivider = "─"
)

// write appends the table, indented by two spaces, to b.
func (g *grid) write(b *strings.Builder, p paint) {
	widths := g.widths()
	if heads := g.groups(widths); heads != "" {
		b.WriteString(p.dim("  "+heads) + "\n")
	}
	names := make([]string, len(g.columns))
	for i, c := range g.columns {
		names[i] = c.name
	}
	b.WriteString(p.dim("  "+g.line(names, widths)) + "\n")
	for _, row := range g.rows {
		b.WriteString("  " + g.line(row, widths) + "\n")
	}
}

// widths gives each column its longest text, then takes from the text columns until the table fits.
func (g *grid) widths() []int {
	widths := make([]int, len(g.columns))
	total := 2 - columnSpace
	for i, c := range g.columns {
		widths[i] = utf8.RuneCountInString(c.name)
		for _, row := range g.rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	g.widen(widths)
	for _, w := range widths {
		total += w + columnSpace
	}
	for total > tableWidth {
		widest := -1
		for i, c := range g.columns {
			if c.text && widths[i] > leastName && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	return widths
}

// widen makes room for groups' headings.
func (g *grid) widen(widths []int) {
	for i := 0; i < len(g.columns); {
		j, width := i, -columnSpace
		for ; j < len(g.columns) && g.columns[j].group == g.columns[i].group; j++ {
			width += widths[j] + columnSpace
		}
		widths[i] += max(utf8.RuneCountInString(g.columns[i].group)-width, 0)
		i = j
	}
}

// groups gives the line of groups' headings, empty if there are none.
func (g *grid) groups(widths []int) string {
	var line strings.Builder
	any := false
	for i := 0; i < len(g.columns); {
		j, width := i, -columnSpace
		for ; j < len(g.columns) && g.columns[j].group == g.columns[i].group; j++ {
			width += widths[j] + columnSpace
		}
		cell := strings.Repeat(" ", width)
		if name := g.columns[i].group; name != "" {
			any = true
			rest := width - utf8.RuneCountInString(name)
			left := rest / 2
			cell = strings.Repeat(" ", left) + name + strings.Repeat(" ", rest-left)
			if rest >= 4 {
				cell = strings.Repeat(groupDivider, left-1) + " " + name + " " + strings.Repeat(groupDivider, rest-left-1)
			}
		}
		line.WriteString(cell + strings.Repeat(" ", columnSpace))
		i = j
	}
	if !any {
		return ""
	}
	return strings.TrimRight(line.String(), " ")
}

func (g *grid) line(cells []string, widths []int) string {
	var line strings.Builder
	for i, cell := range cells {
		cell = shorten(cell, widths[i])
		space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if g.columns[i].text {
			line.WriteString(cell + space)
		} else {
			line.WriteString(space + cell)
		}
		line.WriteString(strings.Repeat(" ", columnSpace))
	}
	return strings.TrimRight(line.String(), " ")
}

// shorten cuts a text to a number of characters, in the middle: names that begin alike differ at their ends.
func shorten(s string, width int) string {
	runes := []rune(s)
	if len(runes) <= width {
		return s
	}
	end := (width - 1) / 2
	return string(runes[:width-1-end]) + "…" + string(runes[len(runes)-end:])
}

// paint writes with ANSI escapes, or without.
type paint struct{ colour bool }

func (p paint) bold(s string) string   { return p.escape("1", s) }
func (p paint) dim(s string) string    { return p.escape("2", s) }
func (p paint) yellow(s string) string { return p.escape("33", s) }

func (p paint) escape(code, s string) string {
	if !p.colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
