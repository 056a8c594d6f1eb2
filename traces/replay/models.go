package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Models asks the server which models it serves. An error is that of a server that cannot be reached; one that does not say
// which models it has gives none.
func Models(ctx context.Context, c Config) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client := newClient(c)
	defer client.close()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Target.JoinPath("models").String(), nil)
	if err != nil {
		return nil, err
	}
	for name, values := range c.Header {
		request.Header[name] = values
	}
	response, err := client.transport.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("asking for its models: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden {
		return nil, fmt.Errorf("asking for its models: %s", response.Status)
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if response.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(response.Body, maxEvent)).Decode(&list) != nil {
		return nil, nil
	}
	var names []string
	for _, m := range list.Data {
		names = append(names, m.ID)
	}
	return names, nil
}
