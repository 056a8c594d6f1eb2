package contrast

import (
	"bytes"
	"encoding/json"
	"io"

	"tidegauge/report"
)

// WriteJSON writes the document followed by a newline. Equal documents give equal bytes.
func WriteJSON(w io.Writer, c *Comparison) error {
	var compact bytes.Buffer
	e := json.NewEncoder(&compact)
	e.SetEscapeHTML(false) // a service's name may hold < or &
	if err := e.Encode(c); err != nil {
		return err
	}
	_, err := w.Write(report.Lines(compact.Bytes()))
	return err
}
