package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"tidegauge/schemas"
)

// quarantine keeps the rows that ClickHouse refuses for good, one JSON object a line, in a file of the data folder: a
// row that cannot be stored must not hold up all others, and must not be lost either. The file is made when there is a
// first one. Where even that cannot be written, the log gets the row.
func quarantine(folder string, logger *slog.Logger) func(string, schemas.Block, error) {
	path := filepath.Join(folder, "quarantine.jsonl")
	return func(table string, row schemas.Block, cause error) {
		values := map[string]any{}
		for _, c := range row.Columns {
			if data := reflect.ValueOf(c.Data); data.Kind() == reflect.Slice && data.Len() > 0 {
				values[c.Name] = jsonValue(data.Index(0), "")
			}
		}
		line, err := jsonText(map[string]any{
			"time": time.Now().UTC().Format(time.RFC3339), "table": table, "error": cause.Error(), "row": values,
		})
		if err != nil {
			line = fmt.Sprintf("%+v", row)
		}
		if err := appendLine(path, line); err != nil {
			logger.Error("ClickHouse refuses a row for good, and it cannot be put aside", "table", table, "error", cause, "row", line, "file_error", err)
			return
		}
		logger.Error("ClickHouse refuses a row for good; it was put aside", "table", table, "error", cause, "file", path)
	}
}

func appendLine(path, line string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(line + "\n"); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
