package ingest

// azure is Azure's public LLM inference trace: CSV with a wall clock (UTC unless it names a zone) and two lengths.
var azure = Format{
	Name:        "azure",
	Description: "Azure's LLM inference traces, CSV with wall-clock times",
	recognise: func(head []byte) bool {
		return headerNames(head, "TIMESTAMP", "ContextTokens", "GeneratedTokens")
	},
	table: &table{mark: "TIMESTAMP", columns: []column{
		azureTimestamp: {name: "TIMESTAMP", required: true},
		azureContext:   {name: "ContextTokens", required: true},
		azureGenerated: {name: "GeneratedTokens", required: true},
	}},
	newDecoder: func(Options) decoder { return &azureDecoder{} },
}

const (
	azureTimestamp = iota
	azureContext
	azureGenerated
)

type azureDecoder struct{ row row }

func (d *azureDecoder) decode(in record, into *Batch) (err error) {
	if err = d.row.split(in); err != nil {
		return err
	}
	r := into.add()
	r.Service, r.Model, r.LogType = "azure", "azure", "api"
	stamp := d.row.field(in, azureTimestamp)
	if len(stamp) == 0 {
		return fieldError("TIMESTAMP", "is missing")
	}
	if r.ArrivalUS, err = clock(stamp); err != nil {
		return fieldError("TIMESTAMP", "%s %v", clip(stamp), err)
	}
	if r.RequestTokens, err = count("ContextTokens", d.row.field(in, azureContext)); err != nil {
		return err
	}
	if r.ResponseTokens, err = count("GeneratedTokens", d.row.field(in, azureGenerated)); err != nil {
		return err
	}
	r.Outcome = r.GenerationEnd()
	return nil
}
