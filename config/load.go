package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
	yamlnode "go.yaml.in/yaml/v3"
)

const (
	prefix = "TIDEGAUGE_"
	// FileVariable names the configuration file where --config does not.
	FileVariable = prefix + "CONFIG"
	// fileName is looked for in the working folder, then in the user's configuration folder.
	fileName = "tidegauge.yaml"
)

// Options say where to look.
type Options struct {
	// Flags of the command, parsed; nil for none.
	Flags *pflag.FlagSet
	// File is what --config says; empty looks at TIDEGAUGE_CONFIG and then in the usual places, where a missing file is
	// no mistake.
	File string
	// Running fills in the addresses of a running `tidegauge up` where none is configured.
	Running bool
}

// Loaded is what is in force, and where each value came from.
type Loaded struct {
	Settings
	// File is the configuration file that was read, "" for none.
	File string
	// Up is the `tidegauge up` whose addresses were filled in; nil if there was no need or none is running.
	Up *Running
	// Warnings are for the reader: things that are probably not meant, but no mistakes for sure.
	Warnings []string

	sources map[string]string
}

// Value is one setting for `tidegauge config`.
type Value struct {
	Key, Text, Source string
	// Secret is "" or as in the tag of the setting. Text is never a secret "yes", but may be an address with a password.
	Secret string
}

// Load brings the sources together. The error joins every mistake, each with its key and where that was said. Also with
// an error the result is complete, with defaults in place of what was wrong, so that a caller can look for more mistakes.
func Load(o Options) (*Loaded, error) {
	l := &Loaded{Settings: Default(), sources: map[string]string{}}
	var mistakes []error
	layers, lines, err := l.read(o)
	if err != nil {
		mistakes = append(mistakes, err)
	}
	all := keys()
	target := reflect.ValueOf(&l.Settings).Elem()
	for _, k := range all {
		for _, layer := range layers {
			raw, given := layer.values[k.name]
			if !given {
				continue
			}
			source := layer.name(k)
			if line := lines[k.name]; layer.file && line > 0 {
				source = fmt.Sprintf("%s:%d", source, line)
			}
			if err := parse(k, raw, target.FieldByIndex(k.field)); err != nil {
				for _, one := range split(err) {
					mistakes = append(mistakes, fmt.Errorf("%s: %w (from %s)", k.name, one, source))
				}
			} else {
				l.sources[k.name] = source
			}
			break
		}
	}
	for _, layer := range layers {
		if layer.file {
			mistakes = append(mistakes, unknown(layer.values, lines, l.File, all)...)
		}
	}
	mistakes = append(mistakes, l.relations()...)
	if rest, ok := strings.CutPrefix(l.DataDir, "~/"); ok { // shells do this for flags, nobody for files
		if home, err := os.UserHomeDir(); err == nil {
			l.DataDir = filepath.Join(home, rest)
		}
	}
	if o.Running && len(l.Kafka.Brokers) == 0 && l.ClickHouse.Address == "" {
		if up, err := FindRunning(l.DataDir); err == nil {
			l.use(up)
		} else if !errors.Is(err, ErrNotRunning) {
			mistakes = append(mistakes, err)
		}
	}
	return l, errors.Join(mistakes...)
}

// layer is one source of values, by full key.
type layer struct {
	values map[string]any
	name   func(key) string
	file   bool
}

// read gives the layers, the strongest first, and the lines of the file's keys.
func (l *Loaded) read(o Options) ([]layer, map[string]int, error) {
	byFlag, byVariable := map[string]key{}, map[string]key{}
	for _, k := range keys() {
		byFlag[k.flag()], byVariable[k.variable()] = k, k
	}
	var layers []layer
	if o.Flags != nil {
		k := koanf.New(".")
		// The provider cannot fail; nor can the one of the environment.
		_ = k.Load(posflag.ProviderWithFlag(o.Flags, ".", nil, func(f *pflag.Flag) (string, any) {
			setting, known := byFlag[f.Name]
			if _, ours := f.Value.(*flagValue); !known || !ours {
				return "", nil
			}
			return setting.name, f.Value.String()
		}), nil)
		layers = append(layers, layer{k.All(), func(k key) string { return "--" + k.flag() }, false})
	}
	k := koanf.New(".")
	_ = k.Load(env.Provider(".", env.Opt{Prefix: prefix, TransformFunc: func(name, value string) (string, any) {
		setting, known := byVariable[name]
		if !known {
			l.warnVariable(name, byVariable)
			return "", nil
		}
		if value == "" { // how compose files and shells say "not set"
			return "", nil
		}
		return setting.name, value
	}}), nil)
	layers = append(layers, layer{k.All(), key.variable, false})

	path, err := findFile(o.File)
	if err != nil || path == "" {
		return layers, nil, err
	}
	l.File = path
	k = koanf.New(".")
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return layers, nil, fmt.Errorf("configuration file %s: %w", path, reason(err))
	}
	return append(layers, layer{k.All(), func(key) string { return path }, true}), keyLines(path), nil
}

