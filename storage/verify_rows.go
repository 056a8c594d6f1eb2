package storage

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidegauge/schemas"
)

//go:embed verify_minutes.sql
var recomputeMinutes string

//go:embed verify_conversations.sql
var recomputeConversations string

// minutes compares the rows of minutes, stretch by stretch.
func (v *verifier) minutes(ctx context.Context, s services) error {
	stretches, err := v.stretches(ctx, s)
	if err != nil {
		return err
	}
	keys := []string{"service", "grouping", "model", "log_type", "minute"}
	columns := slices.DeleteFunc(schemas.ColumnNames(&schemas.Minutes{}), func(name string) bool {
		return name == "version" || slices.Contains(keys, name)
	})
	// Sums of floats, which depend on the order of adding in their last digits.
	approximate := []string{"gap_log", "gap_log2", "request_log", "request_log2", "response_log", "response_log2",
		"response_log3", "response_log4", "response_lag", "tpot_sum"}
	const stored = `FROM minutes FINAL
    WHERE service = {service:String} AND minute >= intDiv({from_us:Int64}, 60000000) AND minute < intDiv({to_us:Int64}, 60000000)`
	c := comparison{
		table: "minutes", of: "request", keys: keys, columns: columns, approximate: approximate, recomputed: recomputeMinutes,
		stored: fmt.Sprintf(`SELECT toString(service) AS service, toString(grouping) AS grouping, toString(model) AS model, toString(log_type) AS log_type, minute,
    bitAnd(minutes.version, %d) AS version, %s, stored_at
    %s`, uint64(schemas.MembersMask), strings.Join(columns, ", "), stored),
		key: func(d *Difference) ([]any, func()) {
			var minute uint32
			return []any{&d.Service, &d.Grouping, &d.Model, &d.LogType, &minute},
				func() { d.Minute = time.Unix(int64(minute)*60, 0).UTC() }
		},
	}
	for _, part := range stretches {
		parameters := map[string]any{"from_us": part.from, "to_us": part.to,
			"token_log_shift": schemas.TokenLogShift, "joint_octave": schemas.JointOctave, "joint_zero": schemas.JointZero, "sketch_base": schemas.SketchBase}
		if err := v.compare(ctx, s, c, parameters); err != nil {
			return err
		}
		rows, err := v.count(ctx, s, "SELECT count() "+stored, parameters)
		if err != nil {
			return err
		}
		v.report.Minutes += rows
		distinct, err := v.count(ctx, s, `SELECT count() FROM requests FINAL
    WHERE service = {service:String} AND arrival_us >= {from_us:Int64} AND arrival_us < {to_us:Int64}`, parameters)
		if err != nil {
			return err
		}
		v.report.Requests += distinct
		v.report.Copies += max(part.requests-distinct, 0)
		v.advance(part.requests)
	}
	return nil
}

// stretch is a range of whole minutes.
type stretch struct{ from, to, requests int64 }

// stretches divides the range where about ChunkRequests requests lie between; together they cover all of it.
func (v *verifier) stretches(ctx context.Context, s services) ([]stretch, error) {
	const sql = `
SELECT intDiv(arrival_us, 60000000) AS minute, count() AS n
FROM requests
WHERE service = {service:String} AND arrival_us >= {from_us:Int64} AND arrival_us < {to_us:Int64}
GROUP BY minute
ORDER BY minute`
	all := []stretch{{from: v.from, to: v.to}}
	if len(s.names) > 1 { // few enough requests
		all[0].requests = s.requests
		return all, nil
	}
	err := v.rows(ctx, s.in(sql), map[string]any{"from_us": v.from, "to_us": v.to}, func(scan func(...any) error) error {
		var minute int64
		var n uint64
		if err := scan(&minute, &n); err != nil {
			return err
		}
		last := &all[len(all)-1]
		if last.requests > 0 && last.requests+int64(n) > v.query.ChunkRequests {
			last.to = minute * schemas.MinuteUS
			all = append(all, stretch{from: last.to, to: v.to})
			last = &all[len(all)-1]
		}
		last.requests += int64(n)
		return nil
	})
	return all, err
}

