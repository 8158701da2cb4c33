package hosttest

import (
	"encoding/binary"
	"math"

	"github.com/tlo-run/tlo/host/module"
)

// Builder writes a module. Imports come before functions.
type Builder struct {
	types   []module.FuncType
	imports []byte
	funcs   []byte
	bodies  []byte
	exports []byte
	tables  []byte
	memory  []byte
	data    []byte
	customs []byte
	start   []byte

	imported, defined, exported, tabled, segments int
}

// Import adds an imported function and returns its index.
func (b *Builder) Import(mod, name string, t module.FuncType) uint32 {
	b.imports = append(b.imports, text(mod)...)
	b.imports = append(b.imports, text(name)...)
	b.imports = append(b.imports, 0x00)
	b.imports = append(b.imports, U32(b.typeIndex(t))...)
	b.imported++
	return uint32(b.imported - 1)
}

// Func adds a function and returns its index. It is exported where name is not
// empty. The code needs no final end.
func (b *Builder) Func(name string, t module.FuncType, code ...[]byte) uint32 {
	return b.FuncLocals(name, t, 0, code...)
}

// FuncLocals is Func with that many locals of type i64.
func (b *Builder) FuncLocals(name string, t module.FuncType, locals uint32, code ...[]byte) uint32 {
	index := uint32(b.imported + b.defined)
	b.funcs = append(b.funcs, U32(b.typeIndex(t))...)
	body := []byte{0}
	if locals > 0 {
		body = append(append([]byte{1}, U32(locals)...), byte(module.I64))
	}
	body = append(append(body, Code(code...)...), opEnd)
	b.bodies = append(b.bodies, sized(body)...)
	b.defined++
	if name != "" {
		b.Export(name, module.KindFunc, index)
	}
	return index
}

// Export adds an export.
func (b *Builder) Export(name string, kind module.Kind, index uint32) {
	b.exports = append(b.exports, text(name)...)
	b.exports = append(b.exports, byte(kind))
	b.exports = append(b.exports, U32(index)...)
	b.exported++
}

// Memory adds a memory of min pages, exported as "memory". A max below 0 is
// none.
func (b *Builder) Memory(minimum, maximum int64) {
	b.memory = append([]byte{1}, limits(minimum, maximum)...)
	b.Export("memory", module.KindMemory, 0)
}

// Table adds a table of functions.
func (b *Builder) Table(minimum, maximum int64) {
	b.tables = append(append(b.tables, byte(module.FuncRef)), limits(minimum, maximum)...)
	b.tabled++
}

func limits(minimum, maximum int64) []byte {
	if maximum < 0 {
		return append([]byte{0}, U32(uint32(minimum))...)
	}
	return append(append([]byte{1}, U32(uint32(minimum))...), U32(uint32(maximum))...)
}

// Data places bytes in memory.
func (b *Builder) Data(offset uint32, data []byte) {
	b.data = append(b.data, 0x00)
	b.data = append(b.data, I32(int32(offset))...)
	b.data = append(b.data, opEnd)
	b.data = append(b.data, sized(data)...)
	b.segments++
}

// Custom adds a custom section at the end.
func (b *Builder) Custom(name string, data []byte) {
	b.customs = append(b.customs, section(0, append(text(name), data...))...)
}

// Start makes a function run at instantiation.
func (b *Builder) Start(index uint32) { b.start = U32(index) }

// Bytes returns the module.
func (b *Builder) Bytes() []byte {
	var types []byte
	for _, t := range b.types {
		types = append(types, 0x60)
		types = append(types, text(t.Params)...)
		types = append(types, text(t.Results)...)
	}
	out := []byte("\x00asm\x01\x00\x00\x00")
	add := func(id byte, n int, content []byte) {
		if n > 0 {
			out = append(out, section(id, append(U32(uint32(n)), content...))...)
		}
	}
	add(1, len(b.types), types)
	add(2, b.imported, b.imports)
	add(3, b.defined, b.funcs)
	add(4, b.tabled, b.tables)
	if b.memory != nil {
		out = append(out, section(5, b.memory)...)
	}
	add(7, b.exported, b.exports)
	if b.start != nil {
		out = append(out, section(8, b.start)...)
	}
	add(10, b.defined, b.bodies)
	add(11, b.segments, b.data)
	return append(out, b.customs...)
}

