package schemas

import (
	"math"
	"reflect"
	"strings"
)

// GPUBlocks gives the records as blocks for tables gpu_samples, engine_samples and scrape_samples, those that there are
// rows for.
func GPUBlocks(records []*GPURecord) []Block {
	var gpus, engines, scrapes []any
	var gpuAt, engineAt, scrapeAt []int64
	for _, r := range records {
		switch {
		case r.GPU != nil:
			gpus, gpuAt = append(gpus, r.GPU), append(gpuAt, r.GPU.AtUS)
		case r.Engine != nil:
			engines, engineAt = append(engines, r.Engine), append(engineAt, r.Engine.AtUS)
		case r.Scrape != nil:
			scrapes, scrapeAt = append(scrapes, r.Scrape), append(scrapeAt, r.Scrape.AtUS)
		}
	}
	var blocks []Block
	for _, of := range []struct {
		table   string
		samples []any
		at      []int64
	}{{"gpu_samples", gpus, gpuAt}, {"engine_samples", engines, engineAt}, {"scrape_samples", scrapes, scrapeAt}} {
		if len(of.samples) > 0 {
			b := sampleBlock(of.table, of.samples)
			b.Partition = months(of.at)
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// SampleColumns gives the names of the columns that a kind of sample is stored in; sample is a pointer to one.
func SampleColumns(sample any) []string {
	var names []string
	for _, c := range sampleBlock("", []any{sample}).Columns {
		names = append(names, c.Name)
	}
	return names
}

// sampleBlock makes a block of pointers to samples of one kind, a column for each field, by its JSON name. It works by
// reflection: a host gives some samples a minute.
func sampleBlock(table string, samples []any) Block {
	b := Block{Table: table, Rows: len(samples)}
	t := reflect.TypeOf(samples[0]).Elem()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		b.Columns = append(b.Columns, Column{name, sampleColumn(samples, i, t.Field(i).Type)})
	}
	return b
}

// sampleColumn gives field i of all samples. What is nil is NaN, or Unknown for a whole number.
func sampleColumn(samples []any, i int, t reflect.Type) any {
	switch t {
	case reflect.TypeFor[string]():
		return columnOf(samples, i, func(v any) string { return v.(string) })
	case reflect.TypeFor[int64]():
		return columnOf(samples, i, func(v any) int64 { return v.(int64) })
	case reflect.TypeFor[float64]():
		return columnOf(samples, i, func(v any) float64 { return v.(float64) })
	case reflect.TypeFor[bool]():
		return columnOf(samples, i, func(v any) uint8 {
			if v.(bool) {
				return 1
			}
			return 0
		})
	case reflect.TypeFor[*int64]():
		return columnOf(samples, i, func(v any) int64 { return known(v.(*int64), Unknown) })
	case reflect.TypeFor[*float64]():
		return columnOf(samples, i, func(v any) float64 { return known(v.(*float64), math.NaN()) })
	}
	panic("schemas: no column is known for a sample's field of " + t.String())
}

func columnOf[T any](samples []any, i int, value func(any) T) []T {
	column := make([]T, len(samples))
	for row, s := range samples {
		column[row] = value(reflect.ValueOf(s).Elem().Field(i).Interface())
	}
	return column
}

func known[T any](v *T, absent T) T {
	if v == nil {
		return absent
	}
	return *v
}
