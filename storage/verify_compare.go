package storage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
)

// comparison is a query that recomputes rows of a table, joins them with those stored, and answers those that differ.
type comparison struct {
	table              string
	of                 string   // what its rows are made of, one of them
	keys, columns      []string // what identifies a row; what is compared beside the version
	approximate        []string // columns that are sums of floats
	recomputed, stored string   // queries of keys, columns, version (members only) and stored_at
	// key gives where the keys' values go, and what to do when they are there.
	key func(*Difference) (targets []any, scanned func())
}

// equal is the condition that a column is as recomputed. Sums of floats may also pass through zero; what is added is
// about of the size of 1 to 10, and no more is added than the row has members. Processors round each addend to a multiple of
// 2^-46, those of tpot_sum (microseconds) to one of 2^-26.
func (c comparison) equal(column string) string {
	if slices.Contains(c.approximate, column) {
		tolerance := "1e-9"
		if column == "tpot_sum" {
			tolerance = "1e-8"
		}
		return fmt.Sprintf("abs(stored.%[1]s - recomputed.%[1]s) <= %[2]s * (abs(recomputed.%[1]s) + recomputed.version)", column, tolerance)
	}
	return fmt.Sprintf("stored.%[1]s = recomputed.%[1]s", column)
}

// sql answers the rows that differ: their keys, whether one of the two is missing, how long ago the later was stored,
// and the columns that differ with both values, whose texts are made for these rows only.
func (c comparison) sql() string {
	columns := append([]string{"version"}, c.columns...)
	conditions, values := make([]string, len(columns)), make([]string, len(columns))
	for i, column := range columns {
		conditions[i] = c.equal(column)
		values[i] = fmt.Sprintf("('%[1]s', substring(toString(stored.%[1]s), 1, 300), substring(toString(recomputed.%[1]s), 1, 300), %[2]s)",
			column, conditions[i])
	}
	return fmt.Sprintf(`
WITH arrayFilter(d -> NOT d.4, [%[2]s]) AS differing
SELECT
    %[1]s,
    stored.version = 0 AS missing,
    recomputed.version = 0 AS orphan,
    toInt64(now()) - toInt64(greatest(stored.stored_at, recomputed.stored_at)) AS age_s,
    arrayMap(d -> d.1, differing) AS names,
    arrayMap(d -> d.2, differing) AS stored_values,
    arrayMap(d -> d.3, differing) AS recomputed_values
FROM (%[3]s) AS recomputed
FULL JOIN (%[4]s) AS stored USING (%[1]s)
WHERE NOT (%[5]s)
ORDER BY %[1]s`, strings.Join(c.keys, ", "), strings.Join(values, ", "), c.recomputed, c.stored, strings.Join(conditions, " AND "))
}

// doubt is a part of the range where rows differed.
type doubt struct {
	services   services
	comparison comparison
	parameters map[string]any
	first      time.Time // of looking
	found
}

// found is what one look at a part has found.
type found struct {
	old, young map[uint64]bool // rows that differ, by the hash of how: stored a while ago, lately
	list       []Difference    // of the old ones, the first
}

// compare looks at a part of the range. What differs there is not believed yet: see settle.
func (v *verifier) compare(ctx context.Context, s services, c comparison, parameters map[string]any) error {
	one := doubt{services: s, comparison: c, parameters: parameters, first: time.Now()}
	var err error
	if one.found, err = v.look(ctx, &one); err != nil {
		return err
	}
	switch {
	case len(one.old)+len(one.young) == 0:
	case v.query.Settle < 0:
		v.believe(&one)
	default:
		v.doubts = append(v.doubts, one)
	}
	return nil
}

// settle looks again where rows differed, until they no longer do or are known to stay. Rows lag behind their requests
// for as long as a flush takes, or until the partition of a processor that died has another; the two sides of a
// comparison may have been read before and after a flush, or around a recompute. So a row counts as different only if
// it differs in the very same way after Settle, and is older than that. What is still being written after twice that time
// is counted apart.
func (v *verifier) settle(ctx context.Context) error {
	pause := min(time.Second, v.query.Settle)
	for begin := time.Now(); len(v.doubts) > 0; pause = min(2*pause, v.query.Settle) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		end := time.Since(begin) >= 2*v.query.Settle
		var left []doubt
		for _, one := range v.doubts {
			again, err := v.look(ctx, &one)
			if err != nil {
				return fmt.Errorf("looking again at %v: %w", one.services, err)
			}
			same := maps.Equal(again.old, one.old) && len(again.young) == 0
			switch {
			case len(again.old)+len(again.young) == 0:
			case same && time.Since(one.first) >= v.query.Settle:
				v.believe(&one)
			case end:
				v.report.Unsettled += int64(len(again.young))
				for row := range again.old {
					if !one.old[row] {
						v.report.Unsettled++
						delete(again.old, row)
					}
				}
				one.found = found{old: again.old}
				if len(again.old) > 0 {
					one.list = again.list
				}
				v.believe(&one)
			default:
				for row := range again.old {
					if !one.old[row] {
						one.first = time.Now() // of this one
						break
					}
				}
				one.found = again
				left = append(left, one)
			}
		}
		v.doubts = left
	}
	return nil
}

// believe takes what differs into the report.
func (v *verifier) believe(one *doubt) {
	v.report.Different += int64(len(one.old))
	v.report.Unsettled += int64(len(one.young))
	room := v.query.MaxDifferences - len(v.report.Differences)
	v.report.Differences = append(v.report.Differences, one.list[:min(room, len(one.list))]...)
}

// look runs a comparison.
func (v *verifier) look(ctx context.Context, one *doubt) (found, error) {
	f := found{old: make(map[uint64]bool), young: make(map[uint64]bool)}
	c := one.comparison
	err := v.rows(ctx, one.services.in(c.sql()), one.parameters, func(scan func(...any) error) error {
		d := Difference{Table: c.table}
		var missing, orphan uint8
		var age int64
		var names, stored, recomputed []string
		targets, scanned := c.key(&d)
		if err := scan(append(targets, &missing, &orphan, &age, &names, &stored, &recomputed)...); err != nil {
			return err
		}
		scanned()
		how := xxhash.Sum64String(fmt.Sprintf("%+v %q %q %q", d, names, stored, recomputed))
		if time.Duration(age)*time.Second < v.query.Settle {
			f.young[how] = true
			return nil
		}
		f.old[how] = true
		switch {
		case len(f.list) >= v.query.MaxDifferences:
		case missing != 0:
			d.Stored, d.Recomputed = "missing", "there"
			f.list = append(f.list, d)
		case orphan != 0:
			d.Stored, d.Recomputed = "there", fmt.Sprintf("missing: no %s belongs to it", c.of)
			f.list = append(f.list, d)
		default:
			for i, name := range names {
				d.Column, d.Stored, d.Recomputed = name, stored[i], recomputed[i]
				f.list = append(f.list, d)
			}
		}
		return nil
	})
	return f, err
}
