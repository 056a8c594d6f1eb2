// Package docs holds the documents of the project that it shows itself.
package docs

import _ "embed"

// Runbook is runbook.md, which Grafana shows as a dashboard.
//
//go:embed runbook.md
var Runbook string
