//go:build !race

package testenv

// race: the race detector watches.
const race = false
