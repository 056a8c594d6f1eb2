package main

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpguts"

	"tidegauge/config"
	"tidegauge/ingest"
	"tidegauge/traces/replay"
)

// replayFlags are replay's flags as they were typed.
type replayFlags struct {
	reading         reading
	trace, header   []string
	target, pace    string
	endpoint, slo   string
	keyFile, keyEnv string
	caFile, body    string
	output          string
	rate            float64
	insecure, whole bool
	toKafka, ingest bool
	asJSON          bool
	config          replay.Config
}

func newReplay(a *app) *cobra.Command {
	f := replayFlags{config: replay.DefaultConfig()}
	c := &cobra.Command{
		Use:     "replay --trace FILE --target URL [flags]",
		GroupID: groupTraces,
		Short:   "Drive an OpenAI-compatible server with a trace, and measure it",
		Long: `Sends a trace's requests to an OpenAI-compatible server (vLLM, SGLang, TensorRT-LLM, a gateway) when the trace says, whatever
the server does: a slow server is asked no less, so its queue is measured and not hidden. A later turn of a conversation goes
out after the earlier answer and the think time of the trace. Prompts are made-up words of the trace's lengths in tokens, with
the trace's shared prefixes; answers are asked to be as long as they were (max_tokens). Nothing is sent twice.

Each request's result is a canonical request, as any serving log's: in a file (-o), which characterize reads, or in the
pipeline (--ingest), where the run appears in Grafana like any service. Its arrival is when it was due, and times count from
there. Ctrl-C gives up what is in flight; the results until then are kept.

--to-kafka drives no server: it writes the trace's own requests to the topic as if they were arriving now.

docs/traces.md says how prompts are made, what is measured from when, and what the types of failure mean.`,
		Example: `  tidegauge replay --trace BurstGPT_3.csv --target http://gpu-1:8000/v1 -o results.jsonl
  tidegauge replay --trace chat.jsonl --target http://gpu-1:8000/v1 --rate 20 --warm-up 30s --duration 5m --slo ttft=500ms,tpot=50ms
  tidegauge replay --trace mooncake.jsonl --target https://gateway/v1 --api-key-env GATEWAY_KEY --model llama-3.1-8b --ingest
  tidegauge sample | tidegauge replay --trace - --to-kafka --pace 60x`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(c); err != nil {
				return usage(err)
			}
			kafka := f.toKafka || f.ingest
			var check func(config.Settings) error
			if kafka {
				check = checkKafka
			}
			if err := a.load(c, kafka, check); err != nil {
				return err
			}
			if kafka {
				if err := a.needKafka(); err != nil {
					return err
				}
			}
			if f.rate > 0 {
				if err := a.paceForRate(c, &f); err != nil {
					return err
				}
			}
			if f.toKafka {
				return a.replayLog(c, &f)
			}
			return a.replay(c, &f)
		},
	}
	f.addFlags(c)
	return c
}

