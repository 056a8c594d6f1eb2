package workload

import (
	"math"
	"slices"
)

// even makes the topics' weights come to the classes' own: what is pooled in a row, and what is rounded, would add up.
func (l *Lengths) even(t, whole *tally, conversations bool) {
	share := make([]float64, len(l.Topics)) // of what requests are drawn for: all, or beginnings of conversations
	for k := range l.Topics {
		share[k] = float64(l.Topics[k].First)
		if !conversations {
			share[k] = float64(l.Topics[k].Weight) * float64(l.Topics[k].Run)
		}
	}
	share = sharesOf(share, nil, 0)
	var rows [][]int
	for k := range l.Topics {
		rows = append(rows, l.Topics[k].Request)
	}
	balance(rows, share, whole.request[0])
	for k := range l.Topics {
		l.Topics[k].Request = rows[k]
	}
	parts := t.answer
	if !conversations {
		parts = nil
		for k := range l.Topics {
			table := make([][]float64, max(len(l.Request), 1))
			for c := range table {
				part := share[k]
				if len(l.Request) > 0 {
					part *= float64(rows[k][c]) / One
				}
				table[c] = []float64{part}
			}
			parts = append(parts, table)
		}
	}
	l.evenAnswers(parts, whole)
}

// evenAnswers makes the topics' answers to requests of a class come to what all answers to them are; parts are how often topics have these
// requests, by topic and class, in any columns.
func (l *Lengths) evenAnswers(parts [][][]float64, whole *tally) {
	if whole.y == 0 {
		return
	}
	for c := range whole.answer[0] {
		var rows [][]int
		share := make([]float64, len(l.Topics))
		for k := range l.Topics {
			rows = append(rows, l.Topics[k].Answer[c])
			for _, n := range parts[k][c] {
				share[k] += n
			}
		}
		balance(rows, sharesOf(share, nil, 0), whole.answer[0][c])
	}
}

// classShares are the shares of requests in their classes.
func (l *Lengths) classShares() []int {
	counts := make([]int64, len(l.Request))
	for c := range l.Request {
		for _, n := range l.Request[c].N {
			counts[c] += n
		}
	}
	w, _ := weights(counts, nil)
	return w
}

// balance changes rows of weights, each of a share of all, so that what they come to is spread as counts are.
func balance(rows [][]int, share, counts []float64) {
	all := 0.0
	for _, n := range counts {
		all += n
	}
	if all < MinBucket {
		return
	}
	target := sharesOf(counts, nil, 0)
	exact := make([][]float64, len(rows))
	for k, row := range rows {
		exact[k] = make([]float64, len(row))
		for c, w := range row {
			exact[k][c] = float64(w) / One
		}
	}
	for range 100 {
		sum := make([]float64, len(target))
		for k, row := range exact {
			for c, w := range row {
				sum[c] += share[k] * w
			}
		}
		for _, row := range exact {
			all := 0.0
			for c := range row {
				if sum[c] > 0 {
					row[c] *= target[c] / sum[c]
				}
				all += row[c]
			}
			for c := range row {
				if all > 0 {
					row[c] /= all
				}
			}
		}
	}
	for k, row := range exact {
		// Rounded so that what is cut off one weight is in the next.
		sum, done := 0.0, 0
		for c, w := range row {
			sum += w
			rows[k][c] = int(math.Round(sum*One)) - done
			done += rows[k][c]
		}
	}
}

func rounded(counts []float64) []int64 {
	whole := make([]int64, len(counts))
	for i, n := range counts {
		whole[i] = int64(math.Round(n))
	}
	return whole
}

// weightsOr makes weights of counts, or takes others where there are few.
func weightsOr(counts []float64, others []int) []int {
	if w, ok := weights(rounded(counts), others); ok {
		return w
	}
	return slices.Clone(others)
}
