package abi

import "github.com/tlo-run/tlo/host/module"

// meta returns the length of the value, of which at most cap bytes are written,
// or -1 where there is none.
var meta = &Function{
	Name:       "meta",
	Params:     []module.ValueType{i32, i32, i32, i32},
	ParamNames: []string{"key_ptr", "key_len", "buf", "cap"},
	Results:    []module.ValueType{i32},
	code: func(a *Attempt, mem guestMemory, stack []uint64) {
		value, ok := a.meta(mem.view(stack[0], stack[1]))
		stack[0] = mem.answer(stack[2], stack[3], value, ok)
	},
}

// config answers like meta, from the task's own configuration.
var config = &Function{
	Name:       "config",
	Params:     meta.Params,
	ParamNames: meta.ParamNames,
	Results:    meta.Results,
	code: func(a *Attempt, mem guestMemory, stack []uint64) {
		value, ok := a.task.Config[string(mem.view(stack[0], stack[1]))]
		stack[0] = mem.answer(stack[2], stack[3], value, ok)
	},
}

func (m guestMemory) answer(ptr, capacity uint64, value string, ok bool) uint64 {
	n := m.lend(ptr, capacity, value)
	if !ok {
		return code(notFound)
	}
	return n
}
