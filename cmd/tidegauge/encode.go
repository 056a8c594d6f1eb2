package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/ingest"
	"tidegauge/schemas"
	"tidegauge/traces/encode"
	"tidegauge/traces/handoff"
)

// encoding are the flags of commands that write a trace.
type encoding struct {
	format, path, origin, start, laterTurns, conversations, keyFile string
	labels                                                          []string
	anonymise                                                       bool
	options                                                         encode.Options
}

// addFlags adds the flags; format is what the flag for the format is called.
func (e *encoding) addFlags(c *cobra.Command, format, short string) {
	f := c.Flags()
	f.StringVarP(&e.format, format, short, "", "`name` of the format to write")
	f.StringVarP(&e.path, "output", "o", "", "`path` of the file (servegen: folder) to write, which appears whole or not at all; - is standard output")
	f.StringVar(&e.origin, "origin", "", "`first|midnight|TIME` that formats which count time have as 0: the first arrival, the midnight (UTC) before it, a time")
	f.StringVar(&e.start, "start", "", "`time` to move the first arrival to, and all others with it")
	f.Float64Var(&e.options.ScaleTime, "time-scale", 1, "`factor` for the time between arrivals: 2 halves the rate, 0.5 doubles it; durations stay what was measured")
	f.StringArrayVar(&e.labels, "model-label", nil, "`OLD=NEW` name of a model; *=NEW is for all others. May be given several times")
	f.BoolVar(&e.options.DropFailures, "drop-failures", false, "leave out requests that failed")
	f.StringVar(&e.conversations, "conversations", "", "`share` of the conversations to keep, like 10%, each of them whole")
	f.BoolVar(&e.anonymise, "anonymise", false, "put hashes in place of ids, other names in place of names, and leave labels out")
	f.StringVar(&e.keyFile, "anonymise-key-file", "", "`file` with the key of these hashes, for equal ids to have equal hashes in several traces (default: a new key, kept nowhere)")
	f.StringVar(&e.laterTurns, "later-turns", "both", "`both|delay|timestamp`: how mooncake times the later turns of a conversation")
	f.BoolVar(&e.options.FillHashes, "fill-hashes", false, "make up prefix hashes that nothing shares where the log has none: vLLM and SGLang build prompts of nothing else (mooncake, bailian)")
	_ = c.RegisterFlagCompletionFunc(format, cobra.FixedCompletions(encodeNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("later-turns", cobra.FixedCompletions([]string{"both", "delay", "timestamp"}, cobra.ShellCompDirectiveNoFileComp))
}

func encodeNames() []string {
	var names []string
	for _, f := range encode.Formats() {
		names = append(names, f.Name)
	}
	return names
}

func encodeHelp() string {
	var b strings.Builder
	for _, f := range encode.Formats() {
		fmt.Fprintf(&b, "  %-12s %s\n", f.Name, f.Description)
	}
	return strings.TrimRight(b.String(), "\n")
}

// encodeNotes is what both commands have to say of their options.
const encodeNotes = `What a format cannot carry is counted and listed on standard error, and so is how to run the file in a load generator.

Only whole conversations can be left out (--conversations; which ones stay depends on a hash of their ids), clients where no
conversation is named. Requests that name neither are all kept. Taking some requests of a log at random would not give a smaller
log of the same kind: it brings arrivals closer to a Poisson process and takes bursts and the turns of conversations apart. To
change the load, change its time (--time-scale).`

// config checks the flags, all of them.
func (e *encoding) config(flag string, now time.Time) (*encode.Format, encode.Options, error) {
	o := e.options
	var errs []error
	wrong := func(format string, arguments ...any) { errs = append(errs, fmt.Errorf(format, arguments...)) }
	var f *encode.Format
	var err error
	if e.format == "" {
		wrong("--%s is missing: one of %s", flag, strings.Join(encodeNames(), ", "))
	} else if f, err = encode.Find(e.format); err != nil {
		wrong("--%s: %w", flag, err)
	}
	switch {
	case e.path == "":
		wrong("--output is missing: the path of the file to write, or - for standard output")
	case e.path == "-" && f != nil && (f.Folder || f.Beside != ""):
		wrong("format %s is several files, which standard output cannot take: name a path", f.Name)
	case f != nil && f.Beside != "" && filepath.Ext(e.path) == f.Beside:
		wrong("--output is %s, and of format %s that is what the second file is called: name one that ends in %s", e.path, f.Name, f.Extension)
	}
	switch e.origin {
	case "":
	case "first":
		o.Origin.Kind = encode.OriginFirst
	case "midnight":
		o.Origin.Kind = encode.OriginMidnight
	default:
		us, err := parseTime(e.origin, now)
		if err != nil {
			wrong("--origin is neither first nor midnight nor a time: %w", err)
		}
		o.Origin = encode.Origin{Kind: encode.OriginAt, US: us}
	}
	if e.start != "" {
		if o.StartUS, err = parseTime(e.start, now); err != nil {
			wrong("--start: %w", err)
		} else if o.StartUS <= 0 {
			wrong("--start is %s, want a time after 1970 began", e.start)
		}
	}
	if !(o.ScaleTime > 0) || math.IsInf(o.ScaleTime, 0) {
		wrong("--time-scale is %g, want a factor above 0", o.ScaleTime)
	}
	for _, label := range e.labels {
		before, after, ok := strings.Cut(label, "=")
		if !ok || before == "" || after == "" {
			wrong("--model-label is %q, want OLD=NEW", label)
			continue
		}
		if o.Labels == nil {
			o.Labels = make(map[string]string)
		}
		o.Labels[before] = after
	}
	if e.conversations != "" {
		if o.Conversations, err = parseShare(e.conversations); err != nil {
			wrong("--conversations: %w", err)
		}
	}
	o.LaterTurns = encode.LaterTurns(e.laterTurns)
	switch o.LaterTurns {
	case encode.TurnsBoth, encode.TurnsDelay, encode.TurnsTimestamp:
	default:
		wrong("--later-turns is %q, want both, delay or timestamp", e.laterTurns)
	}
	switch {
	case e.keyFile != "" && !e.anonymise:
		wrong("--anonymise-key-file has no use without --anonymise")
	case e.keyFile != "":
		if o.Secret, err = ingest.ReadHashKey(e.keyFile); err != nil {
			wrong("--anonymise-key-file: %w", err)
		}
	case e.anonymise:
		o.Secret = make([]byte, 32)
		_, _ = rand.Read(o.Secret) // never fails
	}
	return f, o, errors.Join(errs...)
}

// parseShare reads 10% or 0.1.
func parseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v > 0 && v <= 1) {
		return 0, fmt.Errorf("%q is no share: want above 0%% and at most 100%%", text)
	}
	return v, nil
}

