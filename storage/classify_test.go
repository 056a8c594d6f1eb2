package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

func TestClassify(t *testing.T) {
	exception := func(code int32, message string) error {
		return fmt.Errorf("sending: %w", &clickhouse.Exception{Code: code, Message: message})
	}
	for _, test := range []struct {
		err  error
		want class
	}{
		{exception(241, "Memory limit exceeded"), transient},
		{exception(252, "Too many parts (300)"), transient},
		{exception(252, "Too many partitions for single INSERT block (more than 100)"), row},
		{exception(242, "Table is in readonly mode"), transient},
		{exception(99999, "something new"), transient},
		{exception(469, "Constraint is violated"), row},
		{exception(53, "Type mismatch"), row},
		{exception(60, "Table does not exist"), schema},
		{exception(516, "Authentication failed"), schema},
		{exception(497, "Not enough privileges"), schema},
		{&clickhouse.HTTPError{StatusCode: 500, Err: &clickhouse.Exception{Code: 469}}, row},
		{&clickhouse.HTTPError{StatusCode: 502, Err: errors.New("bad gateway")}, transient},
		{&appendError{"t", "x", errors.New("value out of range")}, row},
		{&appendError{"t", "x", &column.ColumnConverterError{Op: "Append", From: "uint64", To: "IPv4"}}, schema},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, transient},
		{fmt.Errorf("read: %w", io.EOF), transient},
		{context.DeadlineExceeded, transient},
		{errors.New("something never seen"), transient},
	} {
		if got := classify(test.err); got != test.want {
			t.Errorf("%v is %s, want %s", test.err, got, test.want)
		}
	}
}

func TestEngineMemory(t *testing.T) {
	for _, test := range []struct{ asked, machine, want int64 }{
		{1 << 30, 8 << 30, 1 << 30}, {0, 0, fallbackMemory}, {0, 1000, 600}, {0, 1 << 40, defaultMemoryCap},
	} {
		if got := engineMemory(test.asked, test.machine); got != test.want {
			t.Errorf("asked %d of %d: %d, want %d", test.asked, test.machine, got, test.want)
		}
	}
}
