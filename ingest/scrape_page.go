package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tidegauge/schemas"
)

// errUnknownPage is what a page is that has no metric of anything known here.
var errUnknownPage = errors.New("the page has no metrics of DCGM, vLLM or SGLang: is this the address of an exporter's /metrics?")

// page is a target's /metrics, as far as it is of use here.
type page struct {
	kind     string // dcgm, vllm or sglang
	families map[string]*dto.MetricFamily
}

// readPage parses a page in Prometheus's text format. Only the lines of metrics that are read here are parsed, and no
// comments: exporters repeat these where the format has them once, and what else is on a page is not for this program to find
// wrong.
func readPage(body []byte) (page, error) {
	var p page
	wanted := make([]byte, 0, len(body)/2)
	for line := range bytes.Lines(body) {
		name := line
		if end := bytes.IndexAny(line, "{ \t\n"); end >= 0 {
			name = line[:end]
		}
		kind := kindOf(string(name))
		if p.kind == "" {
			p.kind = kind
		}
		if kind != "" && scraped[string(name)] {
			wanted = append(wanted, bytes.TrimRight(line, "\r\n")...)
			wanted = append(wanted, '\n')
		}
	}
	if p.kind == "" {
		return p, errUnknownPage
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(wanted))
	if err != nil {
		return p, fmt.Errorf("the page is not in Prometheus's text format: %w", err)
	}
	p.families = families
	return p, nil
}

// kindOf says whose metric it is by the name.
func kindOf(metric string) string {
	switch {
	case strings.HasPrefix(metric, "DCGM_"):
		return "dcgm"
	case strings.HasPrefix(metric, "vllm:"):
		return "vllm"
	case strings.HasPrefix(metric, "sglang:"):
		return "sglang"
	}
	return ""
}

// scraped has the names of all metrics that are read.
var scraped = func() map[string]bool {
	names := map[string]bool{dcgmXID: true, dcgmFree: true, dcgmReserved: true}
	for _, f := range dcgmFields {
		for _, name := range f.names {
			names[name] = true
		}
	}
	for _, f := range engineFields {
		for _, name := range f.names {
			names[name] = true
		}
	}
	return names
}()

// samples gives what the page says, without what only the scraper knows: time, target and service.
func (p page) samples(service func(labels map[string]string) string, host string) []*schemas.GPURecord {
	if p.kind == "dcgm" {
		return dcgmSamples(p.families, service, host)
	}
	return engineSamples(p.kind, p.families, service, host)
}

// labelsOf gives a metric's labels, cut to what can be stored.
func labelsOf(m *dto.Metric) map[string]string {
	labels := make(map[string]string, len(m.GetLabel()))
	for _, l := range m.GetLabel() {
		labels[l.GetName()] = clipName(l.GetValue())
	}
	return labels
}

// clipName cuts a text to the bytes that names may have.
func clipName(s string) string { return clipText(s, schemas.MaxName) }

func clipText(s string, most int) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// firstOf gives the first of some labels that has a value.
func firstOf(labels map[string]string, names ...string) string {
	for _, name := range names {
		if v := labels[name]; v != "" {
			return v
		}
	}
	return ""
}

// measured gives a metric's value in base units, nil where it is none.
func measured(m *dto.Metric, scale float64, ratio bool) *float64 {
	var v float64
	switch {
	case m.Untyped != nil:
		v = m.GetUntyped().GetValue()
	case m.Gauge != nil:
		v = m.GetGauge().GetValue()
	case m.Counter != nil:
		v = m.GetCounter().GetValue()
	default:
		return nil
	}
	if blank(v) {
		return nil
	}
	if v *= scale; ratio {
		// Ratios of counters that are not read at one moment come out a little above 1.
		if v < 0 || v > ratioSlack {
			return nil
		}
		v = min(v, 1)
	}
	if math.Abs(v) > schemas.MaxMeasure {
		return nil
	}
	return &v
}

// ratioSlack is how far above 1 a ratio may be that is still taken for 1.
const ratioSlack = 1.05

// blank says whether a value is one of those by which DCGM says that it has none: the values from 0x7ffffff0 on in fields of
// 32 bits, from 0x7ffffffffffffff0 on in those of 64, and from 2^47 on in fractions, each as blank, not found, not
// supported, not permitted. (A counter that happens to pass through one of them loses that sample.)
func blank(v float64) bool {
	const int32Blank, int64Blank, float64Blank, kinds = 0x7ffffff0, 0x7ffffffffffffff0, 1 << 47, 16
	return math.IsNaN(v) || math.IsInf(v, 0) || v >= int64Blank || v >= int32Blank && v < int32Blank+kinds || v >= float64Blank && v < float64Blank+kinds
}
