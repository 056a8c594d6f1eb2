package schemas

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/template"
)

//go:embed ddl/*.sql ddl/views/*.sql ddl/views/*.tmpl
var ddl embed.FS

// Topology is what the tables are laid out for.
type Topology struct {
	// Cluster names the cluster in ClickHouse's remote_servers; empty means one node. On a cluster each table is a
	// Replicated one on every node, called NAME_local, behind a Distributed one, called NAME, that sends a service's rows
	// to one shard.
	Cluster string
}

// Migrations renders the migrations, for goose, as files NNNNN_name.sql. Every statement can be repeated.
func Migrations(t Topology) (fs.FS, error) {
	names, err := fs.Glob(ddl, "ddl/*.sql")
	if err != nil {
		return nil, err
	}
	var rendered renderedFS
	for _, name := range names {
		text, err := render(t, name)
		if err != nil {
			return nil, fmt.Errorf("rendering migration %s: %w", path.Base(name), err)
		}
		rendered = append(rendered, renderedFile{name: path.Base(name), text: text})
	}
	return rendered, nil
}

// ViewQueries gives each view's query, by the view's name, with its parameters as {name:Type}. A program that runs the
// query itself has ClickHouse analyse it once. Through the view it is analysed twice, first for the view's columns, and on
// ranges of a few days that takes longer than running it.
var ViewQueries = sync.OnceValues(func() (map[string]string, error) {
	names, err := fs.Glob(ddl, "ddl/*.sql")
	if err != nil {
		return nil, err
	}
	queries := make(map[string]string)
	for _, name := range names {
		text, err := render(Topology{}, name)
		if err != nil {
			return nil, err
		}
		for _, view := range createView.FindAllSubmatch(text, -1) {
			queries[string(view[1])] = string(view[2])
		}
	}
	return queries, nil
})

var createView = regexp.MustCompile(`(?ms)^CREATE OR REPLACE VIEW (\w+)\s+AS\n(.*?);$`)

func render(t Topology, name string) ([]byte, error) {
	text, err := ddl.ReadFile(name)
	if err != nil {
		return nil, err
	}
	shards := map[string]string{
		"requests": "cityHash64(service)", "minutes": "cityHash64(service)", "conversations": "cityHash64(service)",
		"conversations_by_day": "cityHash64(service)", "revisions": "cityHash64(service)",
		// These are found by where a record stood, whichever service it was of.
		"positions": "cityHash64(topic, partition)", "dead_letters": "cityHash64(topic, partition)",
		"gpu_samples": "cityHash64(host)", "gpu_minutes": "cityHash64(host)", "engine_samples": "cityHash64(host)",
		"engine_minutes": "cityHash64(host)", "scrape_samples": "cityHash64(target)",
	}
	var tmpl *template.Template
	functions := template.FuncMap{
		"onCluster": func() string {
			if t.Cluster == "" {
				return ""
			}
			return "ON CLUSTER " + quoteName(t.Cluster)
		},
		"local": func(table string) string {
			if t.Cluster == "" {
				return table
			}
			return table + "_local"
		},
		"replacing": func(version string) string {
			if t.Cluster == "" {
				return "ReplacingMergeTree(" + version + ")"
			}
			arguments := []string{"'/clickhouse/tables/{shard}/{database}/{table}'", "'{replica}'"}
			if version != "" {
				arguments = append(arguments, version)
			}
			return "ReplicatedReplacingMergeTree(" + strings.Join(arguments, ", ") + ")"
		},
		"distributed": func(table string) (string, error) {
			if t.Cluster == "" {
				return "", nil
			}
			shard, ok := shards[table]
			if !ok {
				return "", fmt.Errorf("no sharding key for table %s", table)
			}
			return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s ON CLUSTER %s AS %s_local\nENGINE = Distributed(%s, currentDatabase(), %s_local, %s);",
				table, quoteName(t.Cluster), table, quoteName(t.Cluster), table, shard), nil
		},
		"replicated": func() []string { return slices.Sorted(maps.Keys(shards)) },
		"sketchBase": func() int { return SketchBase },
		"entryShift": func() int { return EntryShift },
		"maxEntry":   func() int { return MaxEntry },
		// Parts of up to 32 MB keep all columns in one file. The tables have many, and a file for each was half of what an
		// insert cost.
		"smallParts": func() string { return "min_bytes_for_wide_part = 33554432" },
		// columns is the list of columns that a template is called with.
		"columns":   func(names ...string) []string { return names },
		"gpuGauges": func() []string { return GPUGauges }, "gpuCounters": func() []string { return GPUCounters },
		"engineGauges": func() []string { return EngineGauges }, "engineCounters": func() []string { return EngineCounters },
		// allStreams gives a template whose parameters are a stream's as it is for all models and log types.
		"allStreams": func(name string) (string, error) {
			var text strings.Builder
			err := tmpl.ExecuteTemplate(&text, name, nil)
			return strings.NewReplacer("{model:Nullable(String)}", "NULL", "{log_type:Nullable(String)}", "NULL").Replace(text.String()), err
		},
		// views gives the views whose files' numbers lie in a range: a migration makes those whose tables there are by then,
		// and a view that comes later is made by a later migration, too.
		"views": func(from, to string) (string, error) {
			names, err := fs.Glob(ddl, "ddl/views/*.sql") // sorted: a view that reads another comes after it
			if err != nil {
				return "", err
			}
			var all bytes.Buffer
			for _, name := range names {
				if number := path.Base(name)[:2]; number < from || number > to {
					continue
				}
				text, err := render(t, name)
				if err != nil {
					return "", err
				}
				all.Write(text)
				all.WriteByte('\n')
			}
			return all.String(), nil
		},
	}
	tmpl, err = template.New(path.Base(name)).Option("missingkey=error").Funcs(functions).ParseFS(ddl, "ddl/views/*.tmpl")
	if err != nil {
		return nil, err
	}
	if tmpl, err = tmpl.Parse(string(text)); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = tmpl.Execute(&out, map[string]any{
		"Cluster": t.Cluster, "TokenLogShift": fmt.Sprint(TokenLogShift), "MinuteUS": MinuteUS, "SecondUS": SecondUS,
	})
	return out.Bytes(), err
}

func quoteName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