// write writes requests as a file that appears whole or not at all, and says what it lacks and how to run it.
func (e *encoding) write(ctx context.Context, a *app, f *encode.Format, o encode.Options, requests iter.Seq2[*schemas.Request, error]) error {
	target, err := a.trace(e.path, f, o)
	if err != nil {
		return err
	}
	defer target.abort()
	facts := new(handoff.Facts)
	for r, err := range requests {
		if err == nil {
			before := target.Written()
			if err = target.Encode(r); target.Written() > before {
				facts.Add(r)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%w (nothing was written)", err)
		}
	}
	if err := target.commit(); err != nil {
		return err
	}
	what := "standard output"
	if e.path != "-" {
		what = e.path
	}
	fmt.Fprintf(a.err, "wrote %s requests to %s\n", count(target.Written()), what)
	a.losses(f, target.Losses())
	if target.Written() > 0 {
		facts.LastUS = facts.FirstUS + int64(float64(facts.LastUS-facts.FirstUS)*o.ScaleTime)
		fmt.Fprint(a.err, handoff.OfFile(f.Name, e.path, o.FillHashes, *facts))
	}
	return nil
}

// losses says what a file does not have of what was written.
func (a *app) losses(f *encode.Format, all []encode.Loss) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(a.err, "what the format %s cannot carry, or could not of this:\n", f.Name)
	for _, l := range all {
		text := l.What
		if l.Why != "" {
			text += ": " + l.Why
		}
		if l.Requests > 0 {
			text += fmt.Sprintf(" (%s)", count(l.Requests))
		}
		fmt.Fprintf(a.err, "  %s\n", text)
	}
}

