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
//  3. A guest is taken that was wiped after an earlier attempt, or made from the
//     plugin's image; or, where [Plugin.Cold] or granted folders forbid that, made
//     anew: then its start section and _initialize run inside the same limits as
//     the task's function.
//  4. When the attempt's context is done, the guest is asked to stop: cancelled()
//     returns 1 and a sleep ends. After the grace period the guest is stopped by
//     force: its code, which package instrument rewrote, looks for that every
//     twenty thousand units of fuel.
//  5. Before Execute returns, the guest is as its image again, or it and its
//     memory are gone; its files are closed.
//
// How an attempt ended is decided from the context, from what the guest said
// with fail and snooze, and only then from its result code: a guest chooses its
// codes, and may choose those that the runtime uses for its own purposes.
//
// # Goroutines
//
// There are none, but for the moment in which an attempt's context is done or its
// grace period over.
//
// # What is not bounded
//
// Linear memory, tables, open files, output, log lines and the time of loops
// are. The stack of a guest that recurses without end takes up to some 400 MB of
// this process before it traps. One function of megabytes without a loop runs for
// some milliseconds between two looks. Compiling a module within the limits of package module can take seconds, and
// is not interrupted.
package host
