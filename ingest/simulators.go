// The traces that simulators read, which are written too (traces/encode): a time and two lengths a row.

package ingest

// vidur is the trace of the simulator Vidur: CSV, times in seconds from its origin.
var vidur = Format{
	Name:        "vidur",
	Description: "Vidur's CSV, times in seconds from its origin",
	recognise: func(head []byte) bool {
		return headerNames(head, "arrived_at", "num_prefill_tokens", "num_decode_tokens")
	},
	table: &table{mark: "arrived_at", columns: []column{
		lengthsTime:     {name: "arrived_at", required: true},
		lengthsRequest:  {name: "num_prefill_tokens", required: true},
		lengthsResponse: {name: "num_decode_tokens", required: true},
	}},
	newDecoder: func(o Options) decoder {
		return &lengthsDecoder{options: o, name: "vidur", columns: [3]string{"arrived_at", "num_prefill_tokens", "num_decode_tokens"}}
	},
}

// splitwise is the trace of splitwise-sim: CSV, times in seconds from its origin. Its ids are numbers of rows.
var splitwise = Format{
	Name:        "splitwise",
	Description: "splitwise-sim's CSV, times in seconds from its origin",
	recognise: func(head []byte) bool {
		return headerNames(head, "arrival_timestamp", "prompt_size", "token_size")
	},
	table: &table{mark: "arrival_timestamp", columns: []column{
		lengthsTime:     {name: "arrival_timestamp", required: true},
		lengthsRequest:  {name: "prompt_size", required: true},
		lengthsResponse: {name: "token_size", required: true},
	}},
	newDecoder: func(o Options) decoder {
		return &lengthsDecoder{options: o, name: "splitwise", columns: [3]string{"arrival_timestamp", "prompt_size", "token_size"}}
	},
}

const (
	lengthsTime = iota
	lengthsRequest
	lengthsResponse
)

type lengthsDecoder struct {
	options Options
	name    string
	columns [3]string
	row     row
}

func (d *lengthsDecoder) decode(in record, into *Batch) (err error) {
	if err = d.row.split(in); err != nil {
		return err
	}
	r := into.add()
	r.Service, r.Model, r.LogType = d.name, d.name, "api"
	if r.ArrivalUS, err = moment(d.columns[lengthsTime], d.row.field(in, lengthsTime), 6, d.options.EpochUS); err != nil {
		return err
	}
	if r.RequestTokens, err = count(d.columns[lengthsRequest], d.row.field(in, lengthsRequest)); err != nil {
		return err
	}
	if r.ResponseTokens, err = count(d.columns[lengthsResponse], d.row.field(in, lengthsResponse)); err != nil {
		return err
	}
	r.Outcome = r.GenerationEnd()
	return nil
}

// guideLLM is what GuideLLM replays: JSON lines of the three keys that Mooncake's have too, but times in seconds. Nothing in
// such a file tells the two apart, so it has to be named.
var guideLLM = Format{
	Name:        "guidellm",
	Description: "GuideLLM's JSON lines, times in seconds from its origin; never recognised, as Mooncake's look the same",
	recognise:   func([]byte) bool { return false },
	newDecoder:  func(o Options) decoder { return &guideDecoder{options: o} },
}

type guideDecoder struct{ options Options }

func (d *guideDecoder) decode(in record, into *Batch) error {
	r := into.add()
	r.Service, r.Model, r.LogType = "guidellm", "guidellm", "api"
	c := cursor{data: in.data}
	if err := c.object(); err != nil {
		return err
	}
	arrived := false
	for {
		key, ok, err := c.key()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		switch string(key) {
		case "timestamp":
			var b []byte
			if b, err = c.numberOf("timestamp"); err == nil && b != nil {
				r.ArrivalUS, err = moment("timestamp", b, 6, d.options.EpochUS)
				arrived = true
			}
		case "input_length":
			r.RequestTokens, err = c.countOf("input_length")
		case "output_length":
			r.ResponseTokens, err = c.countOf("output_length")
		default:
			err = c.skip()
		}
		if err != nil {
			return err
		}
	}
	if !arrived {
		return fieldError("timestamp", "is missing")
	}
	r.Outcome = r.GenerationEnd()
	return c.end()
}
