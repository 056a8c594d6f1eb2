package replay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tidegauge/schemas"
)

// answer is what came of a call.
type answer struct {
	// sent is when it was handed to the network, or given up; connected when it had a connection; first and last when the
	// first and the latest piece with content came; end when it was over. Zero: it did not come to that.
	sent, connected, first, last, end time.Time

	connection bool // it had a new connection made
	unstreamed bool // the answer came whole although a stream was asked for
	outcome    schemas.Outcome
	status     int32
	kind       string // of the failure, one of few
	detail     string // what it said, for people
	finish     string
	// Counts of tokens as the server says, schemas.Unknown where it does not; pieces counts those with content.
	requestTokens, responseTokens, cachedTokens, reasoningTokens, pieces int64
	gaps                                                                 []time.Duration // between pieces
}

func (a *answer) reset() {
	*a = answer{status: schemas.Unknown, requestTokens: schemas.Unknown, responseTokens: schemas.Unknown, cachedTokens: schemas.Unknown,
		reasoningTokens: schemas.Unknown, gaps: a.gaps[:0]}
}

// Kinds of failure, as they stand in results' error_type. The HTTP statuses are beside them (http_503), and what a server calls
// an error inside a stream is "stream_error". They are an interface.
const (
	kindInterrupted = "interrupted"       // the run was
	kindInFlight    = "max_in_flight"     // not sent: too many were in flight
	kindNoStatus    = "timeout_headers"   // nothing came in time
	kindNoToken     = "timeout_first"     // the answer began, but no token came in time
	kindUnfinished  = "timeout_answer"    // tokens came, but not the last
	kindCutOff      = "cut_off"           // the answer broke off
	kindNonsense    = "bad_answer"        // what came is no answer of such a server
	kindStream      = "stream_error"      // the server said so inside the stream
	kindRefused     = "connect_refused"   // nobody listens
	kindConnect     = "connect_failed"    // no connection, for another reason
	kindName        = "connect_name"      // the host's name could not be resolved
	kindTLS         = "connect_tls"       // no trust, or no TLS
	kindReset       = "connection_reset"  // while waiting for the answer or within it
	kindClosed      = "connection_closed" // before the answer began
	kindLocal       = "no_local_port"     // this machine has no more files or ports
)

// fail says how a call ended that was not answered whole.
func (a *answer) fail(outcome schemas.Outcome, kind, detail string) {
	a.outcome, a.kind, a.detail = outcome, kind, detail
}

// broke says what an error of the network makes of a call.
func (a *answer) broke(ctx context.Context, err error) {
	within := a.status >= 0
	var name *net.DNSError
	var dial *net.OpError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	text := err.Error()
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errTimeout):
		kind := kindNoStatus
		if within {
			kind = kindNoToken
		}
		if a.pieces > 0 {
			kind = kindUnfinished
		}
		a.fail(schemas.Timeout, kind, cause.Error())
	case cause != nil:
		a.fail(schemas.Cancelled, kindInterrupted, "")
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.EADDRNOTAVAIL):
		a.fail(schemas.Error, kindLocal, text)
	case errors.As(err, &name):
		a.fail(schemas.Error, kindName, text)
	case errors.As(err, &authority), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &record):
		a.fail(schemas.Error, kindTLS, text)
	case errors.Is(err, syscall.ECONNREFUSED):
		a.fail(schemas.Error, kindRefused, text)
	case errors.As(err, &dial) && dial.Op == "dial":
		a.fail(schemas.Error, kindConnect, text)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		a.fail(schemas.Error, kindReset, text)
	case errors.Is(err, errTooLong):
		a.fail(schemas.Error, kindNonsense, text)
	case within && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		a.fail(schemas.Error, kindCutOff, "the connection was closed within the answer")
	case errors.Is(err, io.EOF), errors.Is(err, os.ErrClosed), errors.Is(err, io.ErrUnexpectedEOF):
		a.fail(schemas.Error, kindClosed, "the connection was closed before an answer")
	case strings.Contains(text, "server closed idle connection"): // as a request went out over it
		a.fail(schemas.Error, kindClosed, text)
	default: // what net/http says of text that is not HTTP has no type
		a.fail(schemas.Error, kindNonsense, text)
	}
}

// refused says how a call ended whose status is not 200.
func (a *answer) refused(c *chunk) {
	kind, detail := "http_"+strconv.Itoa(int(a.status)), string(c.message)
	if a.status == 429 {
		a.fail(schemas.RateLimited, kind, detail)
		return
	}
	a.fail(schemas.Error, kind, detail)
}

// take adds what a piece of the answer says.
func (a *answer) take(c *chunk, at time.Time) {
	if c.content {
		if a.pieces++; a.pieces == 1 {
			a.first = at
		} else {
			a.gaps = append(a.gaps, at.Sub(a.last))
		}
		a.last = at
	}
	if c.finished && a.finish == "" {
		a.finish = finishReason(c.finish)
	}
	for _, n := range [...]struct {
		from int64
		to   *int64
	}{{c.requestTokens, &a.requestTokens}, {c.responseTokens, &a.responseTokens}, {c.cachedTokens, &a.cachedTokens}, {c.reasoningTokens, &a.reasoningTokens}} {
		if n.from >= 0 {
			*n.to = n.from // the last: some servers count on in each piece
		}
	}
}

// finishReason gives the usual reasons without allocating.
func finishReason(b []byte) string {
	switch string(b) {
	case "stop":
		return "stop"
	case "length":
		return "length"
	}
	return strings.ToValidUTF8(string(b[:min(len(b), schemas.MaxName/4)]), "?")
}

// complete says how a call ended whose answer came to its end.
func (a *answer) complete() {
	switch tokens := a.answered(); {
	case a.finish == "content_filter":
		a.outcome = schemas.Filtered
	case tokens == 0:
		a.outcome = schemas.Empty
	default:
		a.outcome = schemas.OK
	}
}

// answered is how many tokens came: as the server counts, or one for each piece.
func (a *answer) answered() int64 {
	if a.responseTokens >= 0 {
		return a.responseTokens
	}
	return a.pieces
}
