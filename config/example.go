package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Example writes a configuration file that holds every setting with its default and what it means. As it stands it
// changes nothing: every line is a comment.
func Example(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Tidegauge's configuration. Every setting is here with its default: take the # away to change one.
# The same setting can be given as a flag (--brokers) or in the environment (TIDEGAUGE_KAFKA_BROKERS):
# a flag wins over the environment, the environment over this file.
# Passwords belong in the environment or in a file that only the service can read; they have no flags.

`)
	example(&b, reflect.ValueOf(Default()), "")
	_, err := io.WriteString(w, b.String())
	return err
}

// example writes the settings of one section, then its sections.
func example(b *strings.Builder, section reflect.Value, indent string) {
	t := section.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type.Kind() == reflect.Struct {
			continue
		}
		help := f.Tag.Get("help")
		if oneof := strings.TrimPrefix(f.Tag.Get("oneof"), ","); oneof != "" {
			help += " (" + strings.ReplaceAll(oneof, ",", ", ") + ")"
		}
		fmt.Fprintf(b, "%s# %s\n%s#%s: %s\n", indent, help, indent, f.Tag.Get("koanf"), exampleValue(f, section.Field(i)))
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type.Kind() != reflect.Struct {
			continue
		}
		if help := f.Tag.Get("help"); help != "" {
			fmt.Fprintf(b, "\n%s# %s\n", indent, help)
		}
		fmt.Fprintf(b, "%s%s:\n", indent, f.Tag.Get("koanf"))
		example(b, section.Field(i), indent+"  ")
	}
}

func exampleValue(field reflect.StructField, v reflect.Value) string {
	switch value := v.Interface().(type) {
	case []string:
		if len(value) > 0 {
			return "[" + strings.Join(value, ", ") + "]"
		}
		if example := field.Tag.Get("example"); example != "" {
			return example
		}
		return "[]"
	case string:
		if value == "" {
			return `""`
		}
		// The home differs from reader to reader, and the document must not.
		if field.Name == "DataDir" {
			return documentedDataDir
		}
		return value
	default:
		return format(v)
	}
}
