package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"tidegauge/schemas"
)

// growth measures whether a request costs the same however many there are, and of however many services.
func (l *lab) growth(ctx context.Context, most int) error {
	// What a processor costs without any request: its start, the group's join.
	idle, err := l.drainNew(ctx, defaultWorkload(), 10) // or there would be nothing to wait for
	if err != nil {
		return err
	}
	// Below that, what is left after a start's cost is less than the clock's ticks.
	const enough = 100_000
	extra := func(r drainResult) (consumer, engine any) {
		if r.records < enough {
			return "", ""
		}
		return r.perRecord(r.consumer - idle.consumer), r.perRecord(r.engine - idle.engine)
	}
	t := newTable(l.out, "CPU us a request, beyond a start's", "processor", "engine", "s of CPU in all")
	for n := 10; n <= most; n *= 10 {
		r, err := l.drainNew(ctx, defaultWorkload(), n)
		if err != nil {
			return err
		}
		consumer, engine := extra(r)
		t.add(humanize.Comma(int64(n))+" requests, 12 services", consumer, engine, (r.consumer + r.engine).Seconds())
	}
	n := min(most, 2_000_000)
	for services := 1; services <= 1000; services *= 10 {
		w := defaultWorkload()
		w.services, w.slowest, w.fastest = services, 1_000, 1_000
		r, err := l.drainNew(ctx, w, n)
		if err != nil {
			return err
		}
		consumer, engine := extra(r)
		t.add(fmt.Sprintf("%s requests, %d services at 1,000 a minute", humanize.Comma(int64(n)), services), consumer, engine, (r.consumer + r.engine).Seconds())
	}
	return t.print()
}

// drainNew fills a topic of its own and lets the product drain it.
func (l *lab) drainNew(ctx context.Context, w workload, n int) (drainResult, error) {
	topic := l.name("requests")
	if err := w.fill(ctx, l.broker(), topic, n); err != nil {
		return drainResult{}, err
	}
	r, err := l.drain(ctx, tidegauge(), topic, w.partitions, int64(n))
	if err == nil {
		l.say("%s requests, %d services: %.1f s, %.2f + %.2f us", humanize.Comma(int64(n)), w.services, r.wall.Seconds(), r.perRecord(r.consumer), r.perRecord(r.engine))
	}
	return r, errors.Join(err, l.deleteTopic(ctx, topic))
}

// latest is how late the late requests of disorder are, at most.
const latest = 10 * time.Minute

// disorder measures what some minutes of requests cost in order, with a tenth of them up to ten minutes late, and shuffled.
func (l *lab) disorder(ctx context.Context, perSecond, minutes int) error {
	w := defaultWorkload()
	w.slowest = float64(perSecond) * 60 / float64(w.services)
	w.fastest = w.slowest
	n := perSecond * 60 * minutes
	// Requests as JSON, one behind the other, since decoded ones would take four times as much. They are some 220 bytes each;
	// growing to an hour of 10,000 a second step by step would take three times the memory.
	text := make([]byte, 0, n*256)
	type one struct{ from, to, delivered int64 }
	all := make([]one, 0, n)
	if err := w.minutes(n, func(batch []schemas.Request) error {
		for i := range batch {
			from := int64(len(text))
			text = schemas.AppendJSON(text, &batch[i])
			all = append(all, one{from, int64(len(text)), batch[i].ArrivalUS})
		}
		return nil
	}); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(w.seed, 0))
	t := newTable(l.out, "CPU us a request", "processor", "engine", "both", "ratio", "target")
	var unit float64
	for _, order := range []struct {
		name, target string
		arrange      func()
	}{
		{"in order", "1", func() {}},
		{"a tenth up to 10 min late", "2", func() {
			for i := range all {
				if random.IntN(10) == 0 {
					all[i].delivered += random.Int64N(latest.Microseconds())
				}
			}
			slices.SortStableFunc(all, func(a, b one) int { return cmp.Compare(a.delivered, b.delivered) })
		}},
		{"shuffled", "8", func() { random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] }) }},
	} {
		order.arrange()
		topic := l.name("disorder")
		p, err := newProducer(ctx, l.broker(), topic, w.partitions)
		if err != nil {
			return err
		}
		decoder := new(schemas.Decoder)
		batch := make([]schemas.Request, 1)
		for _, o := range all {
			if err = decoder.Decode(text[o.from:o.to], &batch[0]); err == nil {
				err = p.Write(ctx, batch)
			}
			if err != nil {
				break
			}
		}
		if err := errors.Join(err, p.Flush(ctx), p.Close()); err != nil {
			return err
		}
		r, err := l.drain(ctx, tidegauge(), topic, w.partitions, int64(n))
		if err := errors.Join(err, l.deleteTopic(ctx, topic)); err != nil {
			return err
		}
		if unit == 0 {
			unit = r.cost()
		}
		l.say("%s: %.1f s, %.2f + %.2f us", order.name, r.wall.Seconds(), r.perRecord(r.consumer), r.perRecord(r.engine))
		t.add(order.name, r.perRecord(r.consumer), r.perRecord(r.engine), r.cost(), r.cost()/unit, order.target)
	}
	return t.print()
}
