package traces

import (
	"fmt"
	"iter"
	"time"

	"tidegauge/schemas"
)

// The machines of the day: each service has one of its own, with its GPUs and one engine.
const (
	DayHost, DayControlHost = "node-1", "node-2"
	DayGPUs, DayControlGPUs = 4, 2
	// DayScrape is how often they are scraped.
	DayScrape = 30 * time.Second
)

// DayGPUUUID is the UUID of a GPU of a host.
func DayGPUUUID(host string, gpu int) string { return fmt.Sprintf("GPU-%s-%d", host, gpu) }

// DaySamples gives what tidegauge scrape reads on the day: GPUs, engines, and whether they answered. The days before have none.
func DaySamples(c DayConfig) iter.Seq[*schemas.GPURecord] {
	return func(yield func(*schemas.GPURecord) bool) {
		for _, m := range []*dayMachine{
			{config: c, host: DayHost, service: c.Service, gpus: make([]dayGPU, DayGPUs), incidents: c.Timetable()},
			{config: c, host: DayControlHost, service: c.Control, gpus: make([]dayGPU, DayControlGPUs)},
		} {
			if !m.samples(yield) {
				return
			}
		}
	}
}

// dayGPU is what a GPU has counted.
type dayGPU struct {
	energy, power, heat float64
	xid                 int64
}

type dayMachine struct {
	config        DayConfig
	host, service string
	gpus          []dayGPU
	incidents     []Incident
	preemptions   float64
}

func (m *dayMachine) in(kind IncidentKind, gpu int, us int64) bool {
	for _, i := range m.incidents {
		if i.Kind == kind && (i.GPU == gpu || gpu < 0) && i.In(us) {
			return true
		}
	}
	return false
}

func (m *dayMachine) samples(yield func(*schemas.GPURecord) bool) bool {
	n := 0
	for at := m.config.Start; at.Before(m.config.End()); at = at.Add(DayScrape) {
		for gpu := range m.gpus {
			if !yield(&schemas.GPURecord{GPU: m.gpu(gpu, n, at.UnixMicro())}) {
				return false
			}
		}
		if !yield(&schemas.GPURecord{Engine: m.engine(n, at.UnixMicro())}) ||
			!yield(&schemas.GPURecord{Scrape: &schemas.ScrapeSample{Host: m.host, Target: m.host + ":9400", AtUS: at.UnixMicro(), Kind: "dcgm", Up: true,
				DurationS: 0.02, Samples: int64(len(m.gpus))}}) ||
			!yield(&schemas.GPURecord{Scrape: &schemas.ScrapeSample{Host: m.host, Target: m.host + ":8000", AtUS: at.UnixMicro(), Kind: "vllm", Up: true,
				DurationS: 0.01, Samples: 1}}) {
			return false
		}
		n++
	}
	return true
}

// gpu is sample n of a GPU. Its counters have gained, since the sample before, what this sample shows.
func (m *dayMachine) gpu(gpu, n int, us int64) *schemas.GPUSample {
	counted := &m.gpus[gpu]
	busy := 0.56 + 0.01*float64((7*n+3*gpu)%9)
	watts, celsius, clock := float64(BusyWatts), float64(60+(n+gpu)%5), 1.9e9
	switch {
	case m.in(IdleGPU, gpu, us):
		busy, watts, celsius, clock = 0, IdleWatts, 38, 0.3e9
	case m.in(XIDError, gpu, us):
		counted.xid = XIDCode
	case m.in(PowerLimit, gpu, us):
		clock = 1.5e9
		counted.power += PowerShare * DayScrape.Seconds()
	case m.in(Heat, gpu, us):
		celsius, clock = HeatC, 1.2e9
		counted.heat += HeatShare * DayScrape.Seconds()
	}
	counted.energy += watts * DayScrape.Seconds()
	share := func(of float64) *float64 { v := of * busy; return &v }
	number := func(v float64) *float64 { return &v }
	xid := counted.xid
	return &schemas.GPUSample{Host: m.host, UUID: DayGPUUUID(m.host, gpu), AtUS: us, Target: m.host + ":9400", Service: m.service,
		GPU: fmt.Sprint(gpu), Device: fmt.Sprintf("nvidia%d", gpu), ModelName: "NVIDIA H100 80GB HBM3", Driver: "570.124.06", Share: 1, XID: &xid,
		Utilisation: share(1), MemoryCopy: share(0.7), GraphicsActive: share(1), SMActive: share(0.8), SMOccupancy: share(0.3), TensorActive: share(0.4), DRAMActive: share(0.9),
		FBUsedBytes: number(72e9), FBTotalBytes: number(85e9), PowerW: &watts, PowerLimitW: number(700), TemperatureC: &celsius, MemoryTempC: number(celsius + 8),
		SMClockHz: &clock, MemoryClockHz: number(2.6e9), PCIeTxBytes: share(1e9), PCIeRxBytes: share(2e9), NVLinkTxBytes: share(20e9), NVLinkRxBytes: share(20e9),
		EnergyJ: number(counted.energy), PowerViolationS: number(counted.power), ThermalS: number(counted.heat)}
}

// engine is what the machine's engine says of itself: in the slow hour requests wait for room in its cache.
func (m *dayMachine) engine(n int, us int64) *schemas.EngineSample {
	running, waiting, usage := float64(1+n%3), 0.0, 0.35+0.05*float64(n%4)
	if m.in(SlowHour, -1, us) {
		running, waiting, usage = float64(8+n%3), 4, 0.97
		m.preemptions += 2
	} else if n%240 == 239 {
		m.preemptions++
	}
	preemptions := m.preemptions
	return &schemas.EngineSample{Host: m.host, Target: m.host + ":8000", Model: "large-70b", AtUS: us, Engine: "vllm", Service: m.service,
		Running: &running, Waiting: &waiting, KVCacheUsage: &usage, Preemptions: &preemptions}
}
