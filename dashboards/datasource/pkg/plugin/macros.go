package plugin

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// macro is $__name, with arguments in parentheses where it has any.
var macro = regexp.MustCompile(`\$__([a-zA-Z_]+)`)

// expand replaces the macros of SQL mode. What they become is made of the panel's range and step alone, which are numbers.
//
//	$__timeFilter(column)   column lies in the range (a DateTime or DateTime64)
//	$__timeFrom, $__timeTo  the range's ends, as DateTime64(3)
//	$__fromUs, $__toUs      the same in microseconds, as views take them
//	$__step, $__interval_s  the width of windows in seconds: a multiple of 60, as views take it
//	$__timeGroup(column)    column rounded down to a window's begin
func (q query) expand() (string, error) {
	step, err := q.step()
	if err != nil {
		return "", err
	}
	from, to := moment(q.from.UnixMilli()), moment(q.to.UnixMilli())
	var out strings.Builder
	rest := q.SQL
	for {
		at := macro.FindStringSubmatchIndex(rest)
		if at == nil {
			out.WriteString(rest)
			break
		}
		out.WriteString(rest[:at[0]])
		name := rest[at[2]:at[3]]
		rest = rest[at[1]:]
		argument := ""
		if name == "timeFilter" || name == "timeGroup" {
			if argument, rest, err = cutArgument(rest); err != nil {
				return "", fmt.Errorf("$__%s: %w", name, err)
			}
		} else {
			rest = strings.TrimPrefix(rest, "()") // as others write it
		}
		switch name {
		case "timeFilter":
			fmt.Fprintf(&out, "(%s >= %s AND %s < %s)", argument, from, argument, to)
		case "timeGroup":
			// intDiv by 0 is an error, and a step of 0 is one window.
			fmt.Fprintf(&out, "toDateTime(intDiv(toUnixTimestamp(%s), %d) * %d, 'UTC')", argument, max(step, 60), max(step, 60))
		case "timeFrom", "from":
			out.WriteString(from)
		case "timeTo", "to":
			out.WriteString(to)
		case "fromUs":
			out.WriteString(strconv.FormatInt(clampUS(q.from), 10))
		case "toUs":
			out.WriteString(strconv.FormatInt(clampUS(q.to), 10))
		case "step", "interval_s":
			out.WriteString(strconv.FormatInt(step, 10))
		default:
			return "", fmt.Errorf("there is no macro $__%s: there are $__timeFilter(column), $__timeGroup(column), $__timeFrom, $__timeTo, $__fromUs, $__toUs, $__step and $__interval_s", name)
		}
	}
	// One statement, which as people write it may end in a semicolon.
	sql := strings.TrimSuffix(strings.TrimSpace(out.String()), ";")
	if strings.TrimSpace(sql) == "" {
		return "", fmt.Errorf("the query is empty")
	}
	return sql, nil
}

func moment(ms int64) string { return fmt.Sprintf("fromUnixTimestamp64Milli(toInt64(%d), 'UTC')", ms) }

// cutArgument takes what stands in parentheses at the beginning.
func cutArgument(text string) (argument, rest string, err error) {
	if !strings.HasPrefix(text, "(") {
		return "", "", fmt.Errorf("a column in parentheses has to follow")
	}
	depth := 0
	for i, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				if argument = strings.TrimSpace(text[1:i]); argument == "" {
					return "", "", fmt.Errorf("the parentheses are empty: a column has to stand there")
				}
				return argument, text[i+1:], nil
			}
		}
	}
	return "", "", fmt.Errorf("a closing parenthesis is missing")
}
