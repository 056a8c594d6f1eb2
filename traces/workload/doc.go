// Package workload owns the workload profile: a document that says how a service is used without holding a single request.
// Fit makes one from requests, Generate makes requests from one, Shipped gives those built from published figures.
//
// A profile is made of services, a service of flows. A flow is what comes through one arrival process: the requests of
// one log type (and client) that belong to no conversation, or its conversations, of which only the first turn arrives;
// later turns follow from the conversation's own clock. docs/workload.md is the model's description, with formulas.
//
// Generating uses integers, and floating point only where every machine rounds alike: no logarithm, no fused
// multiply-add (TestNoFusedOperations). So a profile and a seed give the same log everywhere. Fitting is not bound
// by this.
//
// The package reads no file formats and writes none but the profile. Start with profile.go, then generate.go or fit.go.
package workload
