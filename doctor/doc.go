// Package doctor says what a serving log has, what it lacks, which numbers that costs, and what in it cannot be right.
//
// It owns the examination and its words. It reads no log (ingest does) and computes no metric (report does): it looks at
// requests one by one, keeps 32 bytes of each, and judges at the end. It never changes or refuses anything.
//
// Where to start: Examination (examination.go) collects and Diagnose judges; fields.go has a line for each field of a request,
// with what its absence costs; advice.go what to change where the log is made; table.go how it looks.
package doctor
