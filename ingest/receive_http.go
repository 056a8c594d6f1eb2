package ingest

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tidegauge/schemas"
)

// post is one post over HTTP.
type post struct {
	w        http.ResponseWriter
	in       *http.Request
	endpoint string
	began    time.Time
	reading  bool // of its body: a client that asked whether to send it was told to
}

func (r *Receiver) httpServer(secure *tls.Config) *http.Server {
	mux := http.NewServeMux()
	var paths []string
	handle := func(path string, serve func(*post), deny func(*post, *denial)) {
		paths = append(paths, path)
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, in *http.Request) {
			p := &post{w: w, in: in, endpoint: path, began: time.Now()}
			defer func() { r.metrics.seconds.WithLabelValues(path).Observe(time.Since(p.began).Seconds()) }()
			who := caller{authorization: in.Header.Get("Authorization"), address: in.RemoteAddr}
			if in.TLS != nil {
				who.certificates = in.TLS.PeerCertificates
			}
			if denied, which := r.admission.admit(who); denied != nil {
				if denied.status == http.StatusTooManyRequests {
					r.metrics.throttled.WithLabelValues(which).Inc()
				} else {
					w.Header().Set("WWW-Authenticate", "Bearer")
				}
				deny(p, denied)
				return
			}
			serve(p)
		})
	}
	handle("/v1/requests", r.requests, r.denyJSON)
	handle("/v1/traces", r.otlpTraces, r.denyOTLP)
	handle("/v1/logs", r.otlpLogs, r.denyOTLP)
	handle("/v1/metrics", r.otlpMetrics, r.denyOTLP)
	mux.HandleFunc("/", func(w http.ResponseWriter, in *http.Request) { // nobody was asked for a token: its body is not read
		status, reason := http.StatusNotFound, "nothing is here: post to one of "+strings.Join(paths, ", ")
		if slices.Contains(paths, in.URL.Path) {
			w.Header().Set("Allow", http.MethodPost)
			status, reason = http.StatusMethodNotAllowed, "use POST here"
		}
		r.answer(&post{w: w, in: in, endpoint: "elsewhere"}, status, "application/json", errorJSON(reason))
	})
	return &http.Server{
		Handler: mux, TLSConfig: secure,
		ErrorLog:          slog.NewLogLogger(r.logger.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       r.config.patience,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 100},
	}
}

func (r *Receiver) serveHTTP(l net.Listener) error {
	if r.http.TLSConfig != nil {
		return r.http.ServeTLS(l, "", "")
	}
	return r.http.Serve(l)
}

// answer writes an answer and counts it.
func (r *Receiver) answer(p *post, status int, kind string, body []byte) {
	r.metrics.posts.WithLabelValues(p.endpoint, strconv.Itoa(status)).Inc()
	p.w.Header().Set("Content-Type", kind)
	p.w.WriteHeader(status)
	_, _ = p.w.Write(body) // to a client that is gone there is nothing to say
}

// denied sets what every denial has, and sees to it that the client gets to read it.
func (r *Receiver) denied(p *post, d *denial) {
	if after := d.retryAfter(); after != "" {
		p.w.Header().Set("Retry-After", after)
	}
	if d.status != http.StatusUnauthorized { // strangers may hang up
		p.drain(drainBodies * r.config.MaxBody)
	}
}

// drainBodies times receive.max_body is how much is read of a body that is not wanted.
const drainBodies = 2

// drain reads what is left of a body and throws it away. Many clients (Python's, Java's) look for an answer only when they
// have sent everything: a connection that is closed before is reset under them, and the answer, when to come again or
// that the body is too large, is lost. Of a body that is longer than the limit nothing is read, for it would help nobody; nor
// of one whose client waits to hear whether to send it.
func (p *post) drain(limit int64) {
	asks := p.in.Header.Get("Expect") != "" && !p.reading
	if asks || p.in.ContentLength > limit || p.in.ProtoMajor > 1 { // HTTP/2 ends a stream without losing its answer
		return
	}
	_, _ = io.CopyN(io.Discard, p.in.Body, limit)
}

func (r *Receiver) denyJSON(p *post, d *denial) {
	r.denied(p, d)
	r.answer(p, d.status, "application/json", errorJSON(d.reason))
}

func errorJSON(reason string) []byte {
	body, _ := json.Marshal(map[string]string{"error": reason})
	return append(body, '\n')
}

// parameters are what a post to /v1/requests may say in its address.
type parameters struct {
	format                  *Format
	service, model, logType string
}

func parseParameters(query string) (p parameters, denied *denial) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return p, malformed("the address's parameters: %v", err)
	}
	name := "canonical"
	known := map[string]*string{"format": &name, "service": &p.service, "model": &p.model, "log_type": &p.logType}
	for key, v := range values {
		into, ok := known[key]
		if !ok {
			return p, malformed("unknown parameter %q: use format, service, model, log_type", key)
		}
		if len(v) > 1 {
			return p, malformed("%s is there %d times: give it once", key, len(v))
		}
		if !utf8.ValidString(v[0]) { // on the topic it would be another name than its record's key
			return p, malformed("%s is not UTF-8", key)
		}
		if len(v[0]) > schemas.MaxName {
			return p, malformed("%s has %d bytes, more than the %d allowed", key, len(v[0]), schemas.MaxName)
		}
		*into = v[0]
	}
	if p.format, err = FindFormat(name); err != nil {
		return p, malformed("unknown format %q: use one of %s", name, formatNames((*Format).posted))
	}
	if !p.format.posted() {
		return p, malformed("format %s is of files: read them with tidegauge ingest", name)
	}
	return p, nil
}

// requests takes POST /v1/requests.
func (r *Receiver) requests(p *post) {
	parameters, denied := parseParameters(p.in.URL.RawQuery)
	if denied != nil {
		r.denyJSON(p, denied)
		return
	}
	c := r.budget.claim()
	defer c.drop()
	body, free, denied := r.body(p, c)
	if denied != nil {
		r.denyJSON(p, denied)
		return
	}
	defer free()
	key := p.in.Header.Get("Idempotency-Key")
	t, denied := r.take(p.in.Context(), p.endpoint, c, func(in *intake) *denial {
		in.begin(key)
		in.overrule(parameters.service, parameters.model, parameters.logType)
		return in.body(parameters.format, body, key)
	})
	if denied != nil {
		r.denyJSON(p, denied)
		return
	}
	status := http.StatusOK
	if t.Refused > 0 && t.Accepted == 0 {
		status = http.StatusBadRequest
	}
	text, _ := json.Marshal(t)
	r.answer(p, status, "application/json", append(text, '\n'))
}

// body reads a post's body and counts it.
func (r *Receiver) body(p *post, c *claim) ([]byte, func(), *denial) {
	body, free, denied := r.readBody(p, c)
	if denied != nil {
		return nil, nil, denied
	}
	r.metrics.bytes.WithLabelValues(p.endpoint).Add(float64(len(body)))
	return body, free, nil
}

// mediaType gives a Content-Type without its parameters.
func mediaType(in *http.Request) string {
	kind, _, _ := strings.Cut(in.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// The encodings of OTLP over HTTP.
var otlpTypes = []string{"application/x-protobuf", "application/json"}

func isOTLPType(kind string) bool { return slices.Contains(otlpTypes, kind) }
