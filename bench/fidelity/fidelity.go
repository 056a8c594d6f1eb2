// Package fidelity measures how like the real thing synthetic traffic is. Each model is fitted on the first half of a
// trace, makes as much as the second half ten times, and is judged by the second half, number by number (cells.go), by a classifier
// that is to tell the two apart (classifier.go) and by what a server would make of them (queue.go). Beside each error stands how much two
// halves of the same trace differ.
package fidelity

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Options say what to judge and how often.
type Options struct {
	Trace   Source
	Seeds   int
	Deals   int      // how often the trace's blocks are dealt out to two halves
	Models  []string // keys; none is all
	Log     func(format string, arguments ...any)
	Seconds float64   // if above 0, only the trace's first so many seconds
	Explain io.Writer // where given: what the classifier sees
}

// Source is a trace by its name.
type Source struct{ Name, Path, Description string }

// MadeUp is the name of the trace that is made up.
const MadeUp = "synth-burst"

// Sources are the traces: files in a folder of real data, and one that is made up.
func Sources(data, burst string) []Source {
	return []Source{
		{"azure-code", filepath.Join(data, "azure", "AzureLLMInferenceTrace_code.csv"), "Azure's coding service, 2023"},
		{"azure-conv", filepath.Join(data, "azure", "AzureLLMInferenceTrace_conv.csv"), "Azure's chat service, 2023"},
		{"burstgpt-rows", filepath.Join(data, "burstgpt", "release2_first1000_conversation.jsonl"), "BurstGPT's second release, 1,000 conversation rows"},
		{MadeUp, burst, "made up, of BurstGPT's size and kind"},
	}
}

// Judge fits all models on a trace's first half and judges what they make by the second.
func Judge(ctx context.Context, o Options) (*Result, error) {
	if o.Seeds < 1 {
		return nil, fmt.Errorf("%d seeds: at least one is needed", o.Seeds)
	}
	chosen, err := o.chosen()
	if err != nil {
		return nil, err
	}
	t, err := readTrace(ctx, o.Trace.Path)
	if err != nil {
		return nil, err
	}
	if o.Seconds > 0 {
		t = t.cut(t.from, min(t.to, t.from+int64(o.Seconds*1e6)))
	}
	first, later := t.halves()
	result := &Result{Trace: o.Trace.Name, Description: o.Trace.Description, Requests: [2]int{len(first.rows), len(later.rows)},
		Seconds: [2]float64{first.seconds(), later.seconds()}, Seeds: o.Seeds}
	o.Log("%s: %d requests in %s, then %d in %s", o.Trace.Name, len(first.rows), span(first), len(later.rows), span(later))

	j := &judge{server: newServer(first), real: looks(later)}
	if types := t.logTypes(); len(types) > 1 {
		j.logTypes = types
	}
	began := time.Now()
	real, err := j.measure(later)
	if err != nil {
		return nil, err
	}
	real[0].auc = 0.5
	before, err := j.measure(first)
	if err != nil {
		return nil, err
	}
	all := cells()
	for s, stream := range j.streams() {
		for c := range all {
			if all[c].whole && s > 0 {
				continue
			}
			value := all[c].value(&real[s])
			if math.IsNaN(value) {
				continue
			}
			earlier := all[c].value(&before[s])
			result.Cells = append(result.Cells, Cell{Section: all[c].section, Name: all[c].name, Stream: stream, Scale: all[c].scale,
				First: earlier, Second: value, Halves: all[c].error(earlier, value), place: [2]int{s, c}})
		}
	}
	if err := result.sampling(ctx, j, t, all, o.Deals); err != nil {
		return nil, err
	}
	o.Log("  halves measured in %s", time.Since(began).Round(time.Millisecond))
	for _, m := range chosen {
		if err := result.judge(ctx, j, m, first, later, all, o); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", o.Trace.Name, m.name, err)
		}
	}
	result.compare()
	return result, ctx.Err()
}

