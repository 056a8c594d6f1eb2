package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// comparison is a query that recomputes rows of a table, joins them with those stored, and answers those that differ.
type comparison struct {
	table              string
	keys, columns      []string // what identifies a row; what is compared beside the version
	approximate        []string // columns that are sums of floats
	recomputed, stored string   // queries of keys, columns, version (members only) and stored_at
	// key gives where the keys' values go, and what to do when they are there.
	key func(*Difference) (targets []any, scanned func())
}

// equal is the condition that a column is as recomputed. Sums of floats may also pass through zero; what is added is
// about of the size of 1 to 10, and no more is added than the row has members.
func (c comparison) equal(column string) string {
	if slices.Contains(c.approximate, column) {
		return fmt.Sprintf("abs(stored.%[1]s - recomputed.%[1]s) <= 1e-9 * (abs(recomputed.%[1]s) + recomputed.version)", column)
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

// compare runs a comparison and takes what differs into the report. Rows that differ but were stored lately may be on
// their way, or the two sides of the join may have been read before and after a flush; so it looks again until there are
// none, for as long as twice Settle. What is still being written then is counted apart.
func (v *verifier) compare(ctx context.Context, service string, c comparison, parameters map[string]any) error {
	for begin := time.Now(); ; {
		found, err := v.differences(ctx, service, c, parameters)
		if err != nil {
			return err
		}
		if found.unsettled > 0 && time.Since(begin) < 2*v.query.Settle {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(min(time.Second, v.query.Settle)):
			}
			continue
		}
		v.report.Different += found.different
		v.report.Unsettled += found.unsettled
		room := v.query.MaxDifferences - len(v.report.Differences)
		v.report.Differences = append(v.report.Differences, found.list[:min(room, len(found.list))]...)
		return nil
	}
}

// found is what one run of a comparison has found.
type found struct {
	different, unsettled int64 // rows
	list                 []Difference
}

func (v *verifier) differences(ctx context.Context, service string, c comparison, parameters map[string]any) (f found, err error) {
	err = v.rows(ctx, c.sql(), parameters, func(scan func(...any) error) error {
		d := Difference{Table: c.table, Service: service}
		var missing, orphan uint8
		var age int64
		var names, stored, recomputed []string
		targets, scanned := c.key(&d)
		if err := scan(append(targets, &missing, &orphan, &age, &names, &stored, &recomputed)...); err != nil {
			return err
		}
		scanned()
		if time.Duration(age)*time.Second < v.query.Settle {
			f.unsettled++
			return nil
		}
		f.different++
		switch {
		case len(f.list) >= v.query.MaxDifferences:
		case missing != 0:
			d.Stored, d.Recomputed = "missing", "there"
			f.list = append(f.list, d)
		case orphan != 0:
			d.Stored, d.Recomputed = "there", "missing: no request belongs to it"
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
