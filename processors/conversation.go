package processors

import "tidegauge/schemas"

// conversationRow appends the row of a conversation's set, members in order.
func conversationRow(service, conversation string, members []Member, cut bool, rows *schemas.Conversations) {
	last := &members[len(members)-1]
	rows.Service = append(rows.Service, service)
	rows.Conversation = append(rows.Conversation, conversation)
	rows.Version = append(rows.Version, conversationVersion(members, cut))
	rows.FirstUS = append(rows.FirstUS, members[0].arrivalUS())
	rows.LastUS = append(rows.LastUS, last.arrivalUS())
	rows.EndUS = append(rows.EndUS, last.arrivalUS()+max(last.elapsedUS(), 0))
	rows.Turns = append(rows.Turns, uint32(len(members)))
	var flag uint8
	if cut {
		flag = 1
	}
	rows.Cut = append(rows.Cut, flag)
	n := len(members)
	arrival, seq, elapsed := make([]int64, n), make([]int64, n), make([]int64, n)
	ids, content := make([]uint64, n), make([]uint64, n)
	requests, responses, outcome := make([]int32, n), make([]int32, n), make([]int8, n)
	for i := range members {
		m := &members[i]
		arrival[i], seq[i], ids[i], content[i] = m.arrivalUS(), m.sequence(), m.idHash, m.content
		requests[i], responses[i], elapsed[i], outcome[i] = m.requestTokens(), m.responseTokens(), m.elapsedUS(), int8(m.outcome())
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

// conversationVersion is what decides between two rows of a conversation: the number of turns. A conversation that was
// cut keeps its first MaxTurns turns, so it changes only by an earlier turn pushing out the last one: the earlier its
// last turn, the newer the row.
func conversationVersion(members []Member, cut bool) uint64 {
	if !cut {
		return uint64(len(members))
	}
	return schemas.MaxTurns + uint64(schemas.MaxArrivalUS-members[len(members)-1].arrivalUS())
}
