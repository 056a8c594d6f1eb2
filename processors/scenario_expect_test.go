package processors

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"tidegauge/schemas"
)

// tables are the tables' columns, by name.
var tables = map[string]map[string]reflect.Type{
	"requests":      columnTypes(schemas.Requests{}),
	"minutes":       columnTypes(schemas.Minutes{}),
	"conversations": columnTypes(schemas.Conversations{}),
	"positions":     columnTypes(schemas.Positions{}),
	"dead_letters":  columnTypes(schemas.DeadLetters{}),
	"revisions":     columnsOf(schemas.Recomputes()),
}

func columnTypes(columns any) map[string]reflect.Type {
	out, t := make(map[string]reflect.Type), reflect.TypeOf(columns)
	for i := range t.NumField() {
		if tag, ok := t.Field(i).Tag.Lookup("column"); ok {
			name, _, _ := strings.Cut(tag, ",")
			if out[name] = reflect.TypeFor[string](); t.Field(i).Type != reflect.TypeFor[schemas.Texts]() {
				out[name] = t.Field(i).Type.Elem()
			}
		}
	}
	return out
}

func columnsOf(b schemas.Block) map[string]reflect.Type {
	out := make(map[string]reflect.Type)
	for _, c := range b.Columns {
		out[c.Name] = reflect.TypeOf(c.Data).Elem()
	}
	return out
}

// counters are what a process can be asked about itself.
var counters = map[string]func(s *scene, name string) int{
	"requests":               func(s *scene, name string) int { return s.owners[name].fresh },
	"duplicates":             func(s *scene, name string) int { return s.owners[name].duplicates },
	"dead_letters":           func(s *scene, name string) int { return int(counterValue(s.owners[name].metrics.deadLetters)) },
	"evictions":              func(s *scene, name string) int { return int(counterValue(s.owners[name].metrics.evictions)) },
	"minutes_reloaded":       func(s *scene, name string) int { return s.reloads(name, "minute") },
	"conversations_reloaded": func(s *scene, name string) int { return s.reloads(name, "conversation") },
	"restarts":               func(s *scene, name string) int { return s.owners[name].restarts },
	"months":                 func(s *scene, name string) int { return s.months[name] },
}

func (s *scene) reloads(name, entity string) int {
	return int(counterValue(s.owners[name].metrics.reloads.WithLabelValues(entity)))
}

// expect reads what must be so.
func (p *parser) expect(words []string) (func(*scene) error, error) {
	if len(words) == 0 {
		return nil, errors.New("expect what?")
	}
	what, rest := words[0], words[1:]
	if _, ok := tables[what]; ok {
		return expectTable(what, rest)
	}
	if what == "committed" {
		if len(rest) != 1 {
			return nil, errors.New("want committed OFFSET")
		}
		n, err := integer(rest[0])
		return func(s *scene) error {
			if s.commit != n {
				return fmt.Errorf("%d is committed, want %d", s.commit, n)
			}
			return nil
		}, err
	}
	if !p.started[what] {
		return nil, fmt.Errorf("no process %s starts above", what)
	}
	if len(rest) == 0 {
		return nil, fmt.Errorf("expect what of %s?", what)
	}
	want := make(map[string]int)
	for _, word := range rest {
		counter, text, _ := strings.Cut(word, "=")
		n, err := integer(text)
		if _, unknown := oneOf(counters, counter); unknown != nil {
			err = unknown
		}
		if err != nil {
			return nil, err
		}
		want[counter] = int(n)
	}
	return func(s *scene) error {
		for _, counter := range slices.Sorted(maps.Keys(want)) {
			if got := counters[counter](s, what); got != want[counter] {
				return fmt.Errorf("%s of %s is %d, want %d", counter, what, got, want[counter])
			}
		}
		return nil
	}, nil
}

func expectTable(table string, words []string) (func(*scene) error, error) {
	usage := errors.New("want a number of rows, or key=value … : column=value …")
	if len(words) == 0 {
		return nil, usage
	}
	if n, err := strconv.Atoi(words[0]); err == nil {
		key, err := expectations(table, words[1:])
		return func(s *scene) error { return s.expectCount(table, n, key) }, err
	}
	colon := slices.Index(words, ":")
	if colon < 0 || colon == len(words)-1 {
		return nil, usage
	}
	key, err := expectations(table, words[:colon])
	if err != nil {
		return nil, err
	}
	want, err := expectations(table, words[colon+1:])
	return func(s *scene) error { return s.expectRow(table, key, want) }, err
}

