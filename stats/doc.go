// Package stats is the mathematics of Tidegauge: the sketch, the exact sums,
// the moments, the fits and the rank statistics that its numbers are made of.
//
// It owns formulas and nothing else. It never reads a clock, a file or a random
// source, keeps no state between calls, knows no request, stream, segment or
// row, and starts no goroutine. Every function is a pure function of its
// arguments, and so is every accumulator of what was added to it. It imports
// the standard library and gonum's special functions.
//
// # Conventions
//
// Undefined is NaN, everywhere: a mean of nothing, a correlation without
// spread, a fit to equal gaps. An undefined argument gives an undefined result.
// Whoever writes JSON or a nullable column turns NaN into null; no other
// function of this package returns NaN for a defined number. The one name that
// can be undefined, [Families.Best], is empty then.
//
// Moments are those of the population (divided by n, not n-1). Quantiles are
// linear between order statistics (Hyndman and Fan's type 7, numpy's default).
// Quantities have no unit here unless a parameter says so; a fit's parameters
// are in the unit of the values it was given, which for gaps is seconds,
// because an AIC changes with the unit.
//
// Sums that must merge without loss are integers ([Int128]), so that merging
// minutes into months gives what one pass over the raw rows would have given.
//
// # Where to start
//
//   - histogram.go and bucket.go: the log-bucket sketch with 1 % relative error,
//     and accumulator.go, its dense form for hot paths
//   - int128.go, moments.go, correlation.go: exact sums, and mean, cv,
//     correlation and least squares from them
//   - burstiness.go: what follows from a stream's gaps and counts
//   - families.go: exponential, gamma, Weibull and lognormal fitted to gaps;
//     gamma.go, weibull.go and logs.go are its parts, ks.go the distance
//   - quantile.go, sort.go: exact quantiles over sorted slices
//   - distance.go: how far two samples are apart; autocorrelation.go: what a
//     series says about itself later
//   - zipf.go, rank.go, wilson.go, runs.go: one statistic each
package stats
