package abi

import "github.com/tlo-run/tlo/host/module"

var cancelled = &Function{
	Name:    "cancelled",
	Results: []module.ValueType{i32},
	code: func(a *Attempt, _ guestMemory, stack []uint64) {
		select {
		case <-a.stop:
			stack[0] = 1
		default:
			stack[0] = 0
		}
	},
}

// deadline returns the milliseconds that remain: 0 after the deadline, -1
// without one.
var deadline = &Function{
	Name:    "deadline_ms",
	Results: []module.ValueType{i64},
	code: func(a *Attempt, _ guestMemory, stack []uint64) {
		stack[0] = uint64(a.Remaining())
	},
}
