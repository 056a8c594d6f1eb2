package schemas

// A row's version says which of two rows of one key is newer: its service's revision in the bits from RevisionShift up,
// and below it the number of members of the entity's set (for a conversation that was cut at MaxTurns: MaxTurns +
// MaxArrivalUS - its last turn's arrival, which is below 2^52, as arrivals end in 2100).
const (
	RevisionShift = 52
	MembersMask   = 1<<RevisionShift - 1
	// MaxRevision is the last one that a version has room for.
	MaxRevision = 1<<(64-RevisionShift) - 1
)

// Version is a row's version from its service's revision and what is below.
func Version(revision, members uint64) uint64 { return revision<<RevisionShift | members }
