package report

import _ "embed"

// Schema is the JSON Schema (2020-12) of the document.
//
//go:embed summary.schema.json
var Schema []byte
