package ingest

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"tidegauge/schemas"
)

// dcgmField is how a measure of a GPU is called by DCGM exporters, first what counts if there are several, and in which unit it comes.
type dcgmField struct {
	names []string
	scale float64 // to base units
	ratio bool
	in    func(*schemas.GPUSample) **float64
	// whole: a measure of the whole GPU, which some exporters give for it alone and some for each of its instances.
	whole  bool
	signed bool // may be negative
}

const (
	percent      = 1. / 100
	mebibytes    = 1 << 20
	megahertz    = 1e6
	millijoules  = 1e-3
	nanoseconds  = 1e-9
	dcgmXID      = "DCGM_FI_DEV_XID_ERRORS"
	dcgmFree     = "DCGM_FI_DEV_FB_FREE"
	dcgmReserved = "DCGM_FI_DEV_FB_RESERVED"
)

// dcgmFields are the fields that are read. DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL is not among them: what it counts in depends on
// the driver.
var dcgmFields = []dcgmField{
	{names: []string{"DCGM_FI_DEV_GPU_UTIL"}, scale: percent, ratio: true, in: func(s *schemas.GPUSample) **float64 { return &s.Utilisation }},
	{names: []string{"DCGM_FI_DEV_MEM_COPY_UTIL"}, scale: percent, ratio: true, in: func(s *schemas.GPUSample) **float64 { return &s.MemoryCopy }},
	{names: []string{"DCGM_FI_PROF_GR_ENGINE_ACTIVE"}, scale: 1, ratio: true, in: func(s *schemas.GPUSample) **float64 { return &s.GraphicsActive }},
	{names: []string{"DCGM_FI_PROF_SM_ACTIVE"}, scale: 1, ratio: true, in: func(s *schemas.GPUSample) **float64 { return &s.SMActive }},
	{names: []string{"DCGM_FI_PROF_SM_OCCUPANCY"}, scale: 1, ratio: true, in: func(s *schemas.GPUSample) **float64 { return &s.SMOccupancy }},
	{names: []string{"DCGM_FI_PROF_PIPE_TENSOR_ACTIVE"}, scale: 1, ratio: true, in: func(s *schemas.GPUSample) **float64 { return &s.TensorActive }},
	{names: []string{"DCGM_FI_PROF_DRAM_ACTIVE"}, scale: 1, ratio: true, in: func(s *schemas.GPUSample) **float64 { return &s.DRAMActive }},
	{names: []string{"DCGM_FI_DEV_FB_USED"}, scale: mebibytes, in: func(s *schemas.GPUSample) **float64 { return &s.FBUsedBytes }},
	{names: []string{"DCGM_FI_DEV_FB_TOTAL"}, scale: mebibytes, in: func(s *schemas.GPUSample) **float64 { return &s.FBTotalBytes }},
	{names: []string{"DCGM_FI_DEV_POWER_USAGE"}, scale: 1, whole: true, in: func(s *schemas.GPUSample) **float64 { return &s.PowerW }},
	{names: []string{"DCGM_FI_DEV_ENFORCED_POWER_LIMIT", "DCGM_FI_DEV_POWER_MGMT_LIMIT"}, scale: 1, whole: true, in: func(s *schemas.GPUSample) **float64 { return &s.PowerLimitW }},
	{names: []string{"DCGM_FI_DEV_GPU_TEMP"}, scale: 1, whole: true, signed: true, in: func(s *schemas.GPUSample) **float64 { return &s.TemperatureC }},
	{names: []string{"DCGM_FI_DEV_MEMORY_TEMP"}, scale: 1, whole: true, signed: true, in: func(s *schemas.GPUSample) **float64 { return &s.MemoryTempC }},
	{names: []string{"DCGM_FI_DEV_SM_CLOCK"}, scale: megahertz, whole: true, in: func(s *schemas.GPUSample) **float64 { return &s.SMClockHz }},
	{names: []string{"DCGM_FI_DEV_MEM_CLOCK"}, scale: megahertz, whole: true, in: func(s *schemas.GPUSample) **float64 { return &s.MemoryClockHz }},
	{names: []string{"DCGM_FI_PROF_PCIE_TX_BYTES"}, scale: 1, in: func(s *schemas.GPUSample) **float64 { return &s.PCIeTxBytes }},
	{names: []string{"DCGM_FI_PROF_PCIE_RX_BYTES"}, scale: 1, in: func(s *schemas.GPUSample) **float64 { return &s.PCIeRxBytes }},
	{names: []string{"DCGM_FI_PROF_NVLINK_TX_BYTES"}, scale: 1, in: func(s *schemas.GPUSample) **float64 { return &s.NVLinkTxBytes }},
	{names: []string{"DCGM_FI_PROF_NVLINK_RX_BYTES"}, scale: 1, in: func(s *schemas.GPUSample) **float64 { return &s.NVLinkRxBytes }},
	{names: []string{"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"}, scale: millijoules, whole: true, in: func(s *schemas.GPUSample) **float64 { return &s.EnergyJ }},
	{names: []string{"DCGM_FI_DEV_POWER_VIOLATION", "DCGM_FI_DEV_CLOCKS_EVENT_REASON_SW_POWER_CAP_NS"}, scale: nanoseconds, whole: true,
		in: func(s *schemas.GPUSample) **float64 { return &s.PowerViolationS }},
	{names: []string{"DCGM_FI_DEV_THERMAL_VIOLATION", "DCGM_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN_NS"}, scale: nanoseconds, whole: true,
		in: func(s *schemas.GPUSample) **float64 { return &s.ThermalS }},
}

