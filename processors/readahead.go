package processors

import (
	"context"
	"net"

	"github.com/segmentio/kafka-go"
)

// readAheadBytes is what one read of a fetch's answer may bring. kafka-go reads through four kilobytes, a system call for
// every twenty requests, which took a tenth of a processor's time.
const readAheadBytes = 128 << 10

// readAhead gives connections that read more than they are asked for, with all else as the dialer has it. Each takes
// readAheadBytes: they are for fetching, not for the group's coordinator.
func readAhead(d *kafka.Dialer) *kafka.Dialer {
	ahead := *d
	dial := d.DialFunc
	if dial == nil {
		dial = (&net.Dialer{LocalAddr: d.LocalAddr, FallbackDelay: d.FallbackDelay, KeepAlive: d.KeepAlive}).DialContext
	}
	ahead.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &aheadConn{Conn: conn, buffer: make([]byte, readAheadBytes)}, nil
	}
	return &ahead
}

// aheadConn is a connection that is read by one goroutine at a time, as kafka-go does.
type aheadConn struct {
	net.Conn
	buffer   []byte
	from, to int // what was read and not handed out yet
}

func (c *aheadConn) Read(p []byte) (int, error) {
	if c.from == c.to {
		if len(p) >= len(c.buffer) {
			return c.Conn.Read(p)
		}
		n, err := c.Conn.Read(c.buffer)
		if n == 0 {
			return 0, err
		}
		c.from, c.to = 0, n // an error beside it comes again
	}
	n := copy(p, c.buffer[c.from:c.to])
	c.from += n
	return n, nil
}
