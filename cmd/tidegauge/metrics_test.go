package main

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"tidegauge/broker"
	"tidegauge/config"
	"tidegauge/headline"
	"tidegauge/processors"
	"tidegauge/schemas"
	"tidegauge/storage"
)

var (
	metricRow  = regexp.MustCompile("(?m)^\\| `(tidegauge_[a-z_]+)(?:\\{([a-z,]+)\\})?` \\| (counter|gauge|histogram) \\|")
	metricText = regexp.MustCompile(`^Desc\{fqName: "(tidegauge_[a-z_]+)".* constLabels: \{(?:([a-z]+)=.*)?\}, variableLabels: \{(.*)\}\}$`)
)

// documentedMetrics is the table of docs/operations.md: by name, the labels and the type.
func documentedMetrics(t *testing.T) (labels, types map[string]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	labels, types = make(map[string]string), make(map[string]string)
	for _, row := range metricRow.FindAllStringSubmatch(string(text), -1) {
		if _, twice := labels[row[1]]; twice {
			t.Errorf("%s has two rows", row[1])
		}
		labels[row[1]], types[row[1]] = row[2], row[3]
	}
	return labels, types
}

// TestMetricsAreDocumented: a metric's name and labels are an interface, so none comes, goes or changes its name without
// the table of docs/operations.md.
func TestMetricsAreDocumented(t *testing.T) {
	l := newListener("off", false, slog.New(slog.DiscardHandler))
	s := config.Default()
	if _, err := broker.New(brokerConfig(s, t.TempDir()), broker.Dependencies{Registerer: l.registry}); err != nil {
		t.Fatal(err)
	}
	writer, err := storage.NewWriter(storage.DefaultWriterConfig(), storage.WriterDependencies{
		DB: new(storage.DB), Registerer: l.registry, Quarantine: func(string, schemas.Block, error) {}})
	if err != nil {
		t.Fatal(err)
	}
	s.Kafka.Brokers = []string{"127.0.0.1:9092"}
	if _, err := processors.New(processorConfig(s), processors.Dependencies{
		Store: storage.NewStore(new(storage.DB), writer), Registerer: l.registry}); err != nil {
		t.Fatal(err)
	}
	if _, err := headline.New(headlineConfig(s), headline.Dependencies{Registerer: l.registry}); err != nil {
		t.Fatal(err)
	}
	registered := make(map[string]string)
	descriptions := make(chan *prometheus.Desc)
	go func() {
		l.registry.Describe(descriptions)
		close(descriptions)
	}()
	for d := range descriptions {
		if !strings.Contains(d.String(), `"tidegauge_`) {
			continue // Go's and the process's
		}
		parts := metricText.FindStringSubmatch(d.String())
		if parts == nil {
			t.Fatalf("client_golang describes a metric in another way: %s", d)
		}
		registered[parts[1]] = strings.Trim(parts[2]+","+parts[3], ",")
	}
	documented, types := documentedMetrics(t)
	if diff := cmp.Diff(documented, registered); diff != "" {
		t.Errorf("names and labels (-documented +registered):\n%s", diff)
	}
	for name, kind := range types {
		if (kind == "counter") != strings.HasSuffix(name, "_total") {
			t.Errorf("%s is documented as a %s", name, kind)
		}
	}
}

// checkTypes holds the types of a scrape's metrics against the documented ones, and gives those of no series.
func checkTypes(t *testing.T, scrape string) (missing []string) {
	t.Helper()
	_, types := documentedMetrics(t)
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (tidegauge_[a-z_]+) ([a-z]+)$`).FindAllStringSubmatch(scrape, -1) {
		if types[m[1]] != m[2] {
			t.Errorf("%s is a %s and documented as %q", m[1], m[2], types[m[1]])
		}
		delete(types, m[1])
	}
	return slices.Sorted(maps.Keys(types))
}
