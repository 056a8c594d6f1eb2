package schemas

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// GPURecord is a record of GPUTopic: a sample of one kind. Its JSON Schema is GPUSchema.
type GPURecord struct {
	GPU    *GPUSample    `json:"gpu,omitempty"`
	Engine *EngineSample `json:"engine,omitempty"`
	Scrape *ScrapeSample `json:"scrape,omitempty"`
}

// GPUSchema is the JSON Schema (2020-12) of a GPURecord.
//
//go:embed gpu.schema.json
var GPUSchema []byte

// The samples below are what is stored, too: a field's JSON name is its column's. Texts that are not known are "", numbers
// nil, which are NULL for readers, never 0.

// GPUSample is what a DCGM exporter says of one GPU or MIG instance at one moment. Its identity is (host, uuid, gpu_instance,
// at_us). All units are base units; shares of time or of a capacity are 0 to 1, whatever the exporter counts in.
type GPUSample struct {
	Host        string `json:"host"`                   // as the exporter names it: the node, or the exporter's pod
	UUID        string `json:"uuid"`                   // of the GPU, also for its instances
	GPUInstance string `json:"gpu_instance,omitempty"` // GPU_I_ID; "" is the whole GPU
	AtUS        int64  `json:"at_us"`                  // when it was asked for, microseconds since 1970
	Target      string `json:"target,omitempty"`       // where it was asked for, host:port
	Service     string `json:"service,omitempty"`      // that the GPU works for, by the rules of the scraper
	Namespace   string `json:"namespace,omitempty"`    // in Kubernetes, as are pod and container
	Pod         string `json:"pod,omitempty"`
	Container   string `json:"container,omitempty"`
	GPU         string `json:"gpu,omitempty"`        // the index on its host
	Device      string `json:"device,omitempty"`     // nvidia0
	ModelName   string `json:"model_name,omitempty"` // of the GPU: Tesla T4
	Profile     string `json:"profile,omitempty"`    // of the MIG instance: 1g.5gb
	Driver      string `json:"driver,omitempty"`     // its version
	// Share is the part of a GPU that this is: 1, a MIG instance's part of those in use, 0 for a GPU that is given away as
	// instances. So what belongs to the GPU as a whole, as its energy, adds up.
	Share float64 `json:"share"`
	XID   *int64  `json:"xid,omitempty"` // the code of the last XID error, 0 for none yet

	Utilisation     *float64 `json:"utilisation,omitempty"`             // share of time with a kernel at work
	MemoryCopy      *float64 `json:"memory_copy_utilisation,omitempty"` // share of time with memory read or written
	GraphicsActive  *float64 `json:"graphics_active,omitempty"`         // share of time with the compute engine busy
	SMActive        *float64 `json:"sm_active,omitempty"`               // share of time with a warp on a multiprocessor, over all of them
	SMOccupancy     *float64 `json:"sm_occupancy,omitempty"`            // resident warps by the most there can be
	TensorActive    *float64 `json:"tensor_active,omitempty"`           // share of cycles with the tensor cores at work
	DRAMActive      *float64 `json:"dram_active,omitempty"`             // share of cycles with the memory's interface at work
	FBUsedBytes     *float64 `json:"fb_used_bytes,omitempty"`           // framebuffer: the GPU's memory
	FBTotalBytes    *float64 `json:"fb_total_bytes,omitempty"`
	PowerW          *float64 `json:"power_w,omitempty"`
	PowerLimitW     *float64 `json:"power_limit_w,omitempty"`
	TemperatureC    *float64 `json:"temperature_c,omitempty"`
	MemoryTempC     *float64 `json:"memory_temperature_c,omitempty"`
	SMClockHz       *float64 `json:"sm_clock_hz,omitempty"`
	MemoryClockHz   *float64 `json:"memory_clock_hz,omitempty"`
	PCIeTxBytes     *float64 `json:"pcie_tx_bytes_per_s,omitempty"`
	PCIeRxBytes     *float64 `json:"pcie_rx_bytes_per_s,omitempty"`
	NVLinkTxBytes   *float64 `json:"nvlink_tx_bytes_per_s,omitempty"`
	NVLinkRxBytes   *float64 `json:"nvlink_rx_bytes_per_s,omitempty"`
	EnergyJ         *float64 `json:"energy_j,omitempty"`            // a counter, of the GPU as a whole
	PowerViolationS *float64 `json:"power_violation_s,omitempty"`   // a counter: seconds slowed down for its power limit
	ThermalS        *float64 `json:"thermal_violation_s,omitempty"` // a counter: seconds slowed down for its temperature
}

