package ingest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// reloaded is what some files hold. It is read again when one of them has changed, so that certificates and tokens can be
// renewed without a restart. What cannot be read leaves what was there before.
type reloaded[T any] struct {
	paths  []string
	load   func() (T, error)
	logger *slog.Logger

	mutex  sync.Mutex
	value  T
	stamps []time.Time
	looked time.Time
}

// lookEvery is how often files are looked at, at most.
const lookEvery = time.Second

func newReloaded[T any](logger *slog.Logger, load func() (T, error), paths ...string) (*reloaded[T], error) {
	r := &reloaded[T]{load: load, logger: logger}
	for _, p := range paths {
		if p != "" {
			r.paths = append(r.paths, p)
		}
	}
	r.stamps = r.stamp()
	r.looked = time.Now()
	var err error
	r.value, err = load()
	return r, err
}

// stamp gives when each file was changed last, the zero time where it cannot be told.
func (r *reloaded[T]) stamp() []time.Time {
	stamps := make([]time.Time, len(r.paths))
	for i, p := range r.paths {
		if info, err := os.Stat(p); err == nil {
			stamps[i] = info.ModTime()
		}
	}
	return stamps
}

func (r *reloaded[T]) get() T {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if len(r.paths) == 0 || time.Since(r.looked) < lookEvery {
		return r.value
	}
	r.looked = time.Now()
	stamps := r.stamp()
	changed := false
	for i := range stamps {
		changed = changed || !stamps[i].Equal(r.stamps[i])
	}
	if !changed {
		return r.value
	}
	r.stamps = stamps
	value, err := r.load()
	if err != nil {
		r.logger.Warn("a changed file is not used: what it held before still counts", "files", r.paths, "error", err)
		return r.value
	}
	r.logger.Info("read again", "files", r.paths)
	r.value = value
	return value
}

// serverTLS gives how the listeners encrypt, nil where they do not. With authorities for clients, only those that have a
// certificate of theirs get through.
func serverTLS(c ReceiverConfig, logger *slog.Logger) (*tls.Config, error) {
	if c.CertFile == "" {
		return nil, nil
	}
	load := func() (*tls.Config, error) {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("tls: reading the certificate: %w", err)
		}
		out := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
		if c.ClientCAFile != "" {
			pem, err := os.ReadFile(c.ClientCAFile)
			if err != nil {
				return nil, fmt.Errorf("tls: reading the clients' authorities: %w", fileError(c.ClientCAFile, err))
			}
			out.ClientCAs, out.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
			if !out.ClientCAs.AppendCertsFromPEM(pem) {
				return nil, errors.New("tls: " + c.ClientCAFile + " holds no certificate in PEM form")
			}
		}
		return out, nil
	}
	files, err := newReloaded(logger, load, c.CertFile, c.KeyFile, c.ClientCAFile)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return files.get(), nil }}, nil
}
