package ingest

import (
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// readSamples gives what a page says, by rules, of a target called exporter:9400.
func readSamples(t testing.TB, body []byte, rules ...string) []*schemas.GPURecord {
	t.Helper()
	p, err := readPage(body)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseServiceRules(rules)
	if err != nil {
		t.Fatal(err)
	}
	return p.samples(func(labels map[string]string) string { return serviceOf(parsed, labels, nil) }, "exporter")
}

// TestPages: pages made up for what exporters do (blank values of each kind, both spellings, repeated comments, broken lines of metrics
// that nobody reads; GPUs that pods share; a GPU given away as instances; engines old and new) give the samples beside
// them.
func TestPages(t *testing.T) {
	rules := []string{"code=namespace:code", "chat=pod:chat-*", "chat=model_name:*Llama*", "other=engine:sglang"}
	pages, err := filepath.Glob("testdata/scrape/*.prom")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	for _, path := range pages {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, r := range readSamples(t, body, rules...) {
			line, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			got.Write(append(line, '\n'))
		}
		golden := strings.TrimSuffix(path, ".prom") + ".jsonl"
		if *update {
			if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// deref makes a measure legible.
func deref(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprint(*v)
}

// TestRealPages reads pages of real exporters.
func TestRealPages(t *testing.T) {
	folder := filepath.Join(testData(t), "dcgm")
	for page, want := range map[string][]string{
		"a100_mig_4_active.prom": { // instance: share, utilisation, graphics, framebuffer used and total, power, energy
			"5 0.4 - 0 1.3631488e+07 1.0334765056e+10 112.252 6890.956", "7 0.2 - 0 6.291456e+06 5.099225088e+09 112.252 6890.956",
			"8 0.2 - 0.408493 4.596957184e+09 5.100273664e+09 106.463 6890.956", "9 0.2 - 0 6.291456e+06 5.099225088e+09 106.463 6890.956"},
		"dcgm_a100_mig_nvidia_docs.prom": {" 0 - 0.99563 5.08035072e+09 4.250402816e+10 409.692 319159.391", "13 1 - 0.995687 - - 409.692 319159.391"},
		"dcgm_k80_k8s.prom":              {" 1 0 - - - - -", " 1 0 - - - - -", " 1 0 - - - - -"},
		"dcgm_t4_4gpu_ec2.prom":          {" 1 - - - - - -", " 1 - - - - - -", " 1 - - - - - -", " 1 - - - - - -"},
		"t4_k8s_1_workload.prom": {" 1 0 0 5.24288e+06 1.568669696e+10 17.035 8855.497",
			" 1 0 3.9e-05 1.34217728e+08 1.5685648384e+10 28.722 9022.652"},
	} {
		body, err := os.ReadFile(filepath.Join(folder, page))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range readSamples(t, body, "reserved=namespace:runai-*") {
			s := r.GPU
			got = append(got, strings.Join([]string{s.GPUInstance, fmt.Sprint(s.Share), deref(s.Utilisation), deref(s.GraphicsActive),
				deref(s.FBUsedBytes), deref(s.FBTotalBytes), deref(s.PowerW), deref(s.EnergyJ)}, " "))
			if (s.Service == "reserved") != (s.Namespace == "runai-reservation") {
				t.Errorf("%s: service %q of namespace %q", page, s.Service, s.Namespace)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", page, diff)
		}
	}
}

func TestPageRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "no metrics of DCGM",
		"<html>not found</html>":             "no metrics of DCGM",
		"go_goroutines 7\n":                  "no metrics of DCGM",
		"DCGM_FI_DEV_GPU_UTIL{gpu=\"0\" 7\n": "text format",
	} {
		if _, err := readPage([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// FuzzPage: whatever a target answers, the samples are such as processors accept, each device once.
func FuzzPage(f *testing.F) {
	pages, err := filepath.Glob("testdata/scrape/*.prom")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range pages {
		body, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := readPage(body)
		if err != nil {
			return
		}
		records := p.samples(func(labels map[string]string) string { return labels["pod"] }, "exporter")
		seen := make(map[string]bool)
		for _, r := range records {
			if r.Engine != nil {
				r.Engine.Target = "exporter:9400"
			}
			value, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := schemas.DecodeGPU(value); err != nil {
				t.Errorf("%s: %v", value, err)
			}
			var identity string
			if r.GPU != nil {
				identity = fmt.Sprintf("%q %q %q", r.GPU.Host, r.GPU.UUID, r.GPU.GPUInstance)
			} else {
				identity = fmt.Sprintf("%q %q", r.Engine.Model, r.Engine.EngineIndex)
			}
			if seen[identity] {
				t.Errorf("twice: %s", identity)
			}
			seen[identity] = true
		}
	})
}

func TestServiceRules(t *testing.T) {
	rules, err := ParseServiceRules([]string{"a=namespace:llm pod:chat-*", "b=pod:*-?", "c=model_name:org/*", "d=rack:7", " e = host:10.0.0.1:94*"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		of, target map[string]string
		want       string
	}{
		{map[string]string{"namespace": "llm", "pod": "chat-77"}, nil, "a"},
		{map[string]string{"namespace": "x", "pod": "chat-7"}, nil, "b"},
		{map[string]string{"namespace": "x", "pod": "chat-77"}, nil, ""},
		{map[string]string{"model_name": "org/m/v1"}, nil, "c"},
		{map[string]string{"pod": "chat.77"}, map[string]string{"rack": "7"}, "d"},
		{map[string]string{"host": "10.0.0.1:9400"}, nil, "e"},
		{map[string]string{"host": "10a0.0.1:9400"}, map[string]string{"service": "of the file"}, "of the file"},
		{map[string]string{"pod": ""}, map[string]string{"pod": "a-1"}, ""}, // what the page says counts
	} {
		if got := serviceOf(rules, c.of, c.target); got != c.want {
			t.Errorf("%v of a target with %v: %q, want %q", c.of, c.target, got, c.want)
		}
	}
	for _, text := range []string{"", "chat", "=pod:a", "chat=pod", "chat=:a", "chat=pod:", strings.Repeat("s", 257) + "=pod:a"} {
		if _, err := ParseServiceRule(text); err == nil {
			t.Errorf("%q is taken for a rule", text)
		}
	}
	if all, err := ParseServiceRules([]string{"everything="}); err != nil || serviceOf(all, nil, nil) != "everything" {
		t.Errorf("a rule without labels: %v", err)
	}
}

func TestMIGSlices(t *testing.T) {
	for profile, want := range map[string]float64{"1g.5gb": 1, "7g.80gb": 7, "1c.3g.40gb": 3, "1g.10gb+me": 1, "": 1, "0g.1gb": 1, "xg": 1} {
		if got := migSlices(profile); got != want {
			t.Errorf("%q: %v, want %v", profile, got, want)
		}
	}
}

func TestBlank(t *testing.T) {
	for v, want := range map[float64]bool{0: false, 2147483631: false, 2147483632: true, 2147483635: true, 2147483648: false, 1 << 47: true, 1<<47 + 3: true,
		1<<47 + 16: false, 1<<47 - 1: false, 9223372036854775794: true, 1e19: true} {
		if got := blank(v); got != want {
			t.Errorf("%v: %v", v, got)
		}
	}
}

// TestCounters holds the list of fields for exporters against what is read of their pages.
func TestCounters(t *testing.T) {
	file, err := os.Open(filepath.Join("..", "deploy", "dcgm", "counters.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader := csv.NewReader(file)
	reader.Comment, reader.FieldsPerRecord, reader.TrimLeadingSpace = '#', 3, true // as the exporter reads it
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, row := range rows {
		if listed[row[0]] = true; !scraped[row[0]] && row[1] != "label" {
			t.Errorf("%s is listed, and not read", row[0])
		}
	}
	for _, f := range dcgmFields {
		if !slices.ContainsFunc(f.names, func(name string) bool { return listed[name] }) {
			t.Errorf("none of %v is listed", f.names)
		}
	}
}
