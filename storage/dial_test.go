package storage

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// dialed is a service that accepts connections and does nothing, and a connection to it as the writer has them.
func dialed(t *testing.T) (net.Listener, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	c := DefaultConfig()
	c.Address, c.WriteTimeout = "clickhouse://"+listener.Addr().String(), 200*time.Millisecond
	options, err := c.options()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := options.DialContext(t.Context(), listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return listener, conn
}

// TestDialBoundsWrites writes to a service that is there and reads nothing: more than the sockets between them take.
func TestDialBoundsWrites(t *testing.T) {
	_, conn := dialed(t)
	block := make([]byte, 1<<20)
	var err error
	for range 1 << 10 {
		if _, err = conn.Write(block); err != nil {
			break
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a gigabyte was written, or it failed otherwise: %v", err)
	}
}

// TestDialShowsHangUp holds that a connection can be asked whether the server has hung up, as clickhouse-go does before it uses
// it again.
func TestDialShowsHangUp(t *testing.T) {
	listener, conn := dialed(t)
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	n := -1
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		n, err = syscall.Read(int(fd), one[:])
		return err != syscall.EAGAIN // until the hang-up has arrived
	})
	if n != 0 || err != nil {
		t.Errorf("read %d bytes, %v; want the end", n, err)
	}
}
