package storage

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// TestDialBoundsWrites writes to a service that is there and reads nothing: more than the sockets between them take.
func TestDialBoundsWrites(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
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
	defer conn.Close()
	block := make([]byte, 1<<20)
	for range 1 << 10 {
		if _, err = conn.Write(block); err != nil {
			break
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a gigabyte was written, or it failed otherwise: %v", err)
	}
}
