// Package config owns what can be configured: the keys, their defaults, and how flags, environment and file come
// together (flag before environment before file before default), with the source of each value kept for messages.
//
// It never opens a connection, knows no other package of this project, and checks each value on its own; what two
// values must agree on is checked by the component that they are for. Start with Settings: a field there is a key, an
// environment variable, a flag and a line of the example file at once.
package config

import "time"

// Settings is everything that can be configured. The tags of a field are its documentation and its checks:
//
//	koanf   the last part of its key; sections are nested
//	help    one line for flags, the example file and `tidegauge config`
//	oneof   the values it may have
//	check   a named check (see checks)
//	min,max bounds of a number, a size or a duration
//	zero    "yes": 0 is below the least, and allowed
//	flag    its flag, where that is shorter than the key
//	example what the example file shows of a list that is empty by default
//	secret  "yes": never printed, and no flag (command lines are public); "address": may hold a password
type Settings struct {
	DataDir string `koanf:"data_dir" help:"folder of everything that tidegauge up keeps, and where a running one is found"`
	Listen  string `koanf:"listen" check:"listen" help:"address of /metrics, /healthz and /readyz; off turns it off"`
	PProf   bool   `koanf:"pprof" help:"serve Go profiles under /debug/pprof/ too"`

	Log        Log        `koanf:"log" help:"What the program says about its work, on standard error."`
	Ingest     Ingest     `koanf:"ingest" help:"What is kept of the logs that are read (ingest, receive, characterize)."`
	Receive    Receive    `koanf:"receive" help:"The listeners for live requests (receive, up --receive)."`
	Kafka      Kafka      `koanf:"kafka" help:"The log between ingest and the processors."`
	ClickHouse ClickHouse `koanf:"clickhouse" help:"Where the rows go and where the answers come from."`
	Processor  Processor  `koanf:"processor" help:"How the processors work (up, process)."`
	Scrape     Scrape     `koanf:"scrape" help:"What GPUs and inference engines are asked for (scrape)."`
	Broker     Broker     `koanf:"broker" help:"The embedded Kafka broker of tidegauge up."`
	Engine     Engine     `koanf:"engine" help:"The embedded ClickHouse engine of tidegauge up."`
}

// Log is how the program reports its work.
type Log struct {
	Level  string `koanf:"level" oneof:"debug,info,warn,error" help:"least important message that is written"`
	Format string `koanf:"format" oneof:"auto,text,json" help:"auto is text on a terminal and JSON elsewhere"`
}

// Ingest is what is kept of a log.
type Ingest struct {
	HashIDs     bool     `koanf:"hash_ids" flag:"hash-ids" help:"put keyed hashes in place of conversation and client ids"`
	HashKey     string   `koanf:"hash_key" secret:"yes" help:"key of these hashes, 16 bytes or more"`
	HashKeyFile string   `koanf:"hash_key_file" flag:"hash-key-file" help:"file with the key of these hashes"`
	Labels      []string `koanf:"labels" flag:"labels" help:"keys of the labels to keep; all keeps all, none none; tenant/64 has its values share 64 buckets"`
	LabelValues int      `koanf:"label_values" flag:"label-values" min:"0" max:"1000000" help:"buckets that a label's values share which look like ids; 0 keeps them as they are"`
}

// Receive is how live requests are received.
type Receive struct {
	HTTP          string        `koanf:"http" check:"listen" help:"address of POST /v1/requests and of OTLP over HTTP; off turns it off"`
	GRPC          string        `koanf:"grpc" check:"listen" help:"address of OTLP over gRPC; off turns it off"`
	CertFile      string        `koanf:"cert_file" help:"PEM file of the certificate to listen with; without one there is no TLS"`
	KeyFile       string        `koanf:"key_file" help:"PEM file of its key"`
	ClientCAFile  string        `koanf:"client_ca_file" help:"PEM file of the authorities that clients' certificates must be from"`
	Tokens        []string      `koanf:"tokens" secret:"yes" help:"bearer tokens, one of which a client has to send"`
	TokensFile    string        `koanf:"tokens_file" help:"file with bearer tokens, one a line"`
	MaxBody       Size          `koanf:"max_body" min:"1KiB" max:"1GiB" help:"largest body, uncompressed; over gRPC at most 4MiB"`
	Memory        Size          `koanf:"memory" min:"16MiB" max:"1TiB" help:"memory for all posts that are under way; beyond it they are told to come again"`
	Rate          int           `koanf:"rate" min:"0" max:"10000000" help:"posts a second, of all clients; 0 is no limit"`
	ClientRate    int           `koanf:"client_rate" min:"0" max:"10000000" help:"posts a second of one client (token, certificate or address); 0 is no limit"`
	Wait          time.Duration `koanf:"wait" min:"100ms" max:"5m" help:"how long a post waits for Kafka before it is told to come again"`
	Spans         string        `koanf:"spans" oneof:"innermost,server,client,all" help:"which of the spans that show one call to a model counts"`
	SampledEvents bool          `koanf:"sampled_events" help:"count GenAI log events of sampled spans: for where only logs are sent, not the spans"`
}