func (f *replayFlags) addFlags(c *cobra.Command) {
	s := c.Flags()
	s.StringArrayVar(&f.trace, "trace", nil, "`file` to replay, in any format that is read; repeated, or a pattern in quotes: several; - is standard input")
	s.StringVar(&f.target, "target", "", "base `URL` of the server, like http://127.0.0.1:8000/v1")
	s.StringVar(&f.pace, "pace", "1x", "`speed` of the trace's time: 2x is twice as fast, think times too")
	s.Float64Var(&f.rate, "rate", 0, "`number` of requests per second in the mean, instead of --pace: the trace's time is scaled to it (files only: they are read twice)")
	s.DurationVar(&f.config.Duration, "duration", 0, "how long requests go out after the warm-up (default: to the trace's end)")
	s.DurationVar(&f.config.WarmUp, "warm-up", 0, "leave the first requests out of the summary, and label their results warm_up=true")
	s.StringVar(&f.endpoint, "endpoint", "chat", "`chat|completions`: what is asked, /chat/completions or /completions")
	s.BoolVar(&f.whole, "no-stream", false, "ask for answers in one piece: without times to the first token and between tokens")
	s.StringVar(&f.config.Model, "model", "", "`name` of the model that every request asks for (default: the only one that the server serves, else the trace's)")
	s.StringVar(&f.config.Service, "service", f.config.Service, "`name` of the service whose requests the results are (with --to-kafka, by default, the trace's)")
	s.StringVar(&f.config.Run, "run", "", "`name` of this run, a label of its results (default: made of the time)")
	s.Int64Var(&f.config.MaxTokens, "max-tokens", f.config.MaxTokens, "tokens to ask for where the trace does not say how long an answer was")
	s.Int64Var(&f.config.PromptOverhead, "prompt-overhead", 0, "tokens that the server's chat template adds: prompts are made shorter by as many")
	s.StringVar(&f.body, "body", "", "`JSON` object whose fields are added to each request, like '{\"ignore_eos\":true}', which has vLLM and SGLang answer in full length")
	s.StringArrayVar(&f.header, "header", nil, "`line` to add to each request's header, like 'X-Tenant: load'; repeated: several")
	s.StringVar(&f.keyEnv, "api-key-env", "", "`variable` of the environment that holds the API key")
	s.StringVar(&f.keyFile, "api-key-file", "", "`file` that holds the API key")
	s.StringVar(&f.caFile, "target-ca-file", "", "`file` of the certificates that the server's is signed by (PEM; default: the system's)")
	s.BoolVar(&f.insecure, "target-skip-verify", false, "accept any certificate of the server")
	s.DurationVar(&f.config.Timeout, "timeout", f.config.Timeout, "how long an answer may take as a whole")
	s.IntVar(&f.config.MaxInFlight, "max-in-flight", f.config.MaxInFlight, "requests under way at most; one due beyond it is not sent, but counted")
	s.StringVar(&f.slo, "slo", "", "`objectives` of a good request, some of ttft=500ms,tpot=50ms,e2e=10s: the summary says how many kept to them")
	s.StringVarP(&f.output, "output", "o", "", "`file` for the results, as JSON lines; - is standard output")
	s.BoolVar(&f.ingest, "ingest", false, "write the results to the requests topic as they come")
	s.BoolVar(&f.toKafka, "to-kafka", false, "write the trace's own requests to the requests topic, as if they were arriving now, instead of driving a server")
	s.BoolVar(&f.asJSON, "json", false, "write the summary as JSON ("+replay.SummarySchema+")")
	f.reading.quiet = true
	f.reading.addFormat(c, "format", "f")
	f.reading.addDetails(c)
	config.AddFlags(s, "kafka")
	_ = c.RegisterFlagCompletionFunc("endpoint", cobra.FixedCompletions([]string{"chat", "completions"}, cobra.ShellCompDirectiveNoFileComp))
}

// check makes the configuration of the flags, and says everything that is wrong with them, joined.
func (f *replayFlags) check(c *cobra.Command) error {
	var errs []error
	wrong := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if len(f.trace) == 0 {
		wrong("--trace is missing: name a file to replay, or - for standard input")
	}
	pace, err := ingest.ParsePace(f.pace)
	switch {
	case err != nil:
		wrong("--%w", err)
	case pace == ingest.MaxPace:
		wrong("--pace max: a server is driven at a pace, like 10x")
	}
	f.config.Pace = float64(pace)
	if c.Flags().Changed("rate") && (!(f.rate > 0) || math.IsInf(f.rate, 0)) {
		wrong("--rate is %g, want requests a second, above 0", f.rate)
	}
	if f.rate > 0 && c.Flags().Changed("pace") {
		wrong("--rate and --pace exclude each other")
	}
	if f.rate > 0 && len(f.trace) == 1 && f.trace[0] == "-" {
		wrong("--rate needs a file: it is read twice, which standard input cannot be")
	}
	if f.config.Run == "" {
		f.config.Run = newRunName()
	}
	if f.toKafka {
		for _, name := range []string{"target", "output", "ingest", "json", "warm-up", "model", "slo"} {
			if c.Flags().Changed(name) {
				wrong("--to-kafka drives no server, so --%s means nothing", name)
			}
		}
		if !c.Flags().Changed("service") {
			f.config.Service = ""
		}
		return errors.Join(errs...)
	}
	if f.output == "-" && f.asJSON {
		wrong("-o - and --json both write to standard output")
	}
	return errors.Join(append(errs, f.checkServer()...)...)
}

