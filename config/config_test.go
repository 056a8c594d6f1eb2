package config

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// alone keeps the configuration of whoever runs the tests out of them.
func alone(t *testing.T) string {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, prefix) {
			t.Setenv(name, value) // so that it comes back
			os.Unsetenv(name)
		}
	}
	folder := t.TempDir()
	t.Setenv("HOME", folder)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(folder, "config"))
	t.Setenv("XDG_DATA_HOME", filepath.Join(folder, "data"))
	t.Chdir(folder)
	return folder
}

func flags(t *testing.T, arguments ...string) *pflag.FlagSet {
	t.Helper()
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(set, "data_dir", "listen", "pprof", "log", "receive", "kafka", "clickhouse", "processor", "scrape", "broker", "engine")
	if err := set.Parse(arguments); err != nil {
		t.Fatal(err)
	}
	return set
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPrecedence(t *testing.T) {
	alone(t)
	write(t, "tidegauge.yaml", "kafka:\n  group: of-file\n  topic: of-file\n  brokers: [a:1, b:2]\nprocessor:\n  flush_interval: 3s\n  cache: 64MiB\npprof: true\n")
	t.Setenv("TIDEGAUGE_KAFKA_GROUP", "of-environment")
	t.Setenv("TIDEGAUGE_KAFKA_TOPIC", "of-environment")
	t.Setenv("TIDEGAUGE_KAFKA_BROKERS", "") // says nothing
	l, err := Load(Options{Flags: flags(t, "--topic", "of-flag", "--pprof=false")})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key, source string
		got, want   any
	}{
		{"kafka.topic", "--topic", l.Kafka.Topic, "of-flag"},
		{"kafka.group", "TIDEGAUGE_KAFKA_GROUP", l.Kafka.Group, "of-environment"},
		{"kafka.brokers", "tidegauge.yaml:4", l.Kafka.Brokers, []string{"a:1", "b:2"}},
		{"processor.flush_interval", "tidegauge.yaml:6", l.Processor.FlushInterval, 3 * time.Second},
		{"processor.cache", "tidegauge.yaml:7", l.Processor.Cache, Size(64 << 20)},
		{"pprof", "--pprof", l.PProf, false},
		{"log.level", "default", l.Log.Level, "info"},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.key, diff)
		}
		if got := l.Source(c.key); got != c.source {
			t.Errorf("%s: from %s, want %s", c.key, got, c.source)
		}
	}
}

func TestFiles(t *testing.T) {
	folder := alone(t)
	topic := func(o Options) string {
		t.Helper()
		l, err := Load(o)
		if err != nil {
			t.Fatal(err)
		}
		return l.Kafka.Topic
	}
	if got := topic(Options{}); got != Default().Kafka.Topic {
		t.Errorf("without a file: topic %s", got)
	}
	for _, place := range []string{filepath.Join(folder, "config", "tidegauge", "tidegauge.yaml"), "tidegauge.yaml", "variable.yaml", "flag.yaml"} {
		name := strings.TrimSuffix(filepath.Base(place), ".yaml")
		write(t, place, "kafka: {topic: "+name+"}\n")
		o := Options{}
		switch name {
		case "variable", "flag":
			t.Setenv(FileVariable, "variable.yaml")
			if name == "flag" {
				o.File = "flag.yaml"
			}
		}
		if got := topic(o); got != name {
			t.Errorf("with %s: topic %s", place, got)
		}
	}
}

