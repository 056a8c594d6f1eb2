package schemas

// StoredRequest is what rows are computed from: a request without what only table requests keeps.
type StoredRequest struct {
	Service, Model, LogType       string
	ArrivalUS, Seq                int64
	IDHash, Content               uint64
	Outcome                       Outcome
	StatusCode                    int32
	RequestTokens, ResponseTokens int32
	ElapsedUS, TTFTUS             int64
}

// MinuteKey names a minute: a service's requests that arrived in [Minute, Minute+1) minutes since the Unix epoch.
type MinuteKey struct {
	Service string
	Minute  uint32
}

// ConversationKey names a conversation.
type ConversationKey struct{ Service, Conversation string }

// Position says up to where a partition's records are in ClickHouse, and how many partitions the topic had then.
type Position struct {
	Offset     int64
	Partitions int
}