// conversations compares the rows of conversations, some hundred thousand turns at a time.
func (v *verifier) conversations(ctx context.Context, s services) error {
	parts := uint64(s.turns/(5*v.query.ChunkRequests)) + 1
	whole := uint8(0)
	if v.from == schemas.MinArrivalUS && v.to == schemas.MaxArrivalUS {
		whole = 1
	}
	arrays := []string{"turn_arrival_us", "turn_seq", "turn_id_hash", "turn_request_tokens", "turn_response_tokens", "turn_elapsed_us"}
	var fingerprints strings.Builder
	for _, name := range arrays {
		fmt.Fprintf(&fingerprints, "arraySum(arrayMap((c, v) -> cityHash64(c, v), turns_of.turn_content, turns_of.%[1]s)) AS %[1]s,\n    ", name)
	}
	const stored = `FROM conversations AS turns_of FINAL
    WHERE service = {service:String} AND cityHash64(conversation) % {parts:UInt64} = {part:UInt64}
        AND ({whole:UInt8} OR (turns_of.first_us >= {from_us:Int64} AND turns_of.first_us < {to_us:Int64}) OR (service, conversation) GLOBAL IN (
            SELECT service, conversation FROM requests
            WHERE service = {service:String} AND arrival_us >= {from_us:Int64} AND arrival_us < {to_us:Int64}))`
	c := comparison{
		table: "conversations", of: "request", keys: []string{"service", "conversation"}, recomputed: recomputeConversations,
		columns: append([]string{"first_us", "last_us", "end_us", "turns", "cut", "in_order", "turn_content", "turn_outcome"}, arrays...),
		stored: fmt.Sprintf(`SELECT toString(service) AS service, conversation, bitAnd(turns_of.version, %d) AS version, first_us, last_us, end_us, turns, cut,
    arrayZip(turns_of.turn_arrival_us, turns_of.turn_seq, turns_of.turn_id_hash, turns_of.turn_content) AS places,
    places = arraySort(places) AND length(places) = turns_of.turns AS in_order,
    %s arraySum(arrayMap((c, v) -> cityHash64(c, toInt8(v)), turns_of.turn_content, turns_of.turn_outcome)) AS turn_outcome,
    arraySum(turns_of.turn_content) AS turn_content, stored_at
    %s`, uint64(schemas.MembersMask), fingerprints.String(), stored),
		key: func(d *Difference) ([]any, func()) { return []any{&d.Service, &d.Conversation}, func() {} },
	}
	for part := range parts {
		parameters := map[string]any{"from_us": v.from, "to_us": v.to, "whole": whole, "parts": parts, "part": part,
			"max_turns": uint64(schemas.MaxTurns), "max_arrival_us": uint64(schemas.MaxArrivalUS)}
		for _, one := range []comparison{c, byDay} {
			if err := v.compare(ctx, s, one, parameters); err != nil {
				return err
			}
		}
		rows, err := v.count(ctx, s, "SELECT count() "+stored, parameters)
		if err != nil {
			return err
		}
		v.report.Conversations += rows
		v.advance(s.turns / int64(parts))
	}
	return nil
}

// byDay compares table conversations_by_day with the table that it is made of: each conversation is there once, on the day of
// its first turn, as the newest row has it.
var byDay = comparison{
	table: "conversations_by_day", of: "row of conversations", keys: []string{"service", "conversation"},
	columns:    []string{"days", "day", "first_us", "last_us", "end_us", "turns", "cut", "content"},
	recomputed: conversationsOnce("conversations", "toUInt32(intDiv(conversations.first_us, 86400000000))"),
	stored:     conversationsOnce("conversations_by_day", "conversations.day"),
	key:        func(d *Difference) ([]any, func()) { return []any{&d.Service, &d.Conversation}, func() {} },
}

func conversationsOnce(table, day string) string {
	return fmt.Sprintf(`SELECT toString(service) AS service, conversation, max(conversations.version) AS version, count() AS days,
    any(%[2]s) AS day, any(conversations.first_us) AS first_us, any(conversations.last_us) AS last_us, any(conversations.end_us) AS end_us,
    any(conversations.turns) AS turns, any(conversations.cut) AS cut, max(conversations.stored_at) AS stored_at,
    any(cityHash64(turn_arrival_us, turn_request_tokens, turn_response_tokens, turn_elapsed_us, turn_outcome)) AS content
    FROM %[1]s AS conversations FINAL
    WHERE service = {service:String} AND cityHash64(conversation) %% {parts:UInt64} = {part:UInt64}
        AND ({whole:UInt8} OR (conversations.first_us >= {from_us:Int64} AND conversations.first_us < {to_us:Int64}))
    GROUP BY service, conversation`, table, day)
}

func (v *verifier) count(ctx context.Context, s services, sql string, parameters map[string]any) (n int64, err error) {
	var rows uint64
	err = v.rows(ctx, s.in(sql), parameters, func(scan func(...any) error) error { return scan(&rows) })
	return int64(rows), err
}