// dcgmDevice is a GPU or an instance on a page.
type dcgmDevice struct {
	host, uuid, instance string
}

// dcgmFound is what the page says of one. Where several pods share a GPU, an exporter repeats its rows for each.
type dcgmFound struct {
	sample schemas.GPUSample
	free   *float64 // framebuffer that is not in use
	kept   *float64 // framebuffer that the driver keeps
	users  map[gpuUser]struct{}
}

// gpuUser is a container that uses a GPU.
type gpuUser struct{ namespace, pod, container string }

// dcgmSamples gives a sample for each GPU and MIG instance on the page, in the order of their names. host is used where the
// exporter names none.
func dcgmSamples(families map[string]*dto.MetricFamily, service func(map[string]string) string, host string) []*schemas.GPURecord {
	found := make(map[dcgmDevice]*dcgmFound)
	each := func(name string, do func(*dcgmFound, *dto.Metric)) {
		for _, m := range families[name].GetMetric() {
			labels := labelsOf(m)
			device := dcgmDevice{cmp.Or(firstOf(labels, "Hostname", "hostname"), host), firstOf(labels, "UUID", "uuid"), labels["GPU_I_ID"]}
			if device.uuid == "" { // a switch, a processor: no GPU
				continue
			}
			f := found[device]
			if f == nil {
				f = &dcgmFound{users: make(map[gpuUser]struct{}), sample: schemas.GPUSample{Host: device.host, UUID: device.uuid, GPUInstance: device.instance}}
				found[device] = f
			}
			f.named(labels)
			do(f, m)
		}
	}
	for _, field := range dcgmFields {
		for _, name := range field.names {
			each(name, func(f *dcgmFound, m *dto.Metric) {
				if into := field.in(&f.sample); *into == nil {
					if v := measured(m, field.scale, field.ratio); v != nil && (*v >= 0 || field.signed) {
						*into = v
					}
				}
			})
		}
	}
	each(dcgmFree, func(f *dcgmFound, m *dto.Metric) { f.free = cmp.Or(f.free, measured(m, mebibytes, false)) })
	each(dcgmReserved, func(f *dcgmFound, m *dto.Metric) { f.kept = cmp.Or(f.kept, measured(m, mebibytes, false)) })
	each(dcgmXID, func(f *dcgmFound, m *dto.Metric) {
		if v := measured(m, 1, false); v != nil && *v >= 0 && *v < 1<<31 {
			code := int64(*v)
			f.sample.XID = cmp.Or(f.sample.XID, &code)
		}
	})
	share(found)
	devices := slices.SortedFunc(maps.Keys(found), func(a, b dcgmDevice) int {
		return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(a.uuid, b.uuid), cmp.Compare(a.instance, b.instance))
	})
	var records []*schemas.GPURecord
	for _, d := range devices {
		f := found[d]
		f.total()
		f.use(service)
		records = append(records, &schemas.GPURecord{GPU: &f.sample})
	}
	return records
}

