package schemas

import _ "embed"

// RequestSchema is the JSON Schema (2020-12) of a request.
//
//go:embed request.schema.json
var RequestSchema []byte
