package dashboards

import (
	"bytes"
	_ "embed"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

//go:embed objectives.yaml
var objectivesFile []byte

// Objectives are what services promise: seconds, and shares between 0 and 1.
type Objectives struct {
	Availability float64 `yaml:"availability"`
	TTFT         float64 `yaml:"ttft_p90_s"`
	TPOT         float64 `yaml:"tpot_p90_s"`
	Elapsed      float64 `yaml:"elapsed_p90_s"`
	Goodput      float64 `yaml:"goodput"`
	Lag          float64 `yaml:"lag_s"`
	Silence      float64 `yaml:"silence_s"`
}

// objectives are those of objectives.yaml, which is compiled in: a mistake in it ends every test of the package.
var objectives = func() Objectives {
	o, err := ParseObjectives(objectivesFile)
	if err != nil {
		panic(err)
	}
	return o
}()

// ParseObjectives reads a file such as objectives.yaml.
func ParseObjectives(file []byte) (Objectives, error) {
	var o Objectives
	decoder := yaml.NewDecoder(bytes.NewReader(file))
	decoder.KnownFields(true)
	if err := decoder.Decode(&o); err != nil {
		return o, fmt.Errorf("reading objectives.yaml: %w", err)
	}
	for _, v := range []struct {
		name  string
		value float64
		share bool
	}{
		{"availability", o.Availability, true}, {"goodput", o.Goodput, true}, {"ttft_p90_s", o.TTFT, false}, {"tpot_p90_s", o.TPOT, false},
		{"elapsed_p90_s", o.Elapsed, false}, {"lag_s", o.Lag, false}, {"silence_s", o.Silence, false},
	} {
		if v.value <= 0 || v.share && v.value >= 1 {
			return o, fmt.Errorf("objectives.yaml: %s is %g, want a number above 0, and a share below 1", v.name, v.value)
		}
	}
	return o, nil
}

// plain writes a number as people do.
func plain(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
