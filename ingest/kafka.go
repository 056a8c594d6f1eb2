package ingest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// KafkaConfig says how to reach Kafka.
type KafkaConfig struct {
	// Brokers are addresses host:port, of which one that answers suffices.
	Brokers []string
	// ClientID is what the brokers' logs and quotas know this program by.
	ClientID string
	TLS      TLSConfig
	SASL     SASLConfig
}

// TLSConfig says how connections are encrypted.
type TLSConfig struct {
	Enabled bool
	// CAFile holds the certificates (PEM) to trust in place of the system's. CertFile and KeyFile are shown to brokers
	// that ask for a client's certificate.
	CAFile, CertFile, KeyFile string
	// ServerName is the name to expect in the brokers' certificates; "" is the address's.
	ServerName string
	// Insecure accepts any certificate.
	Insecure bool
}

// SASLConfig says who logs in.
type SASLConfig struct {
	// Mechanism is "" (nobody), "plain", "scram-sha-256" or "scram-sha-512".
	Mechanism      string
	User, Password string
}

// DefaultKafkaConfig reaches a broker on this machine.
func DefaultKafkaConfig() KafkaConfig {
	return KafkaConfig{Brokers: []string{"localhost:9092"}, ClientID: "tidegauge"}
}

// Validate says everything that is wrong, joined.
func (c KafkaConfig) Validate() error {
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("brokers: none is given: name at least one as host:port"))
	}
	for _, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			errs = append(errs, fmt.Errorf("brokers: %q is not host:port", b))
		}
	}
	if _, err := c.SASL.mechanism(); err != nil {
		errs = append(errs, err)
	}
	if !c.TLS.Enabled && (c.TLS.CAFile != "" || c.TLS.CertFile != "" || c.TLS.KeyFile != "" || c.TLS.ServerName != "" || c.TLS.Insecure) {
		errs = append(errs, errors.New("tls: is configured but not enabled"))
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		errs = append(errs, errors.New("tls: a client's certificate needs both the certificate's and the key's file"))
	}
	return errors.Join(errs...)
}

func (c SASLConfig) mechanism() (sasl.Mechanism, error) {
	if c.Mechanism != "" && c.User == "" {
		return nil, errors.New("sasl: the user is missing")
	}
	switch c.Mechanism {
	case "":
		return nil, nil
	case "plain":
		return plain.Mechanism{Username: c.User, Password: c.Password}, nil
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, c.User, c.Password)
	case "scram-sha-512":
		return scram.Mechanism(scram.SHA512, c.User, c.Password)
	}
	return nil, fmt.Errorf("sasl: unknown mechanism %q: use plain, scram-sha-256 or scram-sha-512", c.Mechanism)
}

func (c TLSConfig) load() (*tls.Config, error) {
	if !c.Enabled {
		return nil, nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName, InsecureSkipVerify: c.Insecure}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls: reading the certificates to trust: %w", fileError(c.CAFile, err))
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls: %s holds no certificate in PEM form", c.CAFile)
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("tls: reading the client's certificate: %w", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

// Times of the connection. A produce request that a healthy cluster does not answer within requestTimeout is sent
// again; metadataAge is how soon a moved leader is found.
const (
	dialTimeout    = 5 * time.Second
	requestTimeout = 30 * time.Second
	metadataAge    = time.Second
)

// client makes a connection pool that knows the one topic and waits no longer than patience for a connection. Close its
// transport's idle connections.
func (c KafkaConfig) client(topic string, patience time.Duration) (*kafka.Client, *kafka.Transport, error) {
	mechanism, err := c.SASL.mechanism()
	if err != nil {
		return nil, nil, err
	}
	secure, err := c.TLS.load()
	if err != nil {
		return nil, nil, err
	}
	patience = min(patience, dialTimeout)
	transport := &kafka.Transport{
		Dial:           (&net.Dialer{Timeout: patience}).DialContext,
		DialTimeout:    patience,
		ClientID:       c.ClientID,
		TLS:            secure,
		SASL:           mechanism,
		MetadataTTL:    metadataAge,
		MetadataTopics: []string{topic},
	}
	return &kafka.Client{Addr: kafka.TCP(c.Brokers...), Timeout: requestTimeout, Transport: transport}, transport, nil
}

// Dialer makes connections to single brokers, as processors read with them.
func (c KafkaConfig) Dialer() (*kafka.Dialer, error) {
	mechanism, err := c.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	secure, err := c.TLS.load()
	if err != nil {
		return nil, err
	}
	return &kafka.Dialer{ClientID: c.ClientID, Timeout: 2 * dialTimeout, DualStack: true, TLS: secure, SASLMechanism: mechanism}, nil
}

// ErrKafka is what errors wrap where Kafka cannot be reached or turns a request away.
var ErrKafka = errors.New("kafka")

// kafkaError says what an error of Kafka means, and is ErrKafka.
type kafkaError struct {
	where, hint string
	err         error
}

// Error gives the brokers, the error, and what to look at.
func (e *kafkaError) Error() string {
	if e.hint == "" {
		return fmt.Sprintf("kafka at %s: %v", e.where, e.err)
	}
	return fmt.Sprintf("kafka at %s: %v (%s)", e.where, e.err, e.hint)
}

// Unwrap gives ErrKafka and the error itself.
func (e *kafkaError) Unwrap() []error { return []error{ErrKafka, e.err} }

// lasting says that trying again will not help.
func lasting(err error) bool {
	if k, ok := errors.AsType[kafka.Error](err); ok {
		return !k.Temporary() && k != kafka.Unknown
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	return false
}

// explain says what an error of Kafka means to whoever has to mend it.
func (c KafkaConfig) explain(err error) error {
	where := strings.Join(c.Brokers, ", ")
	if inner := errors.Unwrap(err); inner != nil && strings.HasPrefix(err.Error(), "kafka.(*Client)") {
		err = inner // the name of the call says nothing to who reads this
	}
	hint := ""
	_, dns := errors.AsType[*net.DNSError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	network, ok := errors.AsType[net.Error](err)
	late := ok && network.Timeout()
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		hint = "nothing listens there: is the broker running, and is its address right (--brokers)?"
	case dns:
		hint = "the name is not known here: check --brokers, and the listeners that the broker advertises"
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		hint = "the broker refuses the user or the password"
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		hint = "the broker knows no such SASL mechanism as " + c.SASL.Mechanism
	case errors.Is(err, kafka.TopicAuthorizationFailed), errors.Is(err, kafka.ClusterAuthorizationFailed):
		hint = "the user is known but may not do this: grant it DESCRIBE and WRITE (and CREATE, where the topic is missing)"
	case certificate:
		hint = "the broker's certificate is not trusted: give the authority that signed it (tls CA file)"
	case record:
		hint = "the broker does not speak TLS on this port"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		switch {
		case c.SASL.Mechanism == "" && !c.TLS.Enabled:
			hint = "the broker closed the connection: does this port want TLS or SASL?"
		case c.SASL.Mechanism == "":
			hint = "the broker closed the connection: does this port want SASL, or no TLS?"
		default:
			hint = "the broker closed the connection: are the user and the password right, and TLS as this port wants it?"
		}
	case late, ctxErr(err):
		hint = "no answer in time: is the address right, and the cluster healthy?"
	}
	return &kafkaError{where: where, hint: hint, err: err}
}
