package processors

import (
	"context"

	"tidegauge/schemas"
)

// Store is where requests and rows are kept: ClickHouse (storage.Store), or a twin in memory that passes the same
// contract tests and makes thousands of crashes testable in seconds. Methods block until they succeed or ctx ends;
// reads see everything that Write has acknowledged.
type Store interface {
	// Write stores the blocks, each stage acknowledged before the next one starts. Blocks are the store's until it
	// returns. Where check is given, it is called with the revisions, read after all stages but the last were
	// acknowledged; if it says no, the last one is not stored, and all is false.
	Write(ctx context.Context, stages [][]schemas.Block, check func(schemas.Revisions) bool) (all bool, err error)
	// Revisions gives the revision of each service that has one.
	Revisions(ctx context.Context) (schemas.Revisions, error)
	// Positions gives the positions of a group's partitions of a topic, by partition.
	Positions(ctx context.Context, group, topic string) (map[int]schemas.Position, error)
	// NewestMinutes gives each service's newest minute with a row, for the services that mine accepts.
	NewestMinutes(ctx context.Context, mine func(service string) bool) (map[string]uint32, error)
	// ConversationHashes calls each with the number of conversations stored for the given services, then with the XXH64
	// of each one's id.
	ConversationHashes(ctx context.Context, services []string, size func(n uint64), each func(service string, hash uint64)) error
	// LoadMinutes calls each with the stored requests of the given minutes, in any order, repetitions included.
	LoadMinutes(ctx context.Context, keys []schemas.MinuteKey, each func(*schemas.StoredRequest)) error
	// LoadConversations calls each with the turns of the given conversations' rows, those of the highest version, whose
	// revision it gives; cut says that the row was cut. The turns' model and log type are not known.
	LoadConversations(ctx context.Context, keys []schemas.ConversationKey,
		each func(conversation string, turn *schemas.StoredRequest, cut bool, revision uint64)) error
	// LoadTurns calls each with the stored requests of the given conversations of a service that arrived in one of the
	// ranges, in any order, repetitions included. It reads all of the service's requests in the ranges.
	LoadTurns(ctx context.Context, service string, conversations []string, ranges []schemas.Recompute,
		each func(conversation string, turn *schemas.StoredRequest)) error
}
