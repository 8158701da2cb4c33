// Package engine runs jobs: it submits them to a [Store], leases them to
// workers, hands each attempt to an [Executor], settles what came of it, and
// makes jobs from schedules.
//
// The package owns the domain: tasks, jobs, attempts, leases, outcomes,
// schedules, events, and the contracts of what it needs from outside. It names
// no technology. Stores live in engine/mem and engine/bolt, the WebAssembly
// executor in host.
//
// # Time and ids
//
// Below the engine nothing reads a clock or makes an id: both are arguments.
// The engine itself reads the clock of package time, so that its loops run
// under testing/synctest.
//
// # Goroutines
//
// All are started by [Engine.Run] and have ended when it returns: one
// dispatcher per worker pool, one goroutine per running attempt, one scheduler,
// one reaper of expired leases, one heartbeat, one log writer and one cleaner
// of old history.
package engine
