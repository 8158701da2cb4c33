package instrument

// Quantum is how much fuel a guest uses between two looks at its budget and at
// the host's wish to stop: some ten microseconds.
const Quantum = 20_000

// charge takes cost from the fuel and pushes whether that was too much.
func (w *rewriter) charge(out []byte, cost int64) []byte {
	out = appendIndex(out, opGlobalGet, w.fuel)
	out = appendI64(out, cost)
	out = append(out, opI64Sub)
	out = appendIndex(out, opGlobalSet, w.fuel)
	return w.spent(out)
}

// spent pushes whether the fuel is below zero.
func (w *rewriter) spent(out []byte) []byte {
	out = appendIndex(out, opGlobalGet, w.fuel)
	out = appendI64(out, 0)
	return append(out, opI64LtS)
}

// refuel pays for the next quantum out of the rest, or traps, and gives refund
// back. To grow a table by nothing is the cheapest way out of the guest's code:
// unlike growing the memory it leaves the compiler's knowledge of that intact.
func (w *rewriter) refuel(out []byte, refund int64) []byte {
	out = append(out, opRefNull, funcref)
	out = appendI32(out, 0)
	out = append(out, prefixBulk)
	out = appendU32(out, subTableGrow)
	out = appendU32(out, w.idle)
	out = append(out, opDrop)

	out = appendIndex(out, opGlobalGet, w.rest)
	out = appendI64(out, Quantum)
	out = append(out, opI64Sub)
	out = appendIndex(out, opGlobalSet, w.rest)

	out = appendIndex(out, opGlobalGet, w.rest)
	out = appendIndex(out, opGlobalGet, w.floor)
	out = append(out, opI64LtS, opIf, empty, opUnreachable, opEnd)

	out = appendIndex(out, opGlobalGet, w.fuel)
	out = appendI64(out, Quantum+refund)
	out = append(out, opI64Add)
	return appendIndex(out, opGlobalSet, w.fuel)
}

// check charges cost in place. What is above a quantum is charged in parts, so
// that one refuelling makes good for each.
func (w *rewriter) check(out []byte, cost int64) []byte {
	for cost > 0 {
		part := min(cost, Quantum)
		out = w.charge(out, part)
		out = append(out, opIf, empty)
		out = w.refuel(out, 0)
		out = append(out, opEnd)
		cost -= part
	}
	return out
}

// loop writes the head of a loop. header is the loop instruction.
//
// The loop is put into another, which refuels. So the way out of the guest's
// code is outside the loop that matters, and its variables stay in registers:
// a call inside it, however rare, would have them all written to the stack in
// each round.
func (w *rewriter) loop(out, header []byte, cost int64) []byte {
	first := min(cost, Quantum)
	out = append(out, header...)
	out = w.spent(out)
	out = append(out, opIf, empty)
	out = w.refuel(out, first) // the inner head charges it again
	out = append(out, opEnd)
	out = append(out, header...)
	out = w.charge(out, first)
	out = append(out, opBrIf, 1)
	return w.check(out, cost-first)
}
