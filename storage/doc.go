// Package storage owns everything between this program and ClickHouse: connecting (connect.go, address.go), the
// schema's version (migrate.go), the batch writer that a process's partitions share (writer.go, insert.go, cut.go), what
// each of ClickHouse's errors means (classify.go), reading sets back (store.go), and the embedded engine, a real
// ClickHouse run as a child process (engine.go and its neighbours).
//
// It never decides what to store, and holds no table's DDL: package schemas does. Only verify knows what a row means: it
// recounts rows in SQL that shares nothing with what made them. There is
// one code path for every ClickHouse: the embedded engine is connected to by address like any server.
//
// Start with Writer.Write, which states what is promised about an acknowledged row, and with Engine.
//
// Not obvious:
//
//   - A write is repeated until it is acknowledged, so a row can arrive twice, and does after a timeout. Tables that are
//     written through Writer have to keep one row of each identity.
//   - The engine's library is loaded without cgo, which makes the program need glibc at run time. Built with the tag
//     noengine, or for another system than Linux on x86-64, it has no embedded engine and no such need.
//   - The engine's clients cannot reach files and other servers through it (engine_files.go says why); a ClickHouse of
//     one's own grants what its administrator decides.
package storage