// TestAllMistakes: whoever has made three mistakes wants to hear of three, each with its place.
func TestAllMistakes(t *testing.T) {
	alone(t)
	write(t, "c.yaml", `
kafka:
  broker: [kafka:9092]
  sasl:
    mechanism: scram
  partitions: many
cache: 1GiB
processor:
  flush_interval: 5
  cache: [1, 2]
broker:
engine:
  memory:
clickhouse: {cert_file: a.pem, wait: 48h}
log: {level: inf}
`)
	t.Setenv("TIDEGAUGE_CLICKHOUSE_ADDRESS", "clickhouse:secret@nowhere")
	t.Setenv("TIDEGAUGE_KAFKA_TOPIC", "a b")
	t.Setenv("TIDEGAUGE_RECEIVE_TOKENS", " , ")
	_, err := Load(Options{File: "c.yaml", Flags: flags(t, "--listen", "9464", "--brokers", "a:1,b,c:99999")})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"kafka.broker: is no setting; did you mean kafka.brokers? (from c.yaml:3)",
		`kafka.sasl.mechanism: "scram" is none of plain, scram-sha-256, scram-sha-512 (from c.yaml:5)`,
		`kafka.partitions: "many" is not a whole number (from c.yaml:6)`,
		"cache: is no setting; did you mean processor.cache? (from c.yaml:7)",
		`processor.flush_interval: "5" is not a duration like 500ms, 1s or 2m (from c.yaml:9)`,
		"processor.cache: is a list, want a size like 64MiB or 2GiB (from c.yaml:10)",
		"engine.memory: has no value: give one, or leave the key out (from c.yaml:13)",
		"clickhouse.cert_file: is given (from c.yaml:14), but clickhouse.key_file is missing",
		"clickhouse.wait: 48h0m0s is above 24h (from c.yaml:14)",
		`log.level: "inf" is none of debug, info, warn, error; did you mean info? (from c.yaml:15)`,
		"clickhouse.address: has no scheme: write clickhouse://host:9000 (native) or http://host:8123 (from TIDEGAUGE_CLICKHOUSE_ADDRESS)",
		`kafka.topic: "a b" has a ' ': Kafka allows letters, digits, dots, underscores and hyphens (from TIDEGAUGE_KAFKA_TOPIC)`,
		"receive.tokens: has nothing between its commas: give something, or leave it empty (from TIDEGAUGE_RECEIVE_TOKENS)",
		`listen: "9464" is not host:port (from --listen)`,
		`kafka.brokers: "b" is not host:port (from --brokers)`,
		`kafka.brokers: "c:99999": port "99999" is not between 0 and 65535 (from --brokers)`,
	} {
		if !strings.Contains(err.Error()+"\n", want+"\n") {
			t.Errorf("missing: %s", want)
		}
	}
	if got, want := len(split(err)), 16; got != want || t.Failed() {
		t.Errorf("%d mistakes, want %d:\n%v", got, want, err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Error("a password is in the message")
	}
}

