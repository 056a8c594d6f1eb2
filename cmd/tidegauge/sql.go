package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/spf13/cobra"

	"tidegauge/config"
	"tidegauge/storage"
)

func newSQL(a *app) *cobra.Command {
	var format string
	var parameters []string
	c := &cobra.Command{
		Use:     "sql [flags] [QUERY]",
		GroupID: groupAnalyse,
		Short:   "Run a query on ClickHouse",
		Long: `Runs one query on the ClickHouse that is configured or runs under tidegauge up, for machines without a client of
their own. Without QUERY, or with -, the query is read from standard input. Rows are written as they come.

Formats: table, json (one object a line), csv and tsv (both with a header). The views, which docs/metrics.md lists,
take parameters, as in the examples.`,
		Example: `  tidegauge sql "SELECT service, count() FROM requests FINAL GROUP BY service"
  tidegauge sql --format csv "SHOW TABLES"
  tidegauge sql --param service=demo "SELECT count() FROM requests FINAL WHERE service = {service:String}" `,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, arguments []string) error {
			writer, known := rowFormats[format]
			if !known {
				return usage(fmt.Errorf("--format %q is none of %s", format, strings.Join(formatsOfRows, ", ")))
			}
			values := clickhouse.Parameters{}
			for _, p := range parameters {
				name, value, found := strings.Cut(p, "=")
				if !found || name == "" {
					return usage(fmt.Errorf("--param %q is not NAME=VALUE", p))
				}
				values[name] = value
			}
			var query string
			if len(arguments) == 1 && arguments[0] != "-" {
				query = arguments[0]
			} else {
				if isTerminal(a.in) && len(arguments) == 0 {
					return usage(errors.New("no query: give one as the argument, or - to type it"))
				}
				text, err := io.ReadAll(a.in)
				if err != nil {
					return fmt.Errorf("reading the query: %w", err)
				}
				query = string(text)
			}
			if query = strings.TrimRight(strings.TrimSpace(query), "; \n\t"); query == "" {
				return usage(errors.New("the query is empty"))
			}
			if err := a.load(c, true, checkClickHouse); err != nil {
				return err
			}
			db, err := a.openDatabase(c.Context(), false, false)
			if err != nil {
				return err
			}
			defer db.Close()
			return runQuery(c.Context(), db, query, values, writer(a.out))
		},
	}
	c.Flags().StringVarP(&format, "format", "f", "table", strings.Join(formatsOfRows, ", "))
	c.Flags().StringArrayVarP(&parameters, "param", "p", nil, "a value for {NAME:Type} in the query, as NAME=VALUE; may be repeated")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formatsOfRows, cobra.ShellCompDirectiveNoFileComp))
	config.AddFlags(c.Flags(), reachClickHouse...)
	return c
}

// runQuery hands the rows of a query to w as they come.
func runQuery(ctx context.Context, db *storage.DB, query string, values clickhouse.Parameters, w rowWriter) error {
	// Parameters are text in ClickHouse's escaped form.
	escaped := maps.Clone(values)
	for name, value := range escaped {
		escaped[name] = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`).Replace(value)
	}
	rows, err := db.Query(clickhouse.Context(ctx, clickhouse.WithParameters(escaped)), query)
	if errors.Is(err, io.EOF) { // a statement without a result
		return w.flush()
	}
	if err != nil {
		return queryError(ctx, err)
	}
	defer rows.Close()
	if err := writeRows(rows, w); err != nil {
		return queryError(ctx, err)
	}
	return nil
}

func writeRows(rows driver.Rows, w rowWriter) error {
	var columns []column
	var targets []any
	for _, t := range rows.ColumnTypes() {
		c := newColumn(t.Name(), t.DatabaseTypeName(), t.ScanType())
		columns, targets = append(columns, c), append(targets, c.target())
	}
	if len(columns) == 0 {
		return w.flush()
	}
	if err := w.header(columns); err != nil {
		return err
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		if err := w.row(columns); err != nil {
			return err
		}
	}
	// What was written before an error of the server stays; the error says that it is not all.
	return errors.Join(rows.Err(), w.flush())
}

// queryError drops what the driver adds around the server's own message.
func queryError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return &failure{exitFailed, fmt.Errorf("ClickHouse refuses the query (code %d): %s", exception.Code, exception.Message),
			"`tidegauge sql \"SHOW TABLES\"` lists tables and views, \"DESCRIBE TABLE name\" their columns."}
	}
	return err
}
