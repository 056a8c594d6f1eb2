package processors

import (
	"errors"
	"fmt"
	"strings"

	"tidegauge/schemas"
)

// delete reads which rows somebody deletes by hand.
func (p *parser) delete(words []string) (func(*scene) error, error) {
	if len(words) < 2 {
		return nil, errors.New("want delete TABLE column=value …")
	}
	table := words[0]
	if _, err := oneOf(map[string]bool{"requests": true, "minutes": true, "conversations": true}, table); err != nil {
		return nil, err
	}
	which, err := expectations(table, words[1:])
	return func(s *scene) error {
		keys := s.keys(table, which)
		if len(keys) == 0 {
			return fmt.Errorf("table %s has no such row to delete", table)
		}
		s.remove(table, keys...)
		return nil
	}, err
}

// steps are what a recompute can be stopped before, by what steppedStore calls them: taking its revision is not one.
var steps = map[string]string{"reading": "reading", "conversations": "conversations", "minutes": "minutes", "ending": "revisions"}

// recompute reads a line about the recompute: that it begins, goes on or dies.
func (p *parser) recompute(words []string) (func(*scene) error, error) {
	q := RecomputeQuery{Service: "s", FromUS: schemas.MinArrivalUS, ToUS: schemas.MaxArrivalUS}
	goesOn, until := false, ""
	for i := 0; i < len(words); i++ {
		key, text, _ := strings.Cut(words[i], "=")
		var err error
		switch {
		case words[i] == "dies" && len(words) == 1:
			return func(s *scene) error {
				if s.recomputing == nil {
					return errors.New("no recompute is under way")
				}
				s.recomputing.die()
				s.recomputing = nil
				return nil
			}, nil
		case words[i] == "on" && i == 0:
			goesOn = true
		case words[i] == "until" && i == len(words)-2:
			i++
			until, err = oneOf(steps, words[i])
		case key == "service" && !goesOn:
			q.Service = text
		case key == "from" && !goesOn:
			q.FromUS, err = instant(text)
		case key == "to" && !goesOn:
			q.ToUS, err = instant(text)
		default:
			err = fmt.Errorf("recompute: want [service=S] [from=TIME] [to=TIME] [until STEP], on [until STEP], or dies, not %q", words[i])
		}
		if err != nil {
			return nil, err
		}
	}
	if q.FromUS%schemas.MinuteUS != 0 || q.ToUS%schemas.MinuteUS != 0 {
		return nil, errors.New("recompute: its range is of whole minutes")
	}
	return func(s *scene) error { return s.recomputes(q, goesOn, until) }, nil
}

func (s *scene) recomputes(q RecomputeQuery, goesOn bool, until string) error {
	switch {
	case goesOn && s.recomputing == nil:
		return errors.New("no recompute is under way")
	case !goesOn && s.recomputing != nil:
		return errors.New("a recompute is under way: it goes on, or dies")
	case !goesOn:
		s.recomputing = s.recompute(q)
		s.recomputing.until("reading")
	}
	if s.recomputing.until(until) {
		return nil
	}
	err := s.recomputing.err
	s.recomputing = nil
	if err == nil && until != "" {
		err = errors.New("the recompute has ended before that")
	}
	return err
}
