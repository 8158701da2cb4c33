package hosttest

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/tlo-run/tlo/host/abi"
	"github.com/tlo-run/tlo/host/module"
)

// dirt is a function whose parameters fill the slots that those of the next
// call use half of: what the host sees in the upper halves of 32-bit parameters
// is what was there before.
var dirt = Type("llllll")

// Proxy instantiates a module that exports each function of the import module
// "tlo" under its own name, so that a test calls it as a guest would, with a
// memory of that many pages; 0 is none. The host sees garbage in the upper
// halves of 32-bit parameters, as it does with compiled programs.
func Proxy(ctx context.Context, r wazero.Runtime, pages int64) (api.Module, error) {
	_, err := r.NewHostModuleBuilder("hosttest").NewFunctionBuilder().
		WithFunc(func(_, _, _, _, _, _ uint64) {}).Export("dirt").Instantiate(ctx)
	if err != nil {
		return nil, err
	}
	b := &Builder{}
	for _, f := range abi.Functions {
		b.Import(abi.Module, f.Name, f.Type())
	}
	fill := b.Import("hosttest", "dirt", dirt)
	for i, f := range abi.Functions {
		var args, garbage []byte
		for p := range f.Params {
			args = append(args, Local(uint32(p))...)
		}
		for range dirt.Params {
			garbage = append(garbage, I64(-1)...)
		}
		b.Func(f.Name, module.Func(f.Params, f.Results), Call(fill, garbage), Call(uint32(i), args))
	}
	if pages > 0 {
		b.Memory(pages, pages)
	}
	return r.Instantiate(ctx, b.Bytes())
}