func span(t *trace) time.Duration {
	return (time.Duration(t.to-t.from) * time.Microsecond).Round(time.Second)
}

// chosen are the models that are judged: Tidegauge's first.
func (o *Options) chosen() ([]model, error) {
	all := models()
	if len(o.Models) == 0 {
		return all, nil
	}
	var some []model
	var known []string
	for _, m := range all {
		known = append(known, m.key)
		if slices.Contains(o.Models, m.key) {
			some = append(some, m)
		}
	}
	if len(some) != len(o.Models) {
		return nil, fmt.Errorf("models %s: there are %s", strings.Join(o.Models, ","), strings.Join(known, ", "))
	}
	return some, nil
}

// sampling adds how much two halves of the trace differ by chance: on average over several ways to deal its blocks of
// time out to two.
func (r *Result) sampling(ctx context.Context, j *judge, t *trace, all []cell, deals int) error {
	random := newRandom(1, "deal")
	sums := make([]float64, len(r.Cells))
	known := make([]int, len(r.Cells))
	for range deals {
		if err := ctx.Err(); err != nil {
			return err
		}
		a, b := t.deal(random)
		of := judge{server: j.server, logTypes: j.logTypes}
		ofA, err := of.measure(a)
		if err != nil {
			return err
		}
		of.real = looks(a)
		ofB, err := of.measure(b)
		if err != nil {
			return err
		}
		ofA[0].auc = 0.5
		for i := range r.Cells {
			s, c := r.Cells[i].place[0], r.Cells[i].place[1]
			if e := all[c].error(all[c].value(&ofB[s]), all[c].value(&ofA[s])); !math.IsNaN(e) && !math.IsInf(e, 0) {
				sums[i] += e
				known[i]++
			}
		}
	}
	for i := range r.Cells {
		r.Cells[i].Dealt = math.NaN()
		if known[i] > 0 {
			r.Cells[i].Dealt = sums[i] / float64(known[i])
		}
	}
	return nil
}

// judge adds a model's values and errors.
func (r *Result) judge(ctx context.Context, j *judge, m model, first, later *trace, all []cell, o Options) error {
	began := time.Now()
	generate, err := m.fit(ctx, first)
	if err != nil {
		return err
	}
	fitted := time.Since(began)
	began = time.Now()
	r.Models = append(r.Models, Model{Key: m.key, Name: m.name})
	for i := range r.Cells {
		r.Cells[i].Values = append(r.Cells[i].Values, nil)
	}
	requests := 0
	for seed := range o.Seeds {
		if err := ctx.Err(); err != nil {
			return err
		}
		made, err := generate(uint64(seed+1), later.from, later.to)
		if err != nil {
			return err
		}
		requests += len(made.rows)
		if o.Explain != nil && seed == 0 {
			if err := explain(o.Explain, m.name, j.real, looks(made)); err != nil {
				return err
			}
		}
		values, err := j.measure(made)
		if err != nil {
			return err
		}
		for i := range r.Cells {
			cell := &r.Cells[i]
			last := len(r.Models) - 1
			cell.Values[last] = append(cell.Values[last], all[cell.place[1]].value(&values[cell.place[0]]))
		}
	}
	for i := range r.Cells {
		cell := &r.Cells[i]
		sum := 0.0
		for _, v := range cell.Values[len(r.Models)-1] {
			sum += all[cell.place[1]].error(v, cell.Second)
		}
		cell.Errors = append(cell.Errors, sum/float64(o.Seeds))
	}
	r.Models[len(r.Models)-1].Requests = float64(requests) / float64(o.Seeds)
	o.Log("  %s: fitted in %s, %d seeds of %d requests on average in %s", m.name, fitted.Round(time.Millisecond), o.Seeds, requests/o.Seeds, time.Since(began).Round(time.Millisecond))
	return nil
}