// Kafka is where the log is and what it is called there.
type Kafka struct {
	Brokers     []string `koanf:"brokers" flag:"brokers" check:"addresses" example:"[kafka-1:9092, kafka-2:9092]" help:"bootstrap addresses, host:port"`
	Topic       string   `koanf:"topic" flag:"topic" check:"name" help:"topic of the requests"`
	GPUTopic    string   `koanf:"gpu_topic" flag:"gpu-topic" check:"name" help:"topic of what is scraped of GPUs and engines"`
	Group       string   `koanf:"group" flag:"group" check:"name" help:"consumer group of the processors; those of the GPU topic add -gpu"`
	Partitions  int      `koanf:"partitions" min:"0" max:"10000" help:"partitions of the topic when ingest has to make it; 0 takes 12"`
	Replication int      `koanf:"replication" min:"0" max:"32767" help:"replicas of the topic when ingest has to make it; 0 takes the cluster's default"`
	Compression string   `koanf:"compression" oneof:"none,lz4,zstd" help:"how ingest compresses batches"`
	TLS         TLS      `koanf:"tls"`
	SASL        SASL     `koanf:"sasl"`
}

// TLS is encryption towards Kafka, with a certificate of its own where the brokers ask for one.
type TLS struct {
	Enabled    bool   `koanf:"enabled" help:"talk TLS to the brokers"`
	CAFile     string `koanf:"ca_file" help:"PEM file of the authorities to trust instead of the system's"`
	CertFile   string `koanf:"cert_file" help:"PEM file of the client's certificate"`
	KeyFile    string `koanf:"key_file" help:"PEM file of the client's key"`
	ServerName string `koanf:"server_name" help:"name the brokers' certificates must have, if not their host's"`
	SkipVerify bool   `koanf:"skip_verify" help:"accept any certificate: for trying things out only"`
}

// SASL is how to log in to Kafka.
type SASL struct {
	Mechanism string `koanf:"mechanism" oneof:",plain,scram-sha-256,scram-sha-512" help:"how to log in to the brokers; empty does not"`
	User      string `koanf:"user" help:"user to log in as"`
	Password  string `koanf:"password" secret:"yes" help:"password of that user"`
}

// ClickHouse is the database.
type ClickHouse struct {
	Address    string        `koanf:"address" flag:"clickhouse" check:"clickhouse" secret:"address" help:"clickhouse://host:9000[,host:9000], clickhouses:// with TLS, or http(s)://host:8123"`
	User       string        `koanf:"user" help:"user, instead of the address's"`
	Password   string        `koanf:"password" secret:"yes" help:"password, instead of the address's"`
	Database   string        `koanf:"database" help:"database, instead of the address's; tidegauge where neither names one"`
	Cluster    string        `koanf:"cluster" help:"name in remote_servers of a cluster to spread the tables over; empty is a single node"`
	CAFile     string        `koanf:"ca_file" help:"PEM file of the authorities to trust instead of the system's"`
	CertFile   string        `koanf:"cert_file" help:"PEM file of the client's certificate"`
	KeyFile    string        `koanf:"key_file" help:"PEM file of the client's key"`
	SkipVerify bool          `koanf:"skip_verify" help:"accept any certificate: for trying things out only"`
	Wait       time.Duration `koanf:"wait" min:"0" max:"24h" help:"how long a start waits for a server that cannot be reached yet"`
}

// Processor is how processors work.
type Processor struct {
	FlushInterval time.Duration `koanf:"flush_interval" min:"100ms" max:"1m" help:"how long a record may wait before its rows are written"`
	// The bounds are those that Kafka's brokers set by default (group.min.session.timeout.ms and group.max.…).
	SessionTimeout time.Duration `koanf:"session_timeout" min:"6s" max:"30m" help:"how long a processor may be silent before its partitions go to others"`
	Cache          Size          `koanf:"cache" min:"16MiB" zero:"yes" max:"1TiB" help:"memory for the sets touched lately and for what is being read and written, of all partitions together; 0 is a sixteenth of the machine's or container's, from 512MiB to 4GiB"`
	// Each service is some 25 series of /metrics.
	Headline         time.Duration `koanf:"headline" min:"0" max:"1h" help:"how often the headline numbers by service on /metrics are read from ClickHouse; 0 for never"`
	HeadlineServices int           `koanf:"headline_services" min:"1" max:"100000" help:"how many services have headline numbers on /metrics, those with the most requests"`
}

