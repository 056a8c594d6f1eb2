package schemas

import (
	"bytes"
	_ "embed"
	"fmt"
	"text/template"
)

// Rewrite is how the minute rows of a kind of sample are made: inside ClickHouse, from all of a minute's samples, so that
// a row is a function of the set of samples that are stored. The version is their number: a row made of more samples
// replaces one made of fewer, whoever made it, and equal numbers are the same set and the same row.
type Rewrite struct {
	Samples, Minutes string // tables
	Insert           string // the statement, with %s for a condition on the samples
}

//go:embed ddl/minutes.tmpl
var minutesTemplate string

// Rewrites gives how the minutes of GPUs and engines are made.
func Rewrites() ([]Rewrite, error) {
	tmpl, err := template.New("minutes").Parse(minutesTemplate)
	if err != nil {
		return nil, fmt.Errorf("reading the template of minutes: %w", err)
	}
	var all []Rewrite
	for _, of := range []struct {
		Samples, Minutes           string
		Key, Texts, Gauges, Counts []string
		GPU                        bool
	}{
		{"gpu_samples", "gpu_minutes", []string{"host", "uuid", "gpu_instance"}, []string{"target", "service", "namespace", "pod",
			"container", "gpu", "device", "model_name", "profile", "driver"}, GPUGauges, GPUCounters, true},
		{"engine_samples", "engine_minutes", []string{"host", "target", "model", "engine_index"}, []string{"engine", "service"},
			EngineGauges, EngineCounters, false},
	} {
		var text bytes.Buffer
		if err := tmpl.Execute(&text, of); err != nil {
			return nil, fmt.Errorf("making the minutes of %s: %w", of.Samples, err)
		}
		all = append(all, Rewrite{of.Samples, of.Minutes, text.String()})
	}
	return all, nil
}

// HostMinute names a minute of a host's samples.
type HostMinute struct {
	Host   string
	Minute uint32
}
