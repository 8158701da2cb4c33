package host

import (
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/tlo-run/tlo/host/module"
)

func TestTableOfWASIMatchesTheRuntime(t *testing.T) {
	runtime := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	defer runtime.Close(t.Context())
	compiled, err := wasi_snapshot_preview1.NewBuilder(runtime).Compile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	have := wasiTypes()
	for name, f := range compiled.ExportedFunctions() {
		want := module.Func(types(f.ParamTypes()), types(f.ResultTypes()))
		if have[name] != want {
			t.Errorf("%s is of type %v, not %v", name, want, have[name])
		}
		delete(have, name)
	}
	for name := range have {
		t.Errorf("the runtime has no %s", name)
	}
}

func types(b []byte) []module.ValueType {
	out := make([]module.ValueType, len(b))
	for i, t := range b {
		out[i] = module.ValueType(t)
	}
	return out
}
