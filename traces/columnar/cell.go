package columnar

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"tidegauge/schemas"
)

// cell is one value of a column, of whatever type its writer chose. It is not null.
type cell struct {
	array arrow.Array
	row   int
}

func (c *cell) fault(format string, arguments ...any) error { return fmt.Errorf(format, arguments...) }

// suits says whether values of a type can be taken for values of the type that a field has.
func suits(want, have arrow.DataType) bool {
	if have.ID() == arrow.DICTIONARY {
		have = have.(*arrow.DictionaryType).ValueType
	}
	switch have.ID() {
	case arrow.NULL:
		return true
	case arrow.TIMESTAMP:
		return want.ID() == arrow.INT64
	case arrow.LIST, arrow.LARGE_LIST:
		return want.ID() == arrow.LIST && arrow.IsInteger(have.(arrow.ListLikeType).Elem().ID())
	case arrow.MAP:
		m := have.(*arrow.MapType)
		return want.ID() == arrow.MAP && isText(m.KeyType()) && isText(m.ItemType())
	}
	switch want.ID() {
	case arrow.STRING:
		return isText(have)
	case arrow.INT32, arrow.INT64, arrow.FLOAT64:
		return arrow.IsInteger(have.ID()) || arrow.IsFloating(have.ID()) && have.ID() != arrow.FLOAT16
	}
	return false
}

func isText(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW, arrow.BINARY, arrow.LARGE_BINARY:
		return true
	case arrow.DICTIONARY:
		return isText(t.(*arrow.DictionaryType).ValueType)
	}
	return false
}

func (c *cell) text() (string, error) {
	switch a := c.array.(type) {
	case *array.String:
		return a.Value(c.row), nil
	case *array.LargeString:
		return a.Value(c.row), nil
	case *array.StringView:
		return a.Value(c.row), nil
	case *array.Binary:
		return string(a.Value(c.row)), nil
	case *array.LargeBinary:
		return string(a.Value(c.row)), nil
	case *array.Dictionary:
		inner := cell{a.Dictionary(), a.GetValueIndex(c.row)}
		return inner.text()
	}
	return "", c.fault("a %s is no text", c.array.DataType())
}

// whole reads an integer. pandas has integers with gaps as floats: NaN is unknown, and a fraction is refused.
func (c *cell) whole() (int64, error) {
	switch a := c.array.(type) {
	case *array.Int8:
		return int64(a.Value(c.row)), nil
	case *array.Int16:
		return int64(a.Value(c.row)), nil
	case *array.Int32:
		return int64(a.Value(c.row)), nil
	case *array.Int64:
		return a.Value(c.row), nil
	case *array.Uint8:
		return int64(a.Value(c.row)), nil
	case *array.Uint16:
		return int64(a.Value(c.row)), nil
	case *array.Uint32:
		return int64(a.Value(c.row)), nil
	case *array.Uint64:
		if v := a.Value(c.row); v <= math.MaxInt64 {
			return int64(v), nil
		}
		return 0, c.fault("%d is too large", a.Value(c.row))
	case *array.Timestamp:
		return c.moment()
	case *array.Dictionary:
		inner := cell{a.Dictionary(), a.GetValueIndex(c.row)}
		return inner.whole()
	}
	v, err := c.float()
	switch {
	case err != nil:
		return 0, err
	case math.IsNaN(v):
		return schemas.Unknown, nil
	case v != math.Trunc(v) || math.Abs(v) > 1<<53:
		return 0, c.fault("%g is not a whole number", v)
	}
	return int64(v), nil
}

func (c *cell) float() (float64, error) {
	switch a := c.array.(type) {
	case *array.Float64:
		return a.Value(c.row), nil
	case *array.Float32:
		return float64(a.Value(c.row)), nil
	}
	v, err := c.integer()
	return float64(v), err
}

// integer is whole without the detour over floats.
func (c *cell) integer() (int64, error) {
	switch c.array.(type) {
	case *array.Int8, *array.Int16, *array.Int32, *array.Int64, *array.Uint8, *array.Uint16, *array.Uint32, *array.Uint64:
		return c.whole()
	}
	return 0, c.fault("a %s is no number", c.array.DataType())
}

// moment reads a time in microseconds: a number of them, or a timestamp of any unit, half to even.
func (c *cell) moment() (int64, error) {
	a, ok := c.array.(*array.Timestamp)
	if !ok {
		return c.whole()
	}
	v := int64(a.Value(c.row))
	switch unit := a.DataType().(*arrow.TimestampType).Unit; unit {
	case arrow.Second, arrow.Millisecond:
		factor := int64(1_000_000)
		if unit == arrow.Millisecond {
			factor = 1_000
		}
		if v > math.MaxInt64/factor || v < math.MinInt64/factor {
			return 0, c.fault("the time is out of range")
		}
		return v * factor, nil
	case arrow.Nanosecond:
		us, rest := v/1_000, v%1_000
		if rest < 0 {
			us, rest = us-1, rest+1_000
		}
		if rest > 500 || rest == 500 && us&1 == 1 {
			us++
		}
		return us, nil
	}
	return v, nil
}

func (c *cell) hashes(dst []uint64) ([]uint64, error) {
	list, ok := c.array.(array.ListLike)
	if !ok {
		return dst, c.fault("a %s is no list", c.array.DataType())
	}
	from, to := list.ValueOffsets(c.row)
	for i := from; i < to; i++ {
		inner := cell{list.ListValues(), int(i)}
		if inner.array.IsNull(inner.row) {
			return dst, c.fault("has a null among the hashes")
		}
		if u, ok := inner.array.(*array.Uint64); ok {
			dst = append(dst, u.Value(inner.row))
			continue
		}
		v, err := inner.integer()
		if err != nil {
			return dst, err
		}
		dst = append(dst, uint64(v)) // negative ones, which some hash functions give, by their bits
	}
	return dst, nil
}

func (c *cell) labels(dst []schemas.Label) ([]schemas.Label, error) {
	m, ok := c.array.(*array.Map)
	if !ok {
		return dst, c.fault("a %s is no map", c.array.DataType())
	}
	from, to := m.ValueOffsets(c.row)
	for i := int(from); i < int(to); i++ {
		if m.Items().IsNull(i) {
			continue
		}
		key, value := cell{m.Keys(), i}, cell{m.Items(), i}
		k, err := key.text()
		if err != nil {
			return dst, err
		}
		v, err := value.text()
		if err != nil {
			return dst, err
		}
		dst = append(dst, schemas.Label{Key: k, Value: v})
	}
	return dst, nil
}