// The numbers of a GPUSample and of an EngineSample: what stands for a moment, and what counts up. Minutes keep them in
// different ways.
var (
	GPUGauges = []string{"utilisation", "memory_copy_utilisation", "graphics_active", "sm_active", "sm_occupancy", "tensor_active",
		"dram_active", "fb_used_bytes", "fb_total_bytes", "power_w", "power_limit_w", "temperature_c", "memory_temperature_c", "sm_clock_hz",
		"memory_clock_hz", "pcie_tx_bytes_per_s", "pcie_rx_bytes_per_s", "nvlink_tx_bytes_per_s", "nvlink_rx_bytes_per_s"}
	GPUCounters    = []string{"energy_j", "power_violation_s", "thermal_violation_s"}
	EngineGauges   = []string{"running", "waiting", "kv_cache_usage"}
	EngineCounters = []string{"preemptions"}
)

// EngineSample is what an inference engine says of one model at one moment, on its own /metrics. Its identity is (host,
// target, model, engine_index, at_us).
type EngineSample struct {
	Host         string   `json:"host"`   // of the target
	Target       string   `json:"target"` // host:port
	Model        string   `json:"model,omitempty"`
	EngineIndex  string   `json:"engine_index,omitempty"` // tells engines of one process apart (data parallelism)
	AtUS         int64    `json:"at_us"`
	Engine       string   `json:"engine"` // vllm or sglang
	Service      string   `json:"service,omitempty"`
	Running      *float64 `json:"running,omitempty"`        // requests being computed
	Waiting      *float64 `json:"waiting,omitempty"`        // requests that wait to be
	KVCacheUsage *float64 `json:"kv_cache_usage,omitempty"` // share of the KV cache in use
	Preemptions  *float64 `json:"preemptions,omitempty"`    // a counter: requests that had to give way for want of KV cache
}

// ScrapeSample is what came of one scrape of a target. Its identity is (target, at_us).
type ScrapeSample struct {
	Target    string  `json:"target"`
	AtUS      int64   `json:"at_us"`
	Host      string  `json:"host"`           // of the target
	Kind      string  `json:"kind,omitempty"` // dcgm, vllm, sglang; "" if it was never known
	Up        bool    `json:"up"`
	Error     string  `json:"error,omitempty"` // why it is not up
	DurationS float64 `json:"duration_s"`
	Samples   int64   `json:"samples"` // of GPUs or engines that it gave
}

// Bounds of a record. A page of a GPU makes about a kilobyte.
const (
	MaxGPURecord   = 16 << 10
	MaxScrapeError = 500
)

// Key gives what the record is keyed by in the topic.
func (r *GPURecord) Key() string {
	switch {
	case r.GPU != nil:
		return r.GPU.Host
	case r.Engine != nil:
		return r.Engine.Host
	case r.Scrape != nil:
		return r.Scrape.Host
	}
	return ""
}

// DecodeGPU reads a record of GPUTopic. Unknown keys are skipped, so that a newer scraper's records can be read. It
// validates what it reads.
func DecodeGPU(value []byte) (*GPURecord, error) {
	if len(value) == 0 {
		return nil, errors.New("empty: the record has no value")
	}
	if len(value) > MaxGPURecord {
		return nil, fmt.Errorf("refused: %d bytes, more than %d", len(value), MaxGPURecord)
	}
	var r GPURecord
	decoder := json.NewDecoder(bytes.NewReader(value))
	if err := decoder.Decode(&r); err != nil {
		return nil, fmt.Errorf("undecodable: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("undecodable: goes on after its end")
	}
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("refused: %w", err)
	}
	return &r, nil
}

