// Package bolt is the durable store of one process: a single bbolt file.
//
// FORMAT.md describes the file. Jobs are rows in order of submission; which
// job is due next, and which leases run, is known in memory only and rebuilt
// by [Open].
//
// # Writing
//
// One goroutine writes. It takes all calls that wait, runs them, nets what they
// did to each job, writes the rows sorted in one bbolt transaction, publishes
// the result to memory, and then lets the callers go: many callers share one
// wait for the disk, and what a caller was told is on the disk. Then it waits a
// few microseconds for those callers to come back with their next call. A call
// first checks, then changes, so that one which is refused leaves nothing
// behind in the group of the others.
//
// Leases are given out of memory and stored with the next group, heartbeats are
// not stored; see [Store.Lease].
//
// # Locks
//
// A transaction begins before s.mu is locked, never after: it may have to wait
// for the writer, which may wait for s.mu.
//
// # Damage
//
// A store never panics and never guesses. A row or page that cannot be read
// gives an error that matches [engine.ErrCorrupt]. A disk that is full fails
// the calls of that moment and nothing else. After any other failure to write,
// and after any failure to flush, what is on the disk is not known: the store
// answers every later call with that error, until it is opened again.
package bolt
