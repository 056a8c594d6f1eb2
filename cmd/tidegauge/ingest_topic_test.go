package main

import (
	"os"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"

	"tidegauge/testenv"
)

// TestIngestFromTopic: a log that is in Kafka under another shape, as the command line has it.
func TestIngestFromTopic(t *testing.T) {
	s := newShell(t)
	broker := testenv.Broker(t)
	testenv.CreateTopic(t, broker, "litellm-logs", 3)
	text, err := os.ReadFile("../../examples/litellm/sample.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	w := &kafka.Writer{Addr: kafka.TCP(broker), Topic: "litellm-logs", Balancer: &kafka.RoundRobin{}, Transport: &kafka.Transport{}}
	defer w.Close()
	send := func(lines ...string) {
		var messages []kafka.Message
		for _, line := range lines {
			messages = append(messages, kafka.Message{Value: []byte(line)})
		}
		if err := w.WriteMessages(t.Context(), messages...); err != nil {
			t.Fatal(err)
		}
	}
	send(strings.Split(strings.TrimSpace(string(text)), "\n")...)
	from := func(more ...string) result {
		return s.run(append([]string{"ingest", "--brokers", broker, "--from-topic", "litellm-logs", "--format", "litellm"}, more...)...)
	}
	if r := from(); r.status != exitOK || !strings.Contains(r.out, "read 40 records of topic litellm-logs\nread 40 requests, wrote 40 to tidegauge.requests.v1 (12 partitions), refused 0 rows\n") {
		t.Errorf("%+v", r)
	}
	if r := from(); r.status != exitOK || !strings.Contains(r.out, "read 0 records of topic litellm-logs") {
		t.Errorf("again: %+v", r)
	}
	send(`{"call_type":"completion"}`)
	if r := from(); r.status != exitRefused || !strings.Contains(r.err, "topic litellm-logs, partition ") || !strings.Contains(r.err, "--on-error skip leaves such records out") {
		t.Errorf("a record that is none: %+v", r)
	}
	if r := from("--on-error", "skip"); r.status != exitOK || !strings.Contains(r.err, "startTime: is missing") {
		t.Errorf("skipped: %+v", r)
	}
	repair := s.run("ingest", "--brokers", broker, "--from-topic", "tidegauge.requests.v1", "--format", "canonical")
	if repair.status != exitOK || !strings.Contains(repair.out, "read 40 records of topic tidegauge.requests.v1, 40 of them where they belong") {
		t.Errorf("a topic in order: %+v", repair)
	}
	for want, arguments := range map[string][]string{
		"reads a topic and no files":                  {"--from-topic", "a", "--format", "litellm", "file"},
		"--pace is for files":                         {"--from-topic", "a", "--format", "litellm", "--pace", "1x"},
		"name the records' format":                    {"--from-topic", "a"},
		"is the group of the processors":              {"--from-topic", "a", "--format", "litellm", "--from-group", "tidegauge"},
		"a row of bailian is read by":                 {"--from-topic", "a", "--format", "bailian"},
		"use --format canonical, or another --topic":  {"--from-topic", "tidegauge.requests.v1", "--format", "litellm"},
		"--from-group: names a group of --from-topic": {"--from-group", "a", "file"},
	} {
		if r := s.run(append([]string{"ingest", "--brokers", broker}, arguments...)...); r.status != exitUsage || !strings.Contains(r.err, want) {
			t.Errorf("%v: %+v", arguments, r)
		}
	}
	if r := s.run("ingest", "--brokers", broker, "--from-topic", "lgos", "--format", "litellm"); r.status != exitFailed || !strings.Contains(r.err, "there is no topic lgos to read") {
		t.Errorf("a topic that is not there: %+v", r)
	}
}
