package encode

import (
	"tidegauge/schemas"
	"tidegauge/traces/columnar"
)

// canonical is Tidegauge's own form.
var canonical = Format{
	Name:        "canonical",
	Description: "Tidegauge's own JSON lines: everything",
	Extension:   ".jsonl",
	carries:     allFields, outcomes: true,
	text: func(*sheet) layout {
		return rows{"", func(dst []byte, r *schemas.Request, _ int64) []byte { return append(schemas.AppendJSON(dst, r), '\n') }}
	},
}

// parquet and arrow have the same fields as columns.
var parquet = Format{
	Name:        "parquet",
	Description: "Parquet: everything, a column for each field (zstd)",
	Extension:   ".parquet",
	carries:     allFields, outcomes: true,
	columns: columnar.NewParquet,
}

var arrow = Format{
	Name:        "arrow",
	Description: "Arrow IPC file: everything, a column for each field (zstd)",
	Extension:   ".arrow",
	carries:     allFields, outcomes: true,
	columns: columnar.NewArrow,
}
