// Package headline owns the numbers by service that stand on tidegauge's own /metrics, for those who alert in Prometheus: the
// rows of the views of all services (schemas/ddl/views, *_services), asked now and then.
//
// It computes nothing itself and never asks at a scrape: one query gives a number of all services, in the background and
// under a deadline, and a scrape shows what the last ones gave. It stands beside the processors and touches nothing of theirs.
// Start with numbers.go, the list of what is asked; headline.go asks and shows it.
package headline
