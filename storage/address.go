package storage

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// schemes are the address schemes and the port each stands for.
var schemes = []struct {
	name, driver, port string
	secure             bool
}{
	{"clickhouse", "clickhouse", "9000", false},
	{"clickhouses", "clickhouse", "9440", true},
	{"http", "http", "8123", false},
	{"https", "https", "8443", true},
}

// options turns the configuration into clickhouse-go's.
func (c Config) options() (*clickhouse.Options, error) {
	name, rest, found := strings.Cut(c.Address, "://")
	i := slices.IndexFunc(schemes, func(s struct {
		name, driver, port string
		secure             bool
	}) bool {
		return s.name == strings.ToLower(name)
	})
	if !found || i < 0 {
		return nil, fmt.Errorf("clickhouse: address %q has to begin with clickhouse://, clickhouses://, http:// or https://, "+
			"as in clickhouse://user:password@host:9000/tidegauge", Redact(c.Address))
	}
	scheme := schemes[i]
	rest, query, _ := strings.Cut(rest, "?")
	if scheme.secure {
		query += "&secure=true" // ParseDSN wants it said, even of https
	}
	options, err := clickhouse.ParseDSN(scheme.driver + "://" + rest + "?" + strings.TrimPrefix(query, "&"))
	if err != nil {
		return nil, fmt.Errorf("clickhouse: address %q cannot be read (special characters in user and password are written %%XX): %w",
			Redact(c.Address), err)
	}
	for i, address := range options.Addr {
		host, port := splitAddress(address)
		if port == "" {
			port = scheme.port
		}
		if host == "" {
			return nil, fmt.Errorf("clickhouse: address %q names no host", Redact(c.Address))
		}
		options.Addr[i] = net.JoinHostPort(host, port)
	}
	for _, override := range []struct {
		value string
		place *string
	}{{c.User, &options.Auth.Username}, {c.Password, &options.Auth.Password}, {c.Database, &options.Auth.Database}} {
		if override.value != "" {
			*override.place = override.value
		}
	}
	if options.TLS != nil {
		if err := c.addTLS(options.TLS); err != nil {
			return nil, err
		}
	} else if c.CAFile != "" || c.CertFile != "" || c.KeyFile != "" || c.SkipVerify || len(c.CA)+len(c.Cert)+len(c.Key) > 0 {
		return nil, fmt.Errorf("clickhouse: TLS files or options are given and %s:// does not use TLS: write clickhouses:// or https://", scheme.name)
	}
	options.DialTimeout, options.ReadTimeout = c.DialTimeout, c.ReadTimeout
	options.MaxOpenConns, options.MaxIdleConns = c.MaxOpenConns, c.MaxOpenConns
	options.ClientInfo.Products = append(options.ClientInfo.Products, struct{ Name, Version string }{"tidegauge", ""})
	if options.Compression == nil && !slices.ContainsFunc(options.Addr, loopbackAddress) {
		// On a network LZ4 is cheaper than the bytes it saves; on loopback there is nothing to save.
		options.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	options.DialContext = dial(c, options)
	if options.MaxCompressionBuffer == 0 {
		options.MaxCompressionBuffer = sendBuffer
	}
	for setting, value := range c.Settings {
		options.Settings[setting] = value
	}
	if options.Protocol == clickhouse.HTTP {
		// Without it a query over HTTP runs on after its client has gone.
		options.Settings["cancel_http_readonly_queries_on_client_close"] = 1
	}
	return options, nil
}

// sendBuffer is from how many bytes on an insert's columns are sent. Each connection keeps a buffer of that and the largest
// column that it ever sent; clickhouse-go's ten megabytes are as much as a small processor's whole batch.
const sendBuffer = 512 << 10

// splitAddress splits host and port, either of which may be missing; a bare IPv6 address needs its brackets.
func splitAddress(address string) (host, port string) {
	if host, port, err := net.SplitHostPort(address); err == nil {
		return host, port
	}
	return strings.Trim(address, "[]"), ""
}

func loopbackAddress(address string) bool {
	host, _ := splitAddress(address)
	return loopback(host)
}

func (c Config) addTLS(settings *tls.Config) error {
	settings.MinVersion = tls.VersionTLS12
	settings.InsecureSkipVerify = settings.InsecureSkipVerify || c.SkipVerify
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return fmt.Errorf("clickhouse: reading the CA file: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("clickhouse: CA file %s holds no PEM certificate", c.CAFile)
		}
	}
	if len(c.CA) > 0 {
		if settings.RootCAs == nil {
			settings.RootCAs = x509.NewCertPool()
		}
		if !settings.RootCAs.AppendCertsFromPEM(c.CA) {
			return errors.New("clickhouse: the CA certificate is no PEM certificate (-----BEGIN CERTIFICATE-----)")
		}
	}
	if len(c.Cert)+len(c.Key) > 0 {
		certificate, err := tls.X509KeyPair(c.Cert, c.Key)
		if err != nil {
			return fmt.Errorf("clickhouse: the client certificate needs both a certificate and a key, as PEM: %w", err)
		}
		settings.Certificates = []tls.Certificate{certificate}
	}
	if c.CertFile != "" || c.KeyFile != "" {
		certificate, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return fmt.Errorf("clickhouse: the client certificate needs both a certificate and a key file: %w", err)
		}
		settings.Certificates = []tls.Certificate{certificate}
	}
	return nil
}

