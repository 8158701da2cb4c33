// Package instrument rewrites a module so that it counts what it executes and
// can be stopped at any point of it.
//
// At the entry of each function and at the head of each loop the guest takes
// the cost of what follows from a counter, its fuel. Each [Quantum] of it, the
// guest leaves its code for a moment, so that the garbage collector of the host
// gets its turn, and traps if the budget is spent or the host has said stop.
// The cost is a property of the code, its input and what the host answers: the
// same attempt uses the same fuel each time, on every machine.
//
// The counters are globals behind the guest's own, and a table that stays empty
// is behind its tables: no index shifts, and the guest has no way to name them.
// The start function becomes an export, because nothing may run before a budget
// is there; active data segments are taken out where the host can write them
// itself, and mutable globals are exported, so that an instance can be put back
// to where it was. What plain code does, rewritten code does, traps included.
package instrument