// warnVariable speaks up only where a name is close to one that exists: other TIDEGAUGE_ variables belong to tests, to
// the engine, or were made by Kubernetes for a service called tidegauge.
func (l *Loaded) warnVariable(name string, known map[string]key) {
	var names []string
	for n := range known {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		if distance(name, n) <= 2 {
			l.Warnings = append(l.Warnings, fmt.Sprintf("environment variable %s is not known; did you mean %s?", name, n))
			return
		}
	}
}

// findFile gives the configuration file to read, "" for none.
func findFile(explicit string) (string, error) {
	for _, named := range []struct{ path, by string }{{explicit, "--config"}, {os.Getenv(FileVariable), FileVariable}} {
		if named.path == "" {
			continue
		}
		if _, err := os.Stat(named.path); err != nil {
			return "", fmt.Errorf("configuration file %s (from %s): %w", named.path, named.by, reason(err))
		}
		return named.path, nil
	}
	places := []string{fileName}
	if folder, err := os.UserConfigDir(); err == nil {
		places = append(places, filepath.Join(folder, "tidegauge", fileName))
	}
	for _, path := range places {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("configuration file %s: %w", path, reason(err))
		}
	}
	return "", nil
}

// reason is err without the path that the caller names anyway.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// keyLines gives the line of each key in a YAML file that was read before.
func keyLines(path string) map[string]int {
	lines := map[string]int{}
	text, err := os.ReadFile(path)
	var document yamlnode.Node
	if err != nil || yamlnode.Unmarshal(text, &document) != nil {
		return lines
	}
	var walk func(n *yamlnode.Node, prefix string)
	walk = func(n *yamlnode.Node, prefix string) {
		if n.Kind != yamlnode.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := prefix + n.Content[i].Value
			lines[name] = n.Content[i].Line
			walk(n.Content[i+1], name+".")
		}
	}
	for _, n := range document.Content {
		walk(n, "")
	}
	return lines
}

// unknown reports the keys of the file that are none, each with the key it may have been meant for.
func unknown(values map[string]any, lines map[string]int, path string, all []key) []error {
	var names []string
	for _, k := range all {
		names = append(names, k.name)
	}
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if slices.Contains(names, name) {
			continue
		}
		// A section without a value under it (`kafka:` and nothing more) says nothing, which is no mistake.
		if values[name] == nil && slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, name+".") }) {
			continue
		}
		place := path
		if line := lines[name]; line > 0 {
			place = fmt.Sprintf("%s:%d", path, line)
		}
		mistakes = append(mistakes, fmt.Errorf("%s: is no setting%s (from %s)", name, nearest(name, names), place))
	}
	return mistakes
}

// nearest looks for the whole key first and then for its last part anywhere, since a key in the wrong section is as
// common as a misspelt one.
func nearest(name string, names []string) string {
	if s := didYouMean(name, names); s != "" {
		return s
	}
	last := name[strings.LastIndex(name, ".")+1:]
	for _, n := range names {
		if n == last || strings.HasSuffix(n, "."+last) {
			return "; did you mean " + n + "?"
		}
	}
	return ""
}

func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// Source says where the value of a key came from: a flag, a variable, a file and line, a running `tidegauge up`, or
// "default".
func (l *Loaded) Source(name string) string {
	if s, ok := l.sources[name]; ok {
		return s
	}
	return "default"
}

// Values lists every setting in force. Secrets are hidden; an address that may hold one is not (see Value.Secret).
func (l *Loaded) Values() []Value {
	settings := reflect.ValueOf(l.Settings)
	var values []Value
	for _, k := range keys() {
		text := format(settings.FieldByIndex(k.field))
		if k.secret() && text != "" {
			text = "(hidden)"
		}
		values = append(values, Value{k.name, text, l.Source(k.name), k.tag.Get("secret")})
	}
	return values
}
