package storage

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// dial opens a connection as clickhouse-go does by itself, but for a bound on each write. Without one, a server that is
// there and reads nothing any more (stopped, or swapping) would hold up for ever whoever sends it a block: clickhouse-go looks
// at the context only when it sends the last one.
func dial(c Config, options *clickhouse.Options) func(ctx context.Context, address string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, c.DialTimeout)
		defer cancel()
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		conn = &boundedWrites{conn, c.WriteTimeout}
		if options.TLS == nil || options.Protocol == clickhouse.HTTP { // net/http does TLS by itself
			return conn, nil
		}
		settings := options.TLS
		if settings.ServerName == "" {
			settings = settings.Clone()
			settings.ServerName, _ = splitAddress(address)
		}
		secure := tls.Client(conn, settings)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return secure, nil
	}
}

// boundedWrites is a connection each of whose writes has a time limit.
type boundedWrites struct {
	net.Conn
	limit time.Duration
}

func (b *boundedWrites) Write(p []byte) (int, error) {
	if err := b.SetWriteDeadline(time.Now().Add(b.limit)); err != nil {
		return 0, err
	}
	return b.Conn.Write(p)
}

// SyscallConn is what clickhouse-go looks for before it uses an idle connection again, to see whether the server has hung up
// meanwhile. Without it, each connection of the pool would cost a failed query after a restart of the server.
func (b *boundedWrites) SyscallConn() (syscall.RawConn, error) {
	conn, ok := b.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return conn.SyscallConn()
}
