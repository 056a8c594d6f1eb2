package dashboards

import (
	"fmt"
	"regexp"
	"strings"

	"tidegauge/docs"
)

// section is a part of docs/runbook.md: what an alert means and what to do.
type section struct{ name, text string }

// sections are those of docs/runbook.md in their order; panel n of the dashboard is the nth.
func sections() []section {
	var list []section
	for _, part := range strings.Split("\n"+docs.Runbook, "\n## ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		list = append(list, section{name, strings.TrimSpace(text)})
	}
	return list
}

// do is the section's paragraph that says what to do, as one line.
func (s section) do() string {
	_, text, _ := strings.Cut(s.text, "**Do**")
	text, _, _ = strings.Cut(text, "\n\n")
	text = link.ReplaceAllString(text, "$1")
	return strings.Join(strings.Fields(text), " ")
}

var link = regexp.MustCompile(`\[([^\]]+)\]\(([^)]+)\)`)

// runbook is docs/runbook.md in Grafana, a panel for each section. Alerts lead there: Grafana knows no address of the project's files,
// and whoever is woken may not have them.
func runbook() Board {
	b := Board{Name: "runbook", Title: "Runbook", Question: "An alert fired: what does it mean, where do I look, what do I do?", Fleet: true}
	for i, s := range sections() {
		b.Panels = append(b.Panels, Panel{ID: uint32(i + 1), Title: s.name, Visual: Text, Width: 24, Height: 10, Markdown: s.text,
			Description: "From docs/runbook.md, where it is changed. Alert rules link to it."})
	}
	return b
}

// runbookPath leads to a section of the dashboard, by path: only Grafana knows where it is reached.
func runbookPath(f Flavour, name string) (string, error) {
	for i, s := range sections() {
		if s.name == name {
			return fmt.Sprintf("/d/%s?viewPanel=panel-%d", runbook().UID(f), i+1), nil
		}
	}
	return "", fmt.Errorf("docs/runbook.md has no section %q", name)
}

// inGrafana is a section's text with links to other sections, and without those to other documents, which Grafana does not have.
func inGrafana(text string, f Flavour) (string, error) {
	var failed error
	text = link.ReplaceAllStringFunc(text, func(found string) string {
		parts := link.FindStringSubmatch(found)
		name, ok := strings.CutPrefix(parts[2], "#")
		if !ok {
			return parts[1] + " (" + strings.TrimPrefix("docs/"+parts[2], "docs/../") + ")"
		}
		path, err := runbookPath(f, name)
		if err != nil {
			failed = err
		}
		return "[" + parts[1] + "](" + path + ")"
	})
	return text, failed
}
