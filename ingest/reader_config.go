package ingest

import (
	"errors"
	"fmt"
	"time"

	"tidegauge/schemas"
)

// OnError says what becomes of a row that cannot be read.
type OnError int

// Stop ends the reading after the rows before the bad one; Skip counts it and goes on.
const (
	Stop OnError = iota
	Skip
)

// ParseOnError reads "stop" or "skip".
func ParseOnError(text string) (OnError, error) {
	switch text {
	case "stop":
		return Stop, nil
	case "skip":
		return Skip, nil
	}
	return Stop, fmt.Errorf("on-error %q is neither stop nor skip", text)
}

// MaxRefusals is how many refused rows are kept to be shown; all are counted.
const MaxRefusals = 10

// ReaderConfig says how to read logs. Its zero value reads them once, recognises each by its content, and stops at the
// first bad row.
type ReaderConfig struct {
	// Format is the name of the format of all sources; "" recognises each by its content.
	Format  string
	Options Options
	OnError OnError
	// Follow goes on at the end of the file, which must be the only source, as it grows and is rotated.
	Follow bool
	// Poll is how often a followed file is looked at; 0 is DefaultPoll.
	Poll time.Duration
	// Workers is how many goroutines decode; 0 is one for each processor.
	Workers int
	// Progress, where given, is kept up to date.
	Progress *Progress
	// Refused, where given, is told of every row that is skipped, by the goroutine that calls Next. Stats has the first few.
	Refused func(*LineError)
}

// Stats is what a reader delivered.
type Stats struct {
	// Read counts requests, Refused the rows that were skipped, Other the records that are no requests (other events),
	// Repeated the spans that show a request which was counted already, CutDurations the durations above 24 h that were
	// cut to it.
	Read, Refused, Other, Repeated, CutDurations int64
	// Bucketed counts the values of labels that stand for several (Options.LabelValues). WideLabels are the keys of labels
	// that have more values than that all the same.
	Bucketed   int64
	WideLabels []string
	// FirstArrivalUS and LastArrivalUS bound the requests' arrivals, in microseconds; 0 if there are none.
	FirstArrivalUS, LastArrivalUS int64
	// Refusals are the first MaxRefusals refused rows.
	Refusals []*LineError
}

// add counts a batch.
func (s *Stats) add(b *Batch) {
	if n := int64(len(b.Requests)); n > 0 {
		if s.Read == 0 {
			s.FirstArrivalUS, s.LastArrivalUS = b.first, b.last
		}
		s.FirstArrivalUS, s.LastArrivalUS = min(s.FirstArrivalUS, b.first), max(s.LastArrivalUS, b.last)
		s.Read += n
	}
	s.Other += b.other
	s.Repeated += b.repeated
	s.CutDurations += b.cut
	s.Bucketed += b.bucketed
	s.Refused += b.refused
	if room := MaxRefusals - len(s.Refusals); room > 0 {
		s.Refusals = append(s.Refusals, b.refusals[:min(room, len(b.refusals))]...)
	}
}

func (c *ReaderConfig) validate(sources []Source) error {
	var errs []error
	if c.Format != "" {
		if _, err := FindFormat(c.Format); err != nil {
			errs = append(errs, err)
		}
	}
	if len(sources) > 1 && c.Options.Source != "" {
		errs = append(errs, fmt.Errorf("--source names one log, and there are %d: leave it out (their first KiB tells them apart) or read them one by one", len(sources)))
	}
	if len(sources) > 1 && c.Follow {
		errs = append(errs, fmt.Errorf("--follow follows one file, and there are %d: run one for each", len(sources)))
	}
	if key := c.Options.HashKey; key != nil {
		if _, err := HashKey(key); err != nil {
			errs = append(errs, fmt.Errorf("the key of the hashes %w", err))
		}
	}
	if err := checkLabels(c.Options); err != nil {
		errs = append(errs, err)
	}
	for name, value := range map[string]string{"service": c.Options.Service, "model": c.Options.Model, "log-type": c.Options.LogType} {
		if len(value) > schemas.MaxName {
			errs = append(errs, fmt.Errorf("--%s has %d bytes, more than the %d allowed", name, len(value), schemas.MaxName))
		}
	}
	return errors.Join(errs...)
}
