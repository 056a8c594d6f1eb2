package report

import (
	"context"
	"fmt"
	"slices"
)

// storedService is a service whose numbers are asked of ClickHouse.
type storedService struct {
	views
	result  Service
	streams []*storedStream
	quality quality
}

// quality is what the service's requests know, as view log_quality counts it.
type quality struct {
	request, response, elapsed, ttft int64 // how many know it
	unknownTokens, ttftAfterEnd      int64 // left out of lengths, of tpot
}

// listServices gives the services with requests in the range, in byte order.
func (v views) listServices(ctx context.Context) (names []string, err error) {
	var name string
	err = v.each(ctx, "services", wholeRange, []field{{"service", &name}}, func() { names = append(names, name) })
	return names, err
}

// listStreams finds the service's streams, in the document's order; none where it has no requests in the range.
func (s *storedService) listStreams(ctx context.Context) error {
	var model, logType *string
	var requests, first, last int64
	return s.each(ctx, "streams", wholeRange, []field{{"model", &model}, {"log_type", &logType}, {"requests", &requests},
		{"first_arrival_us", &first}, {"last_arrival_us", &last}}, func() {
		if model == nil && logType == nil {
			s.result.Requests, s.result.FirstArrivalUS, s.result.LastArrivalUS = requests, first, last
		}
		stream := &storedStream{views: s.views, result: Stream{Model: model, LogType: logType, Requests: requests}}
		stream.model, stream.logType = model, logType
		stream.from = s.sameRequests(stream)
		s.streams = append(s.streams, stream)
	})
}

// sameRequests finds a stream that has just the requests that t has: one that contains t and has as many.
func (s *storedService) sameRequests(t *storedStream) *storedStream {
	contains := func(a, b *string) bool { return a == nil || (b != nil && *a == *b) }
	for _, o := range s.streams { // wider streams come first
		if o.from == nil && o.result.Requests == t.result.Requests && contains(o.model, t.model) && contains(o.logType, t.logType) {
			return o
		}
	}
	return nil
}

// tasks are all queries of the service and its streams. Each fills in what no other does.
func (s *storedService) tasks() []func(context.Context) error {
	var out []func(context.Context) error
	for _, stream := range s.streams {
		out = append(out, stream.tasks()...)
	}
	return append(out, s.hours, s.conversations, s.turns, s.known)
}

func (s *storedService) hours(ctx context.Context) error {
	var weekday, hour int64
	var h Hour
	return s.each(ctx, "by_weekday_hour", wholeRange, []field{{"weekday", &weekday}, {"hour", &hour}, {"requests", &h.Requests},
		{"failures", &h.Failures}, {"request_tokens", &h.RequestTokens}, {"response_tokens", &h.ResponseTokens}}, func() {
		s.result.ByWeekdayHour[weekday][hour] = h
		s.result.ByHour[hour].Add(h)
	})
}

func (s *storedService) conversations(ctx context.Context) error {
	c := &s.result.Conversations
	turns, interval, think, growth := &c.TurnsPerConversation, &c.Interval, &c.ThinkTime, &c.ContextGrowth
	return s.one(ctx, "conversation_summary", wholeRange, []field{
		{"conversations", &c.Conversations}, {"turns", &c.Turns}, {"turns_mean", &turns.Mean}, {"turns_p50", &turns.P50},
		{"turns_p75", &turns.P75}, {"turns_p90", &turns.P90}, {"turns_p99", &turns.P99}, {"turns_max", &turns.Max},
		{"single_turn_share", &c.SingleTurnShare}, {"interval_n", &interval.N}, {"interval_mean", &interval.Mean},
		{"interval_p10", &interval.P10}, {"interval_p25", &interval.P25}, {"interval_p50", &interval.P50},
		{"interval_p75", &interval.P75}, {"interval_p90", &interval.P90}, {"interval_p99", &interval.P99},
		{"interval_lognormal_mu", &interval.LognormalMu}, {"interval_lognormal_sigma", &interval.LognormalSigma},
		{"think_time_n", &think.N}, {"think_time_overlaps", &think.Overlaps}, {"think_time_p10", &think.P10},
		{"think_time_p50", &think.P50}, {"think_time_p90", &think.P90}, {"duration_p50", &c.Duration.P50},
		{"duration_p99", &c.Duration.P99}, {"context_growth_mean", &growth.Mean}, {"context_growth_p10", &growth.P10},
		{"context_growth_p50", &growth.P50}, {"context_growth_p90", &growth.P90},
		{"history_carried_share", &c.HistoryCarriedShare}}...)
}

func (s *storedService) turns(ctx context.Context) error {
	histogram := TurnsHistogram{}
	s.result.Conversations.TurnsHistogram = histogram
	var turns, n int64
	return s.each(ctx, "turns_histogram", wholeRange, []field{{"turns", &turns}, {"conversations", &n}}, func() { histogram[turns] = n })
}

func (s *storedService) known(ctx context.Context) error {
	q := &s.quality
	return s.one(ctx, "log_quality", wholeRange, []field{{"request_tokens_known", &q.request},
		{"response_tokens_known", &q.response}, {"elapsed_known", &q.elapsed}, {"ttft_known", &q.ttft},
		{"tokens_unknown", &q.unknownTokens}, {"ttft_after_end", &q.ttftAfterEnd}}...)
}

// finish puts the streams' results into the service's.
func (s *storedService) finish() {
	s.result.Streams = []Stream{}
	for _, stream := range s.streams {
		result := stream.result
		if stream.from != nil {
			result = stream.from.result
			result.Model, result.LogType = stream.model, stream.logType
		}
		s.result.Streams = append(s.result.Streams, result)
	}
}

// warnings says what a reader of the service's numbers must know, as far as ClickHouse tells: copies, conflicting ids and
// cut durations are counted where logs are read, and by verify.
func (s *storedService) warnings() (out []Warning) {
	warn := func(code string, n int64, format string, arguments ...any) {
		out = append(out, Warning{Code: code, Service: s.result.Service, Count: n, Text: fmt.Sprintf(format, arguments...)})
	}
	none := func(known int64, code, text string) {
		if known == 0 {
			warn(code, 0, "%s", text)
		}
	}
	coarse := slices.DeleteFunc(slices.Clone(s.result.Streams), func(s Stream) bool { return !(s.Arrivals.ZeroGapShare > CoarseClock) })
	if n := int64(len(coarse)); n > 0 {
		warn(WarnCoarseClock, n, "the clock is coarse: %s of gaps are zero (above 1%% in %d of %d streams); "+
			"maximum-likelihood fits of gaps leave these out, so prefer gap_cv and gamma_shape",
			percent(s.result.Streams[0].Arrivals.ZeroGapShare), n, len(s.streams))
	}
	q := s.quality
	if n := q.ttftAfterEnd; n > 0 {
		warn(WarnNegativeTPOT, n, "%s with a first token after the end, left out of tpot", plural(n, "request"))
	}
	none(q.request, WarnNoRequestTokens, "no request has request tokens: lengths are empty")
	none(q.response, WarnNoResponseTokens, "no request has response tokens: lengths and tpot are empty")
	if n := q.unknownTokens; n > 0 && q.request > 0 && q.response > 0 {
		warn(WarnSomeTokens, n, "%s without a token count, left out of lengths", plural(n, "successful request"))
	}
	none(q.elapsed, WarnNoElapsed, "no request has elapsed: in flight, elapsed, tpot and think time are empty")
	none(q.ttft, WarnNoTTFT, "no request has a time to first token: ttft and tpot are empty")
	none(s.result.Conversations.Conversations, WarnNoConversations, "no request names a conversation")
	return out
}
