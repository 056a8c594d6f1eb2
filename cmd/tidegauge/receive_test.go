package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidegauge/testenv"
)

// liveRequest is a canonical line.
func liveRequest(i int) string {
	return fmt.Sprintf(`{"service":"live","model":"m","arrival_us":%d,"request_id":"r%d","outcome":"ok"}`+"\n", 1_767_571_201_000_000+i, i)
}

// curl posts with curl and gives the status and the body of the answer.
func (s *shell) curl(url string, arguments ...string) (status, body string) {
	s.t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		s.t.Skip(err)
	}
	c := exec.Command("curl", append([]string{"--silent", "--show-error", "--max-time", "30", "--write-out", "\n%{http_code}", url}, arguments...)...)
	c.Dir = s.folder
	out, err := c.CombinedOutput()
	if err != nil {
		s.t.Fatalf("curl %s: %v\n%s", url, err, out)
	}
	end := bytes.LastIndexByte(out, '\n')
	return string(out[end+1:]), string(out[:end])
}

// receiver starts tidegauge receive on free ports, and gives its addresses once it has them.
func (s *shell) receiver(arguments ...string) (b *background, http, grpc, listen string) {
	s.t.Helper()
	b = s.start(append([]string{"receive", "--receive-http", "127.0.0.1:0", "--receive-grpc", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--log-format", "text"}, arguments...)...)
	said := regexp.MustCompile(`msg=receiving .*http=(\S+) grpc=(\S+) .* listen=(\S+)`)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if at := said.FindStringSubmatch(b.text()); at != nil {
			return b, at[1], at[2], at[3]
		}
		select {
		case err := <-b.ended:
			s.t.Fatalf("receive has ended: %v\n%s", err, b.text())
		default:
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("it does not receive:\n%s", b.text())
		}
	}
}

// awaitReady waits until /readyz has a status and says something.
func awaitReady(t *testing.T, listen string, want int, says string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		status, body := get(t, "http://"+listen+"/readyz")
		if status == want && strings.Contains(body, says) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("/readyz: %d %s", status, body)
		}
	}
}

func TestReceive(t *testing.T) {
	s := newShell(t)
	tokens := s.write("tokens", []byte("# of the tests\na token of the tests\n"))
	const authorization = "Authorization: Bearer a token of the tests"
	b, at, _, listen := s.receiver("--brokers", testenv.Broker(t), "--receive-tokens-file", tokens)
	awaitReady(t, listen, http.StatusOK, "receiver: ok")
	s.write("live.jsonl", []byte(liveRequest(1)+"{}\n"+liveRequest(2)))
	s.write("callback.json", []byte(`[{"id":"a","call_type":"acompletion","startTime":1767571201.5,"endTime":1767571202,"model":"gpt","prompt_tokens":1,"completion_tokens":2}]`))
	for _, test := range []struct {
		path      string
		arguments []string
		status    string
		want      string
	}{
		{"/v1/requests", []string{"--data-binary", "@live.jsonl"}, "401", `{"error":"a token is needed: send it as Authorization: Bearer TOKEN"}`},
		{"/v1/requests", []string{"--data-binary", "@live.jsonl", "-H", authorization + "x"}, "401", `{"error":"a token is needed: send it as Authorization: Bearer TOKEN"}`},
		{"/v1/requests", []string{"--data-binary", "@live.jsonl", "-H", authorization}, "200", `{"accepted":2,"refused":1,"errors":[{"line":2,"field":"service","reason":"is missing`},
		{"/v1/requests?format=litellm", []string{"--data-binary", "@callback.json", "-H", authorization, "-H", "Content-Type: application/json"}, "200", `{"accepted":1,"refused":0}`},
		{"/v1/traces", []string{"--data-binary", `{"resourceSpans":[]}`, "-H", authorization, "-H", "Content-Type: application/json"}, "200", `{`},
	} {
		status, answer := s.curl("http://"+at+test.path, test.arguments...)
		if status != test.status || !strings.HasPrefix(answer, test.want) {
			t.Errorf("%s %v: %s %s", test.path, test.arguments, status, answer)
		}
	}
	_, metrics := get(t, "http://"+listen+"/metrics")
	checkTypes(t, metrics)
	for _, want := range []string{`tidegauge_receive_posts_total{endpoint="/v1/requests",status="200"} 2`, `tidegauge_receive_posts_total{endpoint="/v1/requests",status="401"} 2`,
		`tidegauge_receive_requests_total{endpoint="/v1/requests",result="accepted"} 3`, `tidegauge_receive_requests_total{endpoint="/v1/requests",result="refused"} 1`,
		`tidegauge_receive_batch_requests_sum 3`, `tidegauge_receive_memory_bytes 0`} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("no %s in\n%s", want, metrics)
		}
	}
	if strings.Contains(b.text(), "anybody") {
		t.Errorf("it warns though it asks for tokens:\n%s", b.text())
	}
	b.stop(syscall.SIGTERM)
}

// TestReceiveWithoutKafka: it starts, waits, says so, and ends when told to.
func TestReceiveWithoutKafka(t *testing.T) {
	s := newShell(t)
	b, at, _, listen := s.receiver("--brokers", "127.0.0.1:1")
	awaitReady(t, listen, http.StatusServiceUnavailable, "kafka was not reached yet")
	if status, answer := s.curl("http://"+at+"/v1/requests", "--data-binary", liveRequest(1)); status != "503" || !strings.Contains(answer, "send the same again later") {
		t.Errorf("%s %s", status, answer)
	}
	b.stop(syscall.SIGTERM)
}

func TestReceiveMistakes(t *testing.T) {
	s := newShell(t)
	broker := testenv.Broker(t)
	testenv.CreateTopic(t, broker, "three", 3)
	for _, test := range []struct {
		arguments string
		status    int
		want      string
	}{
		{"", exitUnreachable, "no tidegauge up is running"},
		{"--brokers x:1 --receive-http off --receive-grpc off", exitUsage, "receive: http, grpc: at least one has to listen"},
		{"--brokers x:1 --receive-key-file k", exitUsage, "receive.key_file: is given"},
		{"--brokers x:1 --receive-tokens-file nowhere", exitUsage, "receive: tokens: nowhere: no such file"},
		{"--brokers x:1 --receive-http " + broker, exitFailed, "--receive-http HOST:PORT"},
		{"--brokers " + broker + " --topic three --kafka-partitions 5 --receive-http 127.0.0.1:0 --receive-grpc off", exitFailed, "topic three has 3 partitions, not the 5 asked for"},
	} {
		r := s.run(append([]string{"receive", "--listen", "off"}, strings.Fields(test.arguments)...)...)
		if r.status != test.status || !strings.Contains(r.err, test.want) {
			t.Errorf("receive %s ends with %d:\n%s", test.arguments, r.status, r.err)
		}
	}
}
