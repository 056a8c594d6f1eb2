package ingest

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// admission decides whom to listen to, and how often.
type admission struct {
	tokens *reloaded[[][sha256.Size]byte] // nil where none is needed
	all    *rate.Limiter                  // nil where there is no limit
	each   rate.Limit                     // 0 where there is no limit
	now    func() time.Time

	mutex      sync.Mutex
	young, old map[string]*rate.Limiter // by client
}

// maxClients bounds how many clients are told apart: beyond it, those not heard of for longest begin anew.
const maxClients = 10_000

// caller is who sends a post: the header with its token, its certificates, its address.
type caller struct {
	authorization string
	certificates  []*x509.Certificate
	address       string
}

// admit says why the caller is turned away, nil if it is not, and which limit that was.
func (a *admission) admit(c caller) (*denial, string) {
	client := c.address
	if host, _, err := net.SplitHostPort(client); err == nil {
		client = host
	}
	if len(c.certificates) > 0 {
		client = "certificate " + c.certificates[0].Subject.String()
	}
	if a.tokens != nil {
		scheme, token, ok := strings.Cut(c.authorization, " ")
		ok = ok && strings.EqualFold(scheme, "bearer") // RFC 9110: upper case or lower
		sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
		known := 0
		for _, t := range a.tokens.get() {
			known |= subtle.ConstantTimeCompare(t[:], sum[:]) // all of them, whichever fits
		}
		if !ok || known == 0 {
			return unauthorized(), "token"
		}
		client = "token " + hex.EncodeToString(sum[:])
	}
	if a.each > 0 {
		if d := wait(a.limiter(client), a.now()); d > 0 {
			return throttled(d, "this client posts more often than receive.client_rate allows"), "client_rate"
		}
	}
	if a.all != nil {
		if d := wait(a.all, a.now()); d > 0 {
			return throttled(d, "there are more posts than receive.rate allows"), "rate"
		}
	}
	return nil, ""
}

// wait takes one from the limiter, or says how long there is none.
func wait(l *rate.Limiter, now time.Time) time.Duration {
	r := l.ReserveN(now, 1)
	d := r.DelayFrom(now)
	if d > 0 {
		r.CancelAt(now)
	}
	return d
}

func (a *admission) limiter(client string) *rate.Limiter {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	l, ok := a.young[client]
	if ok {
		return l
	}
	if l, ok = a.old[client]; !ok {
		l = newLimiter(a.each)
	}
	if a.young == nil || len(a.young) >= maxClients/2 {
		a.old, a.young = a.young, make(map[string]*rate.Limiter)
	}
	a.young[client] = l
	return l
}

// newLimiter allows a second's worth at once.
func newLimiter(each rate.Limit) *rate.Limiter { return rate.NewLimiter(each, max(1, int(each))) }

// loadTokens gives the hashes of the tokens that were given and of those in a file, one a line; lines that begin with # are
// comments.
func loadTokens(given []string, path string) ([][sha256.Size]byte, error) {
	all := append([]string(nil), given...)
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("tokens: %w", fileError(path, err))
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				all = append(all, line)
			}
		}
		if len(all) == len(given) {
			return nil, fmt.Errorf("tokens: %s holds none", path)
		}
	}
	var sums [][sha256.Size]byte
	for _, t := range all {
		if len(t) < minToken {
			return nil, fmt.Errorf("tokens: one has %d characters, and a token needs %d; make one with: openssl rand -hex 32", len(t), minToken)
		}
		sums = append(sums, sha256.Sum256([]byte(t)))
	}
	if len(sums) == 0 {
		return nil, errors.New("tokens: none is given")
	}
	return sums, nil
}

// minToken is the least that a token may have: shorter ones can be tried out.
const minToken = 16
