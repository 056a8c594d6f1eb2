package report

import "fmt"

// warnings says what a reader of the service's numbers must know.
func (v *service) warnings(o Options) (out []Warning) {
	c, name := v.columns, v.result.Service
	warn := func(code string, n int64, format string, arguments ...any) {
		out = append(out, Warning{Code: code, Service: name, Count: n, Text: fmt.Sprintf(format, arguments...)})
	}
	// counted warns if there are any; what %s stands for begins with their number.
	counted := func(code string, n int64, what, format string) {
		if n > 0 {
			warn(code, n, format, plural(n, what))
		}
	}
	counted(WarnDuplicates, c.duplicates, "request", "%s equal to one read before, counted once")
	counted(WarnConflictingIDs, c.conflicts, "request id", "%s on requests that differ; each of these requests counts")
	counted(WarnCutDurations, c.store.cut, "duration", "%s above 24 h, cut to it")
	if coarse, share := v.coarse(); coarse > 0 {
		warn(WarnCoarseClock, coarse, "the clock is coarse: %s of gaps are zero (above 1%% in %d of %d streams); "+
			"maximum-likelihood fits of gaps leave these out, so prefer gap_cv and gamma_shape", percent(share), coarse, len(v.streams))
	}
	known, backwards, unknown := leaf{}, int64(0), int64(0)
	for _, l := range v.leaves {
		backwards += l.backwards
		unknown += l.unknownTokens
		known.knownRequest, known.knownResponse = known.knownRequest || l.knownRequest, known.knownResponse || l.knownResponse
		known.knownElapsed, known.knownTTFT = known.knownElapsed || l.knownElapsed, known.knownTTFT || l.knownTTFT
	}
	counted(WarnNegativeTPOT, backwards, "request", "%s with a first token after the end, left out of tpot")
	if !known.knownRequest {
		warn(WarnNoRequestTokens, 0, "no request has request tokens: lengths are empty")
	}
	if !known.knownResponse {
		warn(WarnNoResponseTokens, 0, "no request has response tokens: lengths and tpot are empty")
	}
	if known.knownRequest && known.knownResponse {
		counted(WarnSomeTokens, unknown, "successful request", "%s without a token count, left out of lengths")
	}
	if !known.knownElapsed {
		warn(WarnNoElapsed, 0, "no request has elapsed: in flight, elapsed, tpot and think time are empty")
	}
	if !known.knownTTFT {
		warn(WarnNoTTFT, 0, "no request has a time to first token: ttft and tpot are empty")
	}
	switch n := v.result.Conversations.Conversations; {
	case n == 0:
		warn(WarnNoConversations, 0, "no request names a conversation")
	case o.InferConversations > 0:
		warn(WarnInferred, n, "conversations are inferred: a client's requests with no longer pause than %s",
			o.InferConversations)
	}
	return out
}

// coarse counts the streams whose zero_gap_share is above CoarseClock, and gives that of all requests.
func (v *service) coarse() (streams int64, share Number) {
	for _, s := range v.result.Streams {
		if s.Arrivals.ZeroGapShare > CoarseClock {
			streams++
		}
	}
	return streams, v.result.Streams[0].Arrivals.ZeroGapShare
}
