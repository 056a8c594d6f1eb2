// Package dashboards is what Grafana shows of Tidegauge, as Go values: dashboards, alert rules, and the files made of them
// (dashboards/json, deploy/grafana, deploy/prometheus). What a number is called, means and comes from is the catalogue's;
// here is what is shown beside what.
//
// There are two flavours of everything, from one source: for the data source plugin, whose queries are choices from the
// catalogue, and for the official ClickHouse data source, whose queries are SQL over the views. Neither reads a table.
//
// Start at board.go, then overview.go for what a dashboard looks like, and render.go for how it becomes JSON. rule.go and
// rules.go are the same for alert rules. Files gives every generated file; after a change, write them with
//
//	go generate ./dashboards
//
// A panel's number in its dashboard and the uids of dashboards and rules are interfaces: links and silences hold them.
package dashboards

//go:generate go test -count=1 -run ^TestFilesAreCurrent$ . -update
