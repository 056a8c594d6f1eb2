package ingest

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/codes"
)

// unpackers are used again: each has tens of kilobytes of tables and windows.
var (
	gunzippers  sync.Pool // *gzip.Reader
	unzstdders  sync.Pool // *zstd.Decoder
	bodyBuffers sync.Pool // *[]byte
)

// keptBuffer is the largest buffer that is kept for the next post.
const keptBuffer = 1 << 20

// bodyWindow bounds the memory that a zstd body can ask for: what zstd writes up to its level 19.
const bodyWindow = 8 << 20

// readBody reads a body into memory, unpacked. The memory is claimed as it grows, so that what cannot be held is turned
// away while it comes. free gives the memory back.
func (r *Receiver) readBody(p *post, c *claim) (body []byte, free func(), denied *denial) {
	in, limit := p.in, r.config.MaxBody
	if in.ContentLength > limit {
		return nil, nil, bodyTooLarge(limit)
	}
	p.reading = true
	raw := http.MaxBytesReader(p.w, in.Body, limit)
	var from io.Reader = raw
	start := int64(4 << 10)
	// What a client says that it will send, it may send slowly: only a little is claimed before it comes.
	switch encoding := strings.ToLower(in.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		start = min(max(in.ContentLength+1, start), blockBytes)
	case "gzip", "x-gzip":
		z, _ := gunzippers.Get().(*gzip.Reader)
		if z == nil {
			z = new(gzip.Reader)
		}
		defer gunzippers.Put(z)
		if err := z.Reset(raw); err != nil {
			return nil, nil, readFailure(err, limit)
		}
		from = z
	case "zstd":
		z, _ := unzstdders.Get().(*zstd.Decoder)
		if z == nil {
			var err error
			if z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(bodyWindow)); err != nil {
				return nil, nil, malformed("zstd: %v", err)
			}
		}
		defer func() {
			_ = z.Reset(nil)
			unzstdders.Put(z)
		}()
		if err := z.Reset(raw); err != nil {
			return nil, nil, readFailure(err, limit)
		}
		from = z
	default:
		p.reading = false
		return nil, nil, &denial{http.StatusUnsupportedMediaType, codes.InvalidArgument, 0, "the Content-Encoding is not one of gzip, zstd, identity"}
	}
	buffer, _ := bodyBuffers.Get().(*[]byte)
	if buffer == nil {
		buffer = new([]byte)
	}
	b := (*buffer)[:0]
	free = func() {
		if cap(b) <= keptBuffer {
			*buffer = b[:0]
			bodyBuffers.Put(buffer)
		}
	}
	for {
		if int64(len(b)) == int64(cap(b)) || cap(b) == 0 {
			next := min(max(start, 2*int64(cap(b))), limit+1) // a byte more shows that it is too large
			if !c.take(bodyCost * min(next, limit)) {
				free()
				return nil, nil, r.noRoom()
			}
			b = append(make([]byte, 0, next), b...)
		}
		n, err := from.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if int64(len(b)) > limit {
			free()
			return nil, nil, bodyTooLarge(limit)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			free()
			return nil, nil, readFailure(err, limit)
		}
	}
	// What is made of the body goes by its length: its buffer may be one of a larger post.
	if !c.take(min(int64(cap(b)), limit) + (bodyCost-1)*int64(len(b))) {
		free()
		return nil, nil, r.noRoom()
	}
	return b, free, nil
}

// readFailure says why a body could not be read.
func readFailure(err error, limit int64) *denial {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return bodyTooLarge(limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) { // which says nothing about the body
		return &denial{http.StatusRequestTimeout, codes.DeadlineExceeded, time.Second, "the body took too long to come: send the same again, or less at once"}
	}
	return malformed("the body breaks off or is not packed as its Content-Encoding says: %v", err)
}
