package hosttest

import (
	"github.com/tlo-run/tlo/host/abi"
)

// Proxy returns a module that exports each function of the import module "tlo"
// under its own name, so that a test calls it as a guest would, with a memory
// of that many pages; 0 is none.
func Proxy(pages int64) []byte {
	b := &Builder{}
	for _, f := range abi.Functions {
		b.Import(abi.Module, f.Name, f.Type())
	}
	for i, f := range abi.Functions {
		var args []byte
		for p := range f.Params {
			args = append(args, Local(uint32(p))...)
		}
		b.Func(f.Name, f.Type(), Call(uint32(i), args))
	}
	if pages > 0 {
		b.Memory(pages, pages)
	}
	return b.Bytes()
}
