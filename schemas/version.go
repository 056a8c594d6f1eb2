package schemas

// A row's version says which of two rows of one key is newer: the revision in the bits from RevisionShift up, which only
// recomputing a range raises, and below it the number of members of the entity's set (for a conversation that was cut
// at MaxTurns: MaxTurns + MaxArrivalUS - its last turn's arrival).
const (
	RevisionShift = 56
	MembersMask   = 1<<RevisionShift - 1
)
