package fidelity

import (
	"bytes"
	"context"
	"time"

	"tidegauge/traces/workload"
)

// models are what is judged: the product's first.
func models() []model {
	return append([]model{{"tidegauge", "Tidegauge", fitTidegauge}}, rivals()...)
}

// fitTidegauge is `tidegauge fit` and `tidegauge generate` as anybody runs them: what the fit says goes through its document.
func fitTidegauge(ctx context.Context, half *trace) (generator, error) {
	fitted, err := workload.Fit(ctx, half.requests(), workload.FitOptions{})
	if err != nil {
		return nil, err
	}
	var document bytes.Buffer
	if err := fitted.Write(&document); err != nil {
		return nil, err
	}
	profile, err := workload.Read(&document)
	if err != nil {
		return nil, err
	}
	return func(seed uint64, from, to int64) (*trace, error) {
		o := workload.DefaultGenerateOptions()
		o.Start, o.Duration, o.Seed = time.UnixMicro(from).UTC(), time.Duration(to-from)*time.Microsecond, seed
		requests, err := workload.Generate(profile, o)
		if err != nil {
			return nil, err
		}
		b := newBuilder(half.names)
		for r := range requests {
			b.add(r)
		}
		inOrder(b.rows)
		return &trace{from: from, to: to, rows: b.rows, names: half.names, tick: half.tick}, nil
	}, nil
}
