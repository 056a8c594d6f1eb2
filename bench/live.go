package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tidegauge/schemas"
	"tidegauge/storage"
)

// tick is how often paced requests are handed to the producer.
const tick = 10 * time.Millisecond

// flow writes requests that arrive now, so many a second, until ctx ends. sent, where given, is told of each service's
// number of requests so far and their time.
func (l *lab) flow(ctx context.Context, topic string, w workload, perSecond int, sent func(service string, number int64, at time.Time)) error {
	p, err := newProducer(ctx, l.broker(), topic, w.partitions)
	if err != nil {
		return err
	}
	defer p.Close()
	sources := w.sources()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var batch []schemas.Request
	for began, total := time.Now(), 0; ; {
		select {
		case <-ctx.Done():
			return p.Flush(context.WithoutCancel(ctx))
		case <-ticker.C:
		}
		now := time.Now()
		batch = batch[:0]
		// What is due by the clock, so that a late tick is made up for.
		for due := int(now.Sub(began).Seconds() * float64(perSecond)); total < due; total++ {
			s := sources[total%len(sources)]
			s.draw()
			s.next.ArrivalUS = now.UnixMicro()
			batch = append(batch, s.next)
			if sent != nil {
				sent(s.service, s.number, now)
			}
		}
		if err := p.Write(ctx, batch); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// visible gives how many of each service's requests the minutes' rows count. They are written last, so that a request
// is in all tables when it is counted here.
func visible(ctx context.Context, db *storage.DB) (map[string]int64, error) {
	rows, err := db.Query(ctx, "SELECT service, toInt64(sum(requests)) FROM minutes FINAL WHERE grouping = 'all' GROUP BY service")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := map[string]int64{}
	for rows.Next() {
		var service string
		var n int64
		if err := rows.Scan(&service, &n); err != nil {
			return nil, err
		}
		counts[service] = n
	}
	return counts, rows.Err()
}

// freshness measures the time from handing a request to the producer (which may keep it for 200 ms before it is in
// Kafka) until every row that it belongs to can be read.
func (l *lab) freshness(ctx context.Context, perSecond int, seconds int) error {
	w := defaultWorkload()
	topic, group := l.name("fresh"), l.name("group")
	if err := w.fill(ctx, l.broker(), topic, 0); err != nil {
		return err
	}
	db, err := l.database(ctx, l.name("fresh"), true)
	if err != nil {
		return err
	}
	defer func() { _ = l.drop(context.WithoutCancel(ctx), db) }()
	process, err := l.processor(topic, group, db)
	if err != nil {
		return err
	}
	defer process.kill()

	type request struct {
		service string
		number  int64
		at      time.Time
	}
	sent := make(chan request, 4*perSecond)
	flowing, stop := context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
	defer stop()
	flowed := make(chan error, 1)
	go func() {
		err := l.flow(flowing, topic, w, perSecond, func(service string, n int64, at time.Time) { sent <- request{service, n, at} })
		close(sent)
		flowed <- err
	}()
	waiting, delays := map[string][]request{}, []float64{}
	began, open, left := time.Now(), true, 0
	for open || left > 0 {
		for more := true; more && open; {
			select {
			case r, ok := <-sent:
				if open = ok; ok {
					waiting[r.service] = append(waiting[r.service], r)
					left++
				}
			default:
				more = false
			}
		}
		counts, err := visible(ctx, db)
		if err != nil {
			return err
		}
		now := time.Now() // after the answer: a delay is never reported too short
		for service, queue := range waiting {
			seen := 0
			for ; seen < len(queue) && queue[seen].number <= counts[service]; seen++ {
				if queue[seen].at.Sub(began) > 5*time.Second { // the first seconds are the group's join
					delays = append(delays, now.Sub(queue[seen].at).Seconds())
				}
			}
			waiting[service], left = queue[seen:], left-seen
		}
		if err := process.check(); err != nil {
			return err
		}
		if time.Since(began) > time.Duration(seconds)*time.Second+time.Minute {
			return fmt.Errorf("%d requests were not visible a minute after the last was sent", left)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := <-flowed; err != nil {
		return err
	}
	if len(delays) == 0 {
		return fmt.Errorf("%d s are too short to measure anything: the first 5 do not count", seconds)
	}
	slices.Sort(delays)
	at := func(q float64) float64 { return delays[int(q*float64(len(delays)-1))] }
	t := newTable(l.out, "seconds from the producer to the last row", "requests", "p50", "p99", "max", "target p99")
	t.add(fmt.Sprintf("%d requests/s", perSecond), int64(len(delays)), at(.5), at(.99), at(1), "3")
	return t.print()
}

var joined = regexp.MustCompile(`time=(\S+) level=INFO msg="joined the consumer group".* partitions=([1-9]\d*)`)

// restart kills a processor amid a stream of requests and measures from the moment at which its successor has its
// partitions until it has stored its first flush, and until it has caught up.
func (l *lab) restart(ctx context.Context, perSecond int, seconds int) error {
	w := defaultWorkload()
	topic, group := l.name("restart"), l.name("group")
	if err := w.fill(ctx, l.broker(), topic, 0); err != nil {
		return err
	}
	db, err := l.database(ctx, l.name("restart"), true)
	if err != nil {
		return err
	}
	defer func() { _ = l.drop(context.WithoutCancel(ctx), db) }()
	first, err := l.processor(topic, group, db)
	if err != nil {
		return err
	}
	flowing, stop := context.WithCancel(ctx)
	flowed := make(chan error, 1)
	go func() { flowed <- l.flow(flowing, topic, w, perSecond, nil) }()
	defer stop()
	time.Sleep(time.Duration(seconds) * time.Second) // the minutes under way have that many requests to be read back
	err = first.check()
	first.kill()
	if err != nil {
		return err
	}
	before, err := l.committed(ctx, group, topic, w.partitions)
	if err != nil {
		return err
	}
	second, err := l.processor(topic, group, db)
	if err != nil {
		return err
	}
	defer second.kill()
	var flushed, caughtUp time.Time
	for began := time.Now(); caughtUp.IsZero(); time.Sleep(pollInterval) {
		done, err := l.committed(ctx, group, topic, w.partitions)
		if err != nil {
			return err
		}
		ends, err := l.ends(ctx, topic, w.partitions)
		if err != nil {
			return err
		}
		var end int64
		for e := range maps.Values(ends) {
			end += e
		}
		if flushed.IsZero() && done > before {
			flushed = time.Now()
		}
		// A flush a second, each of what came in the second before it: two seconds behind is not behind.
		if !flushed.IsZero() && end-done < int64(2*perSecond) {
			caughtUp = time.Now()
		}
		if err := second.check(); err != nil {
			return err
		}
		if time.Since(began) > 2*time.Minute {
			return fmt.Errorf("the successor has not caught up within two minutes: %d of %d records", done, end)
		}
	}
	stop()
	if err := <-flowed; err != nil {
		return err
	}
	text, err := os.ReadFile(second.log)
	if err != nil {
		return err
	}
	match := joined.FindStringSubmatch(string(text))
	if match == nil {
		return fmt.Errorf("%s does not say when the group was joined", second.log)
	}
	at, err := time.Parse(time.RFC3339, match[1])
	if err != nil {
		return err
	}
	t := newTable(l.out, "seconds from the group's join", "first flush acknowledged", "caught up", "target")
	t.add(fmt.Sprintf("killed at %d requests/s", perSecond), flushed.Sub(at).Seconds(), caughtUp.Sub(at).Seconds(), "5")
	return t.print()
}

// freeAddress finds a loopback address to listen on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// metric sums a metric over its labels, as a process serves it.
func metric(address, name string) (float64, error) {
	response, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return 0, err
	}
	family := families[name]
	if family == nil {
		return 0, fmt.Errorf("%s has no metric %s", address, name)
	}
	var sum float64
	for _, m := range family.GetMetric() {
		sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	return sum, nil
}
