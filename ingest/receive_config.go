package ingest

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// ReceiverConfig says how posts are received.
type ReceiverConfig struct {
	Producer ProducerConfig
	// HTTP and GRPC are the addresses to listen on, "" for nowhere.
	HTTP, GRPC string
	// CertFile and KeyFile (PEM) have both listen with TLS. With ClientCAFile only clients get through whose certificate
	// one of its authorities has signed. All are read again when they change.
	CertFile, KeyFile, ClientCAFile string
	// Tokens, and those in TokensFile, one a line: with any, a client has to send one of them. The file is read again when
	// it changes.
	Tokens     []string
	TokensFile string
	// MaxBody bounds a body, uncompressed; over gRPC a message has at most MaxMessage. Memory bounds what all posts take that
	// are under way.
	MaxBody, Memory int64
	// Rate and ClientRate bound the posts a second, in all and of each client (its token, else its certificate, else its
	// address); 0 is no bound.
	Rate, ClientRate int
	// Wait is how long a post may wait for Kafka before its client is told to come again.
	Wait time.Duration
	// Options are what is kept of requests; a post over HTTP may name another service, model and log type.
	Options Options
	// SampledEvents has GenAI log events count that belong to sampled spans.
	SampledEvents bool

	patience time.Duration // as postPatience, in tests
}

// postPatience is how long a post may take to come: whoever is slower, or has died half-way, holds memory for nothing.
const postPatience = time.Minute

// MaxMessage is gRPC's own default, which exporters count on.
const MaxMessage = 4 << 20

// DefaultReceiverConfig listens on this machine, at OTLP's ports.
func DefaultReceiverConfig() ReceiverConfig {
	return ReceiverConfig{Producer: DefaultProducerConfig(), HTTP: "127.0.0.1:4318", GRPC: "127.0.0.1:4317", MaxBody: 16 << 20, Memory: 512 << 20,
		Wait: 5 * time.Second}
}

// Validate says everything that is wrong, joined.
func (c ReceiverConfig) Validate() error {
	reader := ReaderConfig{Options: c.Options}
	errs := []error{c.Producer.Validate(), reader.validate(nil)}
	if c.HTTP == "" && c.GRPC == "" {
		errs = append(errs, errors.New("http, grpc: at least one has to listen"))
	}
	if c.HTTP == c.GRPC && c.HTTP != "" {
		if _, port, err := net.SplitHostPort(c.HTTP); err == nil && port != "0" {
			errs = append(errs, fmt.Errorf("http, grpc: both listen on %s", c.HTTP))
		}
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		errs = append(errs, errors.New("tls: needs both the certificate's and the key's file"))
	}
	if c.ClientCAFile != "" && c.CertFile == "" {
		errs = append(errs, errors.New("tls: clients' certificates need TLS: give a certificate and its key"))
	}
	if c.MaxBody < 1 || c.Memory < bodyCost*max(c.MaxBody, MaxMessage) {
		errs = append(errs, fmt.Errorf("memory: has to hold at least one body of the largest size and what is made of it: %d bytes", bodyCost*max(c.MaxBody, MaxMessage)))
	}
	if c.Rate < 0 || c.ClientRate < 0 || c.Wait <= 0 {
		errs = append(errs, errors.New("rates cannot be negative, and the wait has to be positive"))
	}
	return errors.Join(errs...)
}
