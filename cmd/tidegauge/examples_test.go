package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tidegauge/doctor"
	"tidegauge/testenv"
)

// examples are the folders below examples/, what their sample is and what it comes to.
var examples = []struct {
	name, sample string
	requests     int
	services     []string
	failed       int
	// lacks are the fields that doctor misses.
	lacks string
}{
	{"vllm", "sample.jsonl", 40, []string{"chat"}, 0, "conversation client"},
	{"sglang", "sample.log", 40, []string{"chat"}, 1, ""},
	{"dynamo", "sample.jsonl", 40, []string{"chat"}, 0, ""},
	{"litellm", "sample.jsonl", 40, []string{"chat", "summaries"}, 3, "ttft"},
	{"envoy", "sample.jsonl", 40, []string{"edge"}, 2, "ttft"},
}

// shellBlocks are the commands of a README, those that are said to be run.
var shellBlocks = regexp.MustCompile("(?s)```sh\n(.*?)```")

func commandsOf(t *testing.T, path string) (out [][]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range shellBlocks.FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			words := strings.Fields(line)
			if len(words) == 0 || words[0] != "tidegauge" {
				t.Fatalf("%s: %q is no command of tidegauge", path, line)
			}
			out = append(out, words[1:])
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s has no command", path)
	}
	return out
}

// TestExamples runs the commands of the examples as they stand, but for the broker and the log's path.
func TestExamples(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	broker := testenv.Broker(t)
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			s := newShell(t)
			s.folder = root
			folder := filepath.Join("examples", e.name)
			seen := make(map[string]bool)
			for _, words := range commandsOf(t, filepath.Join(root, folder, "README.md")) {
				seen[words[0]] = true
				switch words[0] {
				case "doctor":
					var d doctor.Diagnosis
					if err := json.Unmarshal([]byte(s.ok(append(words, "--json")...)), &d); err != nil {
						t.Fatal(err)
					}
					var lacks []string
					for _, f := range d.Fields {
						if f.Costs != "" {
							lacks = append(lacks, f.Name)
						}
					}
					if d.Requests != int64(e.requests) || !d.Healthy() || strings.Join(lacks, " ") != e.lacks {
						t.Errorf("%v: %d requests, healthy %t, lacks %q", words, d.Requests, d.Healthy(), lacks)
					}
				case "characterize":
					var summary struct {
						Services []struct {
							Service  string
							Requests int
							Streams  []struct{ Failures struct{ Failures int } }
						}
					}
					if err := json.Unmarshal([]byte(s.ok(append(words, "--json")...)), &summary); err != nil {
						t.Fatal(err)
					}
					requests, failed := 0, 0
					var services []string
					for _, v := range summary.Services {
						services = append(services, v.Service)
						requests += v.Requests
						failed += v.Streams[0].Failures.Failures
					}
					if requests != e.requests || failed != e.failed || strings.Join(services, " ") != strings.Join(e.services, " ") {
						t.Errorf("%v: %d requests of %v, %d failed", words, requests, services, failed)
					}
				case "ingest":
					var run []string
					for i, w := range words {
						switch {
						case w == "--follow":
						case w == "kafka:9092":
							run = append(run, broker, "--topic", "requests-"+e.name)
						case i == len(words)-1:
							run = append(run, filepath.Join(folder, e.sample))
						default:
							run = append(run, w)
						}
					}
					if out := s.ok(run...); !strings.Contains(out, "read 40 requests, wrote 40 to requests-"+e.name) {
						t.Errorf("%v: %s", run, out)
					}
				}
				checkFlags(t, s, words)
			}
			if !seen["doctor"] || !seen["characterize"] || !(seen["ingest"] || seen["receive"]) {
				t.Errorf("its README lacks a command: %v", seen)
			}
		})
	}
	t.Run("overview", func(t *testing.T) {
		s := newShell(t)
		s.folder = root
		for _, words := range commandsOf(t, filepath.Join(root, "examples", "README.md")) {
			checkFlags(t, s, words)
		}
	})
}

// checkFlags says which flags of a command there are none of.
func checkFlags(t *testing.T, s *shell, words []string) {
	t.Helper()
	help := s.ok(words[0], "--help")
	for _, w := range words[1:] {
		if flag, _, _ := strings.Cut(w, "="); strings.HasPrefix(flag, "--") && !strings.Contains(help, flag+" ") {
			t.Errorf("tidegauge %s has no flag %s", words[0], flag)
		}
	}
}

// TestExampleFiles: every YAML file parses, and says where the commands beside it listen.
func TestExampleFiles(t *testing.T) {
	paths, err := filepath.Glob("../../examples/*/*.yaml")
	if err != nil || len(paths) < len(examples) {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		decoder := yaml.NewDecoder(strings.NewReader(string(text)))
		for documents := 0; ; documents++ {
			var content map[string]any
			if err := decoder.Decode(&content); errors.Is(err, io.EOF) && documents > 0 {
				break
			} else if err != nil || len(content) == 0 {
				t.Fatalf("%s: %v", path, err)
			}
		}
	}
}
