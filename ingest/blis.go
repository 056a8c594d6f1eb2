package ingest

import (
	"math"
	"strconv"

	"tidegauge/schemas"
)

// blis is the trace of BLIS (inference-sim): CSV, times in microseconds from its origin, 0 where there is none. Its YAML header, a
// file of its own, is not read.
var blis = Format{
	Name:        "blis",
	Description: "BLIS's CSV, times in microseconds from its origin",
	recognise: func(head []byte) bool {
		return headerNames(head, "arrival_time_us", "input_tokens", "output_tokens", "status")
	},
	table: &table{mark: "arrival_time_us", columns: []column{
		blisArrival: {name: "arrival_time_us", required: true},
		blisInput:   {name: "input_tokens", required: true},
		blisOutput:  {name: "output_tokens", required: true},
		blisStatus:  {name: "status", required: true},
		blisClient:  {name: "client_id"},
		blisSession: {name: "session_id"},
		blisRatio:   {name: "reason_ratio"},
		blisModel:   {name: "model"},
		blisFirst:   {name: "first_chunk_time_us"},
		blisLast:    {name: "last_chunk_time_us"},
		blisMessage: {name: "error_message"},
		blisFinish:  {name: "finish_reason"},
	}},
	newDecoder: func(o Options) decoder { return &blisDecoder{options: o} },
}

const (
	blisArrival = iota
	blisInput
	blisOutput
	blisStatus
	blisClient
	blisSession
	blisRatio
	blisModel
	blisFirst
	blisLast
	blisMessage
	blisFinish
)

type blisDecoder struct {
	options Options
	row     row
	names   names
	ids     texts
}

func (d *blisDecoder) decode(in record, into *Batch) (err error) {
	if err = d.row.split(in); err != nil {
		return err
	}
	r := into.add()
	r.Service, r.Model, r.LogType = "blis", "blis", "api"
	arrival := d.row.field(in, blisArrival)
	if r.ArrivalUS, err = moment("arrival_time_us", arrival, 0, d.options.EpochUS); err != nil {
		return err
	}
	if r.RequestTokens, err = count("input_tokens", d.row.field(in, blisInput)); err != nil {
		return err
	}
	if r.ResponseTokens, err = count("output_tokens", d.row.field(in, blisOutput)); err != nil {
		return err
	}
	began := r.ArrivalUS - d.options.EpochUS
	if r.TTFTUS, err = since("first_chunk_time_us", d.row.field(in, blisFirst), began); err != nil {
		return err
	}
	if r.ElapsedUS, err = since("last_chunk_time_us", d.row.field(in, blisLast), began); err != nil {
		return err
	}
	if model := d.row.field(in, blisModel); len(model) > 0 {
		r.Model = d.names.keep(model)
	}
	r.Client, r.Conversation = d.ids.keep(d.row.field(in, blisClient)), d.ids.keep(d.row.field(in, blisSession))
	r.FinishReason = d.names.keep(d.row.field(in, blisFinish))
	if r.ReasoningTokens, err = reasoning(d.row.field(in, blisRatio), r.ResponseTokens); err != nil {
		return err
	}
	message := d.row.field(in, blisMessage)
	switch status := d.row.field(in, blisStatus); string(status) {
	case "ok":
		r.Outcome = r.GenerationEnd()
	case "timeout":
		r.Outcome = schemas.Timeout
	case "incomplete": // of a simulation that ended before it did
		r.Outcome = schemas.Cancelled
	case "error":
		// What is written of ours (traces/encode) says which end it was.
		switch r.Outcome = schemas.ParseOutcome(string(message)); r.Outcome {
		case schemas.RateLimited, schemas.Cancelled, schemas.Filtered:
			return nil
		}
		r.Outcome = schemas.Error
	default:
		return fieldError("status", "%s is none of ok, error, timeout, incomplete", clip(status))
	}
	r.ErrorType = d.names.keep(message)
	return nil
}

// since reads a time and gives how long after another it is; 0 and nothing are unknown.
func since(field string, b []byte, began int64) (int64, error) {
	at, err := duration(field, b, 0)
	if err != nil || at <= 0 {
		return schemas.Unknown, err
	}
	if at < began {
		return 0, fieldError(field, "%s is before the arrival", clip(b))
	}
	return at - began, nil
}

// reasoning gives the tokens that a share of the answer is.
func reasoning(share []byte, response int64) (int64, error) {
	if len(share) == 0 || string(share) == "0" || response <= 0 {
		return schemas.Unknown, nil
	}
	v, err := strconv.ParseFloat(string(share), 64)
	if err != nil || !(v >= 0 && v <= 1) {
		return 0, fieldError("reason_ratio", "%s is not between 0 and 1", clip(share))
	}
	if v == 0 {
		return schemas.Unknown, nil
	}
	return int64(math.RoundToEven(v * float64(response))), nil
}
