package ingest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tidegauge/schemas"
)

// ServiceRule says which service a GPU or an engine works for: one whose labels all match.
type ServiceRule struct {
	Service string
	match   []labelMatch
}

type labelMatch struct {
	label   string
	pattern *regexp.Regexp
}

// ParseServiceRule reads a rule: SERVICE=LABEL:PATTERN LABEL:PATTERN …, where * in a pattern stands for any characters and
// ? for one. A rule without labels fits everything.
func ParseServiceRule(text string) (ServiceRule, error) {
	service, conditions, found := strings.Cut(text, "=")
	r := ServiceRule{Service: strings.TrimSpace(service)}
	if !found || r.Service == "" {
		return r, fmt.Errorf("%q is no rule: write SERVICE=LABEL:PATTERN, as in chat=namespace:llm pod:chat-*", text)
	}
	if len(r.Service) > schemas.MaxName {
		return r, fmt.Errorf("%q: the service has more than %d bytes", text, schemas.MaxName)
	}
	for condition := range strings.FieldsSeq(conditions) {
		label, pattern, found := strings.Cut(condition, ":")
		if !found || label == "" || pattern == "" {
			return r, fmt.Errorf("%q: %q is not LABEL:PATTERN", text, condition)
		}
		glob := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
		r.match = append(r.match, labelMatch{label, regexp.MustCompile("^(?s:" + glob + ")$")})
	}
	return r, nil
}

// ParseServiceRules reads several rules and says everything that is wrong with them.
func ParseServiceRules(texts []string) ([]ServiceRule, error) {
	var rules []ServiceRule
	var errs []error
	for _, text := range texts {
		rule, err := ParseServiceRule(text)
		rules, errs = append(rules, rule), append(errs, err)
	}
	return rules, errors.Join(errs...)
}

// serviceOf gives the service of the first rule that fits, else what the target's own label service says. What the page
// says of a label counts before what the target's file does.
func serviceOf(rules []ServiceRule, of, target map[string]string) string {
	fits := func(m labelMatch) bool {
		value, known := of[m.label]
		if !known {
			value = target[m.label]
		}
		return m.pattern.MatchString(value)
	}
	for _, r := range rules {
		if !slices.ContainsFunc(r.match, func(m labelMatch) bool { return !fits(m) }) {
			return r.Service
		}
	}
	return clipName(target["service"])
}
