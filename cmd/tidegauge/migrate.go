package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"tidegauge/config"
	"tidegauge/schemas"
	"tidegauge/storage"
)

func newMigrate(a *app) *cobra.Command {
	var onlyCheck bool
	c := &cobra.Command{
		Use:     "migrate",
		GroupID: groupAdmin,
		Short:   "Create or update ClickHouse's tables and views",
		Long: `Creates the database, tables and views, or brings them up to this version. It can be interrupted and repeated,
and never drops data. Nothing else changes the schema: process refuses to start on one that is not this version's.

On a cluster (--clickhouse-cluster) tables are replicated and spread over it by service.`,
		Example: `  tidegauge migrate --clickhouse clickhouse://tidegauge:secret@ch-1:9000/tidegauge
  tidegauge migrate --check && systemctl restart tidegauge-processor`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := a.load(c, true, checkClickHouse); err != nil {
				return err
			}
			ctx := c.Context()
			db, err := a.openDatabase(ctx, !onlyCheck, true)
			if err != nil {
				return err
			}
			defer db.Close()
			migrations, err := schemas.Migrations(schemas.Topology{Cluster: a.ClickHouse.Cluster})
			if err != nil {
				return err
			}
			applied := 0
			if onlyCheck {
				err = storage.CheckSchema(ctx, db, migrations)
			} else {
				applied, err = storage.Migrate(ctx, db, migrations)
			}
			if err != nil {
				return err
			}
			schema, err := storage.SchemaVersion(ctx, db)
			if err != nil {
				return err
			}
			what := "is up to date"
			if applied > 0 {
				what = fmt.Sprintf("has been migrated (%d applied)", applied)
			}
			fmt.Fprintf(a.out, "database %s at %s %s: schema version %d\n", db.Database(), db.Address(), what, schema)
			return nil
		},
	}
	c.Flags().BoolVar(&onlyCheck, "check", false, "change nothing; end with 1 if a migration is missing")
	config.AddFlags(c.Flags(), "clickhouse")
	return c
}

// checkSchema refuses a database that is not of this version, with what to do.
func checkSchema(ctx context.Context, db *storage.DB, cluster string) error {
	migrations, err := schemas.Migrations(schemas.Topology{Cluster: cluster})
	if err != nil {
		return err
	}
	return storage.CheckSchema(ctx, db, migrations)
}