func TestUnreadableFiles(t *testing.T) {
	alone(t)
	write(t, "bad.yaml", "kafka: [a\n")
	for file, want := range map[string]string{
		"missing.yaml": "configuration file missing.yaml (from --config): no such file",
		"bad.yaml":     "configuration file bad.yaml: yaml: ",
	} {
		if _, err := Load(Options{File: file}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
}

func TestSecrets(t *testing.T) {
	alone(t)
	t.Setenv("TIDEGAUGE_KAFKA_SASL_PASSWORD", "geheim")
	t.Setenv("TIDEGAUGE_KAFKA_SASL_USER", "ingest")
	t.Setenv("TIDEGAUGE_KAFKA_SASL_MECHANISM", "plain")
	l, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if l.Kafka.SASL.Password != "geheim" {
		t.Errorf("password %q", l.Kafka.SASL.Password)
	}
	for _, v := range l.Values() {
		if strings.Contains(v.Text, "geheim") || v.Key == "kafka.sasl.password" && v.Text != "(hidden)" {
			t.Errorf("%s shows %q", v.Key, v.Text)
		}
	}
	set := flags(t)
	if set.Lookup("kafka-sasl-password") != nil || set.Lookup("clickhouse-password") != nil {
		t.Error("a password can be given as a flag, where everybody on the machine can read it")
	}
}

// TestExample: the example holds every setting with its default, as a comment and when it is taken at its word.
func TestExample(t *testing.T) {
	alone(t)
	var b bytes.Buffer
	if err := Example(&b); err != nil {
		t.Fatal(err)
	}
	write(t, "comments.yaml", b.String())
	l, err := Load(Options{File: "comments.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), l.Settings); diff != "" {
		t.Errorf("the example changes something (-default +got):\n%s", diff)
	}
	var live []string
	for line := range strings.Lines(b.String()) {
		if indent, setting, found := strings.Cut(line, "#"); found && !strings.HasPrefix(setting, " ") {
			line = indent + setting
		}
		live = append(live, line)
	}
	write(t, "live.yaml", strings.Join(live, ""))
	l, err = Load(Options{File: "live.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Kafka.Brokers = []string{"kafka-1:9092", "kafka-2:9092"}
	want.Scrape.Targets = []string{"gpu-1:9400", "https://gpu-2:9400/metrics"}
	want.Scrape.Files = []string{"/etc/tidegauge/targets/*.yaml"}
	want.Scrape.DNS = []string{"dcgm-exporter.gpu:9400", "_metrics._tcp.dcgm-exporter.gpu"}
	want.Scrape.Services = []string{"chat=namespace:llm pod:chat-*", "code=host:gpu-b*"}
	want.DataDir = filepath.Join(os.Getenv("HOME"), ".local/share/tidegauge")
	if diff := cmp.Diff(want, l.Settings); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, k := range keys() {
		if l.Source(k.name) == "default" {
			t.Errorf("%s is not in the example", k.name)
		}
	}
}

// TestNames: no two settings may share a flag or a variable.
func TestNames(t *testing.T) {
	seen := map[string]string{}
	for _, k := range keys() {
		for _, name := range []string{k.flag(), k.variable()} {
			if other, taken := seen[name]; taken {
				t.Errorf("%s is %s and %s", name, other, k.name)
			}
			seen[name] = k.name
		}
		if k.tag.Get("help") == "" {
			t.Errorf("%s is not explained", k.name)
		}
	}
}

// TestListInParts: a flag of a list may be given more than once.
func TestListInParts(t *testing.T) {
	alone(t)
	l, err := Load(Options{Flags: flags(t, "--target", "a:1", "--target", "b:2,c:3", "--service-rule", "chat=host:a pod:b")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a:1", "b:2", "c:3"}, l.Scrape.Targets); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"chat=host:a pod:b"}, l.Scrape.Services); diff != "" {
		t.Error(diff)
	}
}

func TestMisspeltVariable(t *testing.T) {
	alone(t)
	t.Setenv("TIDEGAUGE_KAFKA_GRUOP", "x")
	t.Setenv("TIDEGAUGE_PORT_9464_TCP", "tcp://10.0.0.1:9464") // Kubernetes, for a service called tidegauge
	l, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"environment variable TIDEGAUGE_KAFKA_GRUOP is not known; did you mean TIDEGAUGE_KAFKA_GROUP?"}
	if diff := cmp.Diff(want, l.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestRunning(t *testing.T) {
	folder := alone(t)
	_, err := FindRunning(folder)
	if !errors.Is(err, ErrNotRunning) {
		t.Fatalf("nothing runs: %v", err)
	}
	up := Running{PID: os.Getpid(), Started: time.Now().Truncate(time.Second), Kafka: "127.0.0.1:1", ClickHouse: "clickhouse://127.0.0.1:2/tidegauge",
		Topic: "t", Group: "g"}
	if err := WriteRunning(folder, up); err != nil {
		t.Fatal(err)
	}
	l, err := Load(Options{Running: true, Flags: flags(t, "--data-dir", folder)})
	if err != nil {
		t.Fatal(err)
	}
	if l.Up == nil || l.Kafka.Brokers[0] != up.Kafka || l.ClickHouse.Address != up.ClickHouse || l.Kafka.Topic != "t" || l.Kafka.Group != "g" {
		t.Errorf("not taken over: %+v", l.Settings)
	}
	if got := l.Source("kafka.brokers"); got != "running tidegauge up" {
		t.Errorf("from %s", got)
	}

	// One address of one's own, and the running one is left alone: half of each would be a third pipeline.
	l, err = Load(Options{Running: true, Flags: flags(t, "--data-dir", folder, "--brokers", "kafka:9092")})
	if err != nil || l.Up != nil || l.ClickHouse.Address != "" || l.Kafka.Brokers[0] != "kafka:9092" {
		t.Errorf("%v: %+v", err, l.Settings)
	}

	// What a killed one has left behind.
	ended := exec.Command(os.Args[0], "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	up.PID = ended.Process.Pid
	if err := WriteRunning(folder, up); err != nil {
		t.Fatal(err)
	}
	if _, err := FindRunning(folder); !errors.Is(err, ErrNotRunning) || !strings.Contains(err.Error(), "without stopping cleanly") {
		t.Errorf("a dead one: %v", err)
	}
	if err := errors.Join(RemoveRunning(folder), RemoveRunning(folder)); err != nil {
		t.Errorf("removing it, twice: %v", err)
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "512MiB": 512 << 20, "2GiB": 2 << 30, "1000": 1000, "1TiB": 1 << 40, "1536KiB": 1536 << 10} {
		if got := want.String(); got != text {
			t.Errorf("%d is written %s, want %s", want, got, text)
		}
	}
}
