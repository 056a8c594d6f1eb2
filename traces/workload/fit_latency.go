package workload

// loads is how many classes of load there are.
const loads = 3

// fitLatency describes how long answers take.
func fitLatency(l *Latency, rows []row, of []uint8, k uint8, x, y []int64, good int, load func(int64) int) {
	known, first := 0, 0
	var durations []int64
	for i := range rows {
		r := &rows[i]
		if of[i] == k && r.outcome < endFailed && r.elapsed >= 0 {
			known++
			durations = append(durations, r.elapsed)
			if r.ttft >= 0 && r.ttft <= r.elapsed {
				first++
			}
		}
	}
	if known < MinBucket {
		return
	}
	l.TickUS = tick(durations)
	l.Known, l.TTFTKnown = portionOf(known, good), portionOf(first, known)
	split := first >= MinBucket && first*2 > known // most have one, so elapsed is told in two parts
	if !split {
		l.TTFTKnown = 0
	}
	rest := make([][][]int64, loads)
	ttft := make([][][]int64, loads)
	for q := range loads {
		rest[q], ttft[q] = make([][]int64, len(y)+1), make([][]int64, len(x)+1)
	}
	for i := range rows {
		r := &rows[i]
		if of[i] != k || r.outcome >= endFailed || r.elapsed < 0 {
			continue
		}
		cx, cy, q := 0, 0, load(r.at)
		if r.request >= 0 {
			cx = class(x, int64(r.request))
		}
		if r.response >= 0 {
			cy = class(y, int64(r.response))
		}
		took := r.elapsed
		if split {
			if r.ttft < 0 || r.ttft > r.elapsed {
				continue
			}
			ttft[q][cx] = append(ttft[q][cx], r.ttft)
			took -= r.ttft
		}
		rest[q][cy] = append(rest[q][cy], took)
	}
	l.RestUS = tables(rest)
	if split {
		l.TTFTUS = tables(ttft)
	}
}

// tables describes values by load and class; where there are few, those of the class whatever the load, or of all.
func tables(values [][][]int64) [][]Values {
	result := make([][]Values, len(values))
	var all []int64
	for c := range values[0] {
		for q := range values {
			all = append(all, values[q][c]...)
		}
	}
	every, ok := fitValues(all, mostSteps/2)
	if !ok {
		return nil
	}
	for c := range values[0] {
		var together []int64
		for q := range values {
			together = append(together, values[q][c]...)
		}
		pooled, ok := fitValues(together, mostSteps/2)
		if !ok {
			pooled = every
		}
		for q := range values {
			v := pooled
			if len(values[q][c]) >= 5*MinBucket {
				v, _ = fitValues(values[q][c], mostSteps/2)
			}
			result[q] = append(result[q], v)
		}
	}
	return result
}
