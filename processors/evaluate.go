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
	w := newWorker("", 0, 1, "", nothingStored{}, newMetrics(nil))
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

// nothingStored is the store of a worker that starts from nothing and flushes once: all it is ever asked for are
// conversations that its filter raised a false alarm about.
type nothingStored struct{ Store }

func (nothingStored) LoadConversations(context.Context, []schemas.ConversationKey, func(string, *schemas.StoredRequest, bool, uint64)) error {
	return nil
}
