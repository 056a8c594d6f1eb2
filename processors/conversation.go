package processors

import "tidegauge/schemas"

// conversationRow appends the row of a conversation's set, members in order.
func conversationRow(service, conversation string, revision uint64, members *members, cut bool, rows *schemas.Conversations, mem *memory) {
	chunks := members.chunks()
	first, last := &chunks[0][0], members.last()
	rows.Service = append(rows.Service, service)
	rows.Conversation = append(rows.Conversation, conversation)
	rows.Version = append(rows.Version, schemas.Version(revision, conversationVersion(members, cut)))
	rows.FirstUS = append(rows.FirstUS, first.arrivalUS())
	rows.LastUS = append(rows.LastUS, last.arrivalUS())
	rows.EndUS = append(rows.EndUS, last.arrivalUS()+max(last.elapsedUS(), 0))
	rows.Turns = append(rows.Turns, uint32(members.n))
	var flag uint8
	if cut {
		flag = 1
	}
	rows.Cut = append(rows.Cut, flag)
	n := members.n
	arrival, seq, elapsed := take(&mem.int64s, n), take(&mem.int64s, n), take(&mem.int64s, n)
	ids, content := take(&mem.counts, n), take(&mem.counts, n)
	requests, responses, outcome := take(&mem.int32s, n), take(&mem.int32s, n), take(&mem.int8s, n)
	i := 0
	for _, chunk := range chunks {
		for j := range chunk {
			m := &chunk[j]
			arrival[i], seq[i], ids[i], content[i] = m.arrivalUS(), m.sequence(), m.idHash, m.content
			requests[i], responses[i], elapsed[i], outcome[i] = m.requestTokens(), m.responseTokens(), m.elapsedUS(), int8(m.outcome())
			i++
		}
	}
	rows.ArrivalUS = append(rows.ArrivalUS, arrival)
	rows.Seq = append(rows.Seq, seq)
	rows.IDHash = append(rows.IDHash, ids)
	rows.Content = append(rows.Content, content)
	rows.RequestTokens = append(rows.RequestTokens, requests)
	rows.ResponseTokens = append(rows.ResponseTokens, responses)
	rows.ElapsedUS = append(rows.ElapsedUS, elapsed)
	rows.Outcome = append(rows.Outcome, outcome)
}

// conversationVersion is what decides between two rows of a conversation of one revision: the number of turns. A conversation that was
// cut keeps its first MaxTurns turns, so it changes only by an earlier turn pushing out the last one: the earlier its
// last turn, the newer the row.
//
// Where turns at the cut have the same microsecond, two rows with different turns of it have one version, and whichever
// was written last stays until the conversation is touched again: for that to be wrong it takes a stale owner that
// writes late. A version that told them apart would have to hold the rest of the order too (seq and the hashes, 170 bits),
// or the row would have to leave out all turns near the cut, and with them all turns of a burst longer than the cap.
func conversationVersion(members *members, cut bool) uint64 {
	if !cut {
		return uint64(members.n)
	}
	return schemas.MaxTurns + uint64(schemas.MaxArrivalUS-members.last().arrivalUS())
}
