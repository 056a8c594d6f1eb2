package storage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"tidegauge/schemas"
)

// maxConditions bounds the conditions of one statement of RewriteMinutes, in bytes; the rest of it is some four kilobytes. See
// maxNamesInQuery.
const maxConditions = 128 << 10

// RewriteMinutes makes the minute rows of hosts anew, from all of their samples that are stored. Rows that come out as they
// were do no harm. It sees every acknowledged write, and its rows are acknowledged when it returns.
func (s *Store) RewriteMinutes(ctx context.Context, rewrite schemas.Rewrite, keys []schemas.HostMinute) error {
	ctx, cancel := context.WithTimeout(ctx, s.writer.config.InsertTimeout)
	defer cancel()
	settings := maps.Clone(insertSettings)
	maps.Copy(settings, s.writer.config.Settings)
	if s.db.Config().Cluster != "" {
		settings["select_sequential_consistency"] = 1
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(settings))
	for _, condition := range hostMinutes(keys) {
		if err := s.db.Exec(ctx, fmt.Sprintf(rewrite.Insert, condition)); err != nil {
			return fmt.Errorf("rewriting %s: %w", rewrite.Minutes, err)
		}
	}
	return nil
}

// hostMinutes gives conditions for the samples of the hosts' minutes, in as many parts as statements are needed. Hosts are
// sampled together, so minutes come first.
func hostMinutes(keys []schemas.HostMinute) (conditions []string) {
	hosts := make(map[uint32][]string)
	for _, k := range keys {
		hosts[k.Minute] = append(hosts[k.Minute], k.Host)
	}
	var parts []string
	size := 0
	for _, minute := range slices.Sorted(maps.Keys(hosts)) {
		for chunk := range slices.Chunk(hosts[minute], maxNamesInQuery) {
			part := fmt.Sprintf("(at_us >= %d AND at_us < %d AND host IN (%s))",
				int64(minute)*schemas.MinuteUS, (int64(minute)+1)*schemas.MinuteUS, quoteAll(chunk))
			if size += len(part); size > maxConditions && len(parts) > 0 {
				conditions = append(conditions, strings.Join(parts, " OR "))
				parts, size = nil, len(part)
			}
			parts = append(parts, part)
		}
	}
	if len(parts) > 0 {
		conditions = append(conditions, strings.Join(parts, " OR "))
	}
	return conditions
}
