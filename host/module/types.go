package module

import "strings"

// ValueType is the type of a parameter, a result or a global, as encoded.
type ValueType byte

// The value types.
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	V128      ValueType = 0x7b
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
)

func (t ValueType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	}
	return "?"
}

// Number reports whether t is a type of integers or floating-point numbers.
func (t ValueType) Number() bool { return t == I32 || t == I64 || t == F32 || t == F64 }

func (t ValueType) known() bool { return t.String() != "?" }

// FuncType is the type of a function. Each string holds one ValueType per byte,
// so that types compare with ==.
type FuncType struct{ Params, Results string }

// Func makes a FuncType.
func Func(params, results []ValueType) FuncType {
	encode := func(types []ValueType) string {
		b := make([]byte, len(types))
		for i, t := range types {
			b[i] = byte(t)
		}
		return string(b)
	}
	return FuncType{encode(params), encode(results)}
}

// String writes t as "(i32, i32) -> i32".
func (t FuncType) String() string {
	list := func(types string) string {
		names := make([]string, len(types))
		for i := range types {
			names[i] = ValueType(types[i]).String()
		}
		return "(" + strings.Join(names, ", ") + ")"
	}
	results := list(t.Results)
	if len(t.Results) == 1 {
		results = strings.Trim(results, "()")
	}
	return list(t.Params) + " -> " + results
}

// Kind is what an import or an export is.
type Kind byte

// The kinds, as encoded.
const (
	KindFunc Kind = iota
	KindTable
	KindMemory
	KindGlobal
	KindTag
)

var kindNames = [...]string{"function", "table", "memory", "global", "tag"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "?"
}

// Import is one thing that a module needs from outside.
type Import struct {
	Module, Name string
	Kind         Kind
	Type         FuncType // of a function
}

// Export is one thing that a module offers.
type Export struct {
	Name  string
	Kind  Kind
	Index uint32
	Type  FuncType // of a function
}

// PageSize is the unit of memory sizes, in bytes.
const PageSize = 1 << 16

// Memory is a module's linear memory, in pages.
type Memory struct {
	Min, Max uint64
	HasMax   bool
}

// Custom is a custom section. Data points into the input.
type Custom struct {
	Name string
	Data []byte
}

// Global is a global variable.
type Global struct {
	Type     ValueType
	Mutable  bool
	Imported bool
}

// Data is a data segment.
type Data struct {
	Passive bool
	// Offset is the constant expression that says where an active segment goes,
	// its end included.
	Offset []byte
	Bytes  []byte
}

// Section is a section as it stands in the file.
type Section struct {
	ID   byte
	Data []byte
}

// Module is what a binary says about itself.
type Module struct {
	Imports []Import
	Exports []Export
	Memory  *Memory // nil if there is none
	Start   bool    // has a start section
	Customs []Custom

	// What follows is for those that write the module anew. All of it points
	// into the input.
	Types     []FuncType
	Functions []uint32 // the type of each, imported ones first
	Globals   []Global // imported ones first
	Tables    int      // imported ones included
	StartFunc uint32   // where Start
	Bodies    [][]byte // the code of the functions that are not imported
	Data      []Data   // segments
	// What code does that memory and globals do not show.
	WritesTables  bool
	DropsSegments bool
	NamesData     bool  // copies from data segments, or drops them
	DataCount     int64 // data segments that were announced, -1 if none were
	Sections      []Section

	// Unsupported names the features beyond WebAssembly 2.0 that were seen.
	// Where there are some, the rest of the module may be missing.
	Unsupported []Feature
}

// Feature is a proposal beyond WebAssembly 2.0.
type Feature string

// The features that are recognised in order to refuse them.
const (
	Components  Feature = "the component model"
	Threads     Feature = "threads"
	Memory64    Feature = "64-bit memory"
	MultiMemory Feature = "several memories"
	Exceptions  Feature = "exception handling"
	TailCalls   Feature = "tail calls"
	GC          Feature = "garbage collection"
	RelaxedSIMD Feature = "relaxed SIMD"
	PageSizes   Feature = "custom page sizes"
)

// ImportedFunctions counts the functions that come from outside; they have the
// first indexes.
func (m *Module) ImportedFunctions() int { return len(m.Functions) - len(m.Bodies) }

// Export returns the export of that name.
func (m *Module) Export(name string) (Export, bool) {
	for _, e := range m.Exports {
		if e.Name == name {
			return e, true
		}
	}
	return Export{}, false
}