// Scrape is which pages of metrics are fetched, and how.
type Scrape struct {
	Targets     []string      `koanf:"targets" flag:"target" example:"[gpu-1:9400, \"https://gpu-2:9400/metrics\"]" help:"exporters of DCGM and inference engines, host:port or the page's address"`
	Files       []string      `koanf:"files" flag:"target-file" example:"[/etc/tidegauge/targets/*.yaml]" help:"files of targets as for Prometheus's file_sd, YAML or JSON; read again when they change"`
	DNS         []string      `koanf:"dns" flag:"target-dns" example:"[\"dcgm-exporter.gpu:9400\", _metrics._tcp.dcgm-exporter.gpu]" help:"DNS names of targets, name:port, or names of SRV records; resolved again and again"`
	Services    []string      `koanf:"services" flag:"service-rule" example:"[\"chat=namespace:llm pod:chat-*\", \"code=host:gpu-b*\"]" help:"which service a GPU or engine works for, SERVICE=LABEL:PATTERN ...; the first that fits counts"`
	Interval    time.Duration `koanf:"interval" min:"1s" max:"30s" help:"how often each target is scraped"`
	Timeout     time.Duration `koanf:"timeout" min:"10ms" zero:"yes" max:"5m" help:"how long a target may take to answer; 0 is the interval, 10s at most"`
	Refresh     time.Duration `koanf:"refresh" min:"1s" max:"1h" help:"how often files of targets are read and DNS names resolved"`
	Concurrency int           `koanf:"concurrency" min:"1" max:"10000" help:"pages that are read at a time"`
	PageSize    Size          `koanf:"page_size" min:"1KiB" max:"1GiB" help:"largest page that is read"`
	TokenFile   string        `koanf:"token_file" help:"file with a bearer token for the targets; read at each scrape"`
	CAFile      string        `koanf:"ca_file" help:"PEM file of the authorities to trust for https instead of the system's"`
	CertFile    string        `koanf:"cert_file" help:"PEM file of the client's certificate"`
	KeyFile     string        `koanf:"key_file" help:"PEM file of the client's key"`
	SkipVerify  bool          `koanf:"skip_verify" help:"accept any certificate: for trying things out only"`
}

// Broker is the embedded broker.
type Broker struct {
	Listen    string `koanf:"listen" check:"hostport" help:"loopback address of the broker; port 0 takes a free one"`
	Retention Size   `koanf:"retention" min:"0" max:"1TiB" help:"size of a partition's log beyond which records that were processed are deleted; 0 keeps all"`
	Sync      bool   `koanf:"sync" help:"flush every batch to the disk before it is acknowledged"`
}

// Engine is the embedded engine.
type Engine struct {
	Library    string `koanf:"library" help:"path of libchdb.so, if it is not where tidegauge engine fetch puts it"`
	NativePort int    `koanf:"native_port" min:"0" max:"65535" help:"loopback port of the native protocol; 0 takes a free one"`
	HTTPPort   int    `koanf:"http_port" min:"0" max:"65535" help:"loopback port of the HTTP interface; 0 takes a free one"`
	Memory     Size   `koanf:"memory" min:"0" max:"16TiB" help:"bound of the engine's memory; 0 is 60 % of the machine's, at most 16GiB"`
	Sync       bool   `koanf:"sync" help:"flush what is inserted to the disk before it is acknowledged"`
	LogLevel   string `koanf:"log_level" oneof:"none,fatal,critical,error,warning,notice,information,debug,trace" help:"what the engine writes to its own log"`
}

// Default is what holds where nothing is said. Addresses are empty: a command that finds none looks for a running
// `tidegauge up`.
func Default() Settings {
	return Settings{
		DataDir: defaultDataDir(),
		Listen:  "127.0.0.1:9464", // the port that OpenTelemetry's Prometheus exporters made usual
		Log:     Log{Level: "info", Format: "auto"},
		Ingest:  Ingest{Labels: []string{"all"}, LabelValues: 1000},
		Receive: Receive{
			HTTP: "127.0.0.1:4318", GRPC: "127.0.0.1:4317", // OTLP's
			MaxBody: 16 << 20, Memory: 512 << 20, Wait: 5 * time.Second, Spans: "innermost",
		},
		Kafka: Kafka{
			Topic:       "tidegauge.requests.v1",
			GPUTopic:    "tidegauge.gpu.v1",
			Group:       "tidegauge",
			Compression: "none", // as Kafka's own producers; lz4 costs half a microsecond a record and saves four fifths of the bytes
		},
		ClickHouse: ClickHouse{Wait: 30 * time.Second},
		Processor: Processor{FlushInterval: time.Second, SessionTimeout: 15 * time.Second,
			Headline: 30 * time.Second, HeadlineServices: 500},
		Scrape: Scrape{Interval: 15 * time.Second, Refresh: 30 * time.Second, Concurrency: 64,
			PageSize: 16 << 20},
		Broker: Broker{Listen: "127.0.0.1:9092", Retention: 256 << 20, Sync: true},
		Engine: Engine{NativePort: 9000, HTTPPort: 8123, Sync: true, LogLevel: "information"},
	}
}
