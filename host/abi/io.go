package abi

import "github.com/tlo-run/tlo/host/module"

var inputLen = &Function{
	Name:    "input_len",
	Results: []module.ValueType{i32},
	code: func(a *Attempt, _ guestMemory, stack []uint64) {
		stack[0] = uint64(uint32(len(a.job.Input)))
	},
}

// inputRead returns the bytes copied: 0 at the end.
var inputRead = &Function{
	Name:       "input_read",
	Params:     []module.ValueType{i32, i32, i32},
	ParamNames: []string{"ptr", "len", "off"},
	Results:    []module.ValueType{i32},
	code: func(a *Attempt, mem guestMemory, stack []uint64) {
		to := mem.view(stack[0], stack[1])
		off := min(uint64(uint32(stack[2])), uint64(len(a.job.Input)))
		stack[0] = uint64(copy(to, a.job.Input[off:]))
	},
}

// outputWrite returns 0, or -3 where the output would be over its limit: then
// nothing is written.
var outputWrite = &Function{
	Name:       "output_write",
	Params:     []module.ValueType{i32, i32},
	ParamNames: []string{"ptr", "len"},
	Results:    []module.ValueType{i32},
	code: func(a *Attempt, mem guestMemory, stack []uint64) {
		b := mem.view(stack[0], stack[1])
		if int64(len(a.output))+int64(len(b)) > a.task.Limits.Output {
			stack[0] = code(tooBig)
			return
		}
		a.output, a.wrote = append(a.output, b...), true
		stack[0] = 0
	},
}
