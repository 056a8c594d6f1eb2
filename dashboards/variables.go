package dashboards

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Variable is a choice at the top of a dashboard.
type Variable struct {
	Name, Label, Description string
	// Plugin is what the plugin's variable query asks for, SQL what the official data source's does (value, text).
	Plugin string
	SQL    string
	// All adds the choice of all of them.
	All bool
	// Choices are fixed ones, text : value, the first by default.
	Choices []string
	// Hidden ones are worked out from others.
	Hidden bool
	// Only limits it to one flavour.
	Only *Flavour
}

var (
	serviceVariable = Variable{Name: "service", Label: "Service", Plugin: "services",
		Description: "Replicas that are provisioned together and share one stream of arrivals. The busiest is listed first.",
		SQL:         "SELECT service FROM services(from_us = 0, to_us = 4102444800000000) ORDER BY requests DESC"}
	modelVariable = Variable{Name: "model", Label: "Model", Plugin: "models", All: true,
		Description: "One model of the service, or all of them. The burstiness of a mixture says little about its parts.",
		SQL:         "SELECT DISTINCT assumeNotNull(model) FROM streams(service = " + sqlText("service") + ", from_us = ${__from}000, to_us = ${__to}000) WHERE isNotNull(model) AND isNull(log_type) ORDER BY 1"}
	logTypeVariable = Variable{Name: "log_type", Label: "Log type", Plugin: "log_types", All: true,
		Description: "One kind of traffic (api, conversation), as the log names it, or all of them. (none) is of requests that name none.",
		SQL:         "SELECT DISTINCT assumeNotNull(log_type) AS value, if(value = '', '(none)', value) AS text FROM streams(service = " + sqlText("service") + ", from_us = ${__from}000, to_us = ${__to}000) WHERE isNotNull(log_type) AND isNull(model) ORDER BY 1"}
	stepVariable = Variable{Name: "step", Label: "Window", Choices: []string{"auto : auto", "1 min : 60", "5 min : 300", "20 min : 1200", "1 h : 3600", "6 h : 21600", "1 d : 86400"},
		Description: "The width of the windows that numbers are worked out for. Burstiness depends on it: compare equal widths only. BurstGPT uses 20 min, ServeGen 5 min."}
	// In SQL the width has to be a number: some 300 windows over the range, of a width that people use.
	widthVariable = Variable{Name: "step_s", Hidden: true, Only: &ClickHouse, Description: "The window in seconds.",
		SQL: "SELECT toString(if('$step' = 'auto', arrayFirst(s -> s >= least((${__to} - ${__from}) / 300000, 86400), [60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400]), toUInt32OrZero('$step')))"}
	zoneVariable = Variable{Name: "time_zone", Label: "Time zone", Choices: []string{"UTC : UTC", "Europe/Berlin : Europe/Berlin", "Europe/London : Europe/London", "America/New_York : America/New_York", "America/Los_Angeles : America/Los_Angeles", "Asia/Kolkata : Asia/Kolkata", "Asia/Shanghai : Asia/Shanghai", "Asia/Tokyo : Asia/Tokyo"},
		Description: "The time zone of hours of day and days of the week. Type any other name of the time zone database."}
	hostVariable = Variable{Name: "host", Label: "Host", Plugin: "hosts", All: true, Description: "A machine with GPUs, or all of them.",
		SQL: "SELECT DISTINCT host FROM gpu_devices(from_us = ${__from}000, to_us = ${__to}000) ORDER BY 1"}
	gpuVariable = Variable{Name: "gpu", Label: "GPU", Plugin: "gpus", All: true, Description: "One GPU by its UUID, or all of the host.",
		SQL: "SELECT DISTINCT uuid AS value, concat(host, ' GPU ', toString(gpu), ' ', model_name) AS text FROM gpu_devices(from_us = ${__from}000, to_us = ${__to}000) WHERE ifNull(host = " + sqlChoice("host") + ", true) ORDER BY 2"}
)

