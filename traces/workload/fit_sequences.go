package workload

// fitSequences describes how requests follow each other: topics, contexts, and how alike neighbours are.
func (l *Lengths) fitSequences(rows []row, talks [][]int32, before []int32, of []uint8, k uint8, x, y []int64) {
	var all []seen
	var followed []int64
	begun := make([][]int64, len(l.Request)) // requests that begin conversations, by class
	var like, sameX, sameY []standing
	contexts := newContexts(len(l.Request), len(l.Response))
	request, response := newStepped(l.Request), newStepped(l.Response)
	classOf := func(known []Steps, bounds []int64, tokens int32) int {
		if len(known) == 0 || tokens < 0 {
			return -1
		}
		return class(bounds, int64(tokens))
	}
	begins, last := true, int32(-1)
	add := func(i int32) {
		r := &rows[i]
		if of[i] != k || r.outcome >= endFailed {
			return
		}
		cx, cy := classOf(l.Request, x, r.request), classOf(l.Response, y, r.response)
		s := seen{x: int16(cx), y: int16(cy), begins: begins}
		begins = false
		b := before[i]
		if talks != nil { // an answer that never came leaves nothing to the next
			b, last = last, i
		}
		if b >= 0 {
			p := &rows[b]
			px, py := classOf(l.Request, x, p.request), classOf(l.Response, y, p.response)
			if talks != nil && cx >= 0 && px >= 0 && p.response >= 0 {
				contexts.add(int64(r.request), int64(p.request), int64(p.response), px, max(py, 0))
				s.given = true
				followed = append(followed, int64(r.request))
			}
			if talks == nil && cx >= 0 && cx == px {
				sameX = append(sameX, standing{cx, request[cx].rank(int64(r.request)), request[cx].rank(int64(p.request))})
			}
			if talks == nil && cy >= 0 && cy == py {
				sameY = append(sameY, standing{cy, response[cy].rank(int64(r.response)), response[cy].rank(int64(p.response))})
			}
		}
		if cx >= 0 && cy >= 0 {
			like = append(like, standing{cx, request[cx].rank(int64(r.request)), response[cy].rank(int64(r.response))})
		}
		if cx >= 0 && !s.given {
			begun[cx] = append(begun[cx], int64(r.request))
		}
		all = append(all, s)
	}
	if talks == nil {
		for i := range rows {
			add(int32(i))
		}
	}
	for _, turns := range talks {
		begins, last = true, -1
		contexts.begin()
		for _, i := range turns {
			add(i)
		}
	}
	if talks != nil {
		l.Context = contexts.fit()
	}
	if l.Context == nil {
		for i := range all {
			all[i].given = false // each turn is drawn as the first is
		}
	}
	if l.Context != nil {
		for c, values := range begun { // the others are not drawn from their class
			if len(values) >= MinBucket {
				l.Request[c] = fitSteps(values, leastOf(values, x, c))
			}
		}
	}
	shown := fitTopics(l, all)
	l.LikeRequest = rankCorrelation(like, len(l.Request))
	l.SameRequest, l.SameResponse = rankCorrelation(sameX, len(l.Request)), rankCorrelation(sameY, len(l.Response))
	if l.Context != nil {
		l.settle(turnsOf(all), followed, shown)
	}
}
