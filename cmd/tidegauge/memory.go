package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"tidegauge/config"
)

// cacheBudget is the memory that processor.cache means. Where nothing is said, it grows with the machine: requests that come
// late are cheap as long as their minutes are in memory. A sixteenth leaves the engine of tidegauge up its 60 %.
func cacheBudget(setting config.Size) int64 {
	if setting != 0 {
		return int64(setting)
	}
	const least, most = 512 << 20, 4 << 30
	all, err := memlimit.FromSystem()
	if err != nil {
		return least
	}
	if container, err := memlimit.FromCgroup(); err == nil { // an error says that there is no such bound
		all = min(all, container)
	}
	return int64(max(least, min(all/16, most)))
}

// besideBudget is what a processor may take beside its budget for sets and batches: connections, columns on their way to
// ClickHouse, and room for garbage. The program itself, some 35 MB, comes on top.
const besideBudget = 110 << 20

// leastRoom is the part of what is live that the garbage collector gets as room whatever the budget says. Go's collector
// would rather run all the time than exceed a limit, which costs more than memory where a budget is held to be larger
// than it is: many partitions, huge records.
const leastRoom = 4

// limitMemory holds the process to a budget until ctx ends, unless its surroundings say what it may take. Without it the
// heap grows to twice what is live before garbage is collected, which with a large budget is a second budget. It says
// whether it does.
func limitMemory(ctx context.Context, budget int64) bool {
	if os.Getenv("GOMEMLIMIT") != "" {
		return false
	}
	most := budget + besideBudget
	before := debug.SetMemoryLimit(most)
	go func() {
		defer debug.SetMemoryLimit(before)
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			metrics.Read(live)
			debug.SetMemoryLimit(limit(most, int64(live[0].Value.Uint64())))
		}
	}()
	return true
}

// limit is the limit for a heap of which so much is live.
func limit(most, live int64) int64 { return max(most, live+live/leastRoom) }
