package workload

import "math"

// partsOfDrift are the numbers of parts that are tried. The likelihood is taken of driftLots lots of the requests that are not counted.
var partsOfDrift = [...]int{2, 4, 8, 16}

const driftLots = 16

// fewestInPart is how many requests a part of a log needs.
const fewestInPart = 20 * MinBucket

// findDrift looks for a slow change of lengths in a log that has no topics: parts of equally many requests, each with shares of its own. They are
// counted on every other request, and taken if they make the others likelier. It gives the number of parts, 1 for no change.
func findDrift(all []seen, x, y int) int {
	likelihoods := func(parts int) []float64 {
		t := newTally(parts, x, y)
		for i := 0; i < len(all); i += 2 {
			t.add(i*parts/len(all), all[i], 1)
		}
		m := t.model(0, 0)
		list := make([]float64, driftLots)
		for i := 1; i < len(all); i += 2 {
			list[i/2%driftLots] += math.Log(m.like[i*parts/len(all)][m.symbol(all[i])] + 1e-12)
		}
		return list
	}
	number, best := 1, likelihoods(1)
	for _, parts := range partsOfDrift {
		if len(all)/parts < fewestInPart {
			break
		}
		if values := likelihoods(parts); higher(values, best) {
			number, best = parts, values
		}
	}
	return number
}
