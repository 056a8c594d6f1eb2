package main

import (
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"tidegauge/storage"
)

func newEngine(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "engine",
		GroupID: groupAdmin,
		Short:   "Install the embedded ClickHouse engine",
		Long: `The embedded engine is ClickHouse itself, as a library that tidegauge up and tidegauge demo load into a process of
their own. It exists for Linux on x86-64 and is fetched once for all projects of a user.`,
		Args: noCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newEngineFetch(a), newEngineServe())
	return c
}

func newEngineFetch(a *app) *cobra.Command {
	var folder string
	c := &cobra.Command{
		Use:   "fetch",
		Short: "Fetch the engine's library with npm, and check it",
		Long: fmt.Sprintf(`Fetches version %s of the engine's library (178 MB, 566 MB unpacked) with npm, checks it against
checksums that are part of this program, and puts it where tidegauge up looks for it. Does nothing where it is there
already. npm has to be installed; a copy of the library can be named with TIDEGAUGE_CHDB_LIB instead.`, storage.EngineVersion),
		Example: "  tidegauge engine fetch",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			bar := newBar(a.err, "fetching the ClickHouse engine", func(n int64) string { return humanize.IBytes(uint64(n)) })
			library, err := storage.FetchEngine(c.Context(), folder, bar.set)
			bar.stop()
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "the engine's library is %s\n", library)
			return nil
		},
	}
	c.Flags().StringVar(&folder, "folder", "", "where to put it (default: the user's cache folder, where it is looked for)")
	return c
}

// newEngineServe is what the engine's process runs. Its arguments are storage's own business.
func newEngineServe() *cobra.Command {
	return &cobra.Command{
		Use:                "serve",
		Short:              "Serve as the engine's process (started by tidegauge itself)",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE:               func(_ *cobra.Command, arguments []string) error { return storage.ServeEngine(arguments) },
	}
}
