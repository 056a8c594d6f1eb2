package schemas

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func requestSchema(t *testing.T) *jsonschema.Schema {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(RequestSchema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("request.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("request.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestSchema holds request.schema.json and the Go type together: the schema has exactly the fields that the encoder
// writes, each with a description that names its OpenTelemetry attribute or says that there is none.
func TestSchema(t *testing.T) {
	var schema struct {
		Properties map[string]struct{ Description string }
		Required   []string
	}
	if err := json.Unmarshal(RequestSchema, &schema); err != nil {
		t.Fatal(err)
	}
	r := full()
	var written map[string]any
	if err := json.Unmarshal(AppendJSON(nil, &r), &written); err != nil {
		t.Fatal(err)
	}
	for name := range written {
		if _, ok := schema.Properties[name]; !ok {
			t.Errorf("%s is written but not in the schema", name)
		}
	}
	for name, p := range schema.Properties {
		if _, ok := written[name]; !ok {
			t.Errorf("%s is in the schema but not written", name)
		}
		if !strings.Contains(p.Description, "OpenTelemetry") && !strings.Contains(p.Description, "gen_ai.") {
			t.Errorf("%s: the description names no attribute", name)
		}
	}
	var least Request
	least.Reset()
	least.Service, least.Model, least.Outcome, least.ArrivalUS = "s", "m", OK, 0
	var required map[string]any
	if err := json.Unmarshal(AppendJSON(nil, &least), &required); err != nil {
		t.Fatal(err)
	}
	if len(required) != len(schema.Required) {
		t.Errorf("the least request has %v, required are %v", required, schema.Required)
	}
}

// TestSchemaAgreesWithValidate asks both about the same requests.
func TestSchemaAgreesWithValidate(t *testing.T) {
	schema := requestSchema(t)
	for name, change := range map[string]func(*Request){
		"fine":             func(*Request) {},
		"no service":       func(r *Request) { r.Service = "" },
		"no model":         func(r *Request) { r.Model = "" },
		"long model":       func(r *Request) { r.Model = strings.Repeat("m", MaxName+1) },
		"longest model":    func(r *Request) { r.Model = strings.Repeat("m", MaxName) },
		"long id":          func(r *Request) { r.RequestID = strings.Repeat("m", MaxID+1) },
		"year 2100":        func(r *Request) { r.ArrivalUS = MaxArrivalUS },
		"end of 2099":      func(r *Request) { r.ArrivalUS = MaxArrivalUS - 1 },
		"before 1970":      func(r *Request) { r.ArrivalUS = -1 },
		"too many tokens":  func(r *Request) { r.RequestTokens = MaxTokens + 1 },
		"most tokens":      func(r *Request) { r.ResponseTokens = MaxTokens },
		"negative tokens":  func(r *Request) { r.CachedTokens = -7 },
		"no outcome":       func(r *Request) { r.Outcome = OutcomeUnknown },
		"status":           func(r *Request) { r.StatusCode = 1000 },
		"seq":              func(r *Request) { r.Seq = MaxSeq + 1 },
		"label value":      func(r *Request) { r.Labels = []Label{{"a", strings.Repeat("v", MaxLabelValue+1)}} },
		"label key":        func(r *Request) { r.Labels = []Label{{strings.Repeat("k", MaxLabelKey+1), ""}} },
		"empty label key":  func(r *Request) { r.Labels = []Label{{"", "v"}} },
		"largest hash":     func(r *Request) { r.PrefixHashes = []uint64{math.MaxUint64} },
		"too many hashes":  func(r *Request) { r.PrefixHashes = make([]uint64, MaxPrefixHashes+1) },
		"negative elapsed": func(r *Request) { r.ElapsedUS = -2 },
	} {
		r := full()
		change(&r)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(AppendJSON(nil, &r)))
		if err != nil {
			t.Fatal(err)
		}
		bySchema := schema.Validate(document)
		_, byCode := r.Validate()
		if (bySchema == nil) != (byCode == nil) {
			t.Errorf("%s: the schema says %v, the code %v", name, bySchema, byCode)
		}
	}
}
