package processors

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/iotest"

	"github.com/segmentio/kafka-go"
)

// readerConn is a connection that can only be read.
type readerConn struct {
	net.Conn
	io.Reader
}

func (c readerConn) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// TestReadAhead holds that what is read through a connection that reads ahead is what came, in reads of any size, and that an
// error comes after all that came before it.
func TestReadAhead(t *testing.T) {
	want := make([]byte, 3*readAheadBytes+17)
	for i := range want {
		want[i] = byte(i ^ i>>8 ^ i>>16)
	}
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		from io.Reader
		end  error
	}{
		"all at once":                  {bytes.NewReader(want), io.EOF},
		"the end beside the last":      {iotest.DataErrReader(bytes.NewReader(want)), io.EOF},
		"halves":                       {iotest.HalfReader(bytes.NewReader(want)), io.EOF},
		"broken at the end":            {io.MultiReader(bytes.NewReader(want), iotest.ErrReader(broken)), broken},
		"broken beside the last bytes": {iotest.DataErrReader(io.MultiReader(bytes.NewReader(want), iotest.ErrReader(broken))), broken},
	} {
		d := readAhead(&kafka.Dialer{DialFunc: func(context.Context, string, string) (net.Conn, error) { return readerConn{Reader: c.from}, nil }})
		conn, err := d.DialFunc(t.Context(), "tcp", "nowhere")
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for size := 1; err == nil; size = (3*size + 1) % (2 * readAheadBytes) {
			p := make([]byte, max(1, size))
			var n int
			n, err = conn.Read(p)
			got = append(got, p[:n]...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, not the %d that came", name, len(got), len(want))
		}
		if !errors.Is(err, c.end) {
			t.Errorf("%s: ended with %v, want %v", name, err, c.end)
		}
	}
}
