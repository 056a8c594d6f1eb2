package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newMan(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "man FOLDER",
		GroupID: groupAdmin,
		Short:   "Write the manual pages",
		Long:    "Writes a manual page for each command into a folder, which is made if it is not there.",
		Example: "  tidegauge man ~/.local/share/man/man1 && man tidegauge-ingest",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, arguments []string) error {
			folder := arguments[0]
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return err
			}
			// A fixed date keeps the pages of one version the same, whenever they are written.
			date := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			header := &doc.GenManHeader{Section: "1", Source: "tidegauge " + version(), Manual: "Tidegauge", Date: &date}
			if err := doc.GenManTree(c.Root(), header, folder); err != nil {
				return err
			}
			pages, err := filepath.Glob(filepath.Join(folder, "tidegauge*.1"))
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "wrote %d pages to %s\n", len(pages), folder)
			return nil
		},
	}
}
