package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"tidegauge/report"
	"tidegauge/schemas"
	"tidegauge/storage"
)

// release is set by the build (-ldflags "-X main.release=1.2.3"); without it the version is what Go knows of the source.
var release string

// version names the build in one word.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+changes"
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel-" + revision + modified
}

// generatedBy is how documents name the program.
func generatedBy() string { return "tidegauge " + version() }

func newVersion(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "version",
		GroupID: groupAdmin,
		Short:   "Say which version this is, and what it speaks",
		Long: `Says which version this is and which versions of other things it goes with: the summary document, the topic,
and the embedded ClickHouse engine.`,
		Example: "  tidegauge version\n  tidegauge version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			about := []struct{ name, value string }{
				{"tidegauge", version()},
				{"go", runtime.Version()},
				{"platform", runtime.GOOS + "/" + runtime.GOARCH},
				{"summary", report.SchemaName},
				{"topic", schemas.RequestsTopic},
				{"engine", storage.EngineVersion},
			}
			if asJSON {
				object := map[string]string{}
				for _, line := range about {
					object[line.name] = line.value
				}
				return json.NewEncoder(a.out).Encode(object)
			}
			for _, line := range about {
				fmt.Fprintf(a.out, "%-10s %s\n", line.name, line.value)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	return c
}
