// Package host runs tasks that are WebAssembly modules: it decides what a file
// is, compiles it once, and runs each attempt in an instance of its own, within
// the limits of its task. It is the only package that knows the WebAssembly
// runtime, and knows no store.
//
// # From a file to a task
//
// [Inspect] and [Scan] decide from the bytes alone what a plugin is and which
// tasks it offers; nothing is compiled or run, and a hostile file costs no more
// than reading it. [Host.Compile] makes a plugin ready, from the cache on disk
// if it can.
//
// # How an attempt runs
//
//  1. The compiled plugin is taken, and with it the promise that its code stays
//     until the attempt ends, also when the file is replaced meanwhile.
//  2. Input, arguments and the declared memory are checked against the task;
//     granted folders are opened; address space for the memory limit is
//     reserved.
//  3. A fresh instance is made. Its start section, _initialize and the task's
//     function all run inside the same limits.
//  4. When the attempt's context is done, the guest is asked to stop: cancelled()
//     returns 1 and a sleep ends. After the grace period the guest is stopped by
//     force at its next loop iteration.
//  5. The instance, its files and its memory are gone before Execute returns.
//
// How an attempt ended is decided from the context, from what the guest said
// with fail and snooze, and only then from its result code: a guest chooses its
// codes, and may choose those that the runtime uses for its own purposes.
//
// # Goroutines
//
// Execute starts one, which waits for the context and the grace period, and has
// ended when Execute returns. The runtime starts one for each call into a guest,
// which ends with the call. There are no others.
//
// # What is not bounded
//
// Linear memory, tables, open files, output, log lines and the time of loops
// are. The stack of a guest that recurses without end takes up to some 400 MB of
// this process before it traps. A guest that calls functions for hours without
// one loop is not stopped by force: the runtime looks for it in loops only.
// Compiling a module within the limits of package module can take seconds, and
// is not interrupted.
package host
