package dashboards

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Values are what a dashboard's variables stand at: a value for each by name, and the time range. A variable at "All" is not in
// it: its placeholder becomes what that stands for.
type Values struct {
	Variables map[string]string
	From, To  time.Time
}

var placeholder = regexp.MustCompile(`\$\{(\w+)(?::(\w+))?\}|\$(\w+)`)

// Interpolate puts values into a query's text as Grafana's front end does before it sends the query to the official ClickHouse
// data source, or with the plugin's "All" for that one. It is for those who run panels without Grafana. Macros, which data
// sources fill, stay as they are.
func Interpolate(text string, v Values, f Flavour) (string, error) {
	var unknown []string
	out := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		name, format := m[1]+m[3], m[2]
		switch {
		case name == "__from":
			return strconv.FormatInt(v.From.UnixMilli(), 10)
		case name == "__to":
			return strconv.FormatInt(v.To.UnixMilli(), 10)
		case strings.HasPrefix(name, "__"):
			return found
		}
		value, ok := v.Variables[name]
		switch {
		case !ok && allowsAll(name):
			value = allValue
		case !ok:
			unknown = append(unknown, name)
			return found
		}
		if format == "percentencode" {
			// As encodeURIComponent, and of !'()* too.
			return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
		}
		return value
	})
	if len(unknown) > 0 {
		return "", fmt.Errorf("no value for the variables %s", strings.Join(unknown, ", "))
	}
	return out, nil
}

func allowsAll(name string) bool {
	for _, v := range []Variable{modelVariable, logTypeVariable, hostVariable, gpuVariable} {
		if v.Name == name {
			return v.All
		}
	}
	return false
}

// ExpandMacros puts a range into the macros of SQL that rules use, as the official ClickHouse data source's backend does.
func ExpandMacros(sql string, from, to time.Time) string {
	moment := func(t time.Time) string { return "toDateTime(" + strconv.FormatInt(t.Unix(), 10) + ")" }
	return strings.NewReplacer("$__fromTime", moment(from), "$__toTime", moment(to)).Replace(sql)
}