// Redact replaces the passwords in an address, whether or not it is a valid one, and rather too much than too little.
func Redact(address string) string {
	const hidden = "xxxxx"
	address, query, hasQuery := strings.Cut(address, "?")
	start := 0
	if i := strings.Index(address, "://"); i >= 0 {
		start = i + len("://")
	}
	// The last @, because a password may hold one that should have been escaped.
	if at := strings.LastIndex(address, "@"); at >= start {
		if colon := strings.Index(address[start:at], ":"); colon >= 0 {
			address = address[:start+colon+1] + hidden + address[at:]
		}
	}
	if !hasQuery {
		return address
	}
	if strings.Contains(query, "@") {
		return address + "?" + hidden // perhaps the password has a ? in it, and the rest of it is here
	}
	parameters := strings.Split(query, "&")
	for i, parameter := range parameters {
		key, _, _ := strings.Cut(parameter, "=")
		if decoded, err := url.QueryUnescape(key); err != nil || strings.Contains(strings.ToLower(decoded), "password") ||
			strings.EqualFold(decoded, "http_proxy") {
			parameters[i] = key + "=" + hidden
		}
	}
	return address + "?" + strings.Join(parameters, "&")
}

// explain wraps an error of connecting with what it means and what to do about it.
func explain(c Config, options *clickhouse.Options, err error) error {
	native := options.Protocol == clickhouse.Native
	text := err.Error()
	user, database := options.Auth.Username, options.Auth.Database
	if user == "" {
		user = "default"
	}
	advice := "check that it is a ClickHouse server of version 24 or newer"
	var exception *clickhouse.Exception
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var network net.Error
	switch {
	case errors.As(err, &exception):
		switch exception.Code {
		case codeAuthenticationFailed, codeUnknownUser, codeWrongPassword, codeRequiredPassword:
			advice = fmt.Sprintf("user %s is refused: there is no such user, or the password is wrong", user)
		case codeUnknownDatabase:
			advice = fmt.Sprintf("there is no database %s: create it with `tidegauge migrate`, or correct the address", database)
		case codeAccessDenied:
			advice = fmt.Sprintf("user %s lacks a right: grant it what the message names", user)
		case codeReadonly:
			advice = fmt.Sprintf("user %s may not change settings: give it readonly = 2 or 0", user)
		default:
			advice = "the server refused: its message says why"
		}
	case strings.Contains(text, "unexpected packet [72]"): // 72 is H, of "HTTP/1.1 400"
		advice = "this is ClickHouse's HTTP port: write http://, or give the native port (usually 9000)"
	case strings.Contains(text, "unexpected packet [21]"): // 21 is a TLS alert
		advice = "this port speaks TLS: write clickhouses://"
	case strings.Contains(text, "is for clickhouse-client program") || strings.Contains(text, "malformed HTTP response"):
		advice = "this is ClickHouse's native port: write clickhouse://, or give the HTTP port (usually 8123)"
	case errors.As(err, &certificate):
		advice = "the server's certificate is not trusted: give the file of the authority that signed it (CA file), or check the host's name"
	case errors.As(err, &record) || strings.Contains(text, "server gave HTTP response to HTTPS client"):
		advice = "this port does not speak TLS: write clickhouse:// or http://, or give the TLS port (usually 9440 or 8443)"
	case errors.Is(err, syscall.ECONNREFUSED):
		advice = "nothing listens there: start ClickHouse, or correct host and port (`tidegauge up` brings its own)"
	case errors.As(err, &name):
		advice = "this host name is not known: correct it, or check the name service"
	case errors.Is(err, context.Canceled):
		advice = "interrupted"
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, clickhouse.ErrAcquireConnTimeout):
		advice = "no answer in time: check host, port and firewall, and that the scheme is the port's (a TLS port needs clickhouses:// or https://)"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		advice = "the server hung up: this is not ClickHouse's " + map[bool]string{true: "native", false: "HTTP"}[native] +
			" port, or it wants TLS (clickhouses://, https://)"
	}
	return fmt.Errorf("clickhouse %s (%s): %s: %w", Redact(c.Address), strings.Join(options.Addr, ", "), advice, err)
}
