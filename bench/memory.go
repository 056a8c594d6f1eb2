package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// watched is a processor's memory while it drained a topic.
type watched struct {
	start, most int64   // resident before the first request, and at the most
	tenths      []int64 // the most in each tenth of the drain's records
	// At the end: what the processor says its sets take, what its heap has grown by after a collection, and the CPU time
	// of it all.
	cache, live float64
	half        float64 // what its sets took when it had half of the requests
	cpu         time.Duration
}

// watch drains a new topic of n requests with a cache budget and looks at the processor's memory meanwhile.
func (l *lab) watch(ctx context.Context, w workload, n int, budget string) (_ watched, err error) {
	var m watched
	topic, group := l.name("memory"), l.name("group")
	if err := w.fill(ctx, l.broker(), topic, 0); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, l.deleteTopic(ctx, topic)) }()
	db, err := l.database(ctx, l.name("memory"), true)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, l.drop(context.WithoutCancel(ctx), db)) }()
	address, err := freeAddress()
	if err != nil {
		return m, err
	}
	process, err := l.processor(topic, group, db, "--listen", address, "--pprof", "--processor-cache", budget)
	if err != nil {
		return m, err
	}
	defer process.kill()
	if err := l.assigned(ctx, w.partitions, []string{address}, process.check); err != nil {
		return m, err
	}
	if m.start, err = memory(process.pid(), "VmRSS"); err != nil {
		return m, err
	}
	before, err := liveHeap(address)
	if err != nil {
		return m, err
	}
	filled := make(chan error, 1)
	go func() { filled <- w.fill(ctx, l.broker(), topic, n) }()
	m.tenths = make([]int64, 10)
	profiled := l.profile == ""
	for done := int64(0); done < int64(n); time.Sleep(pollInterval) {
		if done, err = l.committed(ctx, group, topic, w.partitions); err != nil {
			return m, err
		}
		now, err := memory(process.pid(), "VmRSS")
		if err := errors.Join(err, process.check(), l.engine.Err(), ctx.Err()); err != nil {
			return m, err
		}
		if !profiled && done > int64(n)*2/3 {
			profiled = true
			if err := l.heapProfile(address); err != nil {
				return m, err
			}
		}
		if m.half == 0 && done >= int64(n)/2 {
			if m.half, err = metric(address, "tidegauge_processor_cache_bytes"); err != nil {
				return m, err
			}
			m.half *= float64(n) / 2 / float64(done) // a flush may have leapt beyond
		}
		tenth := &m.tenths[min(int(done*10/int64(n)), 9)]
		*tenth, m.most = max(*tenth, now), max(m.most, now)
	}
	if err := <-filled; err != nil {
		return m, err
	}
	if m.cpu, err = cpuTime(process.pid()); err != nil {
		return m, err
	}
	if m.cache, err = metric(address, "tidegauge_processor_cache_bytes"); err != nil {
		return m, err
	}
	m.live, err = liveHeap(address)
	m.live -= before
	return m, err
}

// liveHeap is what a processor's heap holds after a collection.
func liveHeap(address string) (float64, error) {
	response, err := http.Get("http://" + address + "/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "# HeapAlloc = "); ok {
			return strconv.ParseFloat(text, 64)
		}
	}
	return 0, errors.Join(errors.New("the heap profile does not say HeapAlloc"), lines.Err())
}

// heapProfile adds what a processor's heap holds after a collection to the profiles, and the runtime's account of its
// memory beside it.
func (l *lab) heapProfile(address string) error {
	l.tally++
	file := fmt.Sprintf("%s.%d", l.profile, l.tally)
	url := "http://" + address + "/debug/pprof/heap"
	return errors.Join(fetch(url+"?debug=1", file+".txt"), fetch(url+"?gc=1", file))
}

// assigned waits until processors own all partitions, each of them some.
func (l *lab) assigned(ctx context.Context, partitions int, addresses []string, check func() error) error {
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(pollInterval) {
		if err := errors.Join(ctx.Err(), check()); err != nil {
			return err
		}
		owned, without := 0, false
		for _, address := range addresses {
			n, err := metric(address, "tidegauge_processor_assigned_partitions")
			if err != nil || n == 0 { // not listening yet, or not joined
				without = true
			}
			owned += int(n)
		}
		if owned == partitions && !without {
			return nil
		}
	}
	return errors.New("the processors did not share the partitions within a minute")
}

// memories measures what a processor takes beyond its budget, whether that grows, and what requests and conversations
// take; or one of these only.
func (l *lab) memories(ctx context.Context, n int, only string) error {
	parts := map[string]func(context.Context, int) error{
		"budget": l.memoryOfBudget, "requests": l.memoryOfRequests, "conversations": l.memoryOfConversations,
	}
	if only != "" {
		part, ok := parts[only]
		if !ok {
			return fmt.Errorf("--only %s: there are budget, requests, conversations", only)
		}
		return part(ctx, n)
	}
	return errors.Join(parts["budget"](ctx, n), parts["requests"](ctx, n), parts["conversations"](ctx, n))
}

