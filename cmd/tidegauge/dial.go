package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"tidegauge/config"
)

// kafkaDialer makes what processors reach Kafka with, of the same settings as kafkaConfig.
func kafkaDialer(k config.Kafka) (*kafka.Dialer, error) {
	d := &kafka.Dialer{ClientID: "tidegauge", Timeout: 10 * time.Second, DualStack: true}
	var err error
	switch k.SASL.Mechanism {
	case "plain":
		d.SASLMechanism = plain.Mechanism{Username: k.SASL.User, Password: k.SASL.Password}
	case "scram-sha-256":
		d.SASLMechanism, err = scram.Mechanism(scram.SHA256, k.SASL.User, k.SASL.Password)
	case "scram-sha-512":
		d.SASLMechanism, err = scram.Mechanism(scram.SHA512, k.SASL.User, k.SASL.Password)
	}
	if err != nil {
		return nil, fmt.Errorf("kafka.sasl: %w", err)
	}
	if !k.TLS.Enabled {
		return d, nil
	}
	d.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: k.TLS.ServerName, InsecureSkipVerify: k.TLS.SkipVerify}
	if k.TLS.CAFile != "" {
		pem, err := os.ReadFile(k.TLS.CAFile)
		if err != nil {
			return nil, fmt.Errorf("kafka.tls.ca_file: %w", err)
		}
		d.TLS.RootCAs = x509.NewCertPool()
		if !d.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka.tls.ca_file: %s holds no PEM certificate", k.TLS.CAFile)
		}
	}
	if k.TLS.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(k.TLS.CertFile, k.TLS.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("kafka.tls.cert_file, kafka.tls.key_file: %w", err)
		}
		d.TLS.Certificates = []tls.Certificate{pair}
	}
	return d, nil
}
