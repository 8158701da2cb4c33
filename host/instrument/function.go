package instrument

import (
	"fmt"

	"github.com/tlo-run/tlo/host/module"
)

// maxNested is how many loops around a loop still get a second one each: time
// to compile grows with the square of the depth.
const maxNested = 64

// inlineBulk is how many bytes an instruction may move on the spot. More goes
// through a function that does it in parts.
const inlineBulk = 512

// function writes one body anew.
func (w *rewriter) function(out, body []byte, params int) ([]byte, error) {
	costs, led, bulk, err := w.measure(body, params)
	if err != nil {
		return nil, err
	}
	c := module.ReadCode(body)
	f := &function{rewriter: w, costs: costs[1:], temporary: uint32(params) + uint32(c.Locals), frames: []frame{{}}}
	groups := uint32(c.Groups)
	if bulk {
		groups++
	}
	f.out = append(appendU32(out, groups), c.Declared...)
	if bulk {
		f.out = append(f.out, 3, i32)
	}
	if !led {
		f.out = w.check(f.out, costs[0])
	}
	for c.Next() {
		f.instruction(&c.Instruction, body)
		if len(f.out) > maxGrowth*len(body)+spare {
			return nil, ErrDense
		}
	}
	return f.out, c.Err()
}

// measure goes through a body first: it finds the cost of each head, whether the
// function leads straight to a loop, whose head then serves for both, whether
// there are instructions on ranges, and what is invalid.
func (w *rewriter) measure(body []byte, params int) (costs []int64, led, bulk bool, err error) {
	const lead = 64 // instructions before that loop
	straight := true
	c := module.ReadCode(body)
	locals := uint64(params) + c.Locals
	w.paths.start()
	imported := w.m.ImportedFunctions()
	for c.Next() {
		if len(w.paths.frames) == 0 {
			return nil, false, false, fmt.Errorf("%w: code after the end", errInvalid)
		}
		if err := w.valid(&c.Instruction, locals); err != nil {
			return nil, false, false, err
		}
		led = led || straight && c.Op == opLoop && w.paths.now <= lead
		straight = straight && !led && leads(&c.Instruction)
		w.paths.add(&c.Instruction, imported)
		if c.Op == prefixBulk && c.Sub >= subMemoryInit {
			bulk = bulk || onRange(c.Sub)
			w.parts = w.parts || c.Sub == subMemoryCopy || c.Sub == subMemoryFill
		}
	}
	if err := c.Err(); err != nil {
		return nil, false, false, err
	}
	if len(w.paths.frames) > 0 {
		return nil, false, false, fmt.Errorf("%w: no end", errInvalid)
	}
	return w.paths.costs(), led, bulk, nil
}

// leads tells the instructions after which only the next can follow, and that
// take no time worth a look.
func leads(i *module.Instruction) bool {
	switch i.Op {
	case opUnreachable, opIf, opElse, opEnd, opBr, opBrIf, opBrTable, opReturn, opCall, opCallIndirect, opMemoryGrow, prefixBulk:
		return false
	}
	return true
}

// onRange tells the instructions whose time depends on the number on top of the
// stack.
func onRange(sub uint32) bool {
	return sub >= subMemoryInit && sub <= subTableFill && sub != subDataDrop && sub != subElemDrop && sub != subTableSize
}

// valid refuses indexes that name what the rewriting adds, or nothing.
func (w *rewriter) valid(i *module.Instruction, locals uint64) error {
	what, n, index := "", 0, i.Index
	switch i.Op {
	case opCall, opRefFunc:
		what, n = "function", len(w.m.Functions)
	case opGlobalGet, opGlobalSet:
		what, n = "global", len(w.m.Globals)
	case opTableGet, opTableSet:
		what, n = "table", w.m.Tables
	case opLocalGet, opLocalSet, opLocalTee:
		what, n = "local", int(locals)
	case opBr, opBrIf:
		what, n = "label", len(w.paths.frames)
	case opBrTable:
		what, n = "label", len(w.paths.frames)
		for _, target := range i.Targets {
			index = max(index, target)
		}
	case opCallIndirect:
		if int64(i.Index) >= int64(len(w.m.Types)) {
			return fmt.Errorf("%w: type %d of %d", errInvalid, i.Index, len(w.m.Types))
		}
		what, n, index = "table", w.m.Tables, i.Index2
	case opBlock, opLoop, opIf:
		if i.Type < 0 {
			return nil
		}
		what, n, index = "type", len(w.m.Types), uint32(i.Type)
	case opElse:
		if w.paths.frames[len(w.paths.frames)-1].op != opIf {
			return fmt.Errorf("%w: else without if", errInvalid)
		}
		return nil
	case prefixBulk:
		switch i.Sub {
		case subTableGrow, subTableSize, subTableFill:
			what, n = "table", w.m.Tables
		case subTableInit:
			what, n, index = "table", w.m.Tables, i.Index2
		case subTableCopy:
			what, n, index = "table", w.m.Tables, max(i.Index, i.Index2)
		}
	}
	if what != "" && int64(index) >= int64(n) {
		return fmt.Errorf("%w: %s %d of %d", errInvalid, what, index, n)
	}
	return nil
}

