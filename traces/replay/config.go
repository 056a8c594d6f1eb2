package replay

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tidegauge/schemas"
)

// Config says what is replayed against what, and how.
type Config struct {
	// Target is the server's base address, which ends in /v1 as a rule.
	Target *url.URL
	// Chat asks /chat/completions, else /completions. Stream asks for answers in pieces.
	Chat, Stream bool
	// Model is what all requests ask for; "" is the trace's own.
	Model string
	// Pace is how fast the trace's time goes: 2 is twice as fast as it was.
	Pace float64
	// WarmUp is how long the first requests are not measured; Duration how long after it requests go out (0: to the trace's end).
	WarmUp, Duration time.Duration
	// Timeout is how long a request may take to its whole answer.
	Timeout time.Duration
	// MaxInFlight is how many requests may be under way. One that is due beyond it is not sent, and counted so.
	MaxInFlight int
	// MaxTokens is asked for where the trace does not say how long an answer was or might be.
	MaxTokens int64
	// PromptOverhead is how many tokens the server's chat template adds, which prompts are made shorter by.
	PromptOverhead int64
	// Body are JSON fields that are added to every request, without braces; Header its headers.
	Body      []byte
	Header    http.Header
	UserAgent string
	TLS       *tls.Config
	// Service is whose requests the results are; Run tells this run's from others'.
	Service, Run string
	Objectives   Objectives
}

// DefaultConfig replays as it was against a server that is yet to be named.
func DefaultConfig() Config {
	return Config{Chat: true, Stream: true, Pace: 1, Timeout: 5 * time.Minute, MaxInFlight: 20_000, MaxTokens: 256, Service: "replay", UserAgent: "tidegauge"}
}

// Validate says everything that is wrong, joined.
func (c Config) Validate() error {
	var errs []error
	wrong := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if c.Target == nil || c.Target.Scheme != "http" && c.Target.Scheme != "https" || c.Target.Host == "" {
		wrong("target: want an address like http://127.0.0.1:8000/v1")
	}
	if c.Target != nil && c.Target.User != nil {
		wrong("target: no name and password in it, which others can see: give the server's key as api-key-env or api-key-file")
	}
	if !(c.Pace > 0) || math.IsInf(c.Pace, 0) {
		wrong("pace: must be above zero")
	}
	if c.WarmUp < 0 || c.Duration < 0 || c.Timeout <= 0 {
		wrong("warm-up, duration: cannot be negative; timeout: must be above zero")
	}
	if c.MaxInFlight < 1 {
		wrong("max-in-flight: must be at least 1")
	}
	if c.MaxTokens < 1 || c.MaxTokens > schemas.MaxTokens {
		wrong("max-tokens: must be 1 to %d", schemas.MaxTokens)
	}
	if c.PromptOverhead < 0 {
		wrong("prompt-overhead: cannot be negative")
	}
	if c.Service == "" || len(c.Service) > schemas.MaxName || c.Run == "" || len(c.Run) > maxRun {
		wrong("service: must have 1 to %d bytes; run: 1 to %d", schemas.MaxName, maxRun)
	}
	if len(c.Body) > 0 && !json.Valid([]byte("{"+string(c.Body)+"}")) {
		wrong("body: want the fields of a JSON object")
	}
	return errors.Join(append(errs, c.Objectives.validate())...)
}

// maxRun bounds a run's name: it stands before every request's and conversation's.
const maxRun = 64

// endpoint is where requests go.
func (c *Config) endpoint() *url.URL {
	if c.Chat {
		return c.Target.JoinPath("chat/completions")
	}
	return c.Target.JoinPath("completions")
}

// limit is how many tokens a request asks for: as many as were answered in the trace, for it is that load which is
// replayed. Where there was no answer, what was to come, what was the most allowed, or MaxTokens.
func (c *Config) limit(r *schemas.Request) int64 {
	for _, n := range []int64{r.ResponseTokens, r.TargetTokens, r.MaxTokens} {
		if n > 0 {
			return n
		}
	}
	return c.MaxTokens
}

// Objectives are what a request must keep to count as good. Zero: it need not.
type Objectives struct {
	// TTFT is to the first token, E2E to the whole answer, both from when the request was due; TPOT the mean between tokens.
	TTFT, TPOT, E2E time.Duration
}

// ParseObjectives reads "ttft=500ms,tpot=50ms,e2e=10s", in any order, at least one.
func ParseObjectives(text string) (o Objectives, err error) {
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		to := map[string]*time.Duration{"ttft": &o.TTFT, "tpot": &o.TPOT, "e2e": &o.E2E}[name]
		d, err := time.ParseDuration(value)
		if to == nil || err != nil || d <= 0 || *to != 0 {
			return Objectives{}, fmt.Errorf("slo %q: want some of ttft=500ms,tpot=50ms,e2e=10s, each once", text)
		}
		*to = d
	}
	return o, nil
}

// String gives what ParseObjectives reads, "" for none.
func (o Objectives) String() string {
	var parts []string
	for _, p := range []struct {
		name string
		d    time.Duration
	}{{"ttft", o.TTFT}, {"tpot", o.TPOT}, {"e2e", o.E2E}} {
		if p.d > 0 {
			parts = append(parts, p.name+"="+p.d.String())
		}
	}
	return strings.Join(parts, ",")
}

func (o Objectives) validate() error {
	if o.TTFT < 0 || o.TPOT < 0 || o.E2E < 0 {
		return errors.New("slo: cannot be negative")
	}
	return nil
}
