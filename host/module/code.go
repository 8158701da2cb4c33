package module

// totals are what all functions of a module add up to.
type totals struct {
	locals, nesting, values uint64
}

func (d *decoder) codeSection() {
	n := d.count("function bodies", MaxFunctions, 3)
	d.bodies = n
	for i := range n {
		size := d.u32()
		if size > MaxBody {
			d.fail(OverLimit, "a function has %d bytes of code; the limit is %d", size, MaxBody)
		}
		if d.imported+i >= len(d.functions) {
			return // finish reports the difference
		}
		at := d.base + d.off
		body := reader{b: d.take(size), base: at, err: d.err}
		d.locals(&body)
		d.instructions(&body)
		if d.err = body.err; d.err != nil {
			return
		}
	}
}

func (d *decoder) locals(r *reader) {
	groups := r.count("groups of locals", MaxLocals, 2)
	locals := uint64(0)
	for range groups {
		locals += uint64(r.u32())
		r.valueType()
		if r.err != nil {
			return
		}
	}
	if locals > MaxLocals {
		r.fail(OverLimit, "a function has %d locals; the limit is %d", locals, MaxLocals)
	}
	if d.code.locals += locals; d.code.locals > MaxTotalLocals {
		r.fail(OverLimit, "its functions have more than %d locals together", MaxTotalLocals)
	}
}

// instructions walks one body. Where an unsupported feature appears the rest of
// the body is skipped: its length is known.
func (d *decoder) instructions(r *reader) {
	depth, deepest := 0, 0
	for r.err == nil {
		op := r.byte()
		if r.err != nil {
			return
		}
		switch shape := shapes[op]; shape {
		case none:
		case index:
			v := r.u32()
			if op == opCall {
				d.countValues(r, d.calleeType(v))
			}
		case indexes:
			d.countValues(r, r.u32())
			r.u32()
		case block:
			d.blockType(r)
			depth++
			deepest = max(deepest, depth)
			if depth > MaxDepth {
				r.fail(OverLimit, "a function nests more than %d blocks", MaxDepth)
			}
		case end:
			if depth--; depth < 0 {
				if r.more() {
					r.fail(Malformed, "code after the end of a function")
				}
				if d.code.nesting += uint64(deepest) * uint64(deepest); d.code.nesting > maxNesting {
					r.fail(OverLimit, "its functions nest too many blocks")
				}
				return
			}
		case memArg:
			d.memArg(r)
		case table32:
			n := r.count("targets of a br_table", MaxBranchTable, 1)
			for range n + 1 {
				r.u32()
			}
		case types:
			n := r.count("types of a select", MaxParams, 1)
			for range n {
				r.valueType()
			}
		case skip1:
			r.byte()
		case skip4:
			r.take(4)
		case skip8:
			r.take(8)
		case int32s:
			r.leb(33)
		case int64s:
			r.leb(64)
		case bulk:
			d.bulk(r)
		case vector:
			if !d.vector(r) {
				return
			}
		case exceptions, tailCalls, gc, threads:
			d.unsupported(features[shape])
			return
		default:
			r.fail(Malformed, "0x%02x is no instruction", op)
		}
	}
}

// noType is a type index that no module reaches.
const noType = 1<<32 - 1

func (d *decoder) calleeType(function uint32) uint32 {
	if int64(function) < int64(len(d.functions)) {
		return d.functions[function]
	}
	return noType // the compiler refuses it
}

// countValues adds up the values that a block or a call of type t handles.
func (d *decoder) countValues(r *reader, t uint32) {
	if int64(t) >= int64(len(d.types)) {
		return
	}
	d.code.values += uint64(len(d.types[t].Params) + len(d.types[t].Results))
	if d.code.values > maxBlockValues {
		r.fail(OverLimit, "its blocks and calls pass too many values")
	}
}

func (d *decoder) blockType(r *reader) {
	// One byte of a value type or 0x40, else a type index.
	if v := r.leb(33); v < 0x40 || v > 0x7f {
		d.countValues(r, uint32(v))
	}
}

func (d *decoder) memArg(r *reader) {
	if align := r.u32(); align&0x40 != 0 {
		d.unsupported(MultiMemory)
		r.u32()
	}
	r.leb(64) // 32 bits in all memories that the compiler accepts
}

func (d *decoder) bulk(r *reader) {
	switch sub := r.u32(); {
	case sub <= 7: // saturating truncation
	case sub == 9 || sub == 11 || sub == 13:
		r.u32()
	case sub == 8 || sub == 10 || sub == 12 || sub == 14:
		r.u32()
		r.u32()
	case sub == 15:
		d.tableGrow = true
		r.u32()
	case sub == 16 || sub == 17:
		r.u32()
	default:
		r.fail(Malformed, "0xfc %d is no instruction", sub)
	}
}

func (d *decoder) vector(r *reader) bool {
	switch sub := r.u32(); {
	case sub <= 11 || sub == 92 || sub == 93:
		d.memArg(r)
	case sub == 12 || sub == 13:
		r.take(16)
	case sub >= 21 && sub <= 34:
		r.byte()
	case sub >= 84 && sub <= 91:
		d.memArg(r)
		r.byte()
	case sub <= 255:
	case sub <= 0x113:
		d.unsupported(RelaxedSIMD)
		return false
	default:
		r.fail(Malformed, "0xfd %d is no instruction", sub)
	}
	return true
}
