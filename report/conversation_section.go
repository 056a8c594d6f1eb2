package report

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Conversations is METRICS 2, for one service.
type Conversations struct {
	Conversations        int64          `json:"conversations"`
	Turns                int64          `json:"turns"`
	TurnsPerConversation TurnsSpread    `json:"turns_per_conversation"`
	SingleTurnShare      Number         `json:"single_turn_share"`
	TurnsHistogram       TurnsHistogram `json:"turns_histogram"`
	Interval             Interval       `json:"interval"`
	ThinkTime            ThinkTime      `json:"think_time"`
	Duration             Duration       `json:"duration"`
	ContextGrowth        ContextGrowth  `json:"context_growth"`
	HistoryCarriedShare  Number         `json:"history_carried_share"`
}

// TurnsSpread describes how many turns conversations have.
type TurnsSpread struct {
	Mean Number `json:"mean"`
	P50  Number `json:"p50"`
	P75  Number `json:"p75"`
	P90  Number `json:"p90"`
	P99  Number `json:"p99"`
	Max  Number `json:"max"`
}

// TurnsHistogram counts conversations by their number of turns.
type TurnsHistogram map[int64]int64

// MarshalJSON gives an object with the numbers of turns as keys, in numeric order, {} for a nil histogram.
func (h TurnsHistogram) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, turns := range slices.Sorted(maps.Keys(h)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendInt(append(b, '"'), turns, 10), '"', ':')
		b = strconv.AppendInt(b, h[turns], 10)
	}
	return append(b, '}'), nil
}

var _ json.Marshaler = TurnsHistogram(nil)

// Interval is the time between the arrivals of consecutive turns, seconds; mu and sigma over those > 0.
type Interval struct {
	N              int64  `json:"n"`
	Mean           Number `json:"mean"`
	P10            Number `json:"p10"`
	P25            Number `json:"p25"`
	P50            Number `json:"p50"`
	P75            Number `json:"p75"`
	P90            Number `json:"p90"`
	P99            Number `json:"p99"`
	LognormalMu    Number `json:"lognormal_mu"`
	LognormalSigma Number `json:"lognormal_sigma"`
}

// ThinkTime is the time between the end of a turn and the arrival of the next, seconds, over the N pairs where the end
// is known and not later than that arrival; Overlaps counts those where it is later.
type ThinkTime struct {
	N        int64 `json:"n"`
	Overlaps int64 `json:"overlaps"`
	Spread3
}

// Duration is from a conversation's first arrival to the end of its last turn, seconds.
type Duration struct {
	P50 Number `json:"p50"`
	P99 Number `json:"p99"`
}

// ContextGrowth is request tokens beyond those of the previous turn; it can be negative.
type ContextGrowth struct {
	Mean Number `json:"mean"`
	Spread3
}
