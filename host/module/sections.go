package module

// The methods of this file read one section each. Those that return a bool
// return false where an unsupported feature hides the rest of the section.

func (d *decoder) typeSection() bool {
	n := d.count("types", MaxTypes, 2)
	for range n {
		switch form := d.byte(); {
		case d.err != nil:
			return true
		case form == 0x60:
		case form == 0x5f || form == 0x5e || form == 0x50 || form == 0x4f || form == 0x4e:
			d.unsupported(GC)
			return false
		default:
			d.fail(Malformed, "0x%02x is no function type", form)
			return true
		}
		params := d.valueTypes("parameters")
		d.types = append(d.types, FuncType{params, d.valueTypes("results")})
	}
	return true
}

func (d *decoder) valueTypes(what string) string {
	n := d.count(what+" of a function", MaxParams, 1)
	start := d.off
	for range n {
		d.valueType()
	}
	if d.err != nil {
		return ""
	}
	return string(d.b[start:d.off])
}

func (d *decoder) importSection() bool {
	n := d.count("imports", MaxImports, 4)
	for range n {
		i := Import{Module: d.name(), Name: d.name(), Kind: Kind(d.byte())}
		if d.err != nil {
			return true
		}
		ok := true
		switch i.Kind {
		case KindFunc:
			index := d.u32()
			i.Type, _ = d.typeAt(index)
			d.functions = append(d.functions, index)
			d.imported++
		case KindTable:
			ok = d.table()
		case KindMemory:
			ok = d.memory()
		case KindGlobal:
			g := Global{Type: d.valueType(), Mutable: d.byte() != 0, Imported: true}
			d.m.Globals = append(d.m.Globals, g)
		case KindTag:
			d.unsupported(Exceptions)
			d.byte()
			d.u32()
		default:
			d.fail(Malformed, "import %q %q has the unknown kind %d", i.Module, i.Name, i.Kind)
		}
		d.m.Imports = append(d.m.Imports, i)
		if !ok || d.err != nil {
			return ok
		}
	}
	return true
}

func (d *decoder) functionSection() {
	n := d.count("functions", MaxFunctions, 1)
	for range n {
		index := d.u32()
		d.typeAt(index)
		if d.err != nil {
			return
		}
		d.functions = append(d.functions, index)
	}
}

func (d *decoder) tableSection() bool {
	n := d.count("tables", MaxTables, 3)
	for range n {
		if !d.table() || d.err != nil {
			return d.err != nil
		}
	}
	return true
}

func (d *decoder) table() bool {
	if kind := d.byte(); kind != byte(FuncRef) && kind != byte(ExternRef) {
		if d.err == nil {
			// Typed references and initial values belong to one proposal.
			d.unsupported(GC)
		}
		return false
	}
	l := d.limits()
	if l.min > MaxTableElements {
		d.fail(OverLimit, "a table has %d elements; the limit is %d", l.min, MaxTableElements)
	}
	d.tables = append(d.tables, table{l.min, l.max, l.hasMax})
	return true
}

func (d *decoder) memorySection() bool {
	n := d.count("memories", MaxTables, 2)
	for range n {
		if !d.memory() || d.err != nil {
			return d.err != nil
		}
	}
	return true
}

func (d *decoder) memory() bool {
	l := d.limits()
	if l.flags&0x08 != 0 {
		d.unsupported(PageSizes)
		return false
	}
	if d.m.Memory != nil {
		d.unsupported(MultiMemory)
	}
	const pages = 1 << 16
	if l.flags&0x04 == 0 && (l.min > pages || l.hasMax && l.max > pages) {
		d.fail(Malformed, "its memory has more than %d pages", pages)
	}
	if l.hasMax && l.max < l.min {
		d.fail(Malformed, "its memory has a maximum below its minimum")
	}
	d.m.Memory = &Memory{Min: l.min, Max: l.max, HasMax: l.hasMax}
	return true
}

type limits struct {
	flags    byte
	min, max uint64
	hasMax   bool
}

func (d *decoder) limits() limits {
	l := limits{flags: d.byte()}
	if l.flags&0x02 != 0 {
		d.unsupported(Threads)
	}
	bits := 32
	if l.flags&0x04 != 0 {
		d.unsupported(Memory64)
		bits = 64
	}
	if l.flags > 0x0f {
		d.fail(Malformed, "0x%02x is no kind of limit", l.flags)
	}
	read := func() uint64 {
		if bits == 32 {
			return uint64(d.u32())
		}
		return d.leb(64)
	}
	l.min = read()
	if l.hasMax = l.flags&0x01 != 0; l.hasMax {
		l.max = read()
	}
	return l
}

func (d *decoder) globalSection() bool {
	n := d.count("globals", MaxGlobals, 4)
	for range n {
		g := Global{Type: d.valueType(), Mutable: d.byte() != 0}
		d.m.Globals = append(d.m.Globals, g)
		d.expression()
		if d.err != nil {
			break
		}
	}
	return len(d.m.Unsupported) == 0
}

