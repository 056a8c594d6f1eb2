package stats

// Accumulator builds a [Histogram] value by value: one counter for each bucket,
// so that adding neither searches nor allocates. It takes 36 kB; use one over
// and over with [Accumulator.Reset], whose cost, like that of extraction, goes
// with the range of buckets that were touched. The zero value is empty and
// ready.
type Accumulator struct {
	zeros uint64
	// The filled buckets, as indexes into counts, lie in [len(counts)-down,
	// up). Both are 0 while empty, so that the zero value needs no preparation.
	down, up int
	counts   [int(MaxBucket) - int(MinBucket) + 1]uint64
}

// Add counts an integer; 0 counts as a zero.
func (a *Accumulator) Add(v uint64) { a.AddN(v, 1) }

// AddN counts n equal integers.
func (a *Accumulator) AddN(v, n uint64) {
	if v == 0 {
		a.zeros += n
		return
	}
	a.add(Bucket(v), n)
}

// AddFloat counts a real number of at least 0; 0 counts as a zero.
func (a *Accumulator) AddFloat(v float64) {
	if v == 0 {
		a.zeros++
		return
	}
	a.add(BucketFloat(v), 1)
}

func (a *Accumulator) add(b int16, n uint64) {
	i := int(b) - int(MinBucket)
	a.counts[i] += n
	a.up = max(a.up, i+1)
	a.down = max(a.down, len(a.counts)-i)
}

// Zeros returns how many zeros were counted.
func (a *Accumulator) Zeros() uint64 { return a.zeros }

// Append appends the filled buckets, ascending, and their counts to the
// caller's slices. Zeros are not among them.
func (a *Accumulator) Append(buckets []int16, counts []uint64) ([]int16, []uint64) {
	low := len(a.counts) - a.down
	for i, count := range a.counts[min(low, a.up):a.up] {
		if count > 0 {
			buckets = append(buckets, int16(low+i+int(MinBucket)))
			counts = append(counts, count)
		}
	}
	return buckets, counts
}

// Histogram returns what was counted as a histogram of its own.
func (a *Accumulator) Histogram() Histogram {
	buckets, counts := a.Append(nil, nil)
	return Histogram{Zeros: a.zeros, Buckets: buckets, Counts: counts}
}

// Reset empties the accumulator.
func (a *Accumulator) Reset() {
	clear(a.counts[min(len(a.counts)-a.down, a.up):a.up])
	a.zeros, a.down, a.up = 0, 0, 0
}
