package integration

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tidegauge/ingest"
	"tidegauge/schemas"
)

// ledger is what the producer knows: every request that Kafka has acknowledged, once. It is what the tables are held
// against; nothing of it comes from the pipeline.
type ledger struct {
	fault atomic.Int32 // index of the fault under way

	mu       sync.Mutex
	requests []schemas.Request
	faults   []int32          // by request: the fault under way when it was acknowledged
	newest   map[string]int64 // by service: the highest seq acknowledged
}

func (l *ledger) add(requests []schemas.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range requests {
		l.requests = append(l.requests, r)
		l.faults = append(l.faults, l.fault.Load())
		l.newest[r.Service] = r.Seq // services' requests are numbered in the order they are written
	}
}

// each calls do with every request and its fault.
func (l *ledger) each(do func(r *schemas.Request, fault int)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.requests {
		do(&l.requests[i], int(l.faults[i]))
	}
}

// The traffic's shape. Its clock runs faster than the wall's, so that minutes come and go, and passes a month's end,
// where the tables' partitions change.
const (
	trafficRate     = 2000 // requests a second of the wall clock, on average
	trafficRateLess = 400  // in the short form
	trafficSpeed    = 30
	trafficTick     = 50 * time.Millisecond
)

var trafficStart = time.Date(2026, 3, 31, 23, 52, 0, 0, time.UTC)

// traffic makes requests and writes them until it is stopped.
type traffic struct {
	ledger   *ledger
	producer ingest.ProducerConfig
	rng      *rand.Rand
	rate     float64

	made          int
	seq           []int64 // by service
	conversations [][]string
	doubtful      atomic.Int64 // batches that failed and were written again
}

func newTraffic(kafka []string, topic string, services int, rate float64) *traffic {
	config := ingest.DefaultProducerConfig()
	config.Kafka.Brokers, config.Topic, config.Partitions = kafka, topic, 0
	config.Patience = time.Second // gives up when a broker is away, so that whole batches are in doubt
	return &traffic{ledger: &ledger{newest: make(map[string]int64)}, producer: config, rng: rand.New(rand.NewPCG(5, 6)), rate: rate,
		seq: make([]int64, services), conversations: make([][]string, services)}
}

// start writes until stop is called, which returns when all that was made is acknowledged.
func (g *traffic) start(t *testing.T) (stop func()) {
	stopped, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		var p *ingest.Producer
		began := time.Now()
		for {
			select {
			case <-stopped:
				if p != nil {
					_ = p.Close()
				}
				return
			case <-time.After(trafficTick):
			}
			batch := g.next(trafficStart.Add(time.Since(began) * trafficSpeed))
			again := g.repeated()
			for {
				var err error
				if p, err = g.write(t.Context(), p, append(again, batch...)); err == nil {
					break
				}
				if t.Context().Err() != nil {
					return
				}
				g.doubtful.Add(1)
			}
			g.ledger.add(batch)
		}
	}()
	return sync.OnceFunc(func() {
		close(stopped)
		<-ended
	})
}

// write has all requests acknowledged or gives an error, which says nothing about any of them. A producer that has
// failed is of no more use: the next call makes another.
func (g *traffic) write(ctx context.Context, p *ingest.Producer, requests []schemas.Request) (_ *ingest.Producer, err error) {
	if p == nil {
		if p, err = ingest.NewProducer(g.producer); err != nil {
			return nil, err
		}
		err = p.Start(ctx)
	}
	if err == nil {
		err = errors.Join(p.Write(ctx, requests), p.Flush(ctx))
	}
	if err != nil {
		_ = p.Close()
		return nil, err
	}
	return p, nil
}

// next makes the requests of one tick: mostly few, now and then a burst.
func (g *traffic) next(now time.Time) []schemas.Request {
	mean := g.rate * trafficTick.Seconds()
	n := int(g.rng.ExpFloat64() * mean * 0.8)
	if g.rng.IntN(25) == 0 {
		n += int(mean * 5)
	}
	batch := make([]schemas.Request, n)
	for i := range batch {
		g.request(&batch[i], now)
	}
	return batch
}

func (g *traffic) request(r *schemas.Request, now time.Time) {
	rng := g.rng
	r.Reset()
	u := rng.Float64()
	service := int(float64(len(g.seq)) * u * u) // a few busy ones, many quiet ones
	g.made++
	g.seq[service]++
	r.Service, r.Seq, r.RequestID = fmt.Sprintf("service-%02d", service), g.seq[service], fmt.Sprint("r", g.made)
	r.Model = []string{"small", "small", "large"}[rng.IntN(3)]
	r.LogType = "api"
	late := rng.Int64N(schemas.SecondUS)
	switch {
	case rng.IntN(5000) == 0:
		late = rng.Int64N(40 * 24 * 60 * schemas.MinuteUS) // back into the month before
	case rng.IntN(10) == 0:
		late = rng.Int64N(10 * schemas.MinuteUS)
	}
	r.ArrivalUS = now.UnixMicro() - late
	if rng.IntN(2) == 0 {
		r.LogType, r.Conversation = "conversation", g.conversation(service)
	}
	r.Outcome = schemas.OK
	if rng.IntN(15) == 0 {
		r.Outcome = schemas.Outcome(1 + rng.IntN(schemas.Outcomes-1))
	}
	if r.Outcome == schemas.Error {
		r.StatusCode, r.ErrorType = int32(400+rng.IntN(200)), "upstream"
	}
	if rng.IntN(20) > 0 {
		r.RequestTokens, r.ResponseTokens = int64(rng.ExpFloat64()*800), int64(rng.ExpFloat64()*200)
	}
	if rng.IntN(20) > 0 {
		r.TTFTUS = int64(rng.ExpFloat64() * 300_000)
		r.ElapsedUS = r.TTFTUS + int64(rng.ExpFloat64()*8_000_000)
	}
	if rng.IntN(10) == 0 { // what few logs have
		r.Client, r.PromptID, r.FinishReason, r.Host = fmt.Sprint("client", rng.IntN(100)), fmt.Sprint("p", rng.IntN(1000)), "stop", "host"
		r.Temperature, r.TopP, r.Seed, r.HasSeed = rng.Float64(), 0.9, rng.Int64(), true
		r.PrefixHashes, r.PrefixBlockTokens = []uint64{rng.Uint64(), rng.Uint64()}, 16
		r.Labels = []schemas.Label{{Key: "team", Value: fmt.Sprint(rng.IntN(5))}}
	}
}

// conversation gives a new conversation's id, or that of one which began a while ago.
func (g *traffic) conversation(service int) string {
	known := g.conversations[service]
	if len(known) == 0 || g.rng.IntN(4) == 0 {
		g.conversations[service] = append(known, fmt.Sprint("c", g.made))
		return g.conversations[service][len(known)]
	}
	if g.rng.IntN(50) == 0 {
		return known[g.rng.IntN(len(known))]
	}
	return known[max(0, len(known)-1-g.rng.IntN(30))]
}

// repeated gives requests to be written once more, a fiftieth of all: some from long ago. They come before the tick's
// own, so that a service's newest request is always the one that its highest seq is on.
func (g *traffic) repeated() []schemas.Request {
	var again []schemas.Request
	g.ledger.mu.Lock()
	defer g.ledger.mu.Unlock()
	for range int(g.rate * trafficTick.Seconds() / 50) {
		if n := len(g.ledger.requests); n > 0 {
			again = append(again, g.ledger.requests[g.rng.IntN(n)])
		}
	}
	return slices.Clip(again)
}
