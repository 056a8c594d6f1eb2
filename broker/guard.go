package broker

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxRequestBytes is Kafka's own default, socket.request.max.bytes.
const maxRequestBytes = 100 << 20

// guardedListener keeps frames from kfake that would harm the process: kfake allocates whatever size the first four
// bytes claim (an HTTP request claims 1.2 GB) and dereferences nil on a request key it does not know.
type guardedListener struct {
	net.Listener
	logger *slog.Logger
}

func (l guardedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &guardedConn{Conn: conn, logger: l.logger}, nil
}

// guardedConn checks the head of each frame (size, request key, version) as it is read. Like kfake it expects one
// reader.
type guardedConn struct {
	net.Conn
	logger *slog.Logger
	head   [8]byte // size int32, key int16, version int16
	unread []byte  // of head
	left   int     // bytes of the frame behind head
}

func (c *guardedConn) Read(p []byte) (int, error) {
	if len(c.unread) == 0 && c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func (c *guardedConn) next() error {
	if _, err := io.ReadFull(c.Conn, c.head[:]); err != nil {
		return err
	}
	size := int32(binary.BigEndian.Uint32(c.head[0:]))
	key := int16(binary.BigEndian.Uint16(c.head[4:]))
	version := int16(binary.BigEndian.Uint16(c.head[6:]))
	err := checkFrame(size, key, version)
	if err != nil {
		c.logger.Warn("embedded broker: connection closed", "peer", c.RemoteAddr(), "error", err)
		return err
	}
	c.unread, c.left = c.head[:], int(size)-4
	return nil
}

func checkFrame(size int32, key, version int16) error {
	// The shortest request has a key, a version and a correlation id.
	if size < 8 || size > maxRequestBytes {
		return fmt.Errorf("not a Kafka request: it claims %d bytes, want 8..%d", size, maxRequestBytes)
	}
	if kmsg.RequestForKey(key) == nil || version < 0 {
		return fmt.Errorf("not a Kafka request: key %d, version %d", key, version)
	}
	return nil
}