func (b *Builder) typeIndex(t module.FuncType) uint32 {
	for i, known := range b.types {
		if known == t {
			return uint32(i)
		}
	}
	b.types = append(b.types, t)
	return uint32(len(b.types) - 1)
}

// Type makes a function type of letters: i is i32, l is i64, d is f64. What
// follows a colon are results: "ii:i".
func Type(letters string) module.FuncType {
	kinds := map[rune]module.ValueType{'i': module.I32, 'l': module.I64, 'd': module.F64}
	var lists [2][]module.ValueType
	at := 0
	for _, c := range letters {
		if c == ':' {
			at = 1
			continue
		}
		lists[at] = append(lists[at], kinds[c])
	}
	return module.Func(lists[0], lists[1])
}

func section(id byte, content []byte) []byte { return append([]byte{id}, sized(content)...) }

func sized(b []byte) []byte { return append(U32(uint32(len(b))), b...) }

func text(s string) []byte { return sized([]byte(s)) }

// U32 encodes an unsigned integer.
func U32(v uint32) []byte { return binary.AppendUvarint(nil, uint64(v)) }

func signed(v int64) []byte {
	var out []byte
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(out, c)
		}
		out = append(out, c|0x80)
	}
}

// Instructions.
const (
	opUnreachable = 0x00
	opBlock       = 0x02
	opLoop        = 0x03
	opBr          = 0x0c
	opEnd         = 0x0b
	opReturn      = 0x0f
	opCall        = 0x10
	opDrop        = 0x1a
	opLocalGet    = 0x20
	opI32Load     = 0x28
	opI32Store    = 0x36
	opMemoryGrow  = 0x40
	opI32Const    = 0x41
	opI64Const    = 0x42
	opF64Const    = 0x44
	opI32Eqz      = 0x45
	opBrIf        = 0x0d
)

// Code joins instructions.
func Code(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// I32 pushes a number.
func I32(v int32) []byte { return append([]byte{opI32Const}, signed(int64(v))...) }

// I64 pushes a number.
func I64(v int64) []byte { return append([]byte{opI64Const}, signed(v)...) }

// F64 pushes a number.
func F64(v float64) []byte {
	return binary.LittleEndian.AppendUint64([]byte{opF64Const}, math.Float64bits(v))
}

// Call calls a function after pushing its arguments.
func Call(function uint32, args ...[]byte) []byte {
	return Code(Code(args...), []byte{opCall}, U32(function))
}

// Drop drops what code pushes.
func Drop(code ...[]byte) []byte { return append(Code(code...), opDrop) }

// Local pushes a local.
func Local(index uint32) []byte { return append([]byte{opLocalGet}, U32(index)...) }

// Loop repeats code for ever.
func Loop(code ...[]byte) []byte {
	return Code([]byte{opLoop, 0x40}, Code(code...), []byte{opBr, 0, opEnd})
}

// LoopWhileZero repeats code, which pushes one i32, while that is 0.
func LoopWhileZero(code ...[]byte) []byte {
	return Code([]byte{opLoop, 0x40}, Code(code...), []byte{opI32Eqz, opBrIf, 0, opEnd})
}

// Grow pushes the result of growing the memory by that many pages.
func Grow(pages int32) []byte { return append(I32(pages), opMemoryGrow, 0) }

// Load pushes the i32 at an address.
func Load(address int32) []byte { return append(I32(address), opI32Load, 2, 0) }

// Store writes an i32 that code pushes to an address.
func Store(address int32, value []byte) []byte {
	return Code(I32(address), value, []byte{opI32Store, 2, 0})
}

// Nest opens n blocks and closes them again.
func Nest(n int) []byte {
	var out []byte
	for range n {
		out = append(out, opBlock, 0x40)
	}
	for range n {
		out = append(out, opEnd)
	}
	return out
}

// TrapUnless traps where code, which pushes one i32, pushes 0.
func TrapUnless(code []byte) []byte {
	return Code([]byte{opBlock, 0x40}, code, []byte{opBrIf, 0, opUnreachable, opEnd})
}

// Unreachable traps.
func Unreachable() []byte { return []byte{opUnreachable} }

// Return returns from the function.
func Return() []byte { return []byte{opReturn} }