func expectations(table string, words []string) ([]expectation, error) {
	var out []expectation
	for _, word := range words {
		column, text, ok := strings.Cut(word, "=")
		if !ok {
			return nil, fmt.Errorf("want column=value, not %q", word)
		}
		of, err := oneOf(tables[table], column)
		if err != nil {
			return nil, fmt.Errorf("columns of %s: %w", table, err)
		}
		want, err := valueText(column, text, of)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", column, err)
		}
		out = append(out, expectation{column, want})
	}
	return out, nil
}

var groupings = map[string]schemas.Grouping{
	"all": schemas.GroupAll, "model": schemas.GroupModel, "log_type": schemas.GroupLogType, "both": schemas.GroupBoth,
}

// valueText makes what a scenario says of a column what columnText says: times in microseconds, minutes, outcomes and
// groupings as numbers, lists from commas.
func valueText(column, text string, of reflect.Type) (string, error) {
	switch of.Kind() {
	case reflect.String:
		return text, nil
	case reflect.Map:
		return "", errors.New("a map cannot be expected")
	case reflect.Slice:
		var items []string
		for item := range strings.SplitSeq(text, ",") {
			if text == "" {
				break
			}
			item, err := valueText(column, item, of.Elem())
			if err != nil {
				return "", err
			}
			items = append(items, item)
		}
		return fmt.Sprint(items), nil
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		return fmt.Sprint(f), err
	}
	if text == "unknown" {
		return fmt.Sprint(schemas.Unknown), nil
	}
	switch {
	case column == "grouping":
		g, err := oneOf(groupings, text)
		return fmt.Sprint(g), err
	case strings.HasSuffix(column, "outcome"):
		o, err := outcome(text)
		return strconv.Itoa(int(o)), err
	case column == "minute":
		us, err := instant(text)
		if err == nil && us%schemas.MinuteUS != 0 {
			err = fmt.Errorf("%s is no whole minute", text)
		}
		return fmt.Sprint(us / schemas.MinuteUS), err
	}
	if strings.HasSuffix(column, "_us") {
		for _, read := range []func(string) (int64, error){instant, duration} {
			if us, err := read(text); err == nil {
				return fmt.Sprint(us), nil
			}
		}
	}
	if _, ok := new(big.Int).SetString(text, 10); !ok {
		return "", fmt.Errorf("%q is no number", text)
	}
	return text, nil
}

// expectation is a column and the text of the value that it should have.
type expectation struct{ column, want string }

// is compares a row's column with the text. "*" at its end stands for anything.
func (e expectation) is(table string, r row) (got string, ok bool) {
	got = columnText(r.values[e.column], tables[table][e.column])
	if prefix, open := strings.CutSuffix(e.want, "*"); open {
		return got, strings.HasPrefix(got, prefix)
	}
	return got, got == e.want
}

// columnText is a value in words; a column that was left out has its default.
func columnText(value any, of reflect.Type) string {
	if value != nil {
		return fmt.Sprint(value)
	}
	switch of.Kind() {
	case reflect.String:
		return ""
	case reflect.Slice:
		return "[]"
	case reflect.Map:
		return "map[]"
	case reflect.Float64:
		return "NaN"
	case reflect.Uint8:
		return "0"
	}
	return fmt.Sprint(schemas.Unknown)
}

// keys gives those of the rows whose columns are as said.
func (s *scene) keys(table string, columns []expectation) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(s.store.tables[table])) {
		r := s.store.tables[table][key]
		if !r.deleted() && !slices.ContainsFunc(columns, func(e expectation) bool { _, ok := e.is(table, r); return !ok }) {
			out = append(out, key)
		}
	}
	return out
}

// matching gives the rows whose columns are as said.
func (s *scene) matching(table string, columns []expectation) []row {
	var out []row
	for _, key := range s.keys(table, columns) {
		out = append(out, s.store.tables[table][key])
	}
	return out
}

func (s *scene) expectCount(table string, n int, key []expectation) error {
	if got := len(s.matching(table, key)); got != n {
		return fmt.Errorf("table %s has %d such rows, want %d", table, got, n)
	}
	return nil
}

func (s *scene) expectRow(table string, key, want []expectation) error {
	rows := s.matching(table, key)
	if len(rows) != 1 {
		return fmt.Errorf("table %s has %d such rows, want one", table, len(rows))
	}
	for _, e := range want {
		if got, ok := e.is(table, rows[0]); !ok {
			return fmt.Errorf("column %s is %s, want %s", e.column, got, e.want)
		}
	}
	return nil
}
