package processors

import (
	"context"
	"fmt"

	"tidegauge/schemas"
)

// Evaluate gives the blocks of tables requests, minutes and conversations that the given requests, taken together, come
// to: what a processor has written once it has read them all, in whatever order and however often. Requests that cannot
// be accepted are an error.
func Evaluate(requests []schemas.Request) ([]schemas.Block, error) {
	w := newWorker("", 0, 1, "", nil, newMetrics(nil)) // knows of nothing stored, so it never asks its store
	for i := range requests {
		if err := w.take(&requests[i]); err != nil {
			return nil, fmt.Errorf("request %d: %w", i, err)
		}
	}
	f, err := w.prepare(context.Background())
	if err != nil {
		return nil, err
	}
	stages := f.stages()
	return append(stages[0], stages[1]...), nil
}
