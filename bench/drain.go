package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
)

// drainResult is what a contender took for a topic.
type drainResult struct {
	contender contender
	records   int64
	wall      time.Duration // from its start to its last commit
	// CPU time of the consumer, of the engine and of the broker until the last commit, and of the engine's merges after it.
	consumer, engine, broker, merges time.Duration
}

func (r drainResult) perRecord(d time.Duration) float64 {
	return d.Seconds() * 1e6 / float64(r.records)
}

// cost is what a record takes of consumer and engine, in µs of CPU.
func (r drainResult) cost() float64 { return r.perRecord(r.consumer + r.engine) }

// drain lets a contender read a topic of n records from the start and waits until all are acknowledged.
func (l *lab) drain(ctx context.Context, c contender, topic string, partitions int, n int64) (result drainResult, err error) {
	result = drainResult{contender: c, records: n}
	group, database := l.name("group"), l.name("drain")
	db, err := l.database(ctx, database, c.tables == nil)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, l.drop(ctx, db)) }()
	for _, table := range c.tables {
		if err := db.Exec(ctx, table); err != nil {
			return result, err
		}
	}
	if err := l.settled(ctx); err != nil {
		return result, err
	}
	engine, broker, err := l.cpu()
	if err != nil {
		return result, err
	}
	began := time.Now()
	consumer, err := c.start(ctx, l, topic, group, db)
	if err != nil {
		return result, fmt.Errorf("starting %s: %w", c.name, err)
	}
	check := l.engine.Err
	if consumer != nil {
		defer consumer.kill()
		check = func() error { return errors.Join(l.engine.Err(), consumer.check()) }
	}
	if err := l.drained(ctx, group, topic, partitions, n, check); err != nil {
		return result, fmt.Errorf("%s: %w", c.name, err)
	}
	result.wall = time.Since(began)
	engineThen, brokerThen, err := l.cpu()
	if err != nil {
		return result, err
	}
	result.engine, result.broker = engineThen-engine, brokerThen-broker
	if consumer != nil {
		if result.consumer, err = cpuTime(consumer.pid()); err != nil {
			return result, err
		}
		consumer.kill()
	}
	if c.stop != nil {
		if err := c.stop(ctx, db); err != nil {
			return result, err
		}
	}
	if err := l.settled(ctx); err != nil {
		return result, err
	}
	engineAfter, _, err := l.cpu()
	if err != nil {
		return result, err
	}
	result.merges = engineAfter - engineThen
	for _, query := range c.counts {
		if found, err := number(ctx, db, query); err != nil {
			return result, err
		} else if found != n {
			return result, fmt.Errorf("%s: %q gives %d instead of %d", c.name, query, found, n)
		}
	}
	return result, nil
}

// cpu is what engine and broker have used so far.
func (l *lab) cpu() (engine, broker time.Duration, err error) {
	engine, err1 := cpuTime(l.engine.PID())
	broker, err2 := cpuTime(l.kafka.PIDs()[0])
	return engine, broker, errors.Join(err1, err2)
}

// drainAll lets every contender drain the same topic and prints what each took beside the product.
func (l *lab) drainAll(ctx context.Context, all []contender, n, runs int) error {
	w, topic := defaultWorkload(), l.name("requests")
	l.say("writing %s requests into %d partitions", humanize.Comma(int64(n)), w.partitions)
	began := time.Now()
	if err := w.fill(ctx, l.broker(), topic, n); err != nil {
		return err
	}
	l.say("written in %.1f s", time.Since(began).Seconds())
	var results []drainResult
	for run := range runs {
		for _, c := range all {
			r, err := l.drain(ctx, c, topic, w.partitions, int64(n))
			if err != nil {
				return err
			}
			l.say("run %d: %s: %.1f s, %.2f + %.2f us a record", run+1, c.name, r.wall.Seconds(), r.perRecord(r.consumer), r.perRecord(r.engine))
			results = append(results, r)
		}
	}
	return l.printDrains(results)
}

// printDrains prints the best run of each contender: what disturbs a run only ever makes it dearer.
func (l *lab) printDrains(results []drainResult) error {
	best := map[string]drainResult{}
	var names []string
	for _, r := range results {
		b, ok := best[r.contender.name]
		if !ok {
			names = append(names, r.contender.name)
		}
		if !ok || r.cost() < b.cost() {
			best[r.contender.name] = r
		}
	}
	unit := best[names[0]].cost()
	t := newTable(l.out, "CPU us a record", "records/s", "consumer", "engine", "merges after", "broker", "consumer + engine", "ratio")
	for _, name := range names {
		r := best[name]
		t.add(name, int64(float64(r.records)/r.wall.Seconds()), r.perRecord(r.consumer), r.perRecord(r.engine), r.perRecord(r.merges),
			r.perRecord(r.broker), r.cost(), r.cost()/unit)
	}
	return t.print()
}
