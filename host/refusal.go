package host

import (
	"fmt"
	"strings"

	"github.com/tlo-run/tlo/host/module"
)

// Refusal is the error of a file that tlo does not run: what is wrong with it
// and what to do.
type Refusal struct {
	Path   string
	Kind   Kind   // what the file is, where that was recognised
	Reason string // a clause about "it"
	Remedy string // a clause that tells what to do
	// Missing names the imports that tlo does not have or has with another
	// type, all of them.
	Missing []string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("plugin %s: %s; %s", r.Path, r.Reason, r.Remedy)
}

func refuse(kind Kind, remedy, format string, args ...any) *Refusal {
	return &Refusal{Kind: kind, Reason: fmt.Sprintf(format, args...), Remedy: remedy}
}

const (
	rebuildCore = "build a core module for WASI preview 1, such as GOOS=wasip1 GOARCH=wasm go build, or the target wasm32-wasip1 of Rust"
	copyWhole   = "copy it again; to replace a plugin, copy under another name and rename"
	rebuild     = "build it again with a released compiler"
)

// featureRemedies says how to build without a feature.
var featureRemedies = map[module.Feature]string{
	module.Components:  "tlo runs core modules: " + rebuildCore,
	module.Threads:     "build without threads: without -pthread, and not for a target that ends in -threads",
	module.Memory64:    "build for wasm32 instead of wasm64",
	module.MultiMemory: "build with one memory",
	module.Exceptions:  "build without exceptions, such as with -fno-exceptions or panic=abort",
	module.TailCalls:   "build without -mtail-call",
	module.GC:          "build for linear memory: tlo does not run garbage-collected WebAssembly, such as that of Kotlin or Dart",
	module.RelaxedSIMD: "build without -mrelaxed-simd",
	module.PageSizes:   "build with pages of 64 KiB",
}

func refuseFeatures(features []module.Feature) *Refusal {
	if features[0] == module.Components {
		return refuse(KindComponent, featureRemedies[module.Components], "it is a component, not a core module")
	}
	names := make([]string, len(features))
	for i, f := range features {
		names[i] = string(f)
	}
	return refuse(KindUnknown, featureRemedies[features[0]], "it uses %s, which tlo does not run", strings.Join(names, " and "))
}

// refuseBytes explains a file that is no module.
func refuseBytes(b []byte) *Refusal {
	start := string(b[:min(len(b), 512)])
	switch text := strings.TrimSpace(start); {
	case len(b) == 0:
		return refuse(KindUnknown, copyWhole, "it is empty")
	case strings.HasPrefix(start, "\x7fELF"), strings.HasPrefix(start, "MZ"):
		return refuse(KindUnknown, rebuildCore, "it is a program for this kind of machine, not WebAssembly")
	case strings.HasPrefix("\x00asm", start):
		return refuse(KindUnknown, copyWhole, "it is cut off after %d bytes", len(b))
	case strings.HasPrefix(text, "(module"), strings.HasPrefix(text, "(component"), strings.HasPrefix(text, ";;"):
		return refuse(KindUnknown, "assemble it with wat2wasm", "it is WebAssembly as text")
	}
	return refuse(KindUnknown, rebuildCore, "it is not a WebAssembly module")
}

func refuseModule(err *module.Error) *Refusal {
	switch err.Fault {
	case module.Truncated:
		return refuse(KindUnknown, copyWhole, "it is cut off or broken: %v", err)
	case module.OverLimit:
		return refuse(KindUnknown, "build a smaller module; the limits keep hostile modules from exhausting this machine", "%v", err)
	}
	return refuse(KindUnknown, rebuild, "it is malformed: %v", err)
}
