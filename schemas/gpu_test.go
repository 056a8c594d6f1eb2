package schemas

import (
	"encoding/json"
	"io/fs"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// fullGPU gives a record of each kind with a value in every field.
func fullGPU() []*GPURecord {
	records := []*GPURecord{{GPU: new(GPUSample)}, {Engine: new(EngineSample)}, {Scrape: new(ScrapeSample)}}
	for _, r := range records {
		for _, sample := range []reflect.Value{reflect.ValueOf(r.GPU), reflect.ValueOf(r.Engine), reflect.ValueOf(r.Scrape)} {
			if sample.IsNil() {
				continue
			}
			for i := range sample.Elem().NumField() {
				number, whole := .5, int64(7)
				switch f := sample.Elem().Field(i).Addr().Interface().(type) {
				case *string:
					*f = "text"
				case *int64:
					*f = whole
				case *float64:
					*f = number
				case *bool:
					*f = true
				case **int64:
					*f = &whole
				case **float64:
					*f = &number
				}
			}
		}
	}
	return records
}

func gpuSchema(t testing.TB) *jsonschema.Schema {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(GPUSchema)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("gpu.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("gpu.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestGPUSchema holds gpu.schema.json and the Go types together: the same fields in the same places, all described.
func TestGPUSchema(t *testing.T) {
	var schema struct {
		Properties map[string]struct {
			Description string
			Properties  map[string]struct{ Description string }
		}
	}
	if err := json.Unmarshal(GPUSchema, &schema); err != nil {
		t.Fatal(err)
	}
	for _, r := range fullGPU() {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var written map[string]map[string]any
		if err := json.Unmarshal(text, &written); err != nil {
			t.Fatal(err)
		}
		for kind, fields := range written {
			for name := range fields {
				if schema.Properties[kind].Properties[name].Description == "" {
					t.Errorf("%s.%s is written, but not described in the schema", kind, name)
				}
			}
			if len(fields) != len(schema.Properties[kind].Properties) {
				t.Errorf("%s: %d fields are written, %d in the schema", kind, len(fields), len(schema.Properties[kind].Properties))
			}
		}
		got, err := DecodeGPU(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("not as it was written (-want +got):\n%s", diff)
		}
	}
}

var gpuRecords = map[string]string{
	"least":            `{"gpu":{"host":"h","uuid":"u","at_us":0,"share":1}}`,
	"null is absent":   `{"gpu":{"host":"h","uuid":"u","at_us":0,"pod":null,"power_w":null},"engine":null}`,
	"unknown key":      `{"gpu":{"host":"h","uuid":"u","at_us":0,"colour":"green"},"later":1}`,
	"engine":           `{"engine":{"host":"h","target":"h:1","at_us":0,"engine":"vllm","running":3}}`,
	"scrape":           `{"scrape":{"host":"h","target":"h:1","at_us":0,"up":false,"error":"connection refused"}}`,
	"nothing":          `{}`,
	"two kinds":        `{"gpu":{"host":"h","uuid":"u","at_us":0},"scrape":{"host":"h","target":"h:1","at_us":0}}`,
	"no host":          `{"gpu":{"uuid":"u","at_us":0}}`,
	"no uuid":          `{"gpu":{"host":"h","at_us":0}}`,
	"no engine":        `{"engine":{"host":"h","target":"h:1","at_us":0}}`,
	"before 1970":      `{"gpu":{"host":"h","uuid":"u","at_us":-1}}`,
	"year 2100":        `{"scrape":{"host":"h","target":"h:1","at_us":4102444800000000}}`,
	"in percent":       `{"gpu":{"host":"h","uuid":"u","at_us":0,"utilisation":100}}`,
	"negative power":   `{"gpu":{"host":"h","uuid":"u","at_us":0,"power_w":-1}}`,
	"cold":             `{"gpu":{"host":"h","uuid":"u","at_us":0,"temperature_c":-40}}`,
	"blank of DCGM":    `{"gpu":{"host":"h","uuid":"u","at_us":0,"power_w":9223372036854775794}}`,
	"negative xid":     `{"gpu":{"host":"h","uuid":"u","at_us":0,"xid":-5}}`,
	"long host":        `{"gpu":{"host":"` + strings.Repeat("h", 257) + `","uuid":"u","at_us":0}}`,
	"long error":       `{"scrape":{"host":"h","target":"h:1","at_us":0,"error":"` + strings.Repeat("e", 501) + `"}}`,
	"a text for power": `{"gpu":{"host":"h","uuid":"u","at_us":0,"power_w":"300"}}`,
	"half a moment":    `{"gpu":{"host":"h","uuid":"u","at_us":0.5}}`,
	"a list":           `[]`,
}

// TestGPUSchemaAgreesWithDecode asks both about the same records.
func TestGPUSchemaAgreesWithDecode(t *testing.T) {
	schema := gpuSchema(t)
	for name, text := range gpuRecords {
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		bySchema := schema.Validate(document)
		_, byCode := DecodeGPU([]byte(text))
		if (bySchema == nil) != (byCode == nil) {
			t.Errorf("%s: the schema says %v, the code %v", name, bySchema, byCode)
		}
	}
}

func TestDecodeGPURefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "no value",
		"{":                        "undecodable",
		gpuRecords["least"] + `{}`: "after its end",
		gpuRecords["in percent"]:   "utilisation: 100 is not within 0 to 1",
		gpuRecords["no host"]:      "host: is missing",
		gpuRecords["two kinds"]:    "2 kinds",
		`{"gpu":{"pod":"` + strings.Repeat("p", MaxGPURecord) + `"}}`: "bytes, more than",
	} {
		if _, err := DecodeGPU([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
}

// FuzzDecodeGPU: what is decoded can be stored and written again as the same, and nothing ends the program.
func FuzzDecodeGPU(f *testing.F) {
	for _, text := range gpuRecords {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := DecodeGPU(value)
		if err != nil {
			return
		}
		for _, b := range GPUBlocks([]*GPURecord{r}) {
			for _, c := range b.Columns {
				if values, ok := c.Data.([]float64); ok && math.IsInf(values[0], 0) {
					t.Errorf("%s is %v", c.Name, values[0])
				}
			}
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := DecodeGPU(text); err != nil || !cmp.Equal(r, again) {
			t.Errorf("%s becomes %s (%v)", value, text, err)
		}
	})
}

// TestGPUColumnsMatchTables holds the samples' fields against the DDL, by name and order as far as the key.
func TestGPUColumnsMatchTables(t *testing.T) {
	rendered, err := Migrations(Topology{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := fs.ReadFile(rendered, "00003_gpu.sql")
	if err != nil {
		t.Fatal(err)
	}
	for table, sample := range map[string]any{"gpu_samples": &GPUSample{}, "engine_samples": &EngineSample{}, "scrape_samples": &ScrapeSample{}} {
		_, after, _ := strings.Cut(string(text), "CREATE TABLE IF NOT EXISTS "+table+" ")
		body, _, _ := strings.Cut(after, "\n) ENGINE")
		var got []string
		for line := range strings.Lines(body) {
			if name := strings.Fields(line); strings.HasPrefix(line, "    ") && name[0] != "stored_at" {
				got = append(got, name[0])
			}
		}
		want := SampleColumns(sample)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("table %s:\n%v\nGo:\n%v", table, got, want)
		}
	}
}
