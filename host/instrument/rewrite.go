package instrument

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tlo-run/tlo/host/module"
)

// Module is a rewritten module.
type Module struct {
	Wasm []byte
	// Start is the export of what was the start function; empty without one.
	// The host calls it after the data is written.
	Start string
	// Data are the active segments that were taken out, in the order in which
	// they are to be written. They point into the original.
	Data []Segment
	// Globals are the exports of the mutable globals of number types.
	Globals []string

	prefix string // of the exports that were added
}

// Segment is a part of the initial memory.
type Segment struct {
	Offset uint32
	Bytes  []byte
}

// errInvalid is the error of code that no compiler accepts, and that would
// become acceptable by what is added.
var errInvalid = errors.New("invalid")

// Rewrite instruments the module b, which [module.Read] has read as m. Code
// that is invalid is refused here or stays invalid for the compiler.
func Rewrite(b []byte, m *module.Module) (*Module, error) {
	if len(m.Unsupported) > 0 {
		return nil, fmt.Errorf("it needs %s", m.Unsupported[0])
	}
	w := &rewriter{m: m, out: &Module{prefix: unusedPrefix(m)}}
	n := uint32(len(m.Globals))
	w.fuel, w.rest, w.floor = n, n+1, n+2
	w.idle = uint32(m.Tables)
	n = uint32(len(m.Functions))
	w.starting = n
	if m.Start {
		n++
	}
	w.copying, w.filling = n, n+1
	code, err := w.code()
	if err != nil {
		return nil, err
	}
	w.takeData()
	w.write(len(b), code)
	return w.out, nil
}

// unusedPrefix returns a start of names that no export of the guest has.
func unusedPrefix(m *module.Module) string {
	prefix := "tlo:"
	for slices.ContainsFunc(m.Exports, func(e module.Export) bool { return strings.HasPrefix(e.Name, prefix) }) {
		prefix += ":"
	}
	return prefix
}

// rewriter holds what the parts of one module need to know of each other.
type rewriter struct {
	m   *module.Module
	out *Module

	fuel, rest, floor uint32 // indexes of the added globals
	idle              uint32 // index of the added table
	starting          uint32 // index of the added function that calls the start function
	copying, filling  uint32 // indexes of the added functions that work in parts
	parts             bool   // whether these are needed
	paths             paths  // reused from function to function
}

// Checks take more bytes than the smallest loop. What they may add to a function,
// or a module, keeps a file of nothing but loops from becoming one that takes the
// compiler's memory; real code grows by a half.
const (
	maxGrowth = 6 // times
	spare     = 256 << 10
)

// ErrDense is matched by the error of code that would grow too much.
var ErrDense = errors.New("it has too many loops or functions for its size")

// code writes the bodies of all functions.
func (w *rewriter) code() ([]byte, error) {
	var out, body []byte
	original := 0
	for i, b := range w.m.Bodies {
		original += len(b)
		t := w.m.Types[w.m.Functions[w.m.ImportedFunctions()+i]]
		var err error
		if body, err = w.function(body[:0], b, len(t.Params)); err != nil {
			return nil, fmt.Errorf("function %d: %w", w.m.ImportedFunctions()+i, err)
		}
		out = appendU32(out, uint32(len(body)))
		out = append(out, body...)
		if len(out) > maxGrowth*original+spare {
			return nil, fmt.Errorf("function %d: %w", w.m.ImportedFunctions()+i, ErrDense)
		}
	}
	for _, body := range w.functions() {
		out = appendU32(out, uint32(len(body.code)))
		out = append(out, body.code...)
	}
	return out, nil
}

// added is a function that the module gets.
type added struct {
	typeIndex uint32
	code      []byte
}

func (w *rewriter) functions() []added {
	var out []added
	if w.m.Start {
		// To export the start function itself would make a reference to it valid
		// that is not.
		call := append(appendIndex([]byte{0}, opCall, w.m.StartFunc), opEnd)
		out = append(out, added{w.m.Functions[w.m.StartFunc], call})
	}
	if w.parts {
		t := uint32(len(w.m.Types))
		out = append(out, added{t, w.parted(false)}, added{t, w.parted(true)})
	}
	return out
}

