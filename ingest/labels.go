package ingest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"tidegauge/schemas"
)

// labelRule says which labels stay, and bounds how many values they have. What it makes of a label is a function of the
// label and of the options alone, never of what else was read: a label is part of what a request is, so a rule that let the
// first thousand values in would make other requests of a log that is read again.
type labelRule struct {
	// keys are those to keep, with the number of buckets for their values, 0 for values as they are; nil keeps all.
	keys map[string]int
	// ids is the number of buckets for values that look like ids, of keys without a number of their own; 0 keeps them.
	ids     int
	buckets names // their texts
}

// newLabelRule gives nil where labels stay as they are.
func newLabelRule(o Options) *labelRule {
	if o.Labels == nil && o.LabelValues == 0 {
		return nil
	}
	rule := &labelRule{ids: o.LabelValues}
	if o.Labels != nil {
		rule.keys = make(map[string]int)
		for _, text := range o.Labels {
			key, buckets, _ := parseLabel(text) // checkLabels has looked
			rule.keys[key] = buckets
		}
	}
	return rule
}

// checkLabels says what is wrong with the options.
func checkLabels(o Options) error {
	var errs []error
	if o.LabelValues < 0 {
		errs = append(errs, errors.New("label-values: cannot be negative"))
	}
	for _, text := range o.Labels {
		if _, _, err := parseLabel(text); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// parseLabel reads a key, or a key and the number of buckets for its values: tenant/64.
func parseLabel(text string) (key string, buckets int, err error) {
	key, number, given := strings.Cut(text, "/")
	if given {
		buckets, err = strconv.Atoi(number)
		if err != nil || buckets < 1 {
			return "", 0, fmt.Errorf("labels: %q is neither a label's key nor a key and how many buckets its values share, like tenant/64", text)
		}
	}
	return key, buckets, nil
}

// apply keeps of a request's labels what the rule says. It gives how many values it put into buckets.
func (l *labelRule) apply(r *schemas.Request) (bucketed int64) {
	kept := r.Labels[:0]
	for _, label := range r.Labels {
		buckets, named := l.keys[label.Key]
		if l.keys != nil && !named {
			continue
		}
		if buckets == 0 && !named && !fewValues(label.Key) && looksLikeID(label.Value) {
			buckets = l.ids
		}
		if buckets > 0 {
			label.Value = l.bucket(label.Value, buckets)
			bucketed++
		}
		kept = append(kept, label)
	}
	r.Labels = kept
	return bucketed
}

func (l *labelRule) bucket(value string, of int) string {
	if number, ok := strings.CutPrefix(value, "#"); ok { // a bucket already, of a log that is read for the second time
		if n, err := strconv.Atoi(number); err == nil && n >= 0 && n < of {
			return value
		}
	}
	var text [21]byte
	return l.buckets.keep(strconv.AppendUint(append(text[:0], '#'), xxhash.Sum64String(value)%uint64(of), 10))
}

// fewValues are the keys of the labels that formats make, of things of which a fleet has few, also where their names look
// like ids: a team, a replica.
func fewValues(key string) bool {
	switch key {
	case "adapter", "agent", "cache_hit", "environment", "namespace", "provider", "region", "replica", "route", "team":
		return true
	}
	return false
}

// looksLikeID says whether a value is likely to be one of many: it has six digits in a row (a number, a time), sixteen
// letters and digits in a row with some of each (a token, a hash), the shape of a UUID, or an @ inside (an address). What it
// says of a value never changes, for it decides what a request is.
func looksLikeID(value string) bool {
	digits, run, letters, numbers := 0, 0, false, false
	for i := 0; i < len(value); i++ {
		switch ch := value[i]; {
		case ch-'0' <= 9:
			digits++
			run++
			numbers = true
		case ch|0x20-'a' <= 'z'-'a':
			digits = 0
			run++
			letters = true
		case ch == '@' && i > 0 && i+1 < len(value):
			return true
		default:
			digits, run, letters, numbers = 0, 0, false, false
		}
		if digits == 6 || run >= 16 && letters && numbers {
			return true
		}
	}
	return isUUID(value)
}

func isUUID(value string) bool {
	if len(value) != 36 {
		return false
	}
	for i := 0; i < len(value); i++ {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		ch := value[i]
		hex := ch-'0' <= 9 || ch|0x20-'a' <= 'f'-'a'
		if dash != (ch == '-') || !dash && !hex {
			return false
		}
	}
	return true
}

// labelCount counts the distinct values of labels, to tell of those that have many although their values do not look like
// ids. Its zero value is ready.
type labelCount struct {
	values map[string]map[string]struct{}
	wide   []string // keys with more values than the bound, in order
}

// mostKeys bounds the keys that are looked at.
const mostKeys = 64

// add counts the labels of requests and gives the keys that have more than most values, none where most is 0.
func (c *labelCount) add(requests []schemas.Request, most int) []string {
	if most == 0 {
		return nil
	}
	for i := range requests {
		for _, l := range requests[i].Labels {
			seen, ok := c.values[l.Key]
			if !ok {
				if len(c.values) == mostKeys {
					continue
				}
				if c.values == nil {
					c.values = make(map[string]map[string]struct{})
				}
				seen = make(map[string]struct{})
				c.values[strings.Clone(l.Key)] = seen
			}
			if _, ok := seen[l.Value]; ok || len(seen) > most {
				continue
			}
			seen[strings.Clone(l.Value)] = struct{}{}
			if len(seen) > most {
				at, _ := slices.BinarySearch(c.wide, l.Key)
				c.wide = slices.Insert(c.wide, at, strings.Clone(l.Key))
			}
		}
	}
	return c.wide
}
