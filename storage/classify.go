package storage

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

// class is what an error of an insert is about, and so what is done about it.
type class int

const (
	// transient: the same insert may succeed later. It is repeated with growing delays until it does or the caller
	// gives up; meanwhile nothing more is read, which is back-pressure.
	transient class = iota
	// row: something in the data. The insert is halved until the bad rows are found; these are quarantined.
	row
	// schema: every insert into this table fails until a person has done something. It is repeated like a transient
	// error, loudly; quarantining the whole stream would lose it.
	schema
)

func (c class) String() string { return [...]string{"transient", "row", "schema"}[c] }

// ClickHouse's error codes (src/Common/ErrorCodes.cpp) that mean something here.
const (
	codeUnknownDatabase      = 81
	codeReadonly             = 164
	codeUnknownUser          = 192
	codeWrongPassword        = 193
	codeRequiredPassword     = 194
	codeTooManyParts         = 252
	codeAccessDenied         = 497
	codeAuthenticationFailed = 516
)

// codes is the one table of ClickHouse's error codes. A code that is not in it is transient: an unknown error stops the
// pipeline with a warning that names it, which loses nothing, where guessing it to be the data's fault would.
var codes = map[int32]struct {
	name  string
	class class
}{
	// The data. 69 ARGUMENT_OUT_OF_BOUND and 70 CANNOT_CONVERT_TYPE come out of the table's expressions (partition
	// key, materialized columns, materialized views) as well as out of values.
	6:   {"CANNOT_PARSE_TEXT", row},
	26:  {"CANNOT_PARSE_QUOTED_STRING", row},
	27:  {"CANNOT_PARSE_INPUT_ASSERTION_FAILED", row},
	38:  {"CANNOT_PARSE_DATE", row},
	41:  {"CANNOT_PARSE_DATETIME", row},
	53:  {"TYPE_MISMATCH", row},
	69:  {"ARGUMENT_OUT_OF_BOUND", row},
	70:  {"CANNOT_CONVERT_TYPE", row},
	72:  {"CANNOT_PARSE_NUMBER", row},
	117: {"INCORRECT_DATA", row},
	128: {"TOO_LARGE_ARRAY_SIZE", row},
	131: {"TOO_LARGE_STRING_SIZE", row},
	153: {"ILLEGAL_DIVISION", row},
	190: {"SIZES_OF_ARRAYS_DONT_MATCH", row},
	321: {"VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE", row},
	349: {"CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN", row},
	376: {"CANNOT_PARSE_UUID", row},
	395: {"FUNCTION_THROW_IF_VALUE_IS_NON_ZERO", row},
	407: {"DECIMAL_OVERFLOW", row},
	441: {"CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING", row},
	469: {"VIOLATED_CONSTRAINT", row},
	675: {"CANNOT_PARSE_IPV4", row},
	676: {"CANNOT_PARSE_IPV6", row},
	691: {"UNKNOWN_ELEMENT_OF_ENUM", row},

	// The tables, the rights, the settings: a person has to act.
	8:                        {"THERE_IS_NO_COLUMN", schema},
	10:                       {"NOT_FOUND_COLUMN_IN_BLOCK", schema},
	16:                       {"NO_SUCH_COLUMN_IN_TABLE", schema},
	20:                       {"NUMBER_OF_COLUMNS_DOESNT_MATCH", schema},
	36:                       {"BAD_ARGUMENTS", schema},
	44:                       {"ILLEGAL_COLUMN", schema},
	47:                       {"UNKNOWN_IDENTIFIER", schema},
	48:                       {"NOT_IMPLEMENTED", schema},
	50:                       {"UNKNOWN_TYPE", schema},
	60:                       {"UNKNOWN_TABLE", schema},
	62:                       {"SYNTAX_ERROR", schema},
	codeUnknownDatabase:      {"UNKNOWN_DATABASE", schema},
	115:                      {"UNKNOWN_SETTING", schema},
	codeReadonly:             {"READONLY", schema},
	codeUnknownUser:          {"UNKNOWN_USER", schema},
	codeWrongPassword:        {"WRONG_PASSWORD", schema},
	codeRequiredPassword:     {"REQUIRED_PASSWORD", schema},
	195:                      {"IP_ADDRESS_NOT_ALLOWED", schema},
	291:                      {"DATABASE_ACCESS_DENIED", schema},
	452:                      {"SETTING_CONSTRAINT_VIOLATION", schema},
	codeAccessDenied:         {"ACCESS_DENIED", schema},
	codeAuthenticationFailed: {"AUTHENTICATION_FAILED", schema},
	701:                      {"CLUSTER_DOESNT_EXIST", schema},

	// The server's state. Listed to be read; anything unlisted is transient too.
	3:                {"UNEXPECTED_END_OF_FILE", transient},
	74:               {"CANNOT_READ_FROM_FILE_DESCRIPTOR", transient},
	75:               {"CANNOT_WRITE_TO_FILE_DESCRIPTOR", transient},
	159:              {"TIMEOUT_EXCEEDED", transient},
	201:              {"QUOTA_EXCEEDED", transient},
	202:              {"TOO_MANY_SIMULTANEOUS_QUERIES", transient},
	203:              {"NO_FREE_CONNECTION", transient},
	209:              {"SOCKET_TIMEOUT", transient},
	210:              {"NETWORK_ERROR", transient},
	236:              {"ABORTED", transient},
	241:              {"MEMORY_LIMIT_EXCEEDED", transient},
	242:              {"TABLE_IS_READ_ONLY", transient},
	243:              {"NOT_ENOUGH_SPACE", transient},
	codeTooManyParts: {"TOO_MANY_PARTS", transient}, // see classify
	279:              {"ALL_CONNECTION_TRIES_FAILED", transient},
	285:              {"TOO_FEW_LIVE_REPLICAS", transient},
	286:              {"UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE", transient},
	289:              {"REPLICA_IS_NOT_IN_QUORUM", transient},
	319:              {"UNKNOWN_STATUS_OF_INSERT", transient},
	394:              {"QUERY_WAS_CANCELLED", transient},
	425:              {"SYSTEM_ERROR", transient},
	439:              {"CANNOT_SCHEDULE_TASK", transient},
	745:              {"SERVER_OVERLOADED", transient},
	999:              {"KEEPER_EXCEPTION", transient},
}

// appendError is a value or a column that clickhouse-go could not put into an insert; nothing was sent.
type appendError struct {
	table, column string
	err           error
}

func (e *appendError) Error() string { return e.table + "." + e.column + ": " + e.err.Error() }
func (e *appendError) Unwrap() error { return e.err }

// classify says what kind of error err is.
func classify(err error) class {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		if exception.Code == codeTooManyParts && strings.Contains(exception.Message, "single INSERT block") {
			return row // too many table partitions in one insert: not a matter of time, but halving mends it
		}
		return codes[exception.Code].class // transient where unlisted
	}
	var conversion *column.ColumnConverterError
	var value *appendError
	switch {
	case connectionError(err):
		return transient
	case errors.As(err, &conversion):
		return schema // a Go type that this column's type does not take: the program does not fit the table
	case errors.As(err, &value):
		return row
	case strings.Contains(err.Error(), "is not present in the table"):
		return schema // what clickhouse-go says over HTTP, where it looks for the columns itself
	}
	return transient
}

// connectionError is an error of reaching the server rather than of what it said.
func connectionError(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, clickhouse.ErrAcquireConnTimeout) ||
		errors.Is(err, clickhouse.ErrConnectionClosed)
}
