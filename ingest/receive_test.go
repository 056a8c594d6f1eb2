package ingest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidegauge/schemas"
)

// startReceiver starts a receiver on free ports and waits until it has found Kafka.
func startReceiver(t testing.TB, brokers []string, change func(*ReceiverConfig)) *Receiver {
	t.Helper()
	config := DefaultReceiverConfig()
	config.HTTP, config.GRPC = "127.0.0.1:0", "127.0.0.1:0"
	config.Producer.Kafka.Brokers = brokers
	if change != nil {
		change(&config)
	}
	r, err := NewReceiver(config, ReceiverDependencies{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Error(err)
		}
		if used := r.budget.used.Load(); used != 0 {
			t.Errorf("%d bytes are claimed after the end", used)
		}
	})
	for r.Ready(t.Context()) != nil {
		select {
		case err := <-r.Failed():
			t.Fatal(err)
		case <-t.Context().Done():
			t.Fatal("not ready")
		case <-time.After(2 * time.Millisecond):
		}
	}
	return r
}

// sent is how a post was answered.
type sent struct {
	status int
	header http.Header
	body   string
}

// send posts a body; headers are name, value, ….
func send(t testing.TB, r *Receiver, path, body string, headers ...string) sent {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.HTTPAddr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return sent{response.StatusCode, response.Header, string(text)}
}

// onTopic gives all requests of the topic, and how many there are by identity.
func onTopic(t testing.TB, brokers []string, partitions int) (all []schemas.Request, identities map[string]int) {
	t.Helper()
	identities = make(map[string]int)
	for p, records := range consume(t, brokers, schemas.RequestsTopic, partitions) {
		for _, record := range records {
			var d schemas.Decoder
			var q schemas.Request
			if err := d.Decode([]byte(record.value), &q); err != nil || record.key != q.Service || schemas.Partition(q.Service, partitions) != p {
				t.Fatalf("partition %d, key %s: %s: %v", p, record.key, record.value, err)
			}
			all = append(all, q)
			identities[fmt.Sprint(q.Service, q.ArrivalUS, q.RequestID, q.Content())]++
		}
	}
	return all, identities
}

// posted is a canonical line with an own id.
func posted(service string, i int) string {
	return fmt.Sprintf(`{"service":%q,"model":"m","arrival_us":%d,"request_id":"r%d","outcome":"ok"}`, service, 1_000_000+i, i)
}

