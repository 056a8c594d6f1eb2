package broker

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"
)

// TestStrangersDoNotEndTheProcess sends what port scanners, browsers and broken clients send. Before guard.go the
// unknown request key ended the process.
func TestStrangersDoNotEndTheProcess(t *testing.T) {
	b := start(t, testConfiguration(t.TempDir()))
	frame := func(key, version uint16, body ...byte) []byte {
		f := binary.BigEndian.AppendUint32(nil, uint32(4+len(body)))
		f = binary.BigEndian.AppendUint16(f, key)
		f = binary.BigEndian.AppendUint16(f, version)
		return append(f, body...)
	}
	for name, sent := range map[string][]byte{
		"HTTP":              []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
		"TLS":               {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3},
		"unknown key":       frame(30000, 0, 0, 0, 0, 1),
		"negative key":      frame(0xffff, 0, 0, 0, 0, 1),
		"negative version":  frame(0, 0x8000, 0, 0, 0, 1),
		"shortest":          frame(18, 0),
		"negative size":     {0xff, 0xff, 0xff, 0xff, 0, 18, 0, 0},
		"2 GiB":             {0x7f, 0xff, 0xff, 0xff, 0, 18, 0, 0},
		"half a head":       {0, 0},
		"nothing":           {},
		"version from 2050": frame(0, 30000, 0, 0, 0, 1, 0xff, 0xff, 0, 0),
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", b.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write(sent); err != nil {
				t.Fatal(err)
			}
			_ = conn.(*net.TCPConn).CloseWrite() // fails where the broker has closed already
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.Copy(io.Discard, conn); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("the connection stays open")
				}
			}
		})
	}
	if err := produce(t.Context(), connect(t, b.Addr()), 0, "still here"); err != nil {
		t.Fatal(err)
	}
}

func TestGuardPassesFramesUnchanged(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var sent []byte
	for range 50 {
		body := make([]byte, 4+random.IntN(300))
		for i := range body {
			body[i] = byte(random.Uint32())
		}
		sent = binary.BigEndian.AppendUint32(sent, uint32(4+len(body)))
		sent = binary.BigEndian.AppendUint16(sent, 18)
		sent = binary.BigEndian.AppendUint16(sent, 3)
		sent = append(sent, body...)
	}
	client, server := net.Pipe()
	defer client.Close()
	go func() {
		rest := sent
		for len(rest) > 0 { // in pieces that end anywhere
			n := min(1+random.IntN(40), len(rest))
			if _, err := client.Write(rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
		client.Close()
	}()
	got, err := io.ReadAll(&guardedConn{Conn: server})
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(sent) {
		t.Error("the stream was changed")
	}
}
