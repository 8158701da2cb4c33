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
		d.m.Bodies = append(d.m.Bodies, body.b)
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

// instructions walks one body. Where an unsupported feature hides what follows,
// the rest of the body is skipped: its length is known.
func (d *decoder) instructions(r *reader) {
	depth, deepest := 0, 0
	var i Instruction
	for r.err == nil {
		r.instruction(&i)
		if i.feature != "" {
			d.unsupported(i.feature)
		}
		if r.err != nil || i.lost {
			return
		}
		switch i.shape {
		case index:
			switch i.Op {
			case opCall:
				d.countValues(r, d.calleeType(i.Index))
			case opTableSet:
				d.m.WritesTables = true
			}
		case indexes:
			d.countValues(r, int64(i.Index))
		case block:
			d.countValues(r, i.Type)
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
		case bulk:
			d.bulk(i.Sub)
		}
	}
}

func (d *decoder) bulk(sub uint32) {
	switch sub {
	case subMemoryInit:
		d.m.NamesData = true
	case subDataDrop:
		d.m.NamesData, d.m.DropsSegments = true, true
	case subElemDrop:
		d.m.DropsSegments = true
	case subTableGrow:
		d.tableGrow = true
		fallthrough
	case subTableInit, subTableCopy, subTableFill:
		d.m.WritesTables = true
	}
}

// calleeType returns the type index of a function, -1 if there is none, which
// the compiler refuses.
func (d *decoder) calleeType(function uint32) int64 {
	if int64(function) < int64(len(d.functions)) {
		return int64(d.functions[function])
	}
	return -1
}

// countValues adds up the values that a block or a call of type t handles.
func (d *decoder) countValues(r *reader, t int64) {
	if t < 0 || t >= int64(len(d.types)) {
		return
	}
	d.code.values += uint64(len(d.types[t].Params) + len(d.types[t].Results))
	if d.code.values > maxBlockValues {
		r.fail(OverLimit, "its blocks and calls pass too many values")
	}
}
