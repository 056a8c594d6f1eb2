package dashboards_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"go.yaml.in/yaml/v3"

	"tidegauge/dashboards"
)

// TestRules holds rules to what Grafana takes, and each to what a person who is woken needs.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range dashboards.Rules() {
		if seen[r.Name] {
			t.Errorf("two rules are called %s", r.Name)
		}
		seen[r.Name] = true
		if len(r.UID(dashboards.ClickHouse)) > 40 { // Grafana's limit
			t.Errorf("%s: the uid is too long", r.Name)
		}
		for _, d := range []string{r.For, r.Every} {
			if _, err := time.ParseDuration(d); err != nil {
				t.Errorf("%s: %v", r.Name, err)
			}
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Severity) || !slices.Contains([]string{"OK", "NoData", "Alerting", "KeepLast"}, r.NoData) ||
			!slices.Contains([]string{"OK", "Error", "Alerting", "KeepLast"}, r.Error) {
			t.Errorf("%s: severity %q, no data %q, error %q", r.Name, r.Severity, r.NoData, r.Error)
		}
		letters := map[string]bool{}
		for _, a := range r.Asks {
			letters[a.RefID] = true
			if a.From <= a.To {
				t.Errorf("%s %s: from %d to %d s ago is no range", r.Name, a.RefID, a.From, a.To)
			}
		}
		for _, found := range regexp.MustCompile(`\$([A-Z])\b`).FindAllStringSubmatch(r.Condition, -1) {
			if !letters[found[1]] {
				t.Errorf("%s: condition %s, and no query %s", r.Name, r.Condition, found[1])
			}
		}
		for _, found := range regexp.MustCompile(`\$values\.([A-Z])\.`).FindAllStringSubmatch(r.Summary, -1) {
			if !letters[found[1]] {
				t.Errorf("%s: the summary has the value of %s, and no query is called so", r.Name, found[1])
			}
		}
		if !strings.Contains(r.Summary, "$values") || !strings.Contains(r.Summary, "$labels") || strings.Contains(r.Summary, "${") {
			t.Errorf("%s: a summary says of what and how much, and has no ${, which provisioning would fill: %s", r.Name, r.Summary)
		}
		functions := template.FuncMap{"humanizePercentage": func(any) string { return "1 %" }, "humanize": func(any) string { return "1" }}
		text := "{{ $labels := .Labels }}{{ $values := .Values }}" + r.Summary
		if _, err := template.New(r.Name).Funcs(functions).Parse(text); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		panelOf(t, r)
	}
	for _, need := range []string{"fault-burn-fast", "fault-burn-slow", "first-token-slow", "burst", "conversations-stall", "silent", "gpu-xid", "gpu-heat", "gpu-power", "stored-late", "dead-letters"} {
		if !seen[need] {
			t.Errorf("no rule %s", need)
		}
	}
}

func panelOf(t *testing.T, r dashboards.Rule) {
	for _, b := range dashboards.Boards() {
		for _, p := range b.Panels {
			if b.Name == r.Board && p.ID == r.Panel {
				return
			}
		}
	}
	t.Errorf("%s: dashboard %s has no panel %d", r.Name, r.Board, r.Panel)
}

// TestRunbook: whoever follows an alert's link finds a section about it, and what to do.
func TestRunbook(t *testing.T) {
	text, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, part := range strings.Split("\n"+string(text), "\n## ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		sections[name] = body
	}
	names := map[string]bool{}
	for _, r := range dashboards.Rules() {
		names[r.Name] = true
	}
	for _, r := range dashboards.PrometheusRuleList() {
		_, section, _ := strings.Cut(r.Annotations["runbook_url"], "#")
		names[section] = true
	}
	for name := range names {
		for _, part := range []string{"**Means**", "**Matters**", "**Look first**", "**Causes**", "**Do**"} {
			if !strings.Contains(sections[name], part) {
				t.Errorf("docs/runbook.md, section %q: no %s", name, part)
			}
		}
	}
	for name := range sections {
		if !names[name] && name != "How to read this" {
			t.Errorf("docs/runbook.md has a section %q that no alert leads to", name)
		}
	}
}

