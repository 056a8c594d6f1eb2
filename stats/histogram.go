package stats

import "math"

// Histogram is the sketch of a distribution of non-negative numbers: how many
// were zero, and how many fell into each log bucket (METRICS: Sketch). Only
// buckets with something in them are listed, as parallel slices, which is how
// they are stored. Histograms merge without loss, so a quantile of a month is
// as exact as one of a minute: its relative error is at most 1 %.
//
// The zero value is an empty histogram.
type Histogram struct {
	Zeros   uint64   // how many values were 0
	Buckets []int16  // the filled buckets, ascending
	Counts  []uint64 // how many values each holds, all above 0
}

// Total returns how many values the histogram holds, zeros included.
func (h Histogram) Total() uint64 {
	n := h.Zeros
	for _, count := range h.Counts {
		n += count
	}
	return n
}

// Merge adds the values of o. The histogram afterwards shares no memory with o.
// Where most of o's buckets are filled already, as when one merges minute after
// minute, it allocates nothing.
func (h *Histogram) Merge(o Histogram) {
	h.Zeros += o.Zeros
	fresh := 0
	for i, j := 0, 0; j < len(o.Buckets); j++ {
		for i < len(h.Buckets) && h.Buckets[i] < o.Buckets[j] {
			i++
		}
		if i == len(h.Buckets) || h.Buckets[i] != o.Buckets[j] {
			fresh++
		}
	}
	// From the back, so that nothing is overwritten before it was read.
	i, j := len(h.Buckets)-1, len(o.Buckets)-1
	h.Buckets = append(h.Buckets, make([]int16, fresh)...)
	h.Counts = append(h.Counts, make([]uint64, fresh)...)
	for at := len(h.Buckets) - 1; j >= 0; at-- {
		switch {
		case i < 0 || h.Buckets[i] < o.Buckets[j]:
			h.Buckets[at], h.Counts[at] = o.Buckets[j], o.Counts[j]
			j--
		case h.Buckets[i] > o.Buckets[j]:
			h.Buckets[at], h.Counts[at] = h.Buckets[i], h.Counts[i]
			i--
		default:
			h.Buckets[at], h.Counts[at] = h.Buckets[i], h.Counts[i]+o.Counts[j]
			i, j = i-1, j-1
		}
	}
}

// Quantile returns the q-quantile, q within [0, 1]: linear between the values
// of the two order statistics' buckets, as numpy does between the values
// themselves. NaN for an empty histogram.
func (h Histogram) Quantile(q float64) float64 {
	return SignedHistogram{Positive: h}.Quantile(q)
}

// Quantiles appends the quantiles of qs to dst.
func (h Histogram) Quantiles(dst []float64, qs ...float64) []float64 {
	return SignedHistogram{Positive: h}.Quantiles(dst, qs...)
}

// SignedHistogram is the sketch of numbers of either sign, such as the growth
// of a conversation's context: a range of buckets for each. The zero value is
// empty.
type SignedHistogram struct {
	Negative Histogram // the absolute values of what was negative; no zeros
	Positive Histogram // what was positive, and the zeros
}

// Total returns how many values the histogram holds, zeros included.
func (h SignedHistogram) Total() uint64 { return h.Negative.Total() + h.Positive.Total() }

// Merge adds the values of o, without sharing memory with it.
func (h *SignedHistogram) Merge(o SignedHistogram) {
	h.Negative.Merge(o.Negative)
	h.Positive.Merge(o.Positive)
}

// Quantile is [Histogram.Quantile] over both signs.
func (h SignedHistogram) Quantile(q float64) float64 {
	low, t, ok := position(h.Total(), q)
	if !ok {
		return math.NaN()
	}
	return lerp(h.at(low), h.at(low+1), t)
}

// Quantiles appends the quantiles of qs to dst.
func (h SignedHistogram) Quantiles(dst []float64, qs ...float64) []float64 {
	for _, q := range qs {
		dst = append(dst, h.Quantile(q))
	}
	return dst
}

// at returns the bucket value of the order statistic of this rank, counted from
// 0; past the end that of the last.
func (h SignedHistogram) at(rank uint64) float64 {
	value := math.NaN()
	for i := len(h.Negative.Buckets) - 1; i >= 0; i-- {
		value = -BucketValue(h.Negative.Buckets[i])
		if rank < h.Negative.Counts[i] {
			return value
		}
		rank -= h.Negative.Counts[i]
	}
	zeros := h.Negative.Zeros + h.Positive.Zeros
	if rank < zeros {
		return 0
	}
	if zeros > 0 {
		value = 0
	}
	rank -= zeros
	for i, count := range h.Positive.Counts {
		if rank < count {
			return BucketValue(h.Positive.Buckets[i])
		}
		rank -= count
	}
	if last := len(h.Positive.Buckets) - 1; last >= 0 {
		return BucketValue(h.Positive.Buckets[last])
	}
	return value
}
