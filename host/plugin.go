package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/tlo-run/tlo/host/module"
)

// MaxFile is the most that a plugin may have, in bytes.
const MaxFile = 64 << 20

// Kind is what a file is.
type Kind string

// The kinds. Only native plugins and commands run; the others are recognised so
// that their refusal can say what to do.
const (
	KindUnknown     Kind = ""
	KindNative      Kind = "plugin"  // speaks the import module tlo
	KindCommand     Kind = "command" // a WASI preview 1 command
	KindComponent   Kind = "component"
	KindExtism      Kind = "extism"
	KindEmscripten  Kind = "emscripten"
	KindWasmBindgen Kind = "wasm-bindgen"
	KindGoJS        Kind = "go-js"
)

// Plugin is what a file says about itself. Nothing of it was run.
type Plugin struct {
	Path    string
	Kind    Kind
	Tasks   []Task
	Imports []module.Import
	Exports []module.Export
	Memory  *module.Memory // nil if it has none
	Size    int64          // bytes
	SHA256  string         // hexadecimal
	// Cold says why each attempt starts the plugin anew; empty if attempts start
	// from an image of its memory after initialisation.
	Cold string
	// Err is why [Scan] refuses the file; nil if it does not.
	Err error

	initialize bool            // exports _initialize
	warmup     bool            // exports tlo_warmup
	entries    map[string]bool // exported functions that can run a task
}

// Task is a task that a plugin offers.
type Task struct {
	Name   string
	Export string // the function that runs it
	// Declared is what the section tlo.tasks says; the zero value without one.
	Declared Declaration
}

// Inspect reads the file at path and says what it is, without running or
// compiling it. The error of a file that tlo does not run is a [*Refusal], with
// what is known of the file beside it; other errors are those of reading.
func Inspect(path string) (*Plugin, error) {
	p, _, _, err := inspectFile(path)
	return p, err
}

// InspectBytes is Inspect of bytes at hand. Path names them in messages, and
// names the task where the plugin does not.
func InspectBytes(path string, b []byte) (*Plugin, error) {
	p, _, err := inspectBytes(path, b)
	return p, err
}

func inspectBytes(path string, b []byte) (*Plugin, *module.Module, error) {
	sum := sha256.Sum256(b)
	p := &Plugin{Path: path, Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:])}
	if !module.IsBinary(b) {
		return p, nil, p.refused(refuseBytes(b))
	}
	m, err := module.Read(b)
	if refusal := p.inspect(m, err); refusal != nil {
		return p, nil, p.refused(refusal)
	}
	return p, m, nil
}

func (p *Plugin) refused(r *Refusal) error {
	r.Path, p.Kind, p.Tasks = p.Path, r.Kind, nil
	return r
}

// inspect looks at a module, and the error of reading it.
func (p *Plugin) inspect(m *module.Module, err error) *Refusal {
	p.Imports, p.Exports, p.Memory = m.Imports, m.Exports, m.Memory
	// What a toolchain leaves in the imports explains more than the feature or
	// the limit that it trips over.
	if refusal := refuseToolchain(m.Imports); refusal != nil {
		return refusal
	}
	if len(m.Unsupported) > 0 {
		return refuseFeatures(m.Unsupported)
	}
	if broken, ok := errors.AsType[*module.Error](err); ok {
		return refuseModule(broken)
	}
	if refusal := refuseImports(m.Imports); refusal != nil {
		return refusal
	}
	if refusal := p.findTasks(m); refusal != nil {
		return refusal
	}
	p.Cold = cold(p.Kind, m)
	return nil
}

// cold says why an instance of m could not be put back to where it was.
func cold(kind Kind, m *module.Module) string {
	switch {
	case kind == KindCommand:
		return "a command runs from its first instruction to its end"
	case m.WritesTables:
		return "it writes tables"
	case m.DropsSegments:
		return "it drops segments"
	case m.NamesData:
		return "it copies from data segments"
	}
	for _, g := range m.Globals {
		if g.Mutable && !g.Type.Number() {
			return "it has mutable globals of vectors or references"
		}
	}
	for _, d := range m.Data {
		if d.Passive {
			return "it has passive data segments"
		}
	}
	return ""
}

// inspectFile is Inspect that also returns what it read.
func inspectFile(path string) (*Plugin, *module.Module, []byte, error) {
	b, err := readPlugin(path)
	if err != nil {
		return &Plugin{Path: path}, nil, nil, err
	}
	p, m, err := inspectBytes(path, b)
	return p, m, b, err
}

func readPlugin(path string) ([]byte, error) {
	// Asked before opening: to open a pipe waits for a writer.
	info, err := os.Stat(path)
	if err != nil {
		return nil, pathError(path, err)
	}
	if !info.Mode().IsRegular() {
		r := refuse(KindUnknown, "put a .wasm file there", "it is not a regular file")
		r.Path = path
		return nil, r
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, pathError(path, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, pathError(path, err)
	}
	if len(b) > MaxFile {
		r := refuse(KindUnknown, "strip debug information, or build for size", "it has more than %d MiB", MaxFile>>20)
		r.Path = path
		return nil, r
	}
	return b, nil
}

func pathError(path string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return fmt.Errorf("plugin %s: %w", path, err)
}