func TestReceiveRequests(t *testing.T) {
	c := newCluster(t, 4)
	r := startReceiver(t, c.ListenAddrs(), nil)
	litellm := `{"id":"a","call_type":"acompletion","startTime":1767571201.5,"endTime":1767571202,"model":"gpt","model_group":"chat","prompt_tokens":1,"completion_tokens":2,"messages":"secret","status":"success"}`
	for _, test := range []struct {
		name, path, body string
		headers          []string
		status           int
		want             string
	}{
		{name: "lines", path: "/v1/requests", body: posted("a", 1) + "\n" + posted("b", 2) + "\n\n", status: 200, want: `{"accepted":2,"refused":0}`},
		{name: "no newline, a byte order mark", path: "/v1/requests", body: "\xef\xbb\xbf" + posted("a", 3), status: 200, want: `{"accepted":1,"refused":0}`},
		{name: "a list", path: "/v1/requests", body: "[" + posted("a", 4) + ",\n " + posted("a", 5) + "]", status: 200, want: `{"accepted":2,"refused":0}`},
		{name: "gzip", path: "/v1/requests", body: gzipped(t, posted("a", 6)), headers: []string{"Content-Encoding", "gzip"}, status: 200, want: `{"accepted":1,"refused":0}`},
		{name: "zstd", path: "/v1/requests", body: zstandard(t, posted("a", 7)), headers: []string{"Content-Encoding", "zstd"}, status: 200, want: `{"accepted":1,"refused":0}`},
		{name: "nothing", path: "/v1/requests", status: 200, want: `{"accepted":0,"refused":0}`},
		{name: "good lines beside bad ones", path: "/v1/requests", body: posted("a", 8) + "\n{\"service\":\"a\",\"model\":\"m\",\"outcome\":\"ok\"}\nhello\n" + posted("a", 9), status: 200,
			want: `{"accepted":2,"refused":2,"errors":[{"line":2,"field":"arrival_us","reason":"is missing"},{"line":3,"field":"row","reason":"not a JSON object: does not start with { (byte 0)"}]}`},
		{name: "only bad ones", path: "/v1/requests", body: `{"service":"a","model":"m","outcome":"ok"}`, status: 400, want: `{"accepted":0,"refused":1,"errors":[{"line":1,"field":"arrival_us","reason":"is missing"}]}`},
		{name: "LiteLLM's callback", path: "/v1/requests?format=litellm&log_type=chat", body: "[" + litellm + "]", status: 200, want: `{"accepted":1,"refused":0}`},
		{name: "Envoy", path: "/v1/requests?format=envoy&service=edge", body: `{"start_time":"2026-01-05T00:00:01.249Z","genai_model_name":"m","response_code":200}` + "\n" + `{"start_time":"2026-01-05T00:00:01.249Z","response_code":404}`, status: 200,
			want: `{"accepted":1,"refused":0,"other":1}`},
		{name: "SGLang as a list", path: "/v1/requests?format=sglang&model=llama", body: `[{"request_parameters":"{}","request_received_ts":1767571201,"e2e_latency":1}]`, status: 200, want: `{"accepted":1,"refused":0}`},
		{name: "OpenAI", path: "/v1/requests?format=openai", body: `{"id":"a","object":"chat.completion","created":1767571201,"model":"m","usage":{"prompt_tokens":1}}`, status: 200, want: `{"accepted":1,"refused":0}`},
		{name: "OTLP", path: "/v1/requests?format=otlp", body: message("s", spanOf("1", "", server, 1, 9, "gen_ai.request.model=m"), spanOf("2", "1", client, 2, 3, "gen_ai.request.model=m")), status: 200, want: `{"accepted":1,"refused":0,"repeated":1}`},
		{name: "OTLP as the collector's files have it", path: "/v1/requests?format=otlp-proto", body: protoFrames(t)[0], status: 200, want: `{"accepted":1,"refused":0}`},

		{name: "unknown format", path: "/v1/requests?format=xml", status: 400, want: `{"error":"unknown format \"xml\": use one of ` + formatNames((*Format).posted) + `"}`},
		{name: "format of files", path: "/v1/requests?format=azure", status: 400, want: `{"error":"format azure is of files: read them with tidegauge ingest"}`},
		{name: "unknown parameter", path: "/v1/requests?fromat=otlp", status: 400, want: `{"error":"unknown parameter \"fromat\": use format, service, model, log_type"}`},
		{name: "service too long", path: "/v1/requests?service=" + strings.Repeat("x", 300), status: 400, want: `{"error":"service has 300 bytes, more than the 256 allowed"}`},
		{name: "service twice", path: "/v1/requests?service=a&service=b", status: 400, want: `{"error":"service is there 2 times: give it once"}`},
		{name: "service that is no text", path: "/v1/requests?service=%ff", body: posted("a", 1), status: 400, want: `{"error":"service is not UTF-8"}`},
		{name: "brotli", path: "/v1/requests", body: "x", headers: []string{"Content-Encoding", "br"}, status: 415, want: `{"error":"the Content-Encoding is not one of gzip, zstd, identity"}`},
		{name: "no gzip", path: "/v1/requests", body: posted("a", 1), headers: []string{"Content-Encoding", "gzip"}, status: 400, want: `{"error":"the body breaks off or is not packed as its Content-Encoding says: gzip: invalid header"}`},
		{name: "gzip cut short", path: "/v1/requests", body: gzipped(t, posted("a", 1))[:30], headers: []string{"Content-Encoding", "gzip"}, status: 400, want: `{"error":"the body breaks off or is not packed as its Content-Encoding says: unexpected EOF"}`},
		{name: "no zstd", path: "/v1/requests", body: posted("a", 1), headers: []string{"Content-Encoding", "zstd"}, status: 400, want: `{"error":"the body breaks off or is not packed as its Content-Encoding says: invalid input: magic number mismatch"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := send(t, r, test.path, test.body, test.headers...)
			if diff := cmp.Diff(test.want, strings.TrimSpace(got.body)); diff != "" || got.status != test.status {
				t.Errorf("%d: %s", got.status, diff)
			}
		})
	}
	all, identities := onTopic(t, c.ListenAddrs(), 4)
	// The spans of one name count anew in their own post.
	if len(all) != 15 || len(identities) != 15 {
		t.Errorf("%d requests are on the topic, %d different ones", len(all), len(identities))
	}
	seen := jsonOf(all)
	for _, want := range []string{`"request_id":"a","outcome":"ok"`, `"service":"edge","model":"m"`, `"model":"llama"`, `"log_type":"chat"`} {
		if !strings.Contains(seen, want) {
			t.Errorf("%s is not among\n%s", want, seen)
		}
	}
	if strings.Contains(seen, "secret") {
		t.Error("a prompt is on the topic")
	}
	for _, test := range []struct {
		method, path string
		status       int
		want         string
	}{
		{http.MethodPost, "/v1/nothing", 404, `{"error":"nothing is here: post to one of /v1/requests, /v1/traces, /v1/logs, /v1/metrics"}`},
		{http.MethodGet, "/v1/requests", 405, `{"error":"use POST here"}`},
	} {
		request, err := http.NewRequestWithContext(t.Context(), test.method, "http://"+r.HTTPAddr()+test.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != test.status || strings.TrimSpace(string(body)) != test.want || response.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %s, %v", test.method, test.path, response.StatusCode, body, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestReceiveErrorsAreBounded: an answer does not grow with what is wrong.
func TestReceiveErrorsAreBounded(t *testing.T) {
	c := newCluster(t, 1)
	r := startReceiver(t, c.ListenAddrs(), nil)
	got := send(t, r, "/v1/requests", strings.Repeat("{}\n", 5000))
	var answer taken
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.status != 400 || answer.Refused != 5000 || len(answer.Errors) != maxPostErrors {
		t.Errorf("%d: %d refused, %d shown, %v", got.status, answer.Refused, len(answer.Errors), err)
	}
}

// TestReceiveIdentity: what has no ids of its own gets the same ones each time that it is sent, however it is put into posts.
func TestReceiveIdentity(t *testing.T) {
	line := func(i int) string {
		return fmt.Sprintf(`{"service":"a","model":"m","arrival_us":%d,"outcome":"ok"}`, 1_000_000+i)
	}
	entry := logMessage("edge", logOf(`"timeUnixNano":"1000000000"`, "gen_ai.request.model=m", "response_code=200", "x-request-id=u1"), logOf(`"timeUnixNano":"1000000000"`, "gen_ai.request.model=m", "response_code=200", "x-request-id=u2"))
	for _, test := range []struct {
		name, path string
		headers    []string
		bodies     []string
		want       int // different requests
	}{
		{name: "the same again", bodies: []string{line(1) + "\n" + line(2), line(1) + "\n" + line(2)}, want: 2},
		{name: "in other posts", bodies: []string{line(1) + "\n" + line(2) + "\n" + line(3), line(2), line(3) + "\n" + line(1)}, want: 3},
		{name: "equal ones beside each other", bodies: []string{line(1) + "\n" + line(1), line(1) + "\n" + line(1)}, want: 2},
		{name: "as a list", bodies: []string{"[" + line(1) + "," + line(2) + "]", line(1) + "\n" + line(2)}, want: 2},
		{name: "with a key, by their places", headers: []string{"Idempotency-Key", "k1"}, bodies: []string{line(1) + "\n" + line(1), line(1) + "\n" + line(1)}, want: 2},
		{name: "own ids", bodies: []string{posted("a", 1) + "\n" + posted("a", 2), posted("a", 2)}, want: 2},
		{name: "log records", path: "/v1/logs", headers: []string{"Content-Type", "application/json"}, bodies: []string{entry, entry}, want: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCluster(t, 2)
			r := startReceiver(t, c.ListenAddrs(), nil)
			if test.path == "" {
				test.path = "/v1/requests"
			}
			for _, body := range test.bodies {
				if got := send(t, r, test.path, body, test.headers...); got.status != 200 {
					t.Fatal(got)
				}
			}
			if _, identities := onTopic(t, c.ListenAddrs(), 2); len(identities) != test.want {
				t.Errorf("%d different requests: %v", len(identities), identities)
			}
		})
	}
	// Another key makes other requests.
	c := newCluster(t, 2)
	r := startReceiver(t, c.ListenAddrs(), nil)
	for _, key := range []string{"k1", "k2"} {
		send(t, r, "/v1/requests", line(1), "Idempotency-Key", key)
	}
	if _, identities := onTopic(t, c.ListenAddrs(), 2); len(identities) != 2 {
		t.Errorf("with two keys: %v", identities)
	}
}

// TestReceiveBombs: the limit is on what a body unpacks to, and little more than that is ever unpacked.
func TestReceiveBombs(t *testing.T) {
	c := newCluster(t, 1)
	r := startReceiver(t, c.ListenAddrs(), func(config *ReceiverConfig) { config.MaxBody = 1 << 20 })
	large := strings.Repeat(" ", 8<<20)
	bodies := map[string]string{"gzip": gzipped(t, large), "zstd": zstandard(t, large), "identity": large[:3<<19]}
	for _, path := range []string{"/v1/requests", "/v1/traces", "/v1/logs", "/v1/metrics"} {
		for encoding, body := range bodies {
			got := send(t, r, path, body, "Content-Encoding", encoding, "Content-Type", "application/json")
			if got.status != 413 || !strings.Contains(got.body, "more than 1048576 bytes") || got.header.Get("Retry-After") != "" {
				t.Errorf("%s, %s: %+v", path, encoding, got)
			}
		}
	}
	if got := send(t, r, "/v1/requests", posted("a", 1)); got.status != 200 {
		t.Error("afterwards:", got)
	}
}

// TestReceiveAnswersLate: a client that looks for an answer only when it has sent everything gets it, whyever its post is turned
// away, unless it sends far too much.
func TestReceiveAnswersLate(t *testing.T) {
	c := newCluster(t, 1)
	r := startReceiver(t, c.ListenAddrs(), func(config *ReceiverConfig) { config.ClientRate = 2 })
	now := time.Now()
	r.admission.now = func() time.Time { return now }
	body := strings.Repeat("\n", 20<<20) // more than sockets hold
	post := func(header string) string {
		conn, err := net.Dial("tcp", r.HTTPAddr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST /v1/requests HTTP/1.1\r\nHost: a\r\n"+header+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answers := bufio.NewReader(conn)
		if strings.Contains(header, "Expect") {
			line, err := answers.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			return line
		}
		if strings.Contains(header, "chunked") {
			_, err = fmt.Fprintf(conn, "%x\r\n%s\r\n0\r\n\r\n", len(body), body)
		} else {
			_, err = io.WriteString(conn, body)
		}
		if err != nil {
			t.Fatal(header, err)
		}
		line, err := answers.ReadString('\n')
		if err != nil {
			t.Fatal(header, err)
		}
		return line
	}
	length := fmt.Sprintf("Content-Length: %d", len(body))
	for _, test := range []struct{ header, want string }{
		{length, "413"}, {"Transfer-Encoding: chunked", "413"},
		{length, "429"}, // the third of this second
		{length + "\r\nExpect: 100-continue", "429"}, // is not asked for
	} {
		if got := post(test.header); !strings.HasPrefix(got, "HTTP/1.1 "+test.want) {
			t.Errorf("%s: %s, want %s", test.header, got, test.want)
		}
	}
}

// TestReceiveLimits: who is turned away hears why and when to come again.
func TestReceiveLimits(t *testing.T) {
	c := newCluster(t, 1)
	r := startReceiver(t, c.ListenAddrs(), func(config *ReceiverConfig) { config.Rate, config.ClientRate = 3, 2 })
	now := time.Now()
	r.admission.now = func() time.Time { return now }
	var statuses []int
	for range 4 {
		got := send(t, r, "/v1/requests", posted("a", 1))
		statuses = append(statuses, got.status)
		if got.status == 429 && (got.header.Get("Retry-After") != "1" || !strings.Contains(got.body, "receive.client_rate")) {
			t.Errorf("%+v", got)
		}
	}
	if diff := cmp.Diff([]int{200, 200, 429, 429}, statuses); diff != "" {
		t.Error(diff)
	}
	now = now.Add(time.Second)
	if got := send(t, r, "/v1/requests", posted("a", 1)); got.status != 200 {
		t.Error("a second later:", got)
	}
	// Others are not held back by one client, but all together are.
	for i, want := range []string{"", "", "receive.rate"} {
		denied, _ := r.admission.admit(caller{address: fmt.Sprintf("10.0.0.%d:1", i)})
		if (denied == nil) != (want == "") || denied != nil && !strings.Contains(denied.reason, want) {
			t.Errorf("client %d: %v", i, denied)
		}
	}
	for i := range 3 * maxClients {
		r.admission.limiter(fmt.Sprint(i))
	}
	if n := len(r.admission.young) + len(r.admission.old); n > maxClients {
		t.Errorf("%d clients are remembered", n)
	}
}

// awaitSending returns once a batch for the first partition is under way.
func awaitSending(r *Receiver) {
	for l := r.writer.lanes[0]; ; time.Sleep(time.Millisecond) {
		l.mutex.Lock()
		sending := l.sending
		l.mutex.Unlock()
		if sending {
			return
		}
	}
}

// TestReceiveBackPressure: what does not fit beside what waits for Kafka is told to come again; what waits is acknowledged
// once Kafka goes on.
func TestReceiveBackPressure(t *testing.T) {
	c := newCluster(t, 1)
	r := startReceiver(t, c.ListenAddrs(), func(config *ReceiverConfig) {
		config.MaxBody, config.Memory, config.Wait = 4<<20, 16<<20, time.Minute
	})
	fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	first := make(chan sent, 1)
	go func() {
		first <- send(t, r, "/v1/requests", gzipped(t, posted("a", 1)+strings.Repeat("\n", 3<<20)), "Content-Encoding", "gzip")
	}()
	awaitSending(r)
	got := send(t, r, "/v1/requests", gzipped(t, posted("a", 2)+strings.Repeat("\n", 3<<20)), "Content-Encoding", "gzip")
	if got.status != 429 || got.header.Get("Retry-After") != "1" || !strings.Contains(got.body, "receive.memory") {
		t.Errorf("%+v", got)
	}
	fault.Remove()
	if got := <-first; got.status != 200 {
		t.Errorf("%+v", got)
	}
	if got := send(t, r, "/v1/requests", posted("a", 2)); got.status != 200 {
		t.Errorf("%+v", got)
	}
	if all, identities := onTopic(t, c.ListenAddrs(), 1); len(identities) != 2 {
		t.Errorf("%d requests, %v", len(all), identities)
	}
}

// TestReceiveLargestBody: the least memory that the configuration allows has room for the largest body.
func TestReceiveLargestBody(t *testing.T) {
	c := newCluster(t, 1)
	const largest = 5 << 20
	r := startReceiver(t, c.ListenAddrs(), func(config *ReceiverConfig) { config.MaxBody, config.Memory = largest, bodyCost*largest })
	line := posted("a", 1)
	if got := send(t, r, "/v1/requests", line+strings.Repeat("\n", largest-len(line))); got.status != 200 {
		t.Errorf("%+v", got)
	}
	if got := send(t, r, "/v1/requests", line+strings.Repeat("\n", largest+1-len(line))); got.status != 413 {
		t.Errorf("a byte more: %+v", got)
	}
}

// TestReceiveWithoutKafka: posts are told to come again, at once where others found out already, and succeed afterwards.
func TestReceiveWithoutKafka(t *testing.T) {
	c := newCluster(t, 1)
	r := startReceiver(t, c.ListenAddrs(), func(config *ReceiverConfig) { config.Wait = 200 * time.Millisecond })
	span := message("s", spanOf("1", "", server, 1, 9, "gen_ai.request.model=m", "gen_ai.response.id=r"))
	outer := message("s", spanOf("2", "", client, 1, 9, "gen_ai.request.model=m", "gen_ai.response.id=r"))
	otlp := []string{"Content-Type", "application/json"}
	fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	for range 3 {
		for _, got := range []sent{send(t, r, "/v1/requests", posted("a", 1)), send(t, r, "/v1/traces", span, otlp...)} {
			if got.status != 503 || got.header.Get("Retry-After") != "1" || !strings.Contains(got.body, "send the same again later") {
				t.Fatalf("%+v", got)
			}
		}
	}
	// While one post finds out again, others do not wait.
	l := r.writer.lanes[0]
	l.mutex.Lock()
	l.sending = true
	l.mutex.Unlock()
	d, err := r.writer.begin(r.budget.claim())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.writer.add(d, []schemas.Request{request("a", 1)}); !errors.Is(err, errAway) {
		t.Error(err)
	}
	d.giveUp()
	l.mutex.Lock()
	l.sending = false
	l.mutex.Unlock()
	fault.Remove()
	for _, got := range []sent{send(t, r, "/v1/requests", posted("a", 1)), send(t, r, "/v1/traces", span, otlp...), send(t, r, "/v1/traces", outer, otlp...)} {
		if got.status != 200 {
			t.Errorf("%+v", got)
		}
	}
	// The span that could not be stored was accepted again; the other of its call was not.
	if all, identities := onTopic(t, c.ListenAddrs(), 1); len(identities) != 2 {
		t.Errorf("%d requests, %v", len(all), identities)
	}
}

// TestReceiveTooLarge: a record that the topic does not take is refused, and the others of its post are not.
func TestReceiveTooLarge(t *testing.T) {
	c := newCluster(t, 1, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "2000"}))
	r := startReceiver(t, c.ListenAddrs(), nil)
	big := `{"service":"a","model":"m","arrival_us":5,"request_id":"big","outcome":"ok","prefix_block_tokens":16,"prefix_hashes":[` + strings.Repeat("12345678901234567,", 300) + `1]}`
	got := send(t, r, "/v1/requests", posted("a", 1)+"\n"+big+"\n"+posted("a", 2))
	if got.status != 200 || !strings.HasPrefix(got.body, `{"accepted":2,"refused":1,"errors":[{"field":"record","reason":"request big of service a takes`) {
		t.Errorf("%+v", got)
	}
}

// TestReceiveManyAtOnce: small posts from many sides share batches; nothing is lost, and spans of one call that come at
// the same time count once.
func TestReceiveManyAtOnce(t *testing.T) {
	c := newCluster(t, 4)
	r := startReceiver(t, c.ListenAddrs(), nil)
	const clients, each = 20, 25
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * clients}}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	post := func(path, kind, body string) {
		response, err := client.Post("http://"+r.HTTPAddr()+path, kind, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != 200 {
			t.Errorf("%d: %s", response.StatusCode, text)
		}
	}
	for i := range clients {
		all.Go(func() {
			for j := range each {
				post("/v1/requests", "application/x-ndjson", posted(fmt.Sprint("s", i%7), i*each+j))
			}
		})
		all.Go(func() {
			for j := range each {
				// Each call shows as two spans, which are sent by two clients at about the same time.
				attributes := []string{"gen_ai.request.model=m", fmt.Sprint("gen_ai.usage.input_tokens=", i), fmt.Sprint("gen_ai.response.id=call-", i/2*each+j)}
				post("/v1/traces", "application/json", strings.ReplaceAll(message("spans", spanOf("1", "", server, 1, 2, attributes...)), `"spanId":"0000000000000001"`, fmt.Sprintf(`"spanId":"%016x"`, 1+i*each+j)))
			}
		})
	}
	all.Wait()
	_, identities := onTopic(t, c.ListenAddrs(), 4)
	if want := clients*each + clients/2*each; len(identities) != want {
		t.Errorf("%d requests, want %d", len(identities), want)
	}
}

// TestReceiveStops: what is under way is answered before the end.
func TestReceiveStops(t *testing.T) {
	c := newCluster(t, 1)
	config := DefaultReceiverConfig()
	config.HTTP, config.GRPC, config.Producer.Kafka.Brokers, config.Wait = "127.0.0.1:0", "", c.ListenAddrs(), time.Minute
	r, err := NewReceiver(config, ReceiverDependencies{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for r.Ready(t.Context()) != nil {
		time.Sleep(time.Millisecond)
	}
	fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	answer, stopped := make(chan sent, 1), make(chan error, 1)
	go func() { answer <- send(t, r, "/v1/requests", posted("a", 1)) }()
	awaitSending(r)
	go func() { stopped <- r.Stop(context.Background()) }()
	fault.Remove()
	if got := <-answer; got.status != 200 {
		t.Errorf("%+v", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestReceiverConfig(t *testing.T) {
	for want, change := range map[string]func(*ReceiverConfig){
		"at least one has to listen":             func(c *ReceiverConfig) { c.HTTP, c.GRPC = "", "" },
		"both listen on 127.0.0.1:4317":          func(c *ReceiverConfig) { c.HTTP = c.GRPC },
		"needs both the certificate's":           func(c *ReceiverConfig) { c.CertFile = "x" },
		"clients' certificates need TLS":         func(c *ReceiverConfig) { c.ClientCAFile = "x" },
		"memory: has to hold at least one body":  func(c *ReceiverConfig) { c.Memory = 1 << 20 },
		"rates cannot be negative":               func(c *ReceiverConfig) { c.Rate = -1 },
		"one has 5 characters":                   func(c *ReceiverConfig) { c.Tokens = []string{"short"} },
		"tokens: /nowhere: no such file":         func(c *ReceiverConfig) { c.TokensFile = "/nowhere" },
		"tls: reading the certificate":           func(c *ReceiverConfig) { c.CertFile, c.KeyFile = "/nowhere", "/nowhere" },
		"the key of the hashes has 1 bytes":      func(c *ReceiverConfig) { c.Options.HashKey = []byte("x") },
		"brokers: none is given":                 func(c *ReceiverConfig) { c.Producer.Kafka.Brokers = nil },
		"--service has 300 bytes, more than the": func(c *ReceiverConfig) { c.Options.Service = strings.Repeat("x", 300) },
	} {
		config := DefaultReceiverConfig()
		change(&config)
		if _, err := NewReceiver(config, ReceiverDependencies{}); !strings.Contains(errText(err), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// collect takes the ids of valid requests.
func collect(t *testing.T, ids *[]string) func([]schemas.Request) *denial {
	return func(requests []schemas.Request) *denial {
		for i := range requests {
			q := &requests[i]
			if cut, err := q.Validate(); err != nil || cut != 0 || q.RequestID == "" {
				t.Fatalf("%v: %s", err, schemas.AppendJSON(nil, q))
			}
			*ids = append(*ids, q.RequestID)
		}
		return nil
	}
}

// TestReceiveBlocks: a body of many blocks is as one.
func TestReceiveBlocks(t *testing.T) {
	var lines, list, ugly strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&lines, "%s\n", posted("a", i))
		fmt.Fprintf(&list, ",%s", posted("a", i))
		fmt.Fprintf(&ugly, "%s{}", strings.ReplaceAll(posted("a", i), ",", ",\n"))
	}
	for name, test := range map[string]struct {
		text          string
		format        *Format
		refused, line int64
	}{
		"lines":           {lines.String() + "{\n", &canonical, 1, 5001},
		"a list":          {"[" + list.String()[1:] + "]", &canonical, 0, 0},
		"frames":          {strings.Repeat(protoFrames(t)[0], 5000) + "\x00", &otlpProto, 1, 5001},
		"over some lines": {"[" + ugly.String(), &canonical, 5000, 5},
	} {
		var ids []string
		in := &intake{receiveWorker: newReceiveWorker(Options{}), queue: collect(t, &ids)}
		in.begin("")
		if denied := in.body(test.format, []byte(test.text), ""); denied != nil || len(ids) != 5000 || in.Accepted != 5000 || in.Refused != test.refused {
			t.Errorf("%s: %d ids, %+v, %v", name, len(ids), in.taken, denied)
			continue
		}
		if test.line > 0 && in.Errors[0].Line != test.line {
			t.Errorf("%s: %+v", name, in.Errors[0])
		}
	}
}

// FuzzReceive decodes any body in any format that can be posted: what is accepted is valid and has an id, which is the same
// when the body comes again.
func FuzzReceive(f *testing.F) {
	for i := range formats {
		f.Add(i, posted("a", 1)+"\n["+posted("a", 2))
		f.Add(i, message("s", spanOf("1", "", server, 1, 9, "gen_ai.request.model=m"))+logMessage("s", logOf(inference, "gen_ai.request.model=m"), logOf(`"timeUnixNano":"1"`, "genai_model_name=m")))
	}
	f.Fuzz(func(t *testing.T, n int, text string) {
		format := formats[uint(n)%uint(len(formats))]
		if format.table != nil {
			return
		}
		ids := func(key string) (ids []string) {
			in := &intake{receiveWorker: newReceiveWorker(Options{}), queue: collect(t, &ids)}
			in.begin(key)
			in.body(format, []byte(text), key)
			return ids
		}
		for _, key := range []string{"", "k"} {
			if diff := cmp.Diff(ids(key), ids(key)); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}
