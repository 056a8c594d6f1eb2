package contrast

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"tidegauge/report"
)

// numbers puts all numbers of two streams side by side, under their paths in the summary document, in its order.
func numbers(a, b *stream, whole bool) []NumberPair {
	f := flattening{index: map[string]int{}}
	for side, s := range []*stream{a, b} {
		f.side = side
		f.value("requests", reflect.ValueOf(s.summary.Requests))
		f.value("arrivals", reflect.ValueOf(s.summary.Arrivals))
		f.value("lengths", reflect.ValueOf(s.summary.Lengths))
		f.value("failures", reflect.ValueOf(s.summary.Failures))
		f.value("latency", reflect.ValueOf(s.summary.Latency))
		if whole {
			f.value("conversations", reflect.ValueOf(s.service.service().Conversations))
			f.value("by_hour", reflect.ValueOf(s.service.service().ByHour))
			f.value("by_weekday_hour", reflect.ValueOf(s.service.service().ByWeekdayHour))
		}
	}
	return f.pairs
}

// flattening turns the two sides' structures into one list.
type flattening struct {
	side  int
	pairs []NumberPair
	index map[string]int // by name
}

func (f *flattening) put(name string, v report.Number) {
	i, ok := f.index[name]
	if !ok {
		i = len(f.pairs)
		f.index[name] = i
		f.pairs = append(f.pairs, NumberPair{name, Pair{report.Null, report.Null}})
	}
	if f.side == 0 {
		f.pairs[i].A = v
	} else {
		f.pairs[i].B = v
	}
}

func (f *flattening) value(path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Float64:
		f.put(path, report.Number(v.Float()))
	case reflect.Int64:
		f.put(path, report.Number(v.Int()))
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if v.Type().Field(i).Anonymous && name == "" {
				f.value(path, v.Field(i)) // as encoding/json has it
			} else {
				f.value(path+"."+name, v.Field(i))
			}
		}
	case reflect.Map:
		switch m := v.Interface().(type) {
		case report.TurnsHistogram:
			for _, k := range slices.Sorted(maps.Keys(m)) {
				f.put(fmt.Sprintf("%s.%d", path, k), report.Number(m[k]))
			}
		case map[string]int64:
			for _, k := range slices.Sorted(maps.Keys(m)) {
				f.put(path+"."+k, report.Number(m[k]))
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			f.value(fmt.Sprintf("%s.%d", path, i), v.Index(i))
		}
	case reflect.Slice: // the profile: bins by where they begin
		for _, bin := range v.Interface().([]report.Bin) {
			prefix := fmt.Sprintf("%s.%d", path, bin.From)
			f.put(prefix+".n", report.Number(bin.N))
			f.put(prefix+".mean", bin.Mean)
			f.put(prefix+".p50", bin.P50)
		}
	}
}
