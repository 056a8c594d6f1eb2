package schemas

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"sync"
)

// A table's columns are a struct of slices: each field tagged `column:"name"`, each slice one row an element. A field
// tagged `column:"name,optional"` is left out of a block in which every row has the table's default ("" or Unknown,
// NaN, 0, an empty list): logs give few of the many fields, and a column that is not sent costs nothing.
//
// The helpers below work on such structs by reflection, once a block and column, never once a row.

type columnField struct {
	index    int
	name     string
	optional bool
}

var columnFields sync.Map // reflect.Type -> []columnField

func fieldsOf(t reflect.Type) []columnField {
	if fields, ok := columnFields.Load(t); ok {
		return fields.([]columnField)
	}
	var fields []columnField
	for i := range t.NumField() {
		if tag, ok := t.Field(i).Tag.Lookup("column"); ok {
			name, option, _ := strings.Cut(tag, ",")
			fields = append(fields, columnField{i, name, option == "optional"})
		}
	}
	columnFields.Store(t, fields)
	return fields
}

// blockOf makes a Block of the columns that columns (a pointer to a struct of slices) holds.
func blockOf(table string, columns any, rows int) Block {
	v := reflect.ValueOf(columns).Elem()
	fields := fieldsOf(v.Type())
	b := Block{Table: table, Rows: rows, Columns: make([]Column, 0, len(fields))}
	for _, f := range fields {
		column := Column{f.name, v.Field(f.index).Interface()}
		n := column.Len()
		if f.optional && n == 0 {
			continue
		}
		if n != rows {
			panic(fmt.Sprintf("schemas: column %s.%s has %d of %d rows", table, f.name, n, rows))
		}
		if !f.optional || !allDefault(column.Data) {
			b.Columns = append(b.Columns, column)
		}
	}
	return b
}

func allDefault(column any) bool {
	switch c := column.(type) {
	case Texts:
		return c.empty()
	case []int64:
		return all(c, func(v int64) bool { return v == Unknown })
	case []int32:
		return all(c, func(v int32) bool { return v == Unknown })
	case []uint8:
		return all(c, func(v uint8) bool { return v == 0 })
	case []float64:
		return all(c, func(v float64) bool { return math.IsNaN(v) })
	case [][]uint64:
		return all(c, func(v []uint64) bool { return len(v) == 0 })
	case []map[string]string:
		return all(c, func(v map[string]string) bool { return len(v) == 0 })
	}
	panic(fmt.Sprintf("schemas: no default is known for an optional column of %T", column))
}

func all[T any](values []T, is func(T) bool) bool {
	for _, v := range values {
		if !is(v) {
			return false
		}
	}
	return true
}

// resetColumns empties every column and keeps its memory. Elements that hold memory of their own are cleared, so that a
// large block's leftovers do not stay reachable.
func resetColumns(columns any) {
	v := reflect.ValueOf(columns).Elem()
	for _, f := range fieldsOf(v.Type()) {
		column := v.Field(f.index)
		if texts, ok := column.Addr().Interface().(*Texts); ok {
			texts.Reset()
			continue
		}
		switch column.Type().Elem().Kind() {
		case reflect.String, reflect.Slice, reflect.Map, reflect.Pointer:
			column.Clear()
		}
		column.SetLen(0)
	}
}

// gatherColumns appends the given rows of from to the columns of into; both are pointers to the same struct type.
func gatherColumns(into, from any, rows []int32) {
	a, b := reflect.ValueOf(into).Elem(), reflect.ValueOf(from).Elem()
	for _, f := range fieldsOf(a.Type()) {
		switch to := a.Field(f.index).Addr().Interface().(type) {
		case *Texts:
			from := b.Field(f.index).Interface().(Texts)
			if from.Len() == 0 {
				continue // an optional column without values
			}
			for _, row := range rows {
				to.Append(from.At(int(row)))
			}
		case *[]int64:
			gather(to, b.Field(f.index).Interface().([]int64), rows)
		case *[]uint64:
			gather(to, b.Field(f.index).Interface().([]uint64), rows)
		case *[]int32:
			gather(to, b.Field(f.index).Interface().([]int32), rows)
		case *[]int8:
			gather(to, b.Field(f.index).Interface().([]int8), rows)
		case *[]uint8:
			gather(to, b.Field(f.index).Interface().([]uint8), rows)
		case *[]float64:
			gather(to, b.Field(f.index).Interface().([]float64), rows)
		case *[][]uint64:
			gather(to, b.Field(f.index).Interface().([][]uint64), rows)
		case *[]map[string]string:
			gather(to, b.Field(f.index).Interface().([]map[string]string), rows)
		case *[]*big.Int:
			gather(to, b.Field(f.index).Interface().([]*big.Int), rows)
		default:
			panic(fmt.Sprintf("schemas: cannot gather %T", to))
		}
	}
}

func gather[T any](into *[]T, from []T, rows []int32) {
	if len(from) == 0 {
		return // an optional column without values
	}
	for _, row := range rows {
		*into = append(*into, from[row])
	}
}

// ColumnNames gives the names of a table's columns as its Go type has them; columns is a pointer to the struct.
func ColumnNames(columns any) []string {
	var names []string
	for _, f := range fieldsOf(reflect.TypeOf(columns).Elem()) {
		names = append(names, f.name)
	}
	return names
}