// named notes what a row's labels say of the device and of who uses it.
func (f *dcgmFound) named(labels map[string]string) {
	s := &f.sample
	s.GPU = cmp.Or(s.GPU, labels["gpu"])
	s.Device = cmp.Or(s.Device, labels["device"])
	s.ModelName = cmp.Or(s.ModelName, firstOf(labels, "modelName", "model_name"))
	s.Profile = cmp.Or(s.Profile, labels["GPU_I_PROFILE"])
	s.Driver = cmp.Or(s.Driver, labels["DCGM_FI_DRIVER_VERSION"])
	user := gpuUser{firstOf(labels, "namespace", "pod_namespace"), firstOf(labels, "pod", "pod_name"), firstOf(labels, "container", "container_name")}
	if user != (gpuUser{}) {
		f.users[user] = struct{}{}
	}
}

// total works out the framebuffer where the exporter does not say it.
func (f *dcgmFound) total() {
	s := &f.sample
	if s.FBTotalBytes != nil || s.FBUsedBytes == nil || f.free == nil {
		return
	}
	sum := *s.FBUsedBytes + *f.free
	if f.kept != nil {
		sum += *f.kept
	}
	s.FBTotalBytes = &sum
}

// use finds the device's service. Of several users it is the first by name that a service is known of.
func (f *dcgmFound) use(service func(map[string]string) string) {
	s := &f.sample
	labels := func(u gpuUser) map[string]string {
		return map[string]string{"host": s.Host, "uuid": s.UUID, "gpu": s.GPU, "gpu_instance": s.GPUInstance, "profile": s.Profile,
			"model_name": s.ModelName, "namespace": u.namespace, "pod": u.pod, "container": u.container}
	}
	users := slices.SortedFunc(maps.Keys(f.users), func(a, b gpuUser) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.pod, b.pod), cmp.Compare(a.container, b.container))
	})
	if len(users) == 0 {
		users = []gpuUser{{}}
	}
	user := users[0]
	for _, u := range users {
		if s.Service = service(labels(u)); s.Service != "" {
			user = u
			break
		}
	}
	s.Namespace, s.Pod, s.Container = user.namespace, user.pod, user.container
}

// share says which part of a GPU each device is. Instances get what exporters give for their GPU alone.
func share(found map[dcgmDevice]*dcgmFound) {
	slicesOf := make(map[dcgmDevice]float64) // of a GPU's instances together
	for d, f := range found {
		if d.instance != "" {
			slicesOf[dcgmDevice{d.host, d.uuid, ""}] += migSlices(f.sample.Profile)
		}
	}
	for d, f := range found {
		gpu := dcgmDevice{d.host, d.uuid, ""}
		all := slicesOf[gpu]
		switch {
		case all == 0:
			f.sample.Share = 1
		case d.instance == "":
			f.sample.Share = 0
		default:
			f.sample.Share = migSlices(f.sample.Profile) / all
			if of := found[gpu]; of != nil {
				for _, field := range dcgmFields {
					if into := field.in(&f.sample); field.whole && *into == nil {
						*into = *field.in(&of.sample)
					}
				}
			}
		}
	}
}

// migSlices is the number of a GPU's slices in a profile such as 2g.10gb or 1c.3g.40gb, 1 where it does not say.
func migSlices(profile string) float64 {
	for part := range strings.SplitSeq(profile, ".") {
		if count, ok := strings.CutSuffix(part, "g"); ok {
			if n, err := strconv.Atoi(count); err == nil && n > 0 && n < 100 {
				return float64(n)
			}
		}
	}
	return 1
}
