package abi

import (
	"crypto/rand"
	"fmt"

	"github.com/tlo-run/tlo/host/module"
)

// maxRandom caps one call, in bytes: a guest cannot keep the host busy with
// one instruction.
const maxRandom = 64 << 10

var random = &Function{
	Name:       "random",
	anytime:    true,
	Params:     []module.ValueType{i32, i32},
	ParamNames: []string{"ptr", "len"},
	code: func(_ *Attempt, mem guestMemory, stack []uint64) {
		b := mem.view(stack[0], stack[1])
		if len(b) > maxRandom {
			panic(&Trap{fmt.Sprintf("tlo.random: %d bytes in one call; at most %d", len(b), maxRandom)})
		}
		rand.Read(b) // never fails
	},
}
