package schemas

import (
	"encoding/binary"
	"math"

	"github.com/cespare/xxhash/v2"
)

// IDHash is the XXH64 of a request id, 0 for the empty one: what breaks ties in the order of requests after arrival
// and seq.
func IDHash(requestID string) uint64 {
	if requestID == "" {
		return 0
	}
	return xxhash.Sum64String(requestID)
}

// Content is the XXH64 of everything in the request. Two requests of one service with the same arrival, request id and
// content are one request, read or sent twice. It is stored (it is part of the identity in table requests), so its
// layout is fixed: numbers as 8 bytes little endian in the order below, texts after a 4-byte length, a number that
// decides how many items follow before them. Fields added later must add nothing while they are absent.
func (r *Request) Content() uint64 {
	var stack [256]byte // enough for nearly all; clearing more than is used costs more than what it saves
	return xxhash.Sum64(r.appendContent(stack[:0]))
}

func (r *Request) appendContent(b []byte) []byte {
	b = number(b, uint64(r.ArrivalUS))
	b = number(b, uint64(r.Seq))
	b = number(b, uint64(r.RequestTokens)<<32|uint64(uint32(r.ResponseTokens)))
	b = number(b, uint64(r.ElapsedUS))
	b = number(b, uint64(r.TTFTUS))
	b = number(b, uint64(r.Outcome)<<32|uint64(uint32(r.StatusCode)))
	b = text(b, r.RequestID)
	b = text(b, r.Service)
	b = text(b, r.Model)
	b = text(b, r.LogType)
	b = text(b, r.Conversation)
	// Rarely given: a mark names each one that is there.
	b = rare(b, 'o', r.Operation)
	b = rare(b, 'c', r.Client)
	b = rare(b, 'p', r.PromptID)
	b = rare(b, 'e', r.ErrorType)
	b = rare(b, 'f', r.FinishReason)
	b = rare(b, 'v', r.Config)
	b = rare(b, 'h', r.Host)
	b = count(b, 'r', r.ReasoningTokens)
	b = count(b, 'k', r.CachedTokens)
	b = count(b, 'm', r.MaxTokens)
	b = count(b, 't', r.TargetTokens)
	b = count(b, 's', r.Steps)
	b = count(b, 'q', r.QueueUS)
	if !math.IsNaN(r.Temperature) {
		b = number(append(b, 'T'), math.Float64bits(r.Temperature))
	}
	if !math.IsNaN(r.TopP) {
		b = number(append(b, 'P'), math.Float64bits(r.TopP))
	}
	if r.HasSeed {
		b = number(append(b, 'S'), uint64(r.Seed))
	}
	if len(r.PrefixHashes) > 0 {
		b = number(append(b, 'H'), uint64(len(r.PrefixHashes)))
		for _, h := range r.PrefixHashes {
			b = number(b, h)
		}
		b = number(b, uint64(r.PrefixBlockTokens))
	}
	if len(r.Labels) > 0 {
		b = number(append(b, 'L'), uint64(len(r.Labels)))
		for _, l := range r.Labels {
			b = text(text(b, l.Key), l.Value)
		}
	}
	return b
}

// These are functions that the compiler sees through, and no closures or function values: else Content's buffer would be
// on the heap, for every request.
func number(b []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(b, v) }

func rare(b []byte, mark byte, s string) []byte {
	if s == "" {
		return b
	}
	return text(append(b, mark), s)
}

func count(b []byte, mark byte, v int64) []byte {
	if v == Unknown {
		return b
	}
	return number(append(b, mark), uint64(v))
}

func text(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}
