package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"tidegauge/config"
	"tidegauge/ingest"
)

func newReceive(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "receive",
		GroupID: groupPipeline,
		Short:   "Take live requests over HTTP and gRPC and write them to Kafka",
		Long: `Listens for the requests that gateways, engines and instrumented programs send, and writes them to the requests topic.
A post is answered only when Kafka has acknowledged it on all replicas. Whoever repeats what was not answered with
success loses nothing and doubles nothing.

  POST /v1/requests        JSON lines or a list of JSON objects, plain, gzip or zstd. ?format= names the format, canonical
                           otherwise: litellm, envoy, sglang, openai, otlp and more; ?service=, ?model= and ?log_type= overrule
                           what it says. The answer says how many were accepted, and for each that was not why.
  POST /v1/traces, /v1/logs  OTLP over HTTP, protobuf or JSON; over gRPC on --receive-grpc. Spans and log events of
                           calls to models are requests, and so are Envoy AI Gateway's access logs. Metrics are not kept.

Without TLS and tokens it should listen on loopback only. Tokens (receive.tokens, TIDEGAUGE_RECEIVE_TOKENS,
--receive-tokens-file) are sent as Authorization: Bearer TOKEN; with --receive-client-ca-file, clients need a certificate.
Certificates and the file of tokens are read again when they change.

SIGTERM answers what is under way and ends. A Kafka that is away is waited for: until it is back, posts are answered
with 503 (gRPC: UNAVAILABLE), and /readyz says so. More than fits into receive.memory, or more often than the limits
allow, is answered with 429 (RESOURCE_EXHAUSTED); both say when to come again.`,
		Example: `  tidegauge receive --brokers kafka-1:9092
  curl --data-binary @requests.jsonl http://127.0.0.1:4318/v1/requests
  zstd -c access.jsonl | curl -H 'Content-Encoding: zstd' --data-binary @- 'http://127.0.0.1:4318/v1/requests?format=envoy&service=edge'
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 opentelemetry-instrument python agent.py
  OTEL_EXPORTER_OTLP_TRACES_INSECURE=true vllm serve MODEL --otlp-traces-endpoint grpc://127.0.0.1:4317
  GENERIC_LOGGER_ENDPOINT='http://127.0.0.1:4318/v1/requests?format=litellm' litellm --config config.yaml
  tidegauge receive --receive-http :4318 --receive-grpc :4317 --receive-cert-file tls.crt --receive-key-file tls.key --receive-tokens-file tokens`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if err := a.load(c, true, func(s config.Settings) error { return errors.Join(checkKafka(s), checkReceive(s)) }); err != nil {
				return err
			}
			if err := a.needKafka(); err != nil {
				return err
			}
			ctx := c.Context()
			p := newPipeline(a.Settings, a.logger)
			defer func() { err = errors.Join(err, p.parts.stop()) }()
			if err := p.startListener(ctx, "receiver"); err != nil {
				return err
			}
			if err := a.startReceiver(ctx, p); err != nil {
				return err
			}
			err = p.wait(ctx)
			a.logger.Info("stopping")
			return err
		},
	}
	config.AddFlags(c.Flags(), "receive", "ingest", "kafka", "listen", "pprof")
	return c
}

// receiverConfig turns settings into what the receiver does.
func receiverConfig(s config.Settings) ingest.ReceiverConfig {
	c, r := ingest.DefaultReceiverConfig(), s.Receive
	c.Producer = producerConfig(s)
	c.HTTP, c.GRPC = listenAt(r.HTTP), listenAt(r.GRPC)
	c.CertFile, c.KeyFile, c.ClientCAFile = r.CertFile, r.KeyFile, r.ClientCAFile
	c.Tokens, c.TokensFile = r.Tokens, r.TokensFile
	c.MaxBody, c.Memory = int64(r.MaxBody), int64(r.Memory)
	c.Rate, c.ClientRate, c.Wait = r.Rate, r.ClientRate, r.Wait
	c.Options.Spans, c.SampledEvents = ingest.SpanPolicy(r.Spans), r.SampledEvents
	return c
}

func listenAt(address string) string {
	if address == "off" {
		return ""
	}
	return address
}

func checkReceive(s config.Settings) error {
	c := receiverConfig(s)
	c.Producer = ingest.DefaultProducerConfig() // which checkKafka looks at, with its brokers
	return prefixed("receive", c.Validate())
}

// startReceiver starts the receiver on the broker of the pipeline's settings.
func (a *app) startReceiver(ctx context.Context, p *pipeline) error {
	c := receiverConfig(p.settings)
	if err := a.keep(&c.Options); err != nil {
		return err
	}
	r, err := ingest.NewReceiver(c, ingest.ReceiverDependencies{Logger: a.logger.With("part", "receiver"), Registerer: p.listener.registry})
	if err != nil {
		return usage(prefixed("receive", err))
	}
	if err := p.parts.start(ctx, "the receiver", r.Start, r.Stop); err != nil {
		return &failure{exitFailed, err, "Give it other places with --receive-http HOST:PORT and --receive-grpc HOST:PORT, or off."}
	}
	go func() {
		select {
		case err := <-r.Failed():
			p.ended <- receiveError(err)
		case <-ctx.Done():
		}
	}()
	p.listener.check("receiver", r.Ready)
	p.receiver = r
	a.logger.Info("receiving", "http", r.HTTPAddr(), "grpc", r.GRPCAddr(), "topic", c.Producer.Topic, "brokers", c.Producer.Kafka.Brokers,
		"listen", p.listener.address, "version", version())
	for _, address := range []string{r.HTTPAddr(), r.GRPCAddr()} {
		if address != "" && !r.Secure() && !isLoopback(address) {
			a.logger.Warn("anybody who reaches this address can write requests: give tokens (receive.tokens_file) or have clients show certificates (receive.client_ca_file)", "address", address)
		}
	}
	return nil
}

// receiveError says what kind of error has ended the receiver.
func receiveError(err error) error {
	err = fmt.Errorf("the receiver has ended: %w", err)
	if errors.Is(err, ingest.ErrKafka) {
		return unreachable(err, "")
	}
	return err
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}