// function is one body that is being written.
type function struct {
	*rewriter
	out       []byte
	costs     []int64 // of the loops to come
	temporary uint32  // first of three locals, where there are any
	frames    []frame
	loops     int // around the instruction
}

// frame is a block of the original.
type frame struct {
	depth uint32 // of its label's block in what is written
	loop  bool
	twice bool // it became two blocks
}

func (f *function) instruction(i *module.Instruction, body []byte) {
	raw := body[i.At:i.End]
	switch i.Op {
	case opBlock, opIf:
		f.out = append(f.out, raw...)
		f.frames = append(f.frames, frame{depth: f.top().depth + 1})
	case opLoop:
		f.loop(raw)
	case opEnd:
		f.out = append(f.out, opEnd)
		if f.top().twice {
			f.out = append(f.out, opEnd)
		}
		if f.top().loop {
			f.loops--
		}
		f.frames = f.frames[:len(f.frames)-1]
	case opBr, opBrIf:
		f.out = appendIndex(f.out, i.Op, f.label(i.Index))
	case opBrTable:
		f.out = appendIndex(f.out, opBrTable, uint32(len(i.Targets)-1))
		for _, target := range i.Targets {
			f.out = appendU32(f.out, f.label(target))
		}
	case prefixBulk:
		switch {
		case i.Sub == subMemoryCopy:
			f.move(raw, f.copying)
		case i.Sub == subMemoryFill:
			f.move(raw, f.filling)
		case onRange(i.Sub):
			f.chargeRange(raw)
		default:
			f.out = append(f.out, raw...)
		}
	default:
		f.out = append(f.out, raw...)
	}
}

func (f *function) top() frame { return f.frames[len(f.frames)-1] }

// label returns what a label is called among more blocks.
func (f *function) label(original uint32) uint32 {
	return f.top().depth - f.frames[len(f.frames)-1-int(original)].depth
}

func (f *function) loop(header []byte) {
	cost := f.costs[0]
	f.costs = f.costs[1:]
	fr := frame{depth: f.top().depth + 1, loop: true}
	if f.loops < maxNested {
		fr.depth, fr.twice = fr.depth+1, true
		f.out = f.rewriter.loop(f.out, header, cost)
	} else {
		f.out = append(f.out, header...)
		f.out = f.check(f.out, cost)
	}
	f.frames = append(f.frames, fr)
	f.loops++
}

// move leaves a memory.copy or memory.fill in place for what is short.
func (f *function) move(raw []byte, helper uint32) {
	to, from, n := f.temporary, f.temporary+1, f.temporary+2
	f.out = appendIndex(f.out, opLocalSet, n)
	f.out = appendIndex(f.out, opLocalSet, from)
	f.out = appendIndex(f.out, opLocalSet, to)
	operands := func() {
		f.out = appendIndex(f.out, opLocalGet, to)
		f.out = appendIndex(f.out, opLocalGet, from)
		f.out = appendIndex(f.out, opLocalGet, n)
	}
	f.out = appendIndex(f.out, opLocalGet, n)
	f.out = appendI32(f.out, inlineBulk)
	f.out = append(f.out, opI32GtU, opIf, empty)
	operands()
	f.out = appendIndex(f.out, opCall, helper)
	f.out = append(f.out, opElse)
	operands()
	f.out = append(f.out, raw...)
	f.out = append(f.out, opEnd)
}

// chargeRange charges by the length before an instruction on tables or data
// segments, whose sizes are limited: it runs whole.
func (f *function) chargeRange(raw []byte) {
	n := f.temporary + 2
	f.out = appendIndex(f.out, opLocalSet, n)
	f.out = append(f.out, opBlock, empty)
	f.out = f.chargeLength(f.out, n)
	f.out = append(f.out, 0x45, opBrIf, 0) // i32.eqz
	f.out = append(f.out, opLoop, empty)
	f.out = f.refuel(f.out, 0)
	f.out = f.spent(f.out)
	f.out = append(f.out, opBrIf, 0, opEnd, opEnd)
	f.out = appendIndex(f.out, opLocalGet, n)
	f.out = append(f.out, raw...)
}
