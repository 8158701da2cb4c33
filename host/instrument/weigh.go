package instrument

import (
	"slices"

	"github.com/tlo-run/tlo/host/module"
)

// What instructions cost. One unit is about one simple operation of a
// processor; what only moves values about is free.
const (
	costCall     = 2
	costIndirect = 16 // it may be a function of the host
	costHost     = 64 // a call that leaves the guest's code
	costDivide   = 8
	costBulk     = 32 // of up to inlineBulk bytes
	costGrow     = 256
)

// weigh returns the cost of one instruction.
func weigh(i *module.Instruction, imported int) int64 {
	switch op := i.Op; {
	case op == opCall && int64(i.Index) < int64(imported):
		return costHost
	case op == opCall:
		return costCall
	case op == opCallIndirect:
		return costIndirect
	case op == opMemoryGrow:
		return costGrow
	case op >= 0x6d && op <= 0x70, op >= 0x7f && op <= 0x82, op == 0x91, op == 0x95, op == 0x9f, op == 0xa3:
		return costDivide
	case op == prefixBulk && i.Sub >= subMemoryInit && i.Sub != subTableSize:
		if i.Sub == subTableGrow {
			return costGrow
		}
		return costBulk
	case op <= opIf && op != opUnreachable, op == opElse, op == opEnd, op == opDrop,
		op >= opLocalGet && op <= opLocalTee, op >= opI32Const && op <= 0x44:
		return 0
	}
	return 1
}

// paths finds the longest way through each region of a function: the function
// outside its loops, and each loop outside the loops in it. A way ends where the
// region does, or where its next round begins.
type paths struct {
	regions []int64 // the function, then its loops as they appear
	frames  []pathFrame
	loops   []pathLoop // around the instruction
	now     int64      // length of the longest way to it; below 0: there is none
}

type pathFrame struct {
	op    byte
	start int64 // now at its start
	exit  int64 // longest way to its label, where that is its end
	loops int   // loops around its label's target
}

type pathLoop struct {
	region int
	before int64 // now, in the region around it
}

const nowhere = -1

func (p *paths) start() {
	p.regions = append(p.regions[:0], 0)
	p.frames = append(p.frames[:0], pathFrame{op: opBlock, exit: nowhere, loops: 1})
	p.loops = append(p.loops[:0], pathLoop{})
	p.now = 0
}

// add follows one instruction.
func (p *paths) add(i *module.Instruction, imported int) {
	if p.now >= 0 {
		p.now += weigh(i, imported)
		region := &p.regions[p.loops[len(p.loops)-1].region]
		*region = max(*region, p.now)
	}
	switch i.Op {
	case opBlock, opIf, opLoop:
		frame := pathFrame{op: i.Op, start: p.now, exit: nowhere, loops: len(p.loops)}
		if i.Op == opLoop {
			p.loops = append(p.loops, pathLoop{region: len(p.regions), before: p.now})
			p.regions = append(p.regions, 0)
			p.now = min(p.now, 0)
		}
		p.frames = append(p.frames, frame)
	case opElse:
		top := &p.frames[len(p.frames)-1]
		top.exit = max(top.exit, p.now)
		p.now, top.op = top.start, opBlock
	case opEnd:
		p.end()
	case opBr:
		p.jump(i.Index)
		p.now = nowhere
	case opBrIf:
		p.jump(i.Index)
	case opBrTable:
		for _, label := range i.Targets {
			p.jump(label)
		}
		p.now = nowhere
	case opReturn, opUnreachable:
		p.now = nowhere
	}
}

func (p *paths) end() {
	top := p.frames[len(p.frames)-1]
	p.frames = p.frames[:len(p.frames)-1]
	switch {
	case top.op == opLoop:
		p.loops = p.loops[:len(p.loops)-1]
		if p.now >= 0 {
			p.now = top.start
		}
	case top.op == opIf: // without an else
		p.now = max(p.now, top.exit, top.start)
	default:
		p.now = max(p.now, top.exit)
	}
}

// jump follows a branch to a label that is known to exist.
func (p *paths) jump(label uint32) {
	frame := &p.frames[len(p.frames)-1-int(label)]
	if frame.op == opLoop || p.now < 0 {
		return
	}
	at := p.now
	if frame.loops < len(p.loops) { // out of a loop: what is in it was charged there
		at = p.loops[frame.loops].before
	}
	frame.exit = max(frame.exit, at)
}

// costs turns the lengths of the ways into what their heads charge. Beyond a
// certain length a way is rarely taken whole: an interpreter's loop has hundreds
// of branches and goes through a few.
func (p *paths) costs() []int64 {
	const whole, share = 64, 16
	for i, n := range p.regions {
		if n > whole {
			n = whole + (n-whole)/share
		}
		p.regions[i] = max(n, 1)
	}
	return slices.Clone(p.regions)
}
