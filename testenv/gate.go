package testenv

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Gate is an address in front of a TCP service that can be shut: connections through it are then reset, those there are
// and those that come. Its clients see a service that turns them away, while the service goes on.
type Gate struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	shut  bool
	reset bool
	conns map[net.Conn]bool // both ends of what passes
}

// NewGate opens a gate to target (host:port), which is closed at the test's end.
func NewGate(t testing.TB, target string) *Gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &Gate{listener: l, target: target, conns: make(map[net.Conn]bool)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go g.pass(conn)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		g.Shut()
	})
	return g
}

// Addr is the gate's own address, host:port.
func (g *Gate) Addr() string { return g.listener.Addr().String() }

// Shut resets every connection until Open.
func (g *Gate) Shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
	for conn := range g.conns {
		g.cut(conn)
	}
}

// Open lets connections pass again and says whether any was reset since Shut.
func (g *Gate) Open() (reset bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	reset = g.reset
	g.shut, g.reset = false, false
	return reset
}

// cut closes a connection with a reset. The caller holds mu.
func (g *Gate) cut(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
	g.reset = true
}

// take keeps a connection to be reset by Shut, or resets it at once.
func (g *Gate) take(conn net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		g.cut(conn)
		return false
	}
	g.conns[conn] = true
	return true
}

func (g *Gate) leave(conn net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, conn)
	_ = conn.Close()
}

func (g *Gate) pass(client net.Conn) {
	if !g.take(client) {
		return
	}
	defer g.leave(client)
	server, err := net.Dial("tcp", g.target)
	if err != nil {
		_ = client.(*net.TCPConn).SetLinger(0) // nobody there: as good a refusal as a gate can give
		return
	}
	if !g.take(server) {
		return
	}
	defer g.leave(server)
	done := make(chan struct{}, 2)
	for _, way := range [2][2]net.Conn{{server, client}, {client, server}} {
		go func() {
			_, _ = io.Copy(way[0], way[1])
			done <- struct{}{}
		}()
	}
	<-done // one direction has ended: so does the other
}
