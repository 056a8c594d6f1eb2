package ingest

import "tidegauge/schemas"

// burstGPT is the public BurstGPT trace: CSV of six columns (release 1), or eight with a session and the elapsed time
// (release 2). Times are seconds from midnight of the trace's first day; a failure is a row with no response tokens.
var burstGPT = Format{
	Name:        "burstgpt",
	Description: "BurstGPT's CSV, release 1 or 2, times in seconds from its first midnight",
	recognise: func(head []byte) bool {
		return headerNames(head, "Timestamp", "Request tokens", "Response tokens")
	},
	table: &table{mark: "Timestamp", columns: []column{
		burstTimestamp: {name: "Timestamp", required: true},
		burstSession:   {name: "Session ID"},
		burstElapsed:   {name: "Elapsed time"},
		burstModel:     {name: "Model", required: true, given: func(o *Options) bool { return o.Model != "" }},
		burstRequest:   {name: "Request tokens", required: true},
		burstResponse:  {name: "Response tokens", required: true},
		burstLogType:   {name: "Log Type", required: true, given: func(o *Options) bool { return o.LogType != "" }},
	}},
	newDecoder: func(o Options) decoder { return &burstDecoder{options: o} },
}

const (
	burstTimestamp = iota
	burstSession
	burstElapsed
	burstModel
	burstRequest
	burstResponse
	burstLogType
)

type burstDecoder struct {
	options Options
	row     row
	models  names
	ids     texts
}

func (d *burstDecoder) decode(in record, into *Batch) (err error) {
	if err = d.row.split(in); err != nil {
		return err
	}
	r := into.add()
	r.Service = "burstgpt"
	if r.ArrivalUS, err = moment("Timestamp", d.row.field(in, burstTimestamp), 6, d.options.EpochUS); err != nil {
		return err
	}
	if r.ElapsedUS, err = duration("Elapsed time", d.row.field(in, burstElapsed), 6); err != nil {
		return err
	}
	if r.RequestTokens, err = count("Request tokens", d.row.field(in, burstRequest)); err != nil {
		return err
	}
	if r.ResponseTokens, err = count("Response tokens", d.row.field(in, burstResponse)); err != nil {
		return err
	}
	r.Model = d.models.keep(d.row.field(in, burstModel))
	r.Conversation = d.ids.keep(d.row.field(in, burstSession))
	r.Outcome = r.GenerationEnd()
	switch kind := d.row.field(in, burstLogType); string(kind) {
	case "Conversation log":
		r.LogType = "conversation"
	case "API log":
		r.LogType = "api"
	case "":
	default:
		if d.options.LogType == "" {
			return &schemas.FieldError{Field: "Log Type", Reason: clip(kind) + ` is neither "Conversation log" nor "API log"; --log-type overrides it`}
		}
	}
	return nil
}
