package testenv

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// LLM is a running llmserver, a process of its own.
type LLM struct {
	// URL is its base address, with /v1.
	URL string
}

// LLMCounts is what came in at an llmserver.
type LLMCounts struct {
	Requests     int64            `json:"requests"`
	Modes        map[string]int64 `json:"modes"`
	PromptTokens int64            `json:"prompt_tokens"`
	MaxTokens    int64            `json:"max_tokens"`
	Connections  int64            `json:"connections"`
	InFlight     int64            `json:"in_flight"`
	MostInFlight int64            `json:"most_in_flight"`
	// Kept are the first requests, where the server was told to keep some.
	Kept []struct {
		Path   string          `json:"path"`
		Header http.Header     `json:"header"`
		Body   json.RawMessage `json:"body"`
		AtUS   int64           `json:"at_us"`
		EndUS  int64           `json:"end_us"`
	} `json:"kept"`
}

// llmFolder is where the server is built.
var llmFolder string

// RemoveLLM removes what StartLLM built. Main does; a TestMain of another kind calls it.
func RemoveLLM() {
	if llmFolder != "" {
		_ = os.RemoveAll(llmFolder)
	}
}

// llmServer is built once for a test binary.
var llmServer = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "tidegauge-llmserver-")
	if err != nil {
		return "", err
	}
	llmFolder = folder
	binary := filepath.Join(folder, "llmserver")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "tidegauge/testenv/llmserver").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building llmserver: %w\n%s", err, out)
	}
	return binary, nil
})

// StartLLM starts a server that answers as its flags say (testenv/llmserver), until the test ends.
func StartLLM(t testing.TB, flags ...string) *LLM {
	t.Helper()
	binary, err := llmServer()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, flags...)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	ended, err := StartChild(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal("llmserver gave no address:", err)
	}
	return &LLM{URL: "http://" + strings.TrimSpace(address) + "/v1"}
}

// Counts is what has come in.
func (l *LLM) Counts(t testing.TB) (c LLMCounts) {
	t.Helper()
	response, err := http.Get(strings.TrimSuffix(l.URL, "/v1") + "/counts")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}
