package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tidegauge/config"
	"tidegauge/storage"
)

func newConfig(a *app) *cobra.Command {
	var asJSON, example bool
	c := &cobra.Command{
		Use:     "config",
		GroupID: groupAdmin,
		Short:   "Show the configuration in force, and where each value comes from",
		Long: `Shows every setting with its value and where that came from: a flag, an environment variable, a line of the
configuration file, a running tidegauge up, or the default. Secrets are not shown. All mistakes are reported at once,
with status 2, so it can check a file before a service is restarted.

A flag wins over the environment, the environment over the file. A setting kafka.sasl.user is the flag
--kafka-sasl-user and the variable TIDEGAUGE_KAFKA_SASL_USER; a few have shorter flags (--brokers, --topic, --group,
--clickhouse). Passwords have no flags.`,
		Example: `  tidegauge config
  tidegauge config --config /etc/tidegauge.yaml > /dev/null && systemctl reload tidegauge
  tidegauge config --example > tidegauge.yaml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if example {
				return config.Example(a.out)
			}
			err := a.load(c, true, func(s config.Settings) error {
				pc := processorConfig(s)
				if len(pc.Brokers) == 0 {
					pc.Brokers = []string{"127.0.0.1:9092"}
				}
				return errors.Join(checkKafka(s), checkClickHouse(s), prefixed("processor", pc.Validate()), checkHeadline(s))
			})
			if err != nil {
				return err
			}
			values := a.Values()
			for i, v := range values {
				if v.Secret == "address" {
					values[i].Text = storage.Redact(v.Text)
				}
			}
			if asJSON {
				type value struct {
					Value  string `json:"value"`
					Source string `json:"source"`
				}
				object := map[string]value{}
				for _, v := range values {
					object[v.Key] = value{v.Text, v.Source}
				}
				e := json.NewEncoder(a.out)
				e.SetIndent("", "  ")
				return e.Encode(object)
			}
			file := a.File
			if file == "" {
				file = "none"
			}
			fmt.Fprintf(a.out, "# configuration file: %s\n", file)
			t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			for _, v := range values {
				text := v.Text
				if text == "" {
					text = "-"
				}
				fmt.Fprintf(t, "%s\t%s\t%s\n", v.Key, text, v.Source)
			}
			return t.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	c.Flags().BoolVar(&example, "example", false, "write a configuration file with every setting, its default and its meaning")
	config.AddFlags(c.Flags(), "listen", "pprof", "kafka", "clickhouse", "processor", "broker", "engine")
	return c
}
