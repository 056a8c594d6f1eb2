package encode

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strconv"

	"tidegauge/schemas"
)

// anonymous replaces what may name people, customers and machines. Ids become keyed hashes, equal for equal ids, and so do
// prefix hashes, of which equal beginnings stay equal. Names of services, models, hosts, configurations and errors become
// service-1, service-2, … in the order in which they come. Labels go. Operation, log type, outcome, finish reason, times and
// lengths stay: they are what the file is for. Without the secret nobody can find out which id a hash is of.
type anonymous struct {
	mac   hash.Hash
	in    []byte
	sum   []byte
	names map[string]map[string]string
	// blocks are the prefix hashes of the request at hand.
	blocks []uint64
}

func newAnonymous(secret []byte) *anonymous {
	return &anonymous{mac: hmac.New(sha256.New, secret), names: make(map[string]map[string]string)}
}

func (a *anonymous) request(r *schemas.Request) {
	r.Service, r.Model = a.name("service", r.Service), a.name("model", r.Model)
	r.Host, r.Config, r.ErrorType = a.name("host", r.Host), a.name("config", r.Config), a.name("error", r.ErrorType)
	r.RequestID = a.id("request", r.RequestID)
	r.Conversation, r.Client, r.PromptID = a.id("conversation", r.Conversation), a.id("client", r.Client), a.id("prompt", r.PromptID)
	r.Labels = nil
	if len(r.PrefixHashes) > 0 {
		a.blocks = a.blocks[:0]
		for _, h := range r.PrefixHashes {
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], h)
			a.blocks = append(a.blocks, binary.LittleEndian.Uint64(a.hash("block", string(b[:]))))
		}
		r.PrefixHashes = a.blocks
	}
}

// name gives the same other name for the same name.
func (a *anonymous) name(kind, name string) string {
	if name == "" {
		return ""
	}
	of := a.names[kind]
	if of == nil {
		of = make(map[string]string)
		a.names[kind] = of
	}
	other, ok := of[name]
	if !ok {
		other = kind + "-" + strconv.Itoa(len(of)+1)
		of[name] = other
	}
	return other
}

func (a *anonymous) id(kind, id string) string {
	if id == "" {
		return ""
	}
	return hex.EncodeToString(a.hash(kind, id)[:16])
}

func (a *anonymous) hash(kind, id string) []byte {
	a.mac.Reset()
	a.in = append(append(append(a.in[:0], kind...), 0), id...)
	a.mac.Write(a.in)
	a.sum = a.mac.Sum(a.sum[:0])
	return a.sum
}
