// Package encode writes requests as the files that load generators and
// simulators read, and says what such a file could not carry.
//
// It owns the formats of shared use: their columns, units and origins of time,
// one file each. It never reads a log (ingest does), opens a file (its caller
// does, so that an output appears whole or not at all) or keeps more than a
// bounded number of requests and conversations.
//
// Start with encode.go: Format, Options, Encoder. prepare.go is what options
// do to a request before a format sees it, losses.go what is counted. Then
// burstgpt.go as the simplest format and mooncake.go as one with conversations;
// servegen.go is the one that writes a folder.
package encode