func megabytes(bytes int64) int64 { return bytes / 1_000_000 }

func (l *lab) memoryOfBudget(ctx context.Context, n int) error {
	const budget = 64
	m, err := l.watch(ctx, defaultWorkload(), n, fmt.Sprintf("%dMiB", budget))
	if err != nil {
		return err
	}
	tenths := ""
	for _, m := range m.tenths { // 0 where a flush leapt over a tenth
		tenths += fmt.Sprintf("%d ", megabytes(m))
	}
	t := newTable(l.out, "a processor's memory", "MB at the start", "MB at the most", "by tenths of the requests", "budget and target, MB", "CPU us a request")
	t.add(fmt.Sprintf("%s requests, %d MiB of cache", humanize.Comma(int64(n)), budget), megabytes(m.start), megabytes(m.most),
		tenths, int64(budget*1_048_576/1_000_000+150), m.cpu.Seconds()*1e6/float64(n))
	return t.print()
}

func (l *lab) memoryOfRequests(ctx context.Context, n int) error {
	m, err := l.watch(ctx, defaultWorkload(), n, "8GiB")
	if err != nil {
		return err
	}
	t := newTable(l.out, "what is held", "by the cache's account", "of the second half", "live in the heap", "resident beyond the start", "target")
	t.add("bytes a request, nothing evicted", m.cache/float64(n), (m.cache-m.half)*2/float64(n), m.live/float64(n), float64(m.most-m.start)/float64(n), "48")
	return t.print()
}

// memoryOfConversations measures what the same requests take with conversations and without.
func (l *lab) memoryOfConversations(ctx context.Context, _ int) error {
	const n = 1_000_000
	w := defaultWorkload()
	w.slowest, w.fastest = 20_000, 20_000
	var with, without watched
	for _, run := range []struct {
		live int
		into *watched
	}{{n, &with}, {-1, &without}} {
		w.live = run.live
		m, err := l.watch(ctx, w, 2*n, "4GiB")
		if err != nil {
			return err
		}
		*run.into = m
	}
	t := newTable(l.out, "MB for 1,000,000 conversations of 2 turns", "by the cache's account", "live in the heap", "resident beyond the start", "target")
	row := func(name string, m watched, target string) {
		t.add(name, m.cache/1e6, m.live/1e6, float64(m.most-m.start)/1e6, target)
	}
	row("with the requests", with, "")
	row("the requests alone", without, "")
	row("the conversations", watched{cache: with.cache - without.cache, live: with.live - without.live, most: with.most - with.start - without.most + without.start}, "250")
	return t.print()
}

// scale measures whether two processors in one group take half of the work each, at the same cost.
func (l *lab) scale(ctx context.Context, n int) error {
	t := newTable(l.out, "processors in one group", "records/s", "CPU us a request, all processors", "engine", "shares of the requests")
	for _, count := range []int{1, 2} {
		w := defaultWorkload()
		w.slowest = w.fastest // shares of partitions are shares of requests
		topic, group := l.name("scale"), l.name("group")
		if err := w.fill(ctx, l.broker(), topic, 0); err != nil {
			return err
		}
		db, err := l.database(ctx, l.name("scale"), true)
		if err != nil {
			return err
		}
		var all []*process
		var addresses []string
		check := func() error {
			var errs []error
			for _, p := range all {
				errs = append(errs, p.check())
			}
			return errors.Join(errs...)
		}
		for range count {
			address, err := freeAddress()
			if err != nil {
				return err
			}
			p, err := l.processor(topic, group, db, "--listen", address)
			if err != nil {
				return err
			}
			defer p.kill()
			all, addresses = append(all, p), append(addresses, address)
		}
		if err := l.assigned(ctx, w.partitions, addresses, check); err != nil {
			return err
		}
		engine, _, err := l.cpu()
		if err != nil {
			return err
		}
		began := time.Now()
		if err := w.fill(ctx, l.broker(), topic, n); err != nil {
			return err
		}
		if err := l.drained(ctx, group, topic, w.partitions, int64(n), check); err != nil {
			return err
		}
		wall := time.Since(began)
		after, _, err := l.cpu()
		if err != nil {
			return err
		}
		var used time.Duration
		shares := ""
		for i, p := range all {
			cpu, err := cpuTime(p.pid())
			if err != nil {
				return err
			}
			used += cpu
			records, err := metric(addresses[i], "tidegauge_processor_records_total")
			if err != nil {
				return err
			}
			shares += fmt.Sprintf("%.0f %% ", 100*records/float64(n))
			p.kill()
		}
		us := func(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(n) }
		t.add(fmt.Sprint(count), int64(float64(n)/wall.Seconds()), us(used), us(after-engine), shares)
		if err := errors.Join(l.drop(ctx, db), l.deleteTopic(ctx, topic)); err != nil {
			return err
		}
	}
	return t.print()
}
