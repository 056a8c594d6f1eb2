package processors

import (
	"context"
	"time"
)

// A batch may grow in two steps. Each partition may always hold a small one, and partitions that have more to read take
// turns at large ones, which last until these are stored: a minute's row is then written once for thousands of requests,
// and not again for every few hundred, and ClickHouse gets few and large parts to merge. Of BatchRequests an eighth is for
// all the small batches, an eighth for the flushes made of them, and the rest for those whose turn it is.
func (p *partitionRun) small() int { return max(1, p.runner.config.BatchRequests/8/p.share) }

func (p *partitionRun) large() int {
	return max(p.small(), p.runner.config.BatchRequests/4*3/cap(p.runner.turns))
}

// full says whether the batch should grow no more.
func (p *partitionRun) full() bool { return p.filled(p.large()) }

// filled says whether the batch has come to a size. Dead letters count as requests do, and large records by their bytes.
func (p *partitionRun) filled(records int) bool {
	at := p.worker.position()
	return at.records >= records || at.bytes >= int64(records)*largeRecord
}

// patience is for how many flush intervals a batch is read that is behind anyway: larger flushes catch up sooner.
const patience = 3

// due says whether the batch should be flushed.
func (p *partitionRun) due() bool {
	if p.worker.empty() {
		return false
	}
	passed := p.runner.beat(time.Now()) - p.runner.beat(p.since)
	switch {
	case p.full():
		return true
	case p.behind:
		return passed > patience
	}
	return passed > 0 || p.turn // whoever has caught up lets others have their turn
}

// takeTurn waits a little for its turn.
func (p *partitionRun) takeTurn(ctx context.Context) {
	wait := time.NewTimer(turnWait)
	defer wait.Stop()
	select {
	case p.runner.turns <- struct{}{}:
		p.turn = true
		p.worker.enlarge(p.large())
	case <-wait.C:
	case <-ctx.Done():
	}
}

// turnWait is how often a partition that waits for its turn looks after its flush.
const turnWait = 20 * time.Millisecond

func (p *partitionRun) endTurn() {
	if p.turn {
		<-p.runner.turns
		p.turn = false
	}
}

// largeRecord is the size from which records fill a batch by their bytes. Requests have some 200.
const largeRecord = 1 << 10
