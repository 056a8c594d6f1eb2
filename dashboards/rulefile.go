package dashboards

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Runbook is where annotations of Prometheus's rules lead to. A fork or a wiki may have another place.
const Runbook = "docs/runbook.md"

// ruleFile, ruleGroup and grafanaRule are Grafana's format of provisioned rules, version 1.
type ruleFile struct {
	APIVersion int         `yaml:"apiVersion"`
	Groups     []ruleGroup `yaml:"groups"`
}

type ruleGroup struct {
	OrgID    int           `yaml:"orgId"`
	Name     string        `yaml:"name"`
	Folder   string        `yaml:"folder"`
	Interval string        `yaml:"interval"`
	Rules    []grafanaRule `yaml:"rules"`
}

type grafanaRule struct {
	UID          string            `yaml:"uid"`
	Title        string            `yaml:"title"`
	Condition    string            `yaml:"condition"`
	Data         []ruleQuery       `yaml:"data"`
	DashboardUID string            `yaml:"dashboardUid"`
	PanelID      uint32            `yaml:"panelId"`
	NoDataState  string            `yaml:"noDataState"`
	ExecErrState string            `yaml:"execErrState"`
	For          string            `yaml:"for"`
	Annotations  map[string]string `yaml:"annotations"`
	Labels       map[string]string `yaml:"labels"`
}

type ruleQuery struct {
	RefID         string         `yaml:"refId"`
	DatasourceUID string         `yaml:"datasourceUid"`
	Range         *relativeRange `yaml:"relativeTimeRange,omitempty"`
	Model         map[string]any `yaml:"model"`
}

type relativeRange struct {
	From int `yaml:"from"`
	To   int `yaml:"to"`
}

// conditionRef is the letter of the expression that decides.
const conditionRef = "FIRES"

// RulesYAML is the file of alert rules that Grafana provisions for a flavour.
func RulesYAML(f Flavour) ([]byte, error) {
	file := ruleFile{APIVersion: 1}
	at := map[string]int{}
	for _, r := range Rules() {
		rule, err := r.grafana(f)
		if err != nil {
			return nil, fmt.Errorf("alert rule %s: %w", r.Name, err)
		}
		if _, ok := at[r.Every]; !ok {
			at[r.Every] = len(file.Groups)
			file.Groups = append(file.Groups, ruleGroup{OrgID: 1, Name: "tidegauge every " + r.Every, Folder: f.Folder, Interval: r.Every})
		}
		group := &file.Groups[at[r.Every]]
		group.Rules = append(group.Rules, rule)
	}
	var out bytes.Buffer
	out.WriteString("# Written by go generate ./dashboards: change dashboards/rules.go or dashboards/objectives.yaml instead.\n")
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(file); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

func (r Rule) grafana(f Flavour) (grafanaRule, error) {
	board, err := findBoard(r.Board)
	if err != nil {
		return grafanaRule{}, err
	}
	rule := grafanaRule{UID: r.UID(f), Title: r.Title, Condition: conditionRef, DashboardUID: board.UID(f), PanelID: r.Panel,
		NoDataState: r.NoData, ExecErrState: r.Error, For: r.For,
		// The fields place the rule's state on the panel; messages make their links of the annotations.
		Annotations: map[string]string{"summary": r.Summary, "__dashboardUid__": board.UID(f), "__panelId__": fmt.Sprint(r.Panel)},
		Labels:      map[string]string{"severity": r.Severity, "source": "tidegauge"}}
	if rule.Annotations["runbook_url"], err = runbookPath(f, r.Name); err != nil {
		return rule, err
	}
	for _, s := range sections() {
		if s.name == r.Name {
			rule.Annotations["description"] = s.do()
		}
	}
	for _, a := range r.Asks {
		model, err := a.Query(f)
		if err != nil {
			return rule, err
		}
		rule.Data = append(rule.Data, ruleQuery{RefID: a.RefID, DatasourceUID: f.UID, Range: &relativeRange{From: a.From, To: a.To}, Model: model})
	}
	rule.Data = append(rule.Data, ruleQuery{RefID: conditionRef, DatasourceUID: "__expr__", Model: map[string]any{
		"refId": conditionRef, "type": "math", "expression": r.Condition, "datasource": map[string]any{"type": "__expr__", "uid": "__expr__"}}})
	return rule, nil
}

func findBoard(name string) (Board, error) {
	for _, b := range Boards() {
		if b.Name == name {
			return b, nil
		}
	}
	return Board{}, fmt.Errorf("no dashboard is called %q", name)
}
