package report

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"tidegauge/stats"
)

func TestSorting(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 2, 100, fewKeys - 1, fewKeys, 5000} {
		for _, width := range []uint{1, 11, 12, 40, 63} {
			keys := make([]int64, n)
			for i := range keys {
				keys[i] = int64(r.Uint64N(1<<width) << (63 - width))
			}
			want := slices.Sorted(slices.Values(keys))
			var s scratch
			rows := sortRows(s.identity(n), keys, &s)
			for i, row := range rows {
				if keys[row] != want[i] || (i > 0 && want[i] == want[i-1] && rows[i-1] > row) {
					t.Fatalf("%d keys of %d bits: row %d is at %d", n, width, row, i)
				}
			}
		}
	}
}

// TestSample compares quantiles of a sample in several lists, counted and plain, with those of one sorted slice.
func TestSample(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for range 200 {
		var s sample
		var all []int64
		var c counter
		unit := []int64{1, 1000}[r.IntN(2)]
		for range 1 + r.IntN(4) {
			most := []int64{3, 1000, 200_000}[r.IntN(3)]
			for range r.IntN(300) {
				v := r.Int64N(most)
				c.ready().add(v)
				all = append(all, v*unit)
			}
			s = c.ready().take(s, unit)
		}
		slices.Sort(all)
		if s.n() != uint64(len(all)) {
			t.Fatalf("%d members of %d", s.n(), len(all))
		}
		if len(all) > 0 && s.largest() != all[len(all)-1] {
			t.Fatalf("the largest is %d", s.largest())
		}
		for _, q := range []float64{0, .05, .5, .9, .99, 1} {
			got, want := float64(s.quantile(q, whole)), stats.Quantile(all, q)
			if math.Abs(got-want) > 1e-9*want && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Errorf("quantile %v of %d values is %v, want %v", q, len(all), got, want)
			}
		}
	}
}

func TestDivider(t *testing.T) {
	for _, by := range []int64{1, 3, 10, 1000, 1_000_000, 1 << 20, 86_400_000_000} {
		for _, q := range []int64{0, 1, 7, 123_456_789} {
			if got := exactly(by).divide(by * q); got != q {
				t.Errorf("%d / %d is %d", by*q, by, got)
			}
		}
	}
}

func TestConflicts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for _, n := range []int{0, 1, 10, 5000, 100_000} {
		counts, columns := map[uint64]int{}, make([][]uint64, 3)
		for i := range n {
			id := r.Uint64()
			if i%7 == 0 {
				id = uint64(r.IntN(50)) << 58 // 0 among them, which is no id
			}
			counts[id]++
			columns[i%3] = append(columns[i%3], id)
		}
		want := int64(0)
		for id, n := range counts {
			if id != 0 && n > 1 {
				want++
			}
		}
		if got := conflicts(columns); got != want {
			t.Errorf("%d conflicting ids of %d, want %d", got, n, want)
		}
	}
}

// TestRank compares ranks with those of package stats, which load_correlation would otherwise use.
func TestRank(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	for _, n := range []int{0, 1, 50, 3000} {
		a, b := make([]float64, n), make([]float64, n)
		for i := range a {
			a[i], b[i] = float64(r.IntN(40))/7, r.Float64()+1e-12*float64(r.IntN(3))
		}
		var s scratch
		got, want := stats.Pearson(s.rank(0, a), s.rank(1, b)), stats.Spearman(a, b)
		if math.Abs(got-want) > 1e-12 && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("%d values: %v, want %v", n, got, want)
		}
	}
}

func TestProfileBins(t *testing.T) {
	for x := uint64(1); x <= 1<<27; x += 1 + x/1000 {
		bin := profileIndex(x)
		if from := profileFrom(bin); uint64(from) > x || ProfileBin(int64(x)) != from ||
			(bin+1 < profileBins && uint64(profileFrom(bin+1)) <= x) {
			t.Fatalf("%d is in the bin from %d", x, from)
		}
	}
}
