package abi

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/tlo-run/tlo/host/module"
)

// Module is the name of the import module. The name is the version: it only
// gains functions.
const Module = "tlo"

// What functions return instead of a length.
const (
	notFound = -1
	tooBig   = -3
)

const (
	i32 = module.I32
	i64 = module.I64
	f64 = module.F64
)

// Function is one function that guests may import.
type Function struct {
	Name       string
	Params     []module.ValueType
	ParamNames []string
	Results    []module.ValueType

	anytime bool // its use says nothing about the attempt

	// code gets the parameters in stack and leaves the result in stack[0].
	code func(a *Attempt, mem guestMemory, stack []uint64)
}

// Type returns the function's type.
func (f *Function) Type() module.FuncType { return module.Func(f.Params, f.Results) }

// Functions lists what guests may import, in the order of the contract.
var Functions = []*Function{
	inputLen, inputRead, outputWrite,
	logText, logFields,
	progress, progressText,
	cancelled, deadline,
	meta, config, random,
	fail, snooze,
}

// Reserved lists the functions of the contract that need a grant. None can be
// granted yet.
var Reserved = []string{
	"kv_get", "kv_set", "kv_delete", "kv_list", "secret", "http", "http_read", "enqueue", "emit",
}

// Instantiate makes the functions importable in r. Their calls find the attempt
// in the context: see [With].
func Instantiate(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder(Module)
	for _, f := range Functions {
		call := api.GoModuleFunc(func(ctx context.Context, mod api.Module, stack []uint64) {
			a := ctx.Value(key{}).(*Attempt)
			a.asked = a.asked || !f.anytime
			f.code(a, guestMemory{name: f.Name, mod: mod, exists: a.memory}, stack)
		})
		b.NewFunctionBuilder().
			WithGoModuleFunction(call, valueTypes(f.Params), valueTypes(f.Results)).
			WithParameterNames(f.ParamNames...).
			WithName(f.Name).
			Export(f.Name)
	}
	if _, err := b.Instantiate(ctx); err != nil {
		return fmt.Errorf("instantiate module %q: %w", Module, err)
	}
	return nil
}

func valueTypes(types []module.ValueType) []api.ValueType {
	out := make([]api.ValueType, len(types))
	for i, t := range types {
		out[i] = api.ValueType(t)
	}
	return out
}

// Trap is how a function ends the guest that called it wrongly.
type Trap struct{ message string }

func (t *Trap) Error() string { return t.message }

// guestMemory is the memory of the guest during one call.
type guestMemory struct {
	name   string // of the function
	mod    api.Module
	exists bool
}

// view returns length bytes at ptr. It points into the guest's memory: nothing
// may hold on to it.
func (m guestMemory) view(ptr, length uint64) []byte {
	p, n := uint32(ptr), uint32(length) // the upper halves are garbage
	if !m.exists {
		panic(&Trap{fmt.Sprintf("tlo.%s: the module has no memory", m.name)})
	}
	b, ok := m.mod.Memory().Read(p, n)
	if !ok {
		panic(&Trap{fmt.Sprintf("tlo.%s: %d bytes at %#x are outside the %d bytes of memory", m.name, n, p, m.mod.Memory().Size())})
	}
	return b
}

// lend copies as much of s as fits to the capacity bytes at ptr and returns the
// length of all of it.
func (m guestMemory) lend(ptr, capacity uint64, s string) uint64 {
	// The whole range is checked, also where s is shorter, so that a wrong
	// capacity shows in the first test and not with the first long value.
	copy(m.view(ptr, capacity), s)
	return uint64(uint32(len(s)))
}

// code makes a negative result of type i32.
func code(n int32) uint64 { return uint64(uint32(n)) }
