package config

import (
	"reflect"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// key is one setting: a leaf of Settings.
type key struct {
	name    string // kafka.sasl.user
	field   []int  // of Settings, for reflect's FieldByIndex
	kind    reflect.Type
	tag     reflect.StructTag
	initial string // its default, as text
}

// keys lists the leaves of Settings in the order of their fields.
func keys() []key {
	defaults := reflect.ValueOf(Default())
	var all []key
	var walk func(t reflect.Type, prefix string, field []int)
	walk = func(t reflect.Type, prefix string, field []int) {
		for i := range t.NumField() {
			f := t.Field(i)
			name := prefix + f.Tag.Get("koanf")
			index := append(append([]int(nil), field...), i)
			if f.Type.Kind() == reflect.Struct {
				walk(f.Type, name+".", index)
				continue
			}
			all = append(all, key{name, index, f.Type, f.Tag, format(defaults.FieldByIndex(index))})
		}
	}
	walk(defaults.Type(), "", nil)
	return all
}

// flag and variable are the key's other names: kafka.sasl.user is --kafka-sasl-user and TIDEGAUGE_KAFKA_SASL_USER. The
// few that everybody types have shorter flags.
func (k key) flag() string {
	if short := k.tag.Get("flag"); short != "" {
		return short
	}
	return strings.NewReplacer(".", "-", "_", "-").Replace(k.name)
}

func (k key) variable() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(k.name, ".", "_"))
}

// secret says whether the value must never be shown.
func (k key) secret() bool { return k.tag.Get("secret") == "yes" }

// within says whether the key belongs to one of the sections, each a key or what comes before its last parts.
func (k key) within(sections []string) bool {
	for _, s := range sections {
		if k.name == s || strings.HasPrefix(k.name, s+".") {
			return true
		}
	}
	return false
}

// AddFlags defines the flags of the keys in sections ("kafka", "clickhouse.address"). Their values are checked by Load,
// together with everything else, so that all mistakes are reported at once.
func AddFlags(flags *pflag.FlagSet, sections ...string) {
	for _, k := range keys() {
		if !k.within(sections) || k.secret() || flags.Lookup(k.flag()) != nil {
			continue
		}
		f := flags.VarPF(&flagValue{text: k.initial, kind: typeName(k), list: k.kind.Kind() == reflect.Slice}, k.flag(), "", k.tag.Get("help")+choices(k))
		if k.name == "data_dir" { // the home differs from reader to reader, and help and manual pages must not
			f.DefValue = documentedDataDir
		}
		if k.kind.Kind() == reflect.Bool {
			f.NoOptDefVal = "true"
		}
	}
}

// IsSetting says whether a flag was defined by AddFlags.
func IsSetting(f *pflag.Flag) bool {
	_, ok := f.Value.(*flagValue)
	return ok
}

// Choices gives the values that the flag of a key may have, for shell completion; nil where anything goes.
func Choices(flag string) []string {
	for _, k := range keys() {
		if k.flag() != flag {
			continue
		}
		if oneof, ok := k.tag.Lookup("oneof"); ok {
			return strings.Split(strings.TrimPrefix(oneof, ","), ",")
		}
	}
	return nil
}

func choices(k key) string {
	oneof := strings.TrimPrefix(k.tag.Get("oneof"), ",")
	if oneof == "" {
		return ""
	}
	return " (" + strings.ReplaceAll(oneof, ",", ", ") + ")"
}

// flagValue keeps a flag's text as it was given; a list may be given in parts.
type flagValue struct {
	text, kind  string
	list, given bool
}

func (v *flagValue) String() string { return v.text }
func (v *flagValue) Type() string   { return v.kind }

func (v *flagValue) Set(text string) error {
	if v.list && v.given {
		text = v.text + "," + text
	}
	v.text, v.given = text, true
	return nil
}

// typeName is what help texts call the values of a key.
func typeName(k key) string {
	switch k.kind {
	case reflect.TypeFor[bool]():
		return "bool" // pflag shows no type for it
	case reflect.TypeFor[int]():
		return "number"
	case reflect.TypeFor[Size]():
		return "size"
	case reflect.TypeFor[time.Duration]():
		return "duration"
	}
	switch k.tag.Get("check") {
	case "addresses":
		return "host:port,..."
	case "hostport", "listen":
		return "host:port"
	case "clickhouse":
		return "address"
	}
	switch {
	case strings.HasSuffix(k.name, "_file") || k.name == "engine.library" || k.name == "scrape.files":
		return "file"
	case k.name == "data_dir":
		return "folder"
	}
	return "text"
}