func (d *decoder) exportSection() {
	n := d.count("exports", MaxExports, 3)
	for range n {
		e := Export{Name: d.name(), Kind: Kind(d.byte()), Index: d.u32()}
		if d.err != nil {
			return
		}
		if e.Kind > KindTag {
			d.fail(Malformed, "export %q has the unknown kind %d", e.Name, e.Kind)
			return
		}
		d.m.Exports = append(d.m.Exports, e)
	}
}

func (d *decoder) elementSection() bool {
	n := d.count("element segments", MaxSegments, 3)
	for range n {
		flags := d.u32()
		if flags > 7 {
			d.fail(Malformed, "%d is no kind of element segment", flags)
		}
		passive, explicit, expressions := flags&1 != 0, flags&2 != 0, flags&4 != 0
		if !passive {
			target := uint32(0)
			if explicit {
				target = d.u32()
			}
			d.below(target, len(d.tables), "table")
			d.expression()
		}
		if passive || explicit {
			d.byte() // a kind or a reference type
		}
		entries := d.count("elements of a segment", MaxElements, 1)
		if d.elements += entries; d.elements > MaxElements {
			d.fail(OverLimit, "its element segments have more than %d entries", MaxElements)
		}
		for range entries {
			if expressions {
				d.expression()
			} else {
				d.below(d.u32(), len(d.functions), "function")
			}
			if d.err != nil {
				break
			}
		}
		if d.err != nil {
			break
		}
	}
	return len(d.m.Unsupported) == 0
}

// below refuses an index that is out of range.
func (d *decoder) below(index uint32, n int, what string) {
	if d.err == nil && int64(index) >= int64(n) && len(d.m.Unsupported) == 0 {
		d.fail(Malformed, "it uses %s %d of %d", what, index, n)
	}
}

func (d *decoder) dataSection() {
	n := d.count("data segments", MaxSegments, 2)
	for range n {
		var segment Data
		switch flags := d.u32(); flags {
		case 0:
			segment.Offset = d.expression()
		case 1:
			segment.Passive = true
		case 2:
			d.below(d.u32(), 1, "memory")
			segment.Offset = d.expression()
		default:
			d.fail(Malformed, "%d is no kind of data segment", flags)
		}
		segment.Bytes = d.take(d.u32())
		if d.err != nil {
			return
		}
		d.m.Data = append(d.m.Data, segment)
	}
}

// expression reads a constant expression, single instructions up to an end, and
// returns its bytes.
func (d *decoder) expression() []byte {
	start := d.off
	for d.err == nil {
		switch op := d.byte(); op {
		case 0x0b: // end
			return d.b[start:d.off]
		case 0x23: // global.get
			d.below(d.u32(), len(d.m.Globals), "global")
		case 0xd2: // ref.func
			d.below(d.u32(), len(d.functions), "function")
		case 0xd0: // ref.null
			d.leb(33)
		case 0x41: // i32.const
			d.leb(33)
		case 0x42: // i64.const
			d.leb(64)
		case 0x43:
			d.take(4)
		case 0x44:
			d.take(8)
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // the compiler says what it thinks of them
		case 0xfd:
			if sub := d.u32(); sub != 12 {
				d.fail(Malformed, "vector instruction %d in a constant", sub)
			}
			d.take(16)
		case 0xfb:
			d.unsupported(GC)
			d.fail(Malformed, "a constant needs garbage collection")
		default:
			d.fail(Malformed, "instruction 0x%02x in a constant", op)
		}
	}
	return nil
}

func (d *decoder) customSection() {
	if d.custom++; d.custom > MaxCustomSections {
		d.fail(OverLimit, "it has more than %d custom sections", MaxCustomSections)
		return
	}
	name := d.name()
	data := d.take(uint32(d.left()))
	if d.err != nil {
		return
	}
	d.m.Customs = append(d.m.Customs, Custom{name, data})
	if name == "name" {
		d.off -= len(data)
		d.debugNames()
	}
}

// debugNames checks the structure of the name section, which the compiler
// trusts: it allocates by the counts found there.
func (d *decoder) debugNames() {
	for d.more() {
		id := d.byte()
		size := d.u32()
		at := d.base + d.off
		sub := reader{b: d.take(size), base: at, err: d.err}
		switch id {
		case 0:
			sub.name()
		case 1:
			d.nameMap(&sub)
		case 2:
			functions := sub.count("functions with names", MaxFunctions, 2)
			for range functions {
				sub.u32()
				d.nameMap(&sub)
				if sub.err != nil {
					break
				}
			}
		default:
			sub.off = len(sub.b)
		}
		if sub.more() {
			sub.fail(Malformed, "its name section is malformed; strip it")
		}
		d.err = sub.err
	}
}

func (d *decoder) nameMap(r *reader) {
	n := r.count("debug names", MaxDebugNames, 2)
	if d.names += n; d.names > MaxDebugNames {
		r.fail(OverLimit, "it has more than %d debug names; strip it", MaxDebugNames)
	}
	for range n {
		r.u32()
		r.name()
		if r.err != nil {
			return
		}
	}
}
