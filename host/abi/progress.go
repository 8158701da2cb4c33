package abi

import (
	"math"

	"github.com/tetratelabs/wazero/api"

	"github.com/tlo-run/tlo/host/module"
)

// maxProgressText caps the message beside a progress bar, in bytes.
const maxProgressText = 256

var progress = &Function{
	Name:       "progress",
	Params:     []module.ValueType{f64},
	ParamNames: []string{"fraction"},
	code: func(a *Attempt, _ guestMemory, stack []uint64) {
		a.progress(stack[0], "")
	},
}

var progressText = &Function{
	Name:       "progress_msg",
	Params:     []module.ValueType{f64, i32, i32},
	ParamNames: []string{"fraction", "ptr", "len"},
	code: func(a *Attempt, mem guestMemory, stack []uint64) {
		a.progress(stack[0], Text(mem.view(stack[1], stack[2]), maxProgressText))
	},
}

func (a *Attempt) progress(fraction uint64, message string) {
	if f := api.DecodeF64(fraction); !math.IsNaN(f) {
		a.report.Progress(min(max(f, 0), 1), message)
	}
}
