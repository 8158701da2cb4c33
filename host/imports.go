package host

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlo-run/tlo/host/abi"
	"github.com/tlo-run/tlo/host/module"
)

// refuseToolchain recognises modules that were built for another host.
func refuseToolchain(imports []module.Import) *Refusal {
	for _, i := range imports {
		switch {
		case strings.HasPrefix(i.Module, "extism:host/"), i.Module == "env" && strings.HasPrefix(i.Name, "extism_"):
			return refuse(KindExtism, "build it as a WASI command or with a tlo SDK", "it is an Extism plugin; Extism plugins are not supported yet")
		case i.Module == "gojs", i.Module == "go":
			return refuse(KindGoJS, "build with GOOS=wasip1 instead of GOOS=js", "it was built by Go for browsers")
		case i.Module == "wbg", strings.HasPrefix(i.Module, "__wbindgen_"), strings.HasSuffix(i.Module, "_bg.js"):
			return refuse(KindWasmBindgen, "build for the target wasm32-wasip1 without wasm-bindgen", "it needs the JavaScript of wasm-bindgen")
		case i.Module == "env" && emscriptenName(i.Name):
			return refuse(KindEmscripten, "build with wasi-sdk, or clang --target=wasm32-wasi", "it needs the JavaScript of Emscripten: it imports env.%s", clip(i.Name))
		case i.Module == "wasi" && i.Name == "thread-spawn":
			return refuseFeatures([]module.Feature{module.Threads})
		}
	}
	return nil
}

func emscriptenName(name string) bool {
	for _, prefix := range []string{"emscripten_", "_emscripten_", "__emscripten_", "invoke_", "__syscall_", "__cxa_", "_embind_", "_emval_", "__asyncjs__"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// available holds the types of all functions that guests may import, by module
// and name.
var available = func() map[string]map[string]module.FuncType {
	own := map[string]module.FuncType{}
	for _, f := range abi.Functions {
		own[f.Name] = f.Type()
	}
	return map[string]map[string]module.FuncType{abi.Module: own, wasiModule: wasiTypes()}
}()

// maxListed is how many missing imports the text of a refusal names.
const maxListed = 50

// refuseImports lists all that is missing, not only the first.
func refuseImports(imports []module.Import) *Refusal {
	var missing []string
	remedy := "see docs/abi.md for what a guest can import"
	for _, i := range imports {
		name := clip(i.Module) + "." + clip(i.Name)
		want, ok := available[i.Module][i.Name]
		switch {
		case i.Module == abi.Module && slices.Contains(abi.Reserved, i.Name):
			missing = append(missing, name+" is not available in this version")
		case i.Kind != module.KindFunc:
			missing = append(missing, fmt.Sprintf("%s (a %v)", name, i.Kind))
		case !ok:
			missing = append(missing, name)
		case want != i.Type:
			missing = append(missing, fmt.Sprintf("%s is of type %v, not %v", name, want, i.Type))
		}
		if !ok {
			remedy = importRemedy(i, remedy)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	listed := strings.Join(missing[:min(len(missing), maxListed)], ", ")
	if more := len(missing) - maxListed; more > 0 {
		listed += fmt.Sprintf(" and %d more", more)
	}
	r := refuse(KindUnknown, remedy, "it imports what tlo does not have: %s", listed)
	r.Missing = missing
	return r
}

func importRemedy(i module.Import, otherwise string) string {
	switch {
	case i.Module == "env" && i.Name == "abort":
		return "build AssemblyScript with --use abort="
	case i.Module == "wasi_unstable":
		return "build for wasi_snapshot_preview1 with a toolchain newer than 2020"
	case strings.HasPrefix(i.Module, "wasi:"):
		return rebuildCore
	case i.Module == "env":
		return "link what is undefined, and do not pass --allow-undefined"
	}
	return otherwise
}

// clip makes a guest's name short and printable.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		s = abi.Text([]byte(s), most)
	}
	if quoted := fmt.Sprintf("%q", s); quoted != `"`+s+`"` {
		return quoted
	}
	return s
}
