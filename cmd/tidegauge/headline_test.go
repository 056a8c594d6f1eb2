package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestHeadline: what /metrics says by service is what the views say of the same range, once a log has gone through the pipeline.
func TestHeadline(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	needEngine(t)
	s := newShell(t)
	s.env = append(s.env, "TIDEGAUGE_PROCESSOR_HEADLINE=1s")
	up, running := s.up()
	var log bytes.Buffer
	end := time.Now()
	for i := range 600 {
		at := end.Add(-time.Duration(i*i) * 11 * time.Millisecond)
		outcome := []string{"ok", "ok", "ok", "timeout"}[i%4]
		fmt.Fprintf(&log, `{"service":"service-%d","model":"m","arrival_us":%d,"request_id":"r%d","conversation":"c%d","outcome":%q,"elapsed_us":%d,"ttft_us":%d,"request_tokens":%d,"response_tokens":7}`+"\n",
			i%3, at.UnixMicro(), i, i%50, outcome, 1000*i, 100*i, i)
	}
	s.write("log.jsonl", log.Bytes())
	s.ok("ingest", "--wait", "log.jsonl")
	stored := time.Now()

	number := func(pattern, text string) (float64, bool) {
		m := regexp.MustCompile("(?m)^" + pattern + " (.*)$").FindStringSubmatch(text)
		if m == nil {
			return 0, false
		}
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v, true
	}
	var metrics string
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		_, metrics = get(t, "http://"+running.Listen+"/metrics")
		fresh := 0 // asked after the log was stored
		for _, numbers := range []string{"load", "latency", "conversations", "faults_5m"} {
			age, there := number(`tidegauge_headline_age_seconds\{numbers="`+numbers+`"\}`, metrics)
			if there && time.Now().Add(-time.Duration(age*float64(time.Second))).After(stored.Add(time.Second)) {
				fresh++
			}
		}
		if fresh == 4 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no headline numbers in\n%s", metrics)
		}
	}
	for _, c := range []struct{ numbers, view, width, column, series string }{
		{"load", "load_services", "300", "rate", `requests_per_second{service="%s"}`},
		{"load", "load_services", "300", "failure_rate", `failure_rate{service="%s"}`},
		{"load", "load_services", "300", "in_flight_mean", `in_flight{service="%s"}`},
		{"load", "load_services", "300", "request_tokens_per_s", `tokens_per_second{direction="request",service="%s"}`},
		{"load", "load_services", "300", "response_tokens_per_s", `tokens_per_second{direction="response",service="%s"}`},
		{"latency", "latency_services", "300", "ttft_p99", `ttft_seconds{quantile="0.99",service="%s"}`},
		{"latency", "latency_services", "300", "elapsed_p50", `elapsed_seconds{quantile="0.5",service="%s"}`},
		{"conversations", "conversation_services", "300", "conversations", `conversations_active{service="%s"}`},
		{"faults_5m", "fault_burn_services", "300", "fault_rate", `fault_rate{service="%s",window="5m"}`},
	} {
		rangeEnd, there := number(`tidegauge_headline_range_end_timestamp_seconds\{numbers="`+c.numbers+`"\}`, metrics)
		if !there {
			t.Fatalf("no end of the range of %s in\n%s", c.numbers, metrics)
		}
		rows := s.ok("sql", "-f", "tsv", fmt.Sprintf("SELECT service, toFloat64(%s) FROM %s(from_us = (%[3]d - %[4]s) * 1000000, to_us = %[3]d * 1000000)",
			c.column, c.view, int64(rangeEnd), c.width))
		lines := strings.Split(strings.TrimSpace(rows), "\n")[1:]
		if len(lines) != 3 {
			t.Errorf("view %s has rows\n%s", c.view, rows)
		}
		for _, line := range lines {
			service, text, _ := strings.Cut(line, "\t")
			want, err := strconv.ParseFloat(text, 64)
			got, there := number(regexp.QuoteMeta("tidegauge_service_"+fmt.Sprintf(c.series, service)), metrics)
			if err != nil || !there || math.Abs(got-want) > 1e-9*want {
				t.Errorf("%s of %s is %v (there: %v), view %s says %s", c.series, service, got, there, c.view, text)
			}
		}
	}
	checkTypes(t, metrics)
	if n, _ := number(`tidegauge_headline_services_left_out`, metrics); n != 0 {
		t.Errorf("%v services are left out", n)
	}
	up.stop(os.Interrupt)
}
