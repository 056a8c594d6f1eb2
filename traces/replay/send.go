package replay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync"
	"time"

	"tidegauge/schemas"
)

var errTimeout = errors.New("no whole answer in time (--timeout)")

// client sends calls.
type client struct {
	config    Config
	url       *url.URL
	transport *http.Transport
	header    http.Header // of every request; nobody writes to it
	streams   sync.Pool   // *stream
}

const (
	maxErrorText  = 64 << 10               // of an answer that is an error, read for its message
	drainPatience = 100 * time.Millisecond // how long the end of a stream may take after its last event, before its connection is given up
	connectTime   = 30 * time.Second
)

func newClient(c Config) *client {
	h := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {c.UserAgent}}
	if c.Stream {
		h.Set("Accept", "text/event-stream")
	}
	for name, values := range c.Header {
		h[name] = values
	}
	dialer := &net.Dialer{Timeout: connectTime, KeepAlive: 30 * time.Second}
	return &client{
		config: c, url: c.endpoint(), header: h, streams: sync.Pool{New: func() any { return new(stream) }},
		transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSClientConfig: c.TLS, TLSHandshakeTimeout: connectTime,
			// As many connections as there are requests in flight, kept for the next; no request waits for another's.
			MaxIdleConns: 0, MaxIdleConnsPerHost: c.MaxInFlight, IdleConnTimeout: 90 * time.Second,
			DisableCompression: true, // what is compressed comes in lumps
			ForceAttemptHTTP2:  false, WriteBufferSize: 16 << 10, ReadBufferSize: 16 << 10,
		},
	}
}

func (c *client) close() { c.transport.CloseIdleConnections() }

// model is what a call asks for.
func (c *client) model(r *schemas.Request) string {
	if c.config.Model != "" {
		return c.config.Model
	}
	return r.Model
}

// body is what a call sends.
func (c *client) body(call *call) []byte {
	r := &call.request
	b := make([]byte, 0, 320+len(c.config.Body)+int(call.prompt.tokens)*8)
	b = append(b, `{"model":`...)
	b = schemas.AppendText(b, c.model(r))
	if c.config.Chat {
		b = append(b, `,"messages":[{"role":"user","content":"`...)
		b = append(call.prompt.appendTo(b), `"}]`...)
	} else {
		b = append(b, `,"prompt":"`...)
		b = append(call.prompt.appendTo(b), '"')
	}
	b = strconv.AppendInt(append(b, `,"max_tokens":`...), c.config.limit(r), 10)
	if r.Temperature >= 0 { // not NaN
		b = strconv.AppendFloat(append(b, `,"temperature":`...), r.Temperature, 'g', -1, 64)
	}
	if r.TopP > 0 {
		b = strconv.AppendFloat(append(b, `,"top_p":`...), r.TopP, 'g', -1, 64)
	}
	if r.HasSeed {
		b = strconv.AppendInt(append(b, `,"seed":`...), r.Seed, 10)
	}
	if c.config.Stream {
		b = append(b, `,"stream":true,"stream_options":{"include_usage":true}`...)
	}
	if len(c.config.Body) > 0 {
		b = append(append(b, ','), c.config.Body...)
	}
	return append(b, '}')
}

// do sends a call and reads its answer to the end. Everything that can go wrong is in the answer.
func (c *client) do(ctx context.Context, call *call) {
	a := &call.answer
	a.reset()
	ctx, cancel := context.WithTimeoutCause(ctx, c.config.Timeout, errTimeout)
	defer cancel()
	body := c.body(call)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		a.connected, a.connection = time.Now(), !i.Reused
	}})
	request := (&http.Request{
		Method: http.MethodPost, URL: c.url, Host: c.config.Target.Host, Header: c.header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
		// So that what a connection did not take because the server had closed it while idle goes over another. What was sent is not sent again.
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	}).WithContext(ctx)
	a.sent = time.Now()
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		a.end = time.Now()
		a.broke(ctx, err)
		return
	}
	a.status = int32(response.StatusCode)
	s := c.streams.Get().(*stream)
	s.reset(response.Body)
	switch kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); {
	case response.StatusCode != http.StatusOK:
		s.reset(io.LimitReader(response.Body, maxErrorText))
		c.refusal(a, s, response.Header.Get("Location"))
	case c.config.Stream && kind != "application/json":
		c.stream(ctx, a, s, kind)
	default:
		c.whole(ctx, a, s)
	}
	// What the connection still has to give, so that it can be used again.
	timer := time.AfterFunc(drainPatience, cancel)
	_, _ = io.CopyN(io.Discard, response.Body, maxErrorText)
	timer.Stop()
	_ = response.Body.Close()
	c.streams.Put(s)
}

// refusal reads an answer that is an error, or sends elsewhere, where nobody follows: the target is what is measured.
func (c *client) refusal(a *answer, s *stream, elsewhere string) {
	text, _ := s.rest() // what can be had of it
	a.end = time.Now()
	var piece chunk
	if !piece.parse(text) || len(piece.message) == 0 {
		piece.message = text
	}
	if elsewhere != "" {
		piece.message = []byte("redirects to " + elsewhere)
	}
	a.refused(&piece)
}

// stream reads an answer that comes in pieces.
func (c *client) stream(ctx context.Context, a *answer, s *stream, kind string) {
	var piece chunk
	for {
		data, err := s.next()
		whole := err == nil && (bytes.Equal(data, done) || piece.parse(data))
		if err == nil && !whole && s.unended { // half an event
			err = io.EOF
		}
		if err != nil {
			a.end = time.Now()
			switch {
			case err != io.EOF:
				a.broke(ctx, err)
			case a.finish != "": // some servers leave [DONE] out
				a.complete()
			case s.strange, a.pieces == 0 && kind != "text/event-stream":
				a.fail(schemas.Error, kindNonsense, "no stream of events: "+kind)
			default:
				a.fail(schemas.Error, kindCutOff, "the stream ended without a reason to finish and without [DONE]")
			}
			return
		}
		if bytes.Equal(data, done) {
			a.end = s.at
			a.complete()
			return
		}
		if !whole {
			a.end = time.Now()
			a.fail(schemas.Error, kindNonsense, "an event that is no JSON object: "+string(data[:min(len(data), 200)]))
			return
		}
		if piece.failed || s.failed {
			a.end = time.Now()
			a.fail(schemas.Error, kindStream, string(piece.message))
			return
		}
		a.take(&piece, s.at)
	}
}

// whole reads an answer that comes in one piece. It has no first token.
func (c *client) whole(ctx context.Context, a *answer, s *stream) {
	text, err := s.rest()
	a.end = time.Now()
	var piece chunk
	switch {
	case err != nil:
		a.broke(ctx, err)
	case !piece.parse(text):
		a.fail(schemas.Error, kindNonsense, "the answer is no JSON object: "+string(text[:min(len(text), 200)]))
	case piece.failed:
		a.fail(schemas.Error, kindStream, string(piece.message))
	case !piece.finished && !piece.content && piece.responseTokens < 0:
		a.fail(schemas.Error, kindNonsense, "the answer has no choices: "+string(text[:min(len(text), 200)]))
	default:
		a.unstreamed = c.config.Stream
		a.take(&piece, a.end)
		a.first, a.last = time.Time{}, time.Time{}
		a.complete()
	}
}
