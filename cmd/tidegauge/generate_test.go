package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidegauge/traces/workload"
)

// TestFitAndGenerate takes a log to a profile and back, as a script does.
func TestFitAndGenerate(t *testing.T) {
	s := newShell(t)
	r := s.run("generate", "--profile", "burstgpt", "--duration", "12h", "--seed", "7", "-o", "log.jsonl")
	if r.status != exitOK || !strings.Contains(r.err, "wrote ") || !strings.Contains(r.err, "vllm bench serve") {
		t.Fatalf("%+v", r)
	}
	log, err := os.ReadFile(filepath.Join(s.folder, "log.jsonl"))
	if err != nil || bytes.Count(log, []byte("\n")) < 1000 || bytes.Count(log, []byte("\n")) != bytes.Count(log, []byte(`"synthetic":"true"`)) {
		t.Fatalf("%d bytes, %v, or not all are labelled", len(log), err)
	}
	if again := s.ok("generate", "--profile", "burstgpt", "--duration", "12h", "--seed", "7"); again != string(log) {
		t.Error("the same seed gives another log")
	}
	r = s.run("fit", "-o", "profile.json", "log.jsonl")
	if r.status != exitOK || !strings.Contains(r.err, "service burstgpt:") || !strings.Contains(r.err, "generate --profile profile.json") {
		t.Fatalf("%+v", r)
	}
	profile := s.ok("fit", "-o", "-", "log.jsonl")
	written, err := os.ReadFile(filepath.Join(s.folder, "profile.json"))
	if err != nil || string(written) != profile {
		t.Errorf("two fits of a log differ, %v", err)
	}
	if _, err := workload.Read(strings.NewReader(profile)); err != nil {
		t.Error(err)
	}
	r = s.runInput(profile, "generate", "--profile", "-", "--scale", "3", "--scale-by", "superpose", "--duration", "10m", "--format", "burstgpt", "--model-mix", "GPT-4=60%")
	if r.status != exitOK || !strings.Contains(r.err, "by superposing independent copies: idc stays") || !strings.HasPrefix(r.out, "Timestamp,Model") {
		t.Errorf("%d: %.300s\n%s", r.status, r.out, r.err)
	}
}

// TestBadProfiles are refused, and leave no file.
func TestBadProfiles(t *testing.T) {
	s := newShell(t)
	s.write("old.json", []byte(`{"schema": "tidegauge.workload/0"}`))
	s.write("few.csv", azureLog(5))
	s.write("cut.json", []byte(`{"schema": "tidegauge.workload/1", "name"`))
	for arguments, want := range map[string]struct {
		status int
		text   string
	}{
		"generate -o out.jsonl":                                   {exitUsage, "--profile is missing"},
		"generate --profile no.json -o out.jsonl":                 {exitUsage, "the profiles that come with tidegauge are chat, api, reasoning, burstgpt"},
		"generate --profile old.json -o out.jsonl":                {exitRefused, "is of version tidegauge.workload/0"},
		"generate --profile cut.json -o out.jsonl":                {exitRefused, "cut.json: this is no workload profile"},
		"generate --profile chat --rate 2 --scale 3 -o out.jsonl": {exitUsage, "--rate and --scale exclude each other"},
		"generate --profile chat --duration long -o out.jsonl":    {exitUsage, "--duration: \"long\" is no duration"},
		"generate --profile chat --model-mix x=2 -o out.jsonl":    {exitUsage, "--model-mix"},
		"generate --profile chat --scale-by thin -o out.jsonl":    {exitUsage, "compress or superpose"},
		"generate --profile chat --format x -o out.jsonl":         {exitUsage, "--format"},
		"generate --profile chat --duration 1h -o no/out.jsonl":   {exitFailed, "cannot be written"},
		"fit few.csv":                   {exitUsage, "--output is missing"},
		"fit -o out.jsonl few.csv":      {exitRefused, "too few requests to describe"},
		"fit --clients -1 -o x few.csv": {exitUsage, "--clients is -1"},
	} {
		r := s.run(strings.Fields(arguments)...)
		if r.status != want.status || !strings.Contains(r.err, want.text) {
			t.Errorf("%s: %d, %s; want %d and %q", arguments, r.status, r.err, want.status, want.text)
		}
		files, err := os.ReadDir(s.folder)
		if err != nil || len(files) != 3 {
			t.Errorf("%s leaves %v, %v", arguments, files, err)
		}
	}
}

// TestFitInterrupted: Ctrl-C is said as such, and leaves no file.
func TestFitInterrupted(t *testing.T) {
	s := newShell(t)
	c := s.command("fit", "-o", "profile.json", "-")
	var errs bytes.Buffer
	c.Stderr = &errs
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // until nobody reads
		for log := azureLog(1000); err == nil; {
			_, err = in.Write(log)
		}
	}()
	parts := func() []string {
		found, _ := filepath.Glob(filepath.Join(s.folder, ".profile.json.*"))
		return found
	}
	for deadline := time.Now().Add(time.Minute); len(parts()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not begin")
		}
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if status := c.ProcessState.ExitCode(); status != exitInterrupted || !strings.Contains(errs.String(), "interrupted: no profile was written") || len(parts()) > 0 {
		t.Errorf("%d %s %v", status, errs.String(), parts())
	}
}

func TestParseDuration(t *testing.T) {
	for text, seconds := range map[string]float64{"90s": 90, "10m": 600, "2h30m": 9000, "7d": 604800, "1d12h": 129600, "1.5d": 129600, "4w": 2419200, "": 0, "x": 0, "-1h": 0, "0s": 0, "3": 0, "99999999w": 0} {
		d, err := parseDuration(text)
		if d.Seconds() != seconds && err == nil || (err != nil) != (seconds == 0) {
			t.Errorf("%q is %v, %v", text, d, err)
		}
	}
}
