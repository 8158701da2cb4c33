package abi

import (
	"time"

	"github.com/tlo-run/tlo/host/module"
)

const (
	maxMessage = 4 << 10 // of a failure, in bytes
	maxSnooze  = 366 * 24 * time.Hour
	// defaultSnooze is for a guest that says only that it wants to wait: at
	// once would be a busy loop through the store.
	defaultSnooze = time.Second
)

// fail sets how the attempt ends, whatever the guest's result code. The last
// call counts.
var fail = &Function{
	Name:       "fail",
	Params:     []module.ValueType{i32, i32, i32},
	ParamNames: []string{"kind", "ptr", "len"},
	code: func(a *Attempt, mem guestMemory, stack []uint64) {
		a.message = Text(mem.view(stack[1], stack[2]), maxMessage)
		switch uint32(stack[0]) {
		case 1:
			a.end = Refused
		case 2:
			if a.end != Snoozed {
				a.end, a.delay = Snoozed, defaultSnooze
			}
		default:
			a.end = Failed
		}
	},
}

var snooze = &Function{
	Name:       "snooze",
	Params:     []module.ValueType{i64},
	ParamNames: []string{"delay_ms"},
	code: func(a *Attempt, _ guestMemory, stack []uint64) {
		ms := min(max(int64(stack[0]), 0), maxSnooze.Milliseconds())
		a.end, a.delay = Snoozed, time.Duration(ms)*time.Millisecond
	},
}
