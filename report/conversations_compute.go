package report

import (
	"math"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// conversationSums are what one pass over a service's turns collects, in microseconds and tokens.
type conversationSums struct {
	turns, intervals, thinkTimes, durations, growth []int64
	overlaps, carried, pairs                        int64 // of pairs that know what history_carried_share needs
}

// conversations computes the section. Requests of a client without a conversation are split where no request came for
// longer than idle (microseconds).
func conversations(c *columns, idle int64, s *scratch) Conversations {
	var p conversationSums
	if c.conversation != nil {
		p.pass(c, turnsByConversation(c, s), idle)
	}
	return p.section()
}

// turnsByConversation gives the rows with a conversation, those of one together, each conversation's in order.
func turnsByConversation(c *columns, s *scratch) []uint32 {
	begin := make([]uint32, len(c.store.inferred)+1)
	for _, code := range c.conversation {
		begin[code+1]++
	}
	without := begin[1]
	begin[1] = 0
	for i := range begin[1:] {
		begin[i+1] += begin[i]
	}
	rows := grow(&s.rows, len(c.conversation)-int(without))
	for i, code := range c.conversation {
		if code != 0 {
			rows[begin[code]] = uint32(i)
			begin[code]++
		}
	}
	return rows
}

func (p *conversationSums) pass(c *columns, rows []uint32, idle int64) {
	elapsed := func(r uint32) int64 {
		if c.elapsed == nil {
			return schemas.Unknown
		}
		return c.elapsed[r]
	}
	for i := 0; i < len(rows); {
		first, before := rows[i], rows[i]
		code := c.conversation[first]
		turns := int64(1)
		for i++; i < len(rows) && c.conversation[rows[i]] == code; i++ {
			r := rows[i]
			interval := c.t[r] - c.t[before]
			if c.store.inferred[code] && interval > idle {
				break
			}
			turns++
			p.pair(c, before, r, interval, elapsed(before))
			before = r
		}
		p.turns = append(p.turns, turns)
		p.durations = append(p.durations, c.t[before]+max(elapsed(before), 0)-c.t[first])
	}
}

// pair takes in two consecutive turns.
func (p *conversationSums) pair(c *columns, before, r uint32, interval, elapsed int64) {
	p.intervals = append(p.intervals, interval)
	if elapsed >= 0 {
		if think := interval - elapsed; think >= 0 {
			p.thinkTimes = append(p.thinkTimes, think)
		} else {
			p.overlaps++
		}
	}
	x, previous, y := int64(c.request[r]), int64(c.request[before]), int64(c.response[before])
	if x < 0 || previous < 0 {
		return
	}
	growth := x - previous
	p.growth = append(p.growth, growth)
	if y >= 0 {
		p.pairs++
		if 10*growth >= 9*y { // 0.9 y, in integers
			p.carried++
		}
	}
}

func (p *conversationSums) section() Conversations {
	var spare []int64
	for _, values := range [][]int64{p.turns, p.intervals, p.thinkTimes, p.durations, p.growth} {
		spare = stats.SortInts(values, spare)
	}
	n, turns := int64(len(p.turns)), sum(p.turns)
	histogram := TurnsHistogram{}
	for _, k := range p.turns {
		histogram[k]++
	}
	logs := stats.SumLogs(p.intervals, nil)
	interval, think, growth := secondsAt(p.intervals), secondsAt(p.thinkTimes), quantileOf(p.growth)
	turnsAt, duration := quantileOf(p.turns), secondsAt(p.durations)
	largest := Null
	if n > 0 {
		largest = Number(p.turns[n-1])
	}
	return Conversations{
		Conversations: n, Turns: turns, SingleTurnShare: ratio(histogram[1], n), TurnsHistogram: histogram,
		TurnsPerConversation: TurnsSpread{Mean: ratio(turns, n), P50: turnsAt(.5), P75: turnsAt(.75), P90: turnsAt(.9),
			P99: turnsAt(.99), Max: largest},
		Interval: Interval{N: int64(len(p.intervals)),
			Mean: ratio(float64(sum(p.intervals))/schemas.SecondUS, len(p.intervals)),
			P10:  interval(.1), P25: interval(.25), P50: interval(.5), P75: interval(.75), P90: interval(.9), P99: interval(.99),
			LognormalMu:    Number(logs.Mu() - math.Log(schemas.SecondUS)),
			LognormalSigma: Number(logs.Sigma())},
		ThinkTime: ThinkTime{N: int64(len(p.thinkTimes)), Overlaps: p.overlaps,
			Spread3: Spread3{think(.1), think(.5), think(.9)}},
		Duration: Duration{duration(.5), duration(.99)},
		ContextGrowth: ContextGrowth{Mean: ratio(sum(p.growth), len(p.growth)),
			Spread3: Spread3{growth(.1), growth(.5), growth(.9)}},
		HistoryCarriedShare: ratio(p.carried, p.pairs),
	}
}

func sum(values []int64) (total int64) {
	for _, v := range values {
		total += v
	}
	return total
}

func quantileOf(sorted []int64) func(q float64) Number {
	return func(q float64) Number { return Number(stats.Quantile(sorted, q)) }
}

// secondsAt gives quantiles, in seconds, of microseconds.
func secondsAt(sorted []int64) func(q float64) Number {
	return func(q float64) Number { return Number(stats.Quantile(sorted, q) / schemas.SecondUS) }
}
