package fidelity

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// explain says by which features windows of a made trace differ from real ones: means, standard deviations, and the area under
// the curve of that feature alone (0.5: not at all).
func explain(w io.Writer, model string, real, made []look) error {
	if len(real) == 0 || len(made) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\n%s, windows of five minutes: %d real, %d made\n", model, len(real), len(made))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\treal\tsigma\tmade\tsigma\tAUC\t")
	of := func(windows []look, feature int) []float64 {
		values := make([]float64, len(windows))
		for i := range windows {
			values[i] = windows[i].features[feature]
		}
		return values
	}
	for i, name := range featureNames {
		a, b := of(real, i), of(made, i)
		aMean, aSigma := spread(a)
		bMean, bSigma := spread(b)
		fmt.Fprintf(t, "%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t\n", name, aMean, aSigma, bMean, bSigma, areaUnderCurve(a, b))
	}
	return t.Flush()
}
