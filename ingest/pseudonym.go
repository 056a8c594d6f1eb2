package ingest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	gohash "hash"
	"os"
)

// minHashKey is the least that a key may have: below 128 bits, whoever has the hashes can try keys.
const minHashKey = 16

// HashKey checks a key for Options.HashKey. White space around it, such as a file's last line end, is none of it.
func HashKey(text []byte) ([]byte, error) {
	key := bytes.TrimSpace(text)
	if len(key) < minHashKey {
		return nil, fmt.Errorf("has %d bytes, and a key needs %d; make one with: openssl rand -hex 32", len(key), minHashKey)
	}
	return key, nil
}

// ReadHashKey reads a key from a file.
func ReadHashKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	key, err := HashKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// pseudonyms puts keyed hashes in place of ids that may name people: HMAC-SHA256 of what kind of id it is, a zero byte and
// the id, of which the first 128 bits are kept. Equal ids have equal hashes, across services and logs, and a conversation
// that is named after its client does not give the client away. It is for one goroutine.
type pseudonyms struct {
	mac gohash.Hash
	in  []byte
	sum []byte
	ids texts
}

func newPseudonyms(key []byte) *pseudonyms { return &pseudonyms{mac: hmac.New(sha256.New, key)} }

func (p *pseudonyms) of(kind, id string) string {
	if id == "" {
		return ""
	}
	p.mac.Reset()
	p.in = append(append(append(p.in[:0], kind...), 0), id...)
	p.mac.Write(p.in)
	p.sum = p.mac.Sum(p.sum[:0])
	var text [32]byte
	hex.Encode(text[:], p.sum[:16])
	return p.ids.keep(text[:])
}