func (b Board) variables(f Flavour) ([]dashboard.VariableModel, error) {
	if f == Prometheus {
		return []dashboard.VariableModel{{Type: dashboard.VariableTypeDatasource, Name: "prometheus", Label: new("Prometheus"), SkipUrlSync: new(false),
			Description: new("The Prometheus that scrapes tidegauge's /metrics."), Query: &dashboard.StringOrMap{String: new("prometheus")},
			Multi: new(false), IncludeAll: new(false), Regex: new(""), Refresh: new(dashboard.VariableRefreshOnDashboardLoad)}}, nil
	}
	choices := []Variable{serviceVariable, modelVariable, logTypeVariable, stepVariable, widthVariable}
	if b.Fleet {
		choices = []Variable{serviceVariable, stepVariable, widthVariable}
	}
	var all []dashboard.VariableModel
	for _, v := range append(choices, b.Variables...) {
		if v.Only != nil && *v.Only != f {
			continue
		}
		model, err := v.model(f)
		if err != nil {
			return nil, err
		}
		all = append(all, model)
	}
	return all, nil
}

func (v Variable) model(f Flavour) (dashboard.VariableModel, error) {
	m := dashboard.VariableModel{Name: v.Name, Description: new(v.Description), SkipUrlSync: new(false)}
	if v.Label != "" {
		m.Label = new(v.Label)
	}
	if v.Hidden {
		m.Hide = new(dashboard.VariableHideHideVariable)
	}
	if len(v.Choices) > 0 {
		m.Type = dashboard.VariableTypeCustom
		m.Query = &dashboard.StringOrMap{String: new(strings.Join(v.Choices, ", "))}
		for i, c := range v.Choices {
			label, value, ok := strings.Cut(c, " : ")
			if !ok {
				return m, fmt.Errorf("variable %s: choice %q has no value", v.Name, c)
			}
			o := option(label, value)
			o.Selected = new(i == 0)
			m.Options = append(m.Options, o)
		}
		m.Current = &m.Options[0]
		m.AllowCustomValue = new(true)
		return m, nil
	}
	m.Type = dashboard.VariableTypeQuery
	m.Datasource = &common.DataSourceRef{Type: new(f.Type), Uid: new(f.UID)}
	m.Refresh = new(dashboard.VariableRefreshOnTimeRangeChanged)
	m.Sort = new(dashboard.VariableSortDisabled)
	m.Regex = new("")
	m.Multi = new(false)
	if f == ClickHouse {
		m.Query = &dashboard.StringOrMap{Map: clickhouseQuery("var", v.SQL, formatTable)}
		m.Definition = new(v.SQL)
	} else {
		query := map[string]any{"refId": "var", "queryType": "variable", "variable": v.Plugin}
		if v.Plugin == "models" || v.Plugin == "log_types" {
			query["service"] = "$service"
		}
		if v.Plugin == "gpus" {
			query["host"] = "$host"
		}
		m.Query = &dashboard.StringOrMap{Map: query}
		m.Definition = new(v.Plugin)
	}
	m.IncludeAll = new(v.All)
	if v.All {
		m.AllValue = new(allValue)
		m.Current = &dashboard.VariableOption{Text: dashboard.StringOrArrayOfString{String: new("All")}, Value: dashboard.StringOrArrayOfString{String: new("$__all")}}
	}
	return m, nil
}

func option(text, value string) dashboard.VariableOption {
	return dashboard.VariableOption{Text: dashboard.StringOrArrayOfString{String: new(text)}, Value: dashboard.StringOrArrayOfString{String: new(value)}}
}

// Variables are all that dashboards have.
func Variables() []Variable {
	return []Variable{serviceVariable, modelVariable, logTypeVariable, stepVariable, widthVariable, zoneVariable, hostVariable, gpuVariable}
}