// checkServer reads the flags that say how the server is asked.
func (f *replayFlags) checkServer() (errs []error) {
	var err error
	if f.target == "" {
		errs = append(errs, errors.New("--target is missing: the server's base URL, like http://127.0.0.1:8000/v1"))
	} else if f.config.Target, err = url.Parse(f.target); err != nil {
		errs = append(errs, fmt.Errorf("--target: %w", err))
	}
	if f.endpoint != "chat" && f.endpoint != "completions" {
		errs = append(errs, fmt.Errorf("--endpoint %q is neither chat nor completions", f.endpoint))
	}
	f.config.Chat, f.config.Stream, f.config.UserAgent = f.endpoint == "chat", !f.whole, "tidegauge/"+version()
	if f.slo != "" {
		if f.config.Objectives, err = replay.ParseObjectives(f.slo); err != nil {
			errs = append(errs, fmt.Errorf("--%w", err))
		}
	}
	if f.body != "" {
		text := strings.TrimSpace(f.body)
		inner, open := strings.CutPrefix(text, "{")
		inner, closed := strings.CutSuffix(inner, "}")
		if !open || !closed {
			errs = append(errs, errors.New("--body: want a JSON object"))
		}
		f.config.Body = []byte(strings.TrimSpace(inner))
	}
	if f.config.Header, err = f.headers(); err != nil {
		errs = append(errs, err)
	}
	if f.config.TLS, err = f.tls(); err != nil {
		errs = append(errs, err)
	}
	if f.config.Target != nil || f.target == "" {
		check := f.config
		if f.target == "" { // which was said
			check.Target = &url.URL{Scheme: "http", Host: "-"}
		}
		if err := check.Validate(); err != nil {
			for line := range strings.Lines(err.Error()) {
				errs = append(errs, errors.New("--"+strings.TrimSpace(line)))
			}
		}
	}
	return errs
}

// headers are those of every request. The API key is not given on the command line, where others can see it.
func (f *replayFlags) headers() (http.Header, error) {
	h := make(http.Header)
	for _, line := range f.header {
		name, value, ok := strings.Cut(line, ":")
		if value = strings.TrimSpace(value); !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("--header %q: want a line like 'Name: value'", name)
		}
		h.Add(name, value)
	}
	key := ""
	switch {
	case f.keyEnv != "" && f.keyFile != "":
		return nil, errors.New("--api-key-env and --api-key-file exclude each other")
	case f.keyEnv != "":
		if key = strings.TrimSpace(os.Getenv(f.keyEnv)); key == "" {
			return nil, fmt.Errorf("--api-key-env: %s is not set in the environment", f.keyEnv)
		}
	case f.keyFile != "":
		text, err := os.ReadFile(f.keyFile)
		if err != nil {
			return nil, fmt.Errorf("--api-key-file: %w", err)
		}
		if key = strings.TrimSpace(string(text)); key == "" {
			return nil, fmt.Errorf("--api-key-file: %s is empty", f.keyFile)
		}
	}
	if !httpguts.ValidHeaderFieldValue(key) {
		return nil, errors.New("the API key has characters that no header can hold")
	}
	if key != "" {
		h.Set("Authorization", "Bearer "+key)
	}
	return h, nil
}

func (f *replayFlags) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: f.insecure}
	if f.caFile != "" {
		text, err := os.ReadFile(f.caFile)
		if err != nil {
			return nil, fmt.Errorf("--target-ca-file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--target-ca-file: %s has no certificate in PEM", f.caFile)
		}
	}
	return c, nil
}

// newRunName gives a name that sorts by time and no other run has.
func newRunName() string {
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails
	return time.Now().UTC().Format("20060102T150405") + "-" + hex.EncodeToString(b[:])
}