// trace is an output in one of the formats, with the files that belong to it.
type trace struct {
	encode.Encoder
	files  []*output
	folder *folder
}

// trace begins to write a file or folder. Whoever calls it calls commit, or abort, which after commit does nothing.
func (a *app) trace(path string, f *encode.Format, o encode.Options) (*trace, error) {
	if f.Folder {
		dir, err := newFolder(path)
		if err != nil {
			return nil, err
		}
		t := &trace{folder: dir}
		if t.Encoder, err = f.NewFolder(dir, o); err != nil {
			t.abort()
			return nil, usage(err)
		}
		return t, nil
	}
	t := &trace{}
	file, err := a.create(path)
	if err != nil {
		return nil, err
	}
	t.files = append(t.files, file)
	if f.Beside != "" {
		if file.file == nil {
			return nil, fmt.Errorf("%s: is no file, and format %s is several: name a file", path, f.Name)
		}
		beside, err := a.create(strings.TrimSuffix(path, filepath.Ext(path)) + f.Beside)
		if err != nil {
			t.abort()
			return nil, err
		}
		t.files = append(t.files, beside)
		if _, err := beside.Write(f.Companion()); err != nil {
			t.abort()
			return nil, err
		}
	}
	if t.Encoder, err = f.New(file, o); err != nil {
		t.abort()
		return nil, usage(err)
	}
	return t, nil
}

func (t *trace) commit() error {
	if err := t.Close(); err != nil {
		return err
	}
	if t.folder != nil {
		return t.folder.commit()
	}
	for _, f := range t.files { // a full disk leaves none of them
		if err := f.flush(); err != nil {
			return err
		}
	}
	for i := len(t.files) - 1; i >= 0; i-- { // the trace itself last: with it there is all
		if err := t.files[i].Commit(); err != nil {
			return err
		}
	}
	return nil
}

func (t *trace) abort() {
	for _, f := range t.files {
		f.Abort()
	}
	if t.folder != nil {
		t.folder.abort()
	}
}

// folder is a folder that appears whole or not at all.
type folder struct{ path, part string }

func newFolder(path string) (*folder, error) {
	if entries, err := os.ReadDir(path); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s: there is something in it already: name a new folder", path)
	} else if _, statErr := os.Stat(path); err != nil && statErr == nil {
		return nil, fmt.Errorf("%s: is a file: name a new folder", path)
	}
	part, err := os.MkdirTemp(filepath.Dir(filepath.Clean(path)), "."+filepath.Base(path)+".*.part")
	if err != nil {
		return nil, outputError(path, err)
	}
	return &folder{path, part}, nil
}

// Append implements encode.Files.
func (f *folder) Append(name string) (io.WriteCloser, error) {
	file, err := os.OpenFile(filepath.Join(f.part, name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, outputError(f.path, err)
	}
	return file, nil
}

func (f *folder) commit() error {
	err := os.Chmod(f.part, 0o755) // what MkdirTemp made is for its owner alone
	if err == nil {
		if _, there := os.Stat(f.path); there == nil {
			err = os.Remove(f.path) // empty
		}
	}
	if err == nil {
		err = os.Rename(f.part, f.path)
	}
	if err != nil {
		f.abort()
		return outputError(f.path, err)
	}
	f.part = ""
	return nil
}

func (f *folder) abort() {
	if f.part != "" {
		_ = os.RemoveAll(f.part)
	}
}
