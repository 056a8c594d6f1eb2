package plugin

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"
)

// answer is what a query gave, by column.
type answer struct {
	columns []*column
	rows    int
	// cut says that there were more rows than the data source allows.
	cut bool
}

// column is one column of an answer. Exactly one of the slices is not nil, also without rows; nil in it is NULL, and numbers that are none (NaN,
// infinite) are NULL too: neither JSON nor a panel has them.
type column struct {
	name    string
	numbers []*float64
	texts   []*string
	times   []*time.Time
	flags   []*bool

	target any    // what a row is scanned into
	take   func() // appends what target holds
}

// column gives the column of that name, nil if there is none.
func (a *answer) column(name string) *column {
	for _, c := range a.columns {
		if c.name == name {
			return c
		}
	}
	return nil
}

// ask runs a query within the data source's limits and reads its answer. The server enforces the limits, and that nothing is
// written; where the context ends first, the query is cancelled there.
func (d *Datasource) ask(ctx context.Context, sql string, parameters ...any) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, seconds(d.settings.QueryTimeout)+time.Second) // the server's limit comes first
	defer cancel()
	db, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.slots.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("waiting for one of the %d queries that may run at once: %w", d.settings.MaxConcurrentQueries, err)
	}
	defer d.slots.Release(1)
	rows, err := db.Query(clickhouse.Context(ctx, clickhouse.WithSettings(d.limits())), sql, parameters...)
	if err != nil {
		return nil, err
	}
	a, err := d.read(rows)
	if err != nil || a.cut {
		cancel() // closing would read the rest first
	}
	_ = rows.Close() // whether all came is known
	return a, err
}

// limits are the settings that each query runs under.
func (d *Datasource) limits() clickhouse.Settings {
	d.connection.Lock()
	defer d.connection.Unlock()
	limits := clickhouse.Settings{}
	if d.connection.mayLimit {
		limits["max_execution_time"] = int(math.Ceil(d.settings.QueryTimeout))
		// One row more than is shown, to know that there are more. The server stops at the end of a block.
		limits["max_result_rows"] = d.settings.MaxRows + 1
		limits["result_overflow_mode"] = "break"
	}
	if d.connection.mayProtect {
		limits["readonly"] = 1
	}
	return limits
}

func (d *Datasource) read(rows driver.Rows) (*answer, error) {
	a := &answer{}
	var targets []any
	for _, t := range rows.ColumnTypes() {
		c := newColumn(t)
		a.columns = append(a.columns, c)
		targets = append(targets, c.target)
	}
	var bytes int64
	for rows.Next() {
		if int64(a.rows) == d.settings.MaxRows || bytes > d.settings.MaxBytes {
			a.cut = true
			return a, nil
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, fmt.Errorf("reading the answer: %w", err)
		}
		for _, c := range a.columns {
			c.take()
			bytes += c.lastSize()
		}
		a.rows++
	}
	return a, rows.Err()
}

// newColumn prepares for values of a type. Each number becomes a float64, which is what JSON and panels have; wider integers,
// arrays, tuples and maps become texts.
func newColumn(t driver.ColumnType) *column {
	c := &column{name: t.Name(), target: reflect.New(t.ScanType()).Interface()}
	switch v := c.target.(type) {
	case *float64, *float32, *int64, *int32, *int16, *int8, *uint64, *uint32, *uint16, *uint8:
		c.numbers = []*float64{}
		c.take = func() { c.addNumber(toFloat(v)) }
	case **float64, **float32, **int64, **int32, **int16, **int8, **uint64, **uint32, **uint16, **uint8:
		c.numbers = []*float64{}
		pointer := reflect.ValueOf(v).Elem()
		c.take = func() {
			if pointer.IsNil() {
				c.numbers = append(c.numbers, nil)
			} else {
				c.addNumber(toFloat(pointer.Interface()))
			}
		}
	case *decimal.Decimal:
		c.numbers = []*float64{}
		c.take = func() { c.addNumber(v.InexactFloat64()) }
	case *string:
		c.texts = []*string{}
		c.take = func() { s := *v; c.texts = append(c.texts, &s) }
	case **string:
		c.texts = []*string{}
		c.take = func() { c.texts = append(c.texts, *v) }
	case *time.Time:
		c.times = []*time.Time{}
		c.take = func() { at := v.UTC(); c.times = append(c.times, &at) }
	case **time.Time:
		c.times = []*time.Time{}
		c.take = func() { c.times = append(c.times, *v) }
	case *bool:
		c.flags = []*bool{}
		c.take = func() { b := *v; c.flags = append(c.flags, &b) }
	case **bool:
		c.flags = []*bool{}
		c.take = func() { c.flags = append(c.flags, *v) }
	default:
		c.texts = []*string{}
		value := reflect.ValueOf(v).Elem()
		c.take = func() {
			if value.Kind() == reflect.Pointer && value.IsNil() {
				c.texts = append(c.texts, nil)
				return
			}
			s := fmt.Sprint(reflect.Indirect(value).Interface())
			if n, ok := value.Interface().(fmt.Stringer); ok { // integers of 128 bits and more, among others
				s = n.String()
			} else if n, ok := value.Addr().Interface().(fmt.Stringer); ok {
				s = n.String()
			}
			c.texts = append(c.texts, &s)
		}
	}
	return c
}

func (c *column) addNumber(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		c.numbers = append(c.numbers, nil)
	} else {
		c.numbers = append(c.numbers, &v)
	}
}

// lastSize is about how many bytes the last value takes.
func (c *column) lastSize() int64 {
	if n := len(c.texts); n > 0 && c.texts[n-1] != nil {
		return int64(len(*c.texts[n-1])) + 24
	}
	return 16
}

func toFloat(v any) float64 {
	switch v := v.(type) {
	case *float64:
		return *v
	case *float32:
		return float64(*v)
	case *int64:
		return float64(*v)
	case *int32:
		return float64(*v)
	case *int16:
		return float64(*v)
	case *int8:
		return float64(*v)
	case *uint64:
		return float64(*v)
	case *uint32:
		return float64(*v)
	case *uint16:
		return float64(*v)
	case *uint8:
		return float64(*v)
	}
	return math.NaN()
}

// text is a value as a label or a cell shows it: "" for NULL.
func (c *column) text(row int) string {
	switch {
	case c.texts != nil && c.texts[row] != nil:
		return *c.texts[row]
	case c.numbers != nil && c.numbers[row] != nil:
		return fmt.Sprint(*c.numbers[row])
	case c.flags != nil && c.flags[row] != nil:
		return fmt.Sprint(*c.flags[row])
	case c.times != nil && c.times[row] != nil:
		return c.times[row].Format(time.RFC3339)
	}
	return ""
}

// number is a value that is a number, NaN where it is none.
func (c *column) number(row int) float64 {
	if c == nil || c.numbers == nil || c.numbers[row] == nil {
		return math.NaN()
	}
	return *c.numbers[row]
}
