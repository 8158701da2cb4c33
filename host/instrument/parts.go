package instrument

// What memory.copy and memory.fill cost, and in which parts they work.
const (
	lengthShift = 4 // 16 bytes are a unit
	part        = 64 << 10
)

// chargeLength takes the cost of the length in a local from the fuel and pushes
// whether that was too much.
func (w *rewriter) chargeLength(out []byte, n uint32) []byte {
	out = appendIndex(out, opGlobalGet, w.fuel)
	out = appendIndex(out, opLocalGet, n)
	out = appendI32(out, lengthShift)
	out = append(out, opI32ShrU, opI64ExtendU, opI64Sub)
	out = appendIndex(out, opGlobalSet, w.fuel)
	return w.spent(out)
}

// parted returns the body of the function that does memory.copy, or memory.fill,
// in parts, with a check before each. Its locals are to, from (or the value) and
// n, and the length of the part.
func (w *rewriter) parted(fill bool) []byte {
	var out []byte
	const to, from, n, length = 0, 1, 2, 3
	get := func(local uint32) { out = appendIndex(out, opLocalGet, local) }
	set := func(local uint32) { out = appendIndex(out, opLocalSet, local) }
	instruction := func() {
		if fill {
			out = append(out, prefixBulk, subMemoryFill, 0)
		} else {
			out = append(out, prefixBulk, subMemoryCopy, 0, 0)
		}
	}
	outside := func(start uint32) { // leaves the block
		get(start)
		out = append(out, opI64ExtendU)
		get(n)
		out = append(out, opI64ExtendU, opI64Add)
		out = append(out, opMemorySize, 0, opI64ExtendU)
		out = appendI64(out, 16)
		out = append(out, opI64Shl, opI64GtU, opBrIf, 0)
	}
	out = append(out, 1, 1, i32)
	out = append(out, opBlock, empty)
	outside(to)
	if !fill {
		outside(from)
	}
	out = append(out, opLoop, empty)
	get(n)
	out = appendI32(out, part)
	get(n)
	out = appendI32(out, part)
	out = append(out, 0x49, opSelect) // i32.lt_u: n if it is less than a part
	set(length)
	out = w.chargeLength(out, length)
	out = append(out, opIf, empty)
	out = w.refuel(out, 0)
	out = append(out, opEnd)
	advance := func(local uint32) {
		get(local)
		get(length)
		out = append(out, opI32Add)
		set(local)
	}
	forwards := func() {
		get(to)
		get(from)
		get(length)
		instruction()
		advance(to)
		if !fill {
			advance(from)
		}
	}
	backwards := func() {
		for _, local := range []uint32{to, from} {
			get(local)
			get(n)
			out = append(out, opI32Add)
			get(length)
			out = append(out, opI32Sub)
		}
		get(length)
		instruction()
	}
	if fill {
		forwards()
	} else {
		// Ranges that overlap are read before they are written over.
		get(to)
		get(from)
		out = append(out, opI32LeU, opIf, empty)
		forwards()
		out = append(out, opElse)
		backwards()
		out = append(out, opEnd)
	}
	get(n)
	get(length)
	out = append(out, opI32Sub, opLocalTee, n)
	out = append(out, opBrIf, 0, opEnd)
	out = append(out, opReturn, opEnd)
	get(to) // out of bounds: it traps, with nothing written
	get(from)
	get(n)
	instruction()
	return append(out, opEnd)
}
