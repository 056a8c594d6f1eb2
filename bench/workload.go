package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"tidegauge/ingest"
	"tidegauge/schemas"
)

// workload describes requests that are made up: the same seed gives the same ones.
type workload struct {
	seed uint64
	// services is how many there are, spread evenly over partitions. Each has between slowest and fastest requests a
	// minute, in even steps.
	services, partitions int
	slowest, fastest     float64
	// startUS is when the first request may arrive.
	startUS int64
	// live, where above 0, is a number of conversations that all go on for ever: every request belongs to one of them, in
	// turn. Below 0 there are none.
	live int
}

// defaultWorkload is 12 services in 12 partitions, each with enough traffic that a request's cost is its own and not
// its minute's.
func defaultWorkload() workload {
	const start = 1_767_225_600_000_000 // 2026-01-01, so that every run fills the same partitions of tables
	return workload{seed: 1, services: 12, partitions: 12, slowest: 1_000, fastest: 4_000, startUS: start}
}

// sources gives the services' requests, one source each. Names are chosen so that services go around the partitions:
// which partition has how much to do is then the workload's choice and not the hash's.
func (w workload) sources() []*source {
	all := make([]*source, w.services)
	candidate := 0
	for i := range all {
		var name string
		for ; ; candidate++ {
			name = fmt.Sprintf("sv-%02d", candidate)
			if schemas.Partition(name, w.partitions) == i%w.partitions {
				candidate++
				break
			}
		}
		rate := w.slowest
		if w.services > 1 {
			rate += (w.fastest - w.slowest) * float64(i) / float64(w.services-1)
		}
		endless := w.live / w.services
		if w.live < 0 {
			endless = -1
		}
		all[i] = &source{
			random: rand.New(rand.NewPCG(w.seed, uint64(i))), service: name,
			meanGap: schemas.MinuteUS / rate, now: float64(w.startUS), endless: endless,
		}
	}
	return all
}

// minutes calls visit with every service's requests of one minute, minute by minute, services in turn, until n requests
// were given. The slice is used again.
func (w workload) minutes(n int, visit func([]schemas.Request) error) error {
	sources := w.sources()
	var batch []schemas.Request
	for end := w.startUS + schemas.MinuteUS; n > 0; end += schemas.MinuteUS {
		for _, s := range sources {
			batch = s.until(end, batch[:0])
			batch = batch[:min(n, len(batch))]
			n -= len(batch)
			if err := visit(batch); err != nil {
				return err
			}
		}
	}
	return nil
}

// source is one service's traffic: a renewal process of Gamma distributed gaps (burstier than Poisson), two models and
// two kinds of traffic, of which one talks in conversations.
type source struct {
	random  *rand.Rand
	service string
	meanGap float64
	now     float64 // µs
	number  int64
	live    []string // conversations that may go on
	endless int      // or how many there are that never end; below 0: none
	ready   bool
	next    schemas.Request
}

// until appends the requests that arrive before an end.
func (s *source) until(endUS int64, batch []schemas.Request) []schemas.Request {
	for {
		if !s.ready {
			s.draw()
			s.ready = true
		}
		if s.next.ArrivalUS >= endUS {
			return batch
		}
		batch = append(batch, s.next)
		s.ready = false
	}
}

func (s *source) draw() {
	s.now += s.gap()
	s.number++
	r := &s.next
	r.Reset()
	r.Service, r.Model, r.LogType = s.service, "gpt-4o-mini", "api"
	r.ArrivalUS, r.RequestID = int64(s.now), "req-"+strconv.FormatInt(s.number, 10)
	if s.random.IntN(10) < 3 {
		r.Model = "llama-70b"
	}
	switch {
	case s.endless > 0:
		r.LogType, r.Conversation = "conversation", fmt.Sprintf("%016x", s.number%int64(s.endless))
	case s.endless == 0 && s.random.IntN(10) < 4:
		r.LogType, r.Conversation = "conversation", s.conversation()
	}
	r.RequestTokens = s.logNormal(6, 1)
	r.ResponseTokens = s.logNormal(5, .8)
	r.TTFTUS = s.logNormal(12.5, .5)
	r.ElapsedUS = r.TTFTUS + r.ResponseTokens*s.logNormal(9.8, .3)
	r.Outcome = schemas.OK
	switch s.random.IntN(50) {
	case 0:
		r.Outcome, r.StatusCode, r.ErrorType, r.ResponseTokens = schemas.Error, 500, "internal", 0
	case 1:
		r.Outcome, r.StatusCode, r.ResponseTokens = schemas.RateLimited, 429, 0
	}
}

// gap draws from a Gamma distribution of shape 1/2 and the source's mean: half the square of a normal variable.
func (s *source) gap() float64 {
	z := s.random.NormFloat64()
	return s.meanGap * z * z
}

func (s *source) logNormal(mu, sigma float64) int64 {
	return 1 + int64(math.Exp(mu+sigma*s.random.NormFloat64()))
}

// conversation gives a new one in a quarter of all cases, else one of those that are going on: four turns on average.
func (s *source) conversation() string {
	if len(s.live) > 0 && s.random.IntN(4) > 0 {
		i := s.random.IntN(len(s.live))
		id := s.live[i]
		if len(s.live) > 64 { // what has ended makes room for others
			s.live[i] = s.live[len(s.live)-1]
			s.live = s.live[:len(s.live)-1]
		}
		return id
	}
	id := fmt.Sprintf("%016x", s.random.Uint64())
	s.live = append(s.live, id)
	return id
}

// fill writes n requests of the workload to a topic, which it makes, as tidegauge ingest does.
func (w workload) fill(ctx context.Context, broker, topic string, n int) (err error) {
	p, err := newProducer(ctx, broker, topic, w.partitions)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := w.minutes(n, func(batch []schemas.Request) error { return p.Write(ctx, batch) }); err != nil {
		return err
	}
	return p.Flush(ctx)
}

// newProducer is the product's own producer: key service, no compression, batches of 1 MB.
func newProducer(ctx context.Context, broker, topic string, partitions int) (*ingest.Producer, error) {
	c := ingest.DefaultProducerConfig()
	c.Kafka.Brokers, c.Topic, c.Partitions = []string{broker}, topic, partitions
	p, err := ingest.NewProducer(c)
	if err != nil {
		return nil, err
	}
	return p, p.Start(ctx)
}
