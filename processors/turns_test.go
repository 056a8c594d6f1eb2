package processors

import (
	"testing"
	"time"
)

// TestDue flushes batches at the turn of an interval, whenever in it they began, so that those of all partitions come
// together; one that is behind reads on for some.
func TestDue(t *testing.T) {
	c := DefaultConfig()
	c.FlushInterval = time.Second
	began := time.Now().Add(-time.Hour)
	r := &Runner{config: c, began: began, turns: make(chan struct{}, 4)}
	now := r.beat(time.Now())
	for _, of := range []struct {
		beats  int64 // since the first record was read
		behind bool
		want   bool
	}{{0, false, false}, {1, false, true}, {1, true, false}, {patience, true, false}, {patience + 1, true, true}} {
		for _, within := range []time.Duration{0, time.Second / 2, time.Second - 1} {
			p := &partitionRun{runner: r, share: 1, behind: of.behind, worker: newWorker("t", 0, 1, "g", newMemStore(), newMetrics(nil))}
			p.worker.position().records = 1
			p.since = began.Add(time.Duration(now-of.beats)*time.Second + within)
			if got := p.due(); got != of.want && r.beat(time.Now()) == now {
				t.Errorf("%d beats after %v, behind %v: due is %v", of.beats, within, of.behind, got)
			}
		}
	}
}