// TestProvisioning reads the files by hand: they name what dashboards and rules name, and hold no password.
func TestProvisioning(t *testing.T) {
	for _, f := range dashboards.Flavours() {
		folder := filepath.Join("../deploy/grafana/provisioning", f.Name)
		var sources struct {
			Datasources []struct {
				UID, Type      string
				SecureJSONData map[string]string `yaml:"secureJsonData"`
			}
		}
		readYAML(t, filepath.Join(folder, "datasources/tidegauge.yaml"), &sources)
		if len(sources.Datasources) != 1 || sources.Datasources[0].UID != f.UID || sources.Datasources[0].Type != f.Type {
			t.Errorf("%s: the data source is %+v, dashboards name %s of type %s", f.Name, sources.Datasources, f.UID, f.Type)
		}
		for name, secret := range sources.Datasources[0].SecureJSONData {
			if !strings.HasPrefix(secret, "$") {
				t.Errorf("%s: %s is in the file", f.Name, name)
			}
		}
		var providers struct {
			Providers []struct{ Folder, Type string }
		}
		readYAML(t, filepath.Join(folder, "dashboards/tidegauge.yaml"), &providers)
		if len(providers.Providers) != 1 || providers.Providers[0].Folder != f.Folder {
			t.Errorf("%s: dashboards are put into %+v, rules into %s", f.Name, providers.Providers, f.Folder)
		}
		var rules struct {
			APIVersion int `yaml:"apiVersion"`
			Groups     []struct {
				Name, Folder, Interval string
				Rules                  []struct {
					UID, Title, Condition string
					DashboardUID          string `yaml:"dashboardUid"`
					PanelID               string `yaml:"panelId"`
					Annotations           map[string]string
					Data                  []struct {
						RefID         string         `yaml:"refId"`
						DatasourceUID string         `yaml:"datasourceUid"`
						Model         map[string]any `yaml:"model"`
					}
				}
			}
		}
		readYAML(t, filepath.Join(folder, "alerting/tidegauge.yaml"), &rules)
		uids := map[string]bool{}
		for _, g := range rules.Groups {
			for _, r := range g.Rules {
				uids[r.UID] = true
				if r.Annotations["__dashboardUid__"] != r.DashboardUID || r.Annotations["__panelId__"] != r.PanelID || r.PanelID == "" {
					t.Errorf("%s: rule %s is of panel %s of %s, its messages link to %v", f.Name, r.UID, r.PanelID, r.DashboardUID, r.Annotations)
				}
				if !strings.HasPrefix(r.Annotations["runbook_url"], "/d/"+f.Prefix+"runbook?viewPanel=panel-") || len(r.Annotations["description"]) < 10 {
					t.Errorf("%s: rule %s does not say what to do: %v", f.Name, r.UID, r.Annotations)
				}
				if last := r.Data[len(r.Data)-1]; last.RefID != r.Condition || last.DatasourceUID != "__expr__" {
					t.Errorf("%s: rule %s is decided by %s, its last query is %s", f.Name, r.UID, r.Condition, last.RefID)
				}
			}
		}
		if rules.APIVersion != 1 || len(uids) != len(dashboards.Rules()) {
			t.Errorf("%s: %d rules of %d: %v", f.Name, len(uids), len(dashboards.Rules()), slices.Sorted(maps.Keys(uids)))
		}
	}
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestObjectives: a mistake in the one file that people are to change is found, and named.
func TestObjectives(t *testing.T) {
	good, err := os.ReadFile("objectives.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dashboards.ParseObjectives(good); err != nil {
		t.Error(err)
	}
	for from, want := range map[string]string{
		"availability: 0.995": "availability", "goodput: 0.95": "goodput", "ttft_p90_s: 2": "ttft_p90_s", "lag_s: 60": "lag_s",
	} {
		name, _, _ := strings.Cut(from, ":")
		if _, err := dashboards.ParseObjectives([]byte(strings.Replace(string(good), from, name+": -1", 1))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s of -1: %v", name, err)
		}
	}
	if _, err := dashboards.ParseObjectives([]byte("latency: 3")); err == nil {
		t.Error("an objective that there is not is taken")
	}
}

// TestPrometheusNames: rules and the dashboard of processors ask for metrics that docs/operations.md lists, which another test
// holds against what is registered.
func TestPrometheusNames(t *testing.T) {
	listed, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, r := range dashboards.PrometheusRuleList() {
		asked = append(asked, r.Expr)
	}
	for _, p := range dashboards.Processors().Panels {
		asked = append(asked, p.Targets[0].PromQL)
	}
	for _, expression := range asked {
		for _, name := range regexp.MustCompile(`\btidegauge_\w+`).FindAllString(expression, -1) {
			if !strings.Contains(string(listed), "`"+strings.TrimSuffix(name, "_bucket")) {
				t.Errorf("%s: docs/operations.md has no metric %s", expression, name)
			}
		}
		if strings.Count(expression, "(") != strings.Count(expression, ")") {
			t.Errorf("%s: parentheses", expression)
		}
	}
}
