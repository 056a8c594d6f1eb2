package ingest

import (
	"cmp"
	"maps"
	"slices"

	dto "github.com/prometheus/client_model/go"

	"tidegauge/schemas"
)

// engineField is how a measure of an inference engine is called, the new name before the old.
type engineField struct {
	names []string
	ratio bool
	in    func(*schemas.EngineSample) **float64
}

var engineFields = []engineField{
	{names: []string{"vllm:num_requests_running", "sglang:num_running_reqs"}, in: func(s *schemas.EngineSample) **float64 { return &s.Running }},
	{names: []string{"vllm:num_requests_waiting", "sglang:num_queue_reqs"}, in: func(s *schemas.EngineSample) **float64 { return &s.Waiting }},
	{names: []string{"vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", "sglang:token_usage"}, ratio: true,
		in: func(s *schemas.EngineSample) **float64 { return &s.KVCacheUsage }},
	{names: []string{"vllm:num_preemptions_total", "vllm:num_preemptions", "sglang:num_retracted_requests_total"},
		in: func(s *schemas.EngineSample) **float64 { return &s.Preemptions }},
}

// engineSamples gives a sample for each model and engine on the page. An engine may give a row for each of its ranks, which say the
// same of different parts of it: the largest counts.
func engineSamples(engine string, families map[string]*dto.MetricFamily, service func(map[string]string) string, host string) []*schemas.GPURecord {
	type key struct{ model, index string }
	found := make(map[key]*schemas.EngineSample)
	for _, field := range engineFields {
		named := make(map[key]bool) // by a name before this one
		for _, name := range field.names {
			now := make(map[key]bool)
			for _, m := range families[name].GetMetric() {
				labels := labelsOf(m)
				k := key{labels["model_name"], firstOf(labels, "engine", "dp_rank")}
				v := measured(m, 1, field.ratio)
				if v == nil || *v < 0 || named[k] {
					continue
				}
				s := found[k]
				if s == nil {
					s = &schemas.EngineSample{Host: host, Model: k.model, EngineIndex: k.index, Engine: engine}
					s.Service = service(map[string]string{"host": host, "model_name": k.model, "engine": engine, "engine_index": k.index})
					found[k] = s
				}
				if into := field.in(s); *into == nil || **into < *v {
					*into = v
				}
				now[k] = true
			}
			maps.Copy(named, now)
		}
	}
	keys := slices.SortedFunc(maps.Keys(found), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.model, b.model), cmp.Compare(a.index, b.index))
	})
	var records []*schemas.GPURecord
	for _, k := range keys {
		records = append(records, &schemas.GPURecord{Engine: found[k]})
	}
	return records
}
