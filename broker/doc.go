// Package broker is the Kafka log of `tidegauge up`: franz-go's kfake in this process, with its data on disk.
//
// It owns one folder (segments, topics, group offsets) and one loopback address; every client, the project's own
// included, talks to it over the Kafka protocol, so there is no second code path for the embedded log. It never looks
// into records, never decides who consumes what, and is not meant for more than one machine: no replication, no
// authentication, which is why it refuses to listen on anything but loopback. Production uses an Apache Kafka.
//
// Start reading at root.go (New, Start, Stop). The rest is what kfake, written as a test double, leaves to its host:
// lock.go (one process a folder), guard.go (frames that would end the process), retention.go (a bounded log).
//
// # What survives what
//
//   - kill -9 of the process: every acknowledged record and every committed offset, always. kfake answers a produce or
//     a commit after write(2), and what is written belongs to the kernel.
//   - a power cut: the same with SyncWrites, the default, which calls fsync(2) on the segment and its index before each
//     answer. Without it nothing is flushed before Stop (kfake's comments promise a flush at each new segment; its code
//     makes none), so as much is lost as the kernel held back, up to half a minute. On the machine this was
//     written on an fsync took 0.3 ms: a batch of one record took 0.67 ms instead of 0.03, batches of 5,000 records
//     (1 MB, what ingest sends) 3.95 ms instead of 3.79, that is 1.27 instead of 1.32 million records a second. Batches
//     of the pipeline's size do not feel it, and a log shorter than the offsets stored elsewhere costs more than it
//     saves, hence the default. A disk whose fsync takes 20 ms holds one producer to 25 batches a second.
//   - an fsync that fails: unknown. kfake ignores the error.
//
// # Not obvious
//
//   - Retention is this package's, not kfake's. kfake's own clears a partition to its last record, and a partition
//     without segments starts again at offset 0 after a restart, below the offsets its consumers committed; its clock
//     runs on record timestamps, so an imported trace from 1970 would be deleted at once; and it forgets
//     its timer when it is restarted. Ours deletes only what all consumer groups have committed and always leaves the
//     newest record.
//   - For the same reason nobody should delete all of a partition's records by hand (kafka-delete-records to -1).
//   - After kill -9 up to one segment of deleted records is back, before the committed offsets: consumers
//     never see them.
//   - At start all partitions are read at once, and what is read is in memory for that moment: a log of 0.95 GB took
//     1.2 s and 0.99 GB after kill -9, 0.6 s and 0.91 GB after a clean stop. Another reason for a bounded log.
//   - Committed offsets never expire, unlike Kafka's, which forgets those of a group that was away for a week: a laptop
//     may be.
package broker
