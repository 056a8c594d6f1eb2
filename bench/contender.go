package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"tidegauge/storage"
)

// contender is a way to get a topic's requests into ClickHouse.
type contender struct {
	key, name string
	what      string // what it is, and what it computes
	// tables are its tables; nil makes the product's.
	tables []string
	// start begins the work in a database of its own. What it returns runs beside the engine; nil if the work is done
	// in the engine. stop, where given, ends what is not a process.
	start func(ctx context.Context, l *lab, topic, group string, db *storage.DB) (*process, error)
	stop  func(ctx context.Context, db *storage.DB) error
	// counts are queries that each have to give the number of records.
	counts []string
}

func contenders() []contender {
	return []contender{tidegauge(), kafkaEngine(), naive(), byHand()}
}

// rawTable is what all rivals fill: the fields that the workload has. No codecs, no identity and a plain MergeTree: the
// cheapest table that answers questions about a service's requests over time.
const rawTable = `CREATE TABLE raw (
	service LowCardinality(String), model LowCardinality(String), log_type LowCardinality(String),
	conversation String, request_id String, seq Int64, arrival_us Int64,
	request_tokens Int32, response_tokens Int32, elapsed_us Int64, ttft_us Int64,
	outcome ` + outcomeType + `
) ENGINE = MergeTree ORDER BY (service, arrival_us)`

const outcomeType = `Enum8('ok' = 1, 'empty' = 2, 'error' = 3, 'timeout' = 4, 'rate_limited' = 5, 'cancelled' = 6, 'filtered' = 7)`

const countRaw = "SELECT toInt64(count()) FROM raw"

// tidegauge is the product: the raw requests with all their fields, kept exactly once, the rows of every minute and
// stream with arrivals, lengths, outcomes and latency, and conversations.
func tidegauge() contender {
	return contender{
		key: "tidegauge", name: "tidegauge process", what: "requests exactly once, minutes in 4 groupings with all analyses, conversations",
		start: func(_ context.Context, l *lab, topic, group string, db *storage.DB) (*process, error) {
			if l.profile == "" {
				return l.processor(topic, group, db)
			}
			address, err := freeAddress()
			if err != nil {
				return nil, err
			}
			go func() {
				if err := l.takeProfile(address); err != nil {
					l.say("no profile: %v", err)
				}
			}()
			return l.processor(topic, group, db, "--listen", address, "--pprof")
		},
		counts: []string{
			"SELECT toInt64(count()) FROM requests",
			"SELECT toInt64(sum(requests)) FROM minutes FINAL WHERE grouping = 'all'",
		},
	}
}

// profileTime is how much of a drain a profile covers; a shorter drain gives none.
const profileTime = 5 * time.Second

// takeProfile asks a processor that is about to start for a profile.
func (l *lab) takeProfile(address string) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", address, profileTime.Seconds())
	err := fetch(url, l.profile)
	for began := time.Now(); err != nil && time.Since(began) < profileTime; time.Sleep(pollInterval) {
		err = fetch(url, l.profile)
	}
	return err
}

// fetch keeps what a process answers in a file.
func fetch(url, path string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, response.Body)
	return errors.Join(err, file.Close())
}
