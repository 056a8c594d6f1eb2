package config

import (
	"fmt"
	"strings"
)

// relations reports settings that make no sense without another one.
func (l *Loaded) relations() []error {
	var mistakes []error
	needs := func(name string, given bool, other, how string, there bool) {
		if given && !there {
			mistakes = append(mistakes, fmt.Errorf("%s: is given (from %s), but %s %s", name, l.Source(name), other, how))
		}
	}
	tls, sasl, ch := l.Kafka.TLS, l.Kafka.SASL, l.ClickHouse
	needs("kafka.sasl.mechanism", sasl.Mechanism != "", "kafka.sasl.user", "is missing", sasl.User != "")
	needs("kafka.sasl.user", sasl.User != "", "kafka.sasl.mechanism", "is missing", sasl.Mechanism != "")
	needs("kafka.sasl.password", sasl.Password != "", "kafka.sasl.user", "is missing", sasl.User != "")
	needs("kafka.tls.ca_file", tls.CAFile != "", "kafka.tls.enabled", "is not true", tls.Enabled)
	needs("kafka.tls.cert_file", tls.CertFile != "", "kafka.tls.enabled", "is not true", tls.Enabled)
	needs("kafka.tls.server_name", tls.ServerName != "", "kafka.tls.enabled", "is not true", tls.Enabled)
	needs("kafka.tls.skip_verify", tls.SkipVerify, "kafka.tls.enabled", "is not true", tls.Enabled)
	needs("kafka.tls.cert_file", tls.CertFile != "", "kafka.tls.key_file", "is missing", tls.KeyFile != "")
	needs("kafka.tls.key_file", tls.KeyFile != "", "kafka.tls.cert_file", "is missing", tls.CertFile != "")
	needs("clickhouse.cert_file", ch.CertFile != "", "clickhouse.key_file", "is missing", ch.KeyFile != "")
	needs("clickhouse.key_file", ch.KeyFile != "", "clickhouse.cert_file", "is missing", ch.CertFile != "")
	in := l.Ingest
	// A key without the switch is no harmless leftover: whoever gave it believes that ids are hashed.
	needs("ingest.hash_key", in.HashKey != "", "ingest.hash_ids", "is not true", in.HashIDs)
	needs("ingest.hash_key_file", in.HashKeyFile != "", "ingest.hash_ids", "is not true", in.HashIDs)
	needs("ingest.hash_ids", in.HashIDs, "ingest.hash_key", "and ingest.hash_key_file are missing", in.HashKey != "" || in.HashKeyFile != "")
	needs("ingest.hash_key_file", in.HashKeyFile != "", "ingest.hash_key", "is given too", in.HashKey == "")
	re := l.Receive
	needs("receive.cert_file", re.CertFile != "", "receive.key_file", "is missing", re.KeyFile != "")
	needs("receive.key_file", re.KeyFile != "", "receive.cert_file", "is missing", re.CertFile != "")
	needs("receive.client_ca_file", re.ClientCAFile != "", "receive.cert_file", "is missing", re.CertFile != "")
	if ch.Address != "" {
		secure := strings.HasPrefix(ch.Address, "clickhouses://") || strings.HasPrefix(ch.Address, "https://")
		const plain = "does not use TLS (clickhouses:// or https://)"
		needs("clickhouse.ca_file", ch.CAFile != "", "clickhouse.address", plain, secure)
		needs("clickhouse.cert_file", ch.CertFile != "", "clickhouse.address", plain, secure)
		needs("clickhouse.skip_verify", ch.SkipVerify, "clickhouse.address", plain, secure)
	}
	if port := l.Engine.NativePort; port != 0 && port == l.Engine.HTTPPort {
		mistakes = append(mistakes, fmt.Errorf("engine.http_port: is %d (from %s), and so is engine.native_port (from %s)", port,
			l.Source("engine.http_port"), l.Source("engine.native_port")))
	}
	return mistakes
}
