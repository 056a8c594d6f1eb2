package schemas

// MaxTurns bounds the turns of one conversation. One that has more is a client that never changes its id; its row holds
// the first MaxTurns in order and says that it was cut.
const MaxTurns = 10_000

// Day is the day since 1970 that a time lies in: where table conversations_by_day has a conversation that begins then.
func Day(us int64) int64 { return us / DayUS }

// Conversations are rows of table conversations: all requests of one service with one conversation id, in order, as
// parallel arrays. The arrays hold the turns' identities too, so that a conversation is reloaded from its own row.
type Conversations struct {
	Service        []string   `column:"service"`
	Conversation   []string   `column:"conversation"`
	Version        []uint64   `column:"version"`
	FirstUS        []int64    `column:"first_us"` // the first turn's arrival
	LastUS         []int64    `column:"last_us"`  // the last turn's arrival
	EndUS          []int64    `column:"end_us"`   // the last turn's arrival + its elapsed (0 if unknown)
	Turns          []uint32   `column:"turns"`
	Cut            []uint8    `column:"cut"` // 1 where there were more than MaxTurns
	ArrivalUS      [][]int64  `column:"turn_arrival_us"`
	Seq            [][]int64  `column:"turn_seq"`
	IDHash         [][]uint64 `column:"turn_id_hash"`
	Content        [][]uint64 `column:"turn_content"`
	RequestTokens  [][]int32  `column:"turn_request_tokens"`
	ResponseTokens [][]int32  `column:"turn_response_tokens"`
	ElapsedUS      [][]int64  `column:"turn_elapsed_us"`
	Outcome        [][]int8   `column:"turn_outcome"` // as in the Enum8 of requests.outcome
}

// Len is the number of rows held.
func (c *Conversations) Len() int { return len(c.Version) }

// Reset empties c and keeps its memory.
func (c *Conversations) Reset() { resetColumns(c) }

// Block gives the rows as a block for table conversations.
func (c *Conversations) Block() Block { return blockOf("conversations", c, c.Len()) }

// Positions are rows of table positions: up to where a consumer group's records of a partition are in ClickHouse.
type Positions struct {
	Group      []string `column:"consumer_group"`
	Topic      []string `column:"topic"`
	Partition  []int32  `column:"partition"`
	Position   []int64  `column:"position"`   // the offset of the next record to read
	Partitions []int32  `column:"partitions"` // the topic's number of partitions then
}

// Block gives the rows as a block for table positions.
func (c *Positions) Block() Block { return blockOf("positions", c, len(c.Position)) }

// Reset empties c and keeps its memory.
func (c *Positions) Reset() { resetColumns(c) }

// MaxDeadLetter bounds the bytes of a dead letter's value that are kept.
const MaxDeadLetter = 16 << 10

// DeadLetters are rows of table dead_letters: records that could not become requests.
type DeadLetters struct {
	Topic     []string `column:"topic"`
	Partition []int32  `column:"partition"`
	Offset    []int64  `column:"offset"`
	Reason    []string `column:"reason"`
	Value     []string `column:"value"` // the first MaxDeadLetter bytes
	Bytes     []uint64 `column:"bytes"` // the whole value's length
}

// Append adds a dead letter, keeping at most MaxDeadLetter bytes of the value.
func (c *DeadLetters) Append(topic string, partition int32, offset int64, reason string, value []byte) {
	c.Topic = append(c.Topic, topic)
	c.Partition = append(c.Partition, partition)
	c.Offset = append(c.Offset, offset)
	c.Reason = append(c.Reason, reason)
	c.Value = append(c.Value, string(value[:min(len(value), MaxDeadLetter)]))
	c.Bytes = append(c.Bytes, uint64(len(value)))
}

// Len is the number of rows held.
func (c *DeadLetters) Len() int { return len(c.Offset) }

// Block gives the rows as a block for table dead_letters.
func (c *DeadLetters) Block() Block { return blockOf("dead_letters", c, c.Len()) }

// Reset empties c and keeps its memory.
func (c *DeadLetters) Reset() { resetColumns(c) }
