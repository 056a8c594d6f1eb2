package ingest

import (
	"bytes"

	"tidegauge/schemas"
)

// canonical is Tidegauge's own form, what the topic carries: JSON lines of the request schema. Times are microseconds
// of the wall clock; a line keeps its own request_id and seq where it has them.
var canonical = Format{
	Name:        "canonical",
	Description: "Tidegauge's own JSON lines (request.schema.json)",
	recognise:   func(head []byte) bool { return hasKeys(head, "arrival_us") },
	newDecoder:  func(Options) decoder { return &canonicalDecoder{} },
}

type canonicalDecoder struct{ json schemas.Decoder }

func (d *canonicalDecoder) decode(in record, into *Batch) error {
	r := into.add()
	if err := d.json.Decode(in.data, r); err != nil {
		return err
	}
	// A line without an arrival would be one of 1970.
	if r.ArrivalUS == 0 && !bytes.Contains(in.data, []byte(`"arrival_us"`)) {
		return fieldError("arrival_us", "is missing")
	}
	return nil
}