// takeData takes the data segments out of the module if the host can write them
// just as well.
func (w *rewriter) takeData() {
	if w.m.Memory == nil || w.m.NamesData {
		return
	}
	var taken []Segment
	for _, d := range w.m.Data {
		offset, ok := constant(d.Offset)
		if d.Passive || !ok {
			return
		}
		taken = append(taken, Segment{offset, d.Bytes})
	}
	w.out.Data = taken
}

// constant returns the value of an expression that is one i32.const.
func constant(expression []byte) (uint32, bool) {
	if len(expression) < 3 || expression[0] != opI32Const {
		return 0, false
	}
	var v int64
	for i, c := range expression[1:] {
		v |= int64(c&0x7f) << (7 * i)
		if c >= 0x80 {
			continue
		}
		if c&0x40 != 0 {
			v |= -1 << (7 * (i + 1))
		}
		rest := expression[i+2:]
		return uint32(v), len(rest) == 1 && rest[0] == opEnd && v == int64(int32(v))
	}
	return 0, false
}

// write puts the module together.
func (w *rewriter) write(size int, code []byte) {
	out := make([]byte, 0, size+len(code)/2)
	out = append(out, "\x00asm\x01\x00\x00\x00"...)
	written := map[byte]bool{}
	emit := func(id byte) {
		if written[id] {
			return
		}
		written[id] = true
		if content := w.section(id, w.original(id), code); len(content) > 0 {
			out = append(out, id)
			out = appendU32(out, uint32(len(content)))
			out = append(out, content...)
		}
	}
	for _, id := range []byte{1, 2, 3, 4, 5, 6, 7, 9, 12, 10, 11} {
		emit(id)
	}
	for _, c := range w.m.Customs {
		if c.Name != "name" { // the rest describes other code, or nothing that runs
			continue
		}
		content := append(appendText(nil, c.Name), c.Data...)
		out = append(out, 0)
		out = appendU32(out, uint32(len(content)))
		out = append(out, content...)
	}
	w.out.Wasm = out
}

// original returns a section as the module has it, nil if it has none.
func (w *rewriter) original(id byte) []byte {
	for _, s := range w.m.Sections {
		if s.ID == id {
			return s.Data
		}
	}
	return nil
}

// section returns a section with what the rewriting adds to it.
func (w *rewriter) section(id byte, original, code []byte) []byte {
	switch id {
	case 1:
		if w.parts {
			return extend(original, 1, []byte{0x60, 3, i32, i32, i32, 0})
		}
	case 3:
		var types []byte
		functions := w.functions()
		for _, f := range functions {
			types = appendU32(types, f.typeIndex)
		}
		return extend(original, len(functions), types)
	case 4:
		return extend(original, 1, []byte{funcref, 1, 0, 0})
	case 6:
		return extend(original, 3, slices.Repeat([]byte{i64, 1, opI64Const, 0, opEnd}, 3))
	case 7:
		return extend(w.exports(original))
	case 10:
		return extend(appendU32(nil, uint32(len(w.m.Bodies))), len(w.functions()), code)
	case 11, 12:
		if w.out.Data != nil {
			return nil
		}
	}
	return original
}

// extend adds n entries to a section that is a vector.
func extend(section []byte, n int, entries []byte) []byte {
	if len(section) == 0 && n == 0 {
		return section
	}
	count, rest := readU32(section)
	out := appendU32(make([]byte, 0, len(section)+len(entries)+5), count+uint32(n))
	out = append(out, rest...)
	return append(out, entries...)
}

// exports returns the export section and what to add to it.
func (w *rewriter) exports(original []byte) (section []byte, n int, added []byte) {
	export := func(name string, kind module.Kind, index uint32) string {
		name = w.out.prefix + name
		added = append(appendText(added, name), byte(kind))
		added = appendU32(added, index)
		n++
		return name
	}
	export(fuelName, module.KindGlobal, w.fuel)
	export(restName, module.KindGlobal, w.rest)
	export(floorName, module.KindGlobal, w.floor)
	if w.m.Start {
		w.out.Start = export("start", module.KindFunc, w.starting)
	}
	for i, g := range w.m.Globals {
		if g.Mutable && !g.Imported && g.Type.Number() {
			w.out.Globals = append(w.out.Globals, export("g"+strconv.Itoa(i), module.KindGlobal, uint32(i)))
		}
	}
	return original, n, added
}
