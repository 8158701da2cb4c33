package module

import (
	"encoding/binary"
	"slices"
)

const magic = "\x00asm"

// IsBinary reports whether b starts like a module or a component.
func IsBinary(b []byte) bool { return len(b) >= len(magic) && string(b[:len(magic)]) == magic }

// Read reads a module. With an error, the [*Error] of the first fault, it
// returns what came before.
func Read(b []byte) (*Module, error) {
	d := &decoder{reader: reader{b: b}, m: &Module{DataCount: -1}}
	d.file()
	d.m.Exports = d.typedExports()
	d.m.Types, d.m.Functions, d.m.Tables = d.types, d.functions, len(d.tables)
	if d.err != nil {
		return d.m, d.err
	}
	return d.m, nil
}

// decoder holds what sections need to know of earlier ones.
type decoder struct {
	reader
	m *Module

	types     []FuncType
	functions []uint32 // type of each function, imported ones first
	imported  int      // functions
	bodies    int
	tables    []table
	elements  int // entries of element segments
	custom    int // sections
	names     int // debug names
	code      totals
	tableGrow bool
}

type table struct {
	min, max uint64
	hasMax   bool
}

func (d *decoder) unsupported(f Feature) {
	if !slices.Contains(d.m.Unsupported, f) {
		d.m.Unsupported = append(d.m.Unsupported, f)
	}
}

// order is the position of each section id; a tag section comes after the
// memory, a data count before the code.
var order = [...]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 13: 6, 6: 7, 7: 8, 8: 9, 9: 10, 12: 11, 10: 12, 11: 13}

func (d *decoder) file() {
	if !IsBinary(d.b) {
		d.fail(Malformed, "it does not start with the bytes of a WebAssembly module")
		return
	}
	d.off = len(magic)
	version := d.take(4)
	if d.err != nil {
		return
	}
	// A component has a layer in the upper half of the version.
	if binary.LittleEndian.Uint16(version[2:]) != 0 {
		d.unsupported(Components)
		return
	}
	if v := binary.LittleEndian.Uint16(version); v != 1 {
		d.fail(Malformed, "its format has version %d; known is 1", v)
		return
	}
	last := 0
	for d.more() {
		id := d.byte()
		size := d.u32()
		at := d.off
		body := d.take(size)
		if d.err != nil {
			return
		}
		if id != 0 {
			if int(id) >= len(order) {
				d.fail(Malformed, "section %d is unknown", id)
				return
			}
			if order[id] <= last {
				d.fail(Malformed, "section %d is out of order or there twice", id)
				return
			}
			last = order[id]
		}
		d.m.Sections = append(d.m.Sections, Section{id, body})
		d.section(id, body, at)
	}
	d.finish()
}

// section reads one section in place of the file's reader, so that nothing in
// it can reach beyond its end.
func (d *decoder) section(id byte, body []byte, at int) {
	outer := d.reader
	d.reader = reader{b: body, base: at}
	complete := true
	switch id {
	case 0:
		d.customSection()
	case 1:
		complete = d.typeSection()
	case 2:
		complete = d.importSection()
	case 3:
		d.functionSection()
	case 4:
		complete = d.tableSection()
	case 5:
		complete = d.memorySection()
	case 6:
		complete = d.globalSection()
	case 7:
		d.exportSection()
	case 8:
		d.m.Start = true
		d.m.StartFunc = d.u32()
		d.startFunction()
	case 9:
		complete = d.elementSection()
	case 10:
		d.codeSection()
	case 11:
		d.dataSection()
	case 12:
		d.m.DataCount = int64(d.u32())
	case 13:
		d.unsupported(Exceptions)
		complete = false
	}
	if complete && d.more() {
		d.fail(Malformed, "section %d is longer than what it holds", id)
	}
	outer.err = d.err
	d.reader = outer
}

// finish checks what needs all sections.
func (d *decoder) finish() {
	if d.err != nil || len(d.m.Unsupported) > 0 {
		return
	}
	if declared := len(d.functions) - d.imported; declared != d.bodies {
		d.fail(Malformed, "it declares %d functions and holds %d", declared, d.bodies)
	}
	if n := d.m.DataCount; n >= 0 && n != int64(len(d.m.Data)) {
		d.fail(Malformed, "it declares %d data segments and holds %d", n, len(d.m.Data))
	}
	// Tables are host memory outside the limit on linear memory.
	total := uint64(0)
	for _, t := range d.tables {
		size := t.min
		if d.tableGrow {
			if !t.hasMax {
				d.fail(OverLimit, "it grows a table that has no maximum; give the table one of at most %d elements", MaxTableElements)
				return
			}
			size = t.max
		}
		total += min(size, MaxTableElements+1)
	}
	if total > MaxTableElements {
		d.fail(OverLimit, "its tables may hold more than %d elements", MaxTableElements)
	}
}

func (d *decoder) typedExports() []Export {
	for i, e := range d.m.Exports {
		switch e.Kind {
		case KindTable:
			d.below(e.Index, len(d.tables), "table")
		case KindGlobal:
			d.below(e.Index, len(d.m.Globals), "global")
		}
		if e.Kind != KindFunc {
			continue
		}
		if int64(e.Index) >= int64(len(d.functions)) {
			if len(d.m.Unsupported) == 0 {
				d.fail(Malformed, "export %q names function %d of %d", e.Name, e.Index, len(d.functions))
			}
			continue
		}
		d.m.Exports[i].Type, _ = d.typeAt(d.functions[e.Index])
	}
	return d.m.Exports
}

func (d *decoder) startFunction() {
	d.below(d.m.StartFunc, len(d.functions), "function")
	if d.err != nil || int64(d.m.StartFunc) >= int64(len(d.functions)) {
		return
	}
	if t, ok := d.typeAt(d.functions[d.m.StartFunc]); ok && t != (FuncType{}) {
		d.fail(Malformed, "its start function is of type %v", t)
	}
}

func (d *decoder) typeAt(i uint32) (FuncType, bool) {
	if int64(i) < int64(len(d.types)) {
		return d.types[i], true
	}
	if len(d.m.Unsupported) == 0 {
		d.fail(Malformed, "it uses type %d of %d", i, len(d.types))
	}
	return FuncType{}, false
}