// Validate says what is wrong with a record, naming the field.
func (r *GPURecord) Validate() error {
	kinds := 0
	var c checker
	if s := r.GPU; s != nil {
		kinds++
		c.given("host", s.Host)
		c.given("uuid", s.UUID)
		c.at(s.AtUS)
		c.names("gpu_instance", s.GPUInstance, "target", s.Target, "service", s.Service, "namespace", s.Namespace, "pod", s.Pod,
			"container", s.Container, "gpu", s.GPU, "device", s.Device, "model_name", s.ModelName, "profile", s.Profile, "driver", s.Driver)
		if s.XID != nil && *s.XID < 0 {
			c.wrong("xid", "%d is negative", *s.XID)
		}
	}
	if s := r.Engine; s != nil {
		kinds++
		c.given("host", s.Host)
		c.given("target", s.Target)
		c.given("engine", s.Engine)
		c.at(s.AtUS)
		c.names("model", s.Model, "engine_index", s.EngineIndex, "service", s.Service)
	}
	if s := r.Scrape; s != nil {
		kinds++
		c.given("host", s.Host)
		c.given("target", s.Target)
		c.at(s.AtUS)
		c.names("kind", s.Kind)
		if len(s.Error) > MaxScrapeError {
			c.wrong("error", "has %d bytes, more than %d", len(s.Error), MaxScrapeError)
		}
		if s.Samples < 0 {
			c.wrong("samples", "%d is negative", s.Samples)
		}
	}
	if kinds != 1 {
		return fmt.Errorf("is of %d kinds, not of one: gpu, engine or scrape", kinds)
	}
	if c.err == nil {
		c.err = r.checkNumbers()
	}
	return c.err
}

// ratios are the numbers that are shares of a whole; below may be negative. The others are bounded so that they can be added
// up.
var (
	ratios = []string{"share", "utilisation", "memory_copy_utilisation", "graphics_active", "sm_active", "sm_occupancy", "tensor_active",
		"dram_active", "kv_cache_usage"}
	below = []string{"temperature_c", "memory_temperature_c"}
)

const maxMeasure = 1e18

// checkNumbers wants every number to be one that there can be.
func (r *GPURecord) checkNumbers() error {
	for _, b := range GPUBlocks([]*GPURecord{r}) {
		for _, c := range b.Columns {
			values, ok := c.Data.([]float64)
			if !ok {
				continue
			}
			low, high := 0., maxMeasure
			switch {
			case slices.Contains(ratios, c.Name):
				high = 1
			case slices.Contains(below, c.Name):
				low = -maxMeasure
			}
			if v := values[0]; v < low || v > high { // NaN is not known
				return fieldError(c.Name, "%v is not within %g to %g", v, low, high)
			}
		}
	}
	return nil
}

// checker keeps the first mistake.
type checker struct{ err error }

func (c *checker) wrong(field, format string, arguments ...any) {
	if c.err == nil {
		c.err = fieldError(field, format, arguments...)
	}
}

func (c *checker) given(field, text string) {
	if text == "" {
		c.wrong(field, "is missing")
	}
	c.names(field, text)
}

// names checks pairs of a field's name and its text.
func (c *checker) names(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		switch text := pairs[i+1]; {
		case len(text) > MaxName:
			c.wrong(pairs[i], "has %d bytes, more than %d", len(text), MaxName)
		case !utf8.ValidString(text):
			c.wrong(pairs[i], "is not UTF-8")
		}
	}
}

func (c *checker) at(us int64) {
	if us < MinArrivalUS || us >= MaxArrivalUS {
		c.wrong("at_us", "%d is not within [1970, 2100)", us)
	}
}

// Minute gives the minute of a host that the record's sample belongs to, and the table of its samples; ok is false for one that
// belongs to none.
func (r *GPURecord) Minute() (table string, key HostMinute, ok bool) {
	switch {
	case r.GPU != nil:
		return "gpu_samples", HostMinute{r.GPU.Host, uint32(r.GPU.AtUS / MinuteUS)}, true
	case r.Engine != nil:
		return "engine_samples", HostMinute{r.Engine.Host, uint32(r.Engine.AtUS / MinuteUS)}, true
	}
	return "", HostMinute{}, false
}
