package module

// Instruction is one instruction of a function's code.
type Instruction struct {
	Op  byte
	Sub uint32 // what follows the prefixes 0xfc and 0xfd
	// At and End are where it starts and ends in the code.
	At, End int
	// Index and Index2 are its indexes, such as a label, a function or a type.
	// Of a block they are unused: see Type.
	Index, Index2 uint32
	// Type is the type index of a block that has one, else -1.
	Type int64
	// Targets are the labels of a br_table, the default last. They are valid
	// until the next instruction is read.
	Targets []uint32

	shape   shape
	feature Feature // beyond what is supported
	lost    bool    // with feature: what follows cannot be read
}

// Code reads the body of a function.
type Code struct {
	Instruction
	// Locals counts the declared locals; parameters come before them.
	Locals uint64
	// Groups is how many groups the locals are declared in, and Declared the
	// bytes of the groups, without their count.
	Groups   int
	Declared []byte
	r        reader
}

// ReadCode starts to read a body as it stands in [Module.Bodies].
func ReadCode(body []byte) *Code {
	c := &Code{r: reader{b: body}}
	c.Groups = c.r.count("groups of locals", MaxLocals, 2)
	start := c.r.off
	for range c.Groups {
		c.Locals += uint64(c.r.u32())
		c.r.valueType()
	}
	if c.r.err == nil {
		c.Declared = body[start:c.r.off]
	}
	return c
}

// Next reads the next instruction and reports whether there was one that is
// known and supported.
func (c *Code) Next() bool {
	if !c.r.more() {
		return false
	}
	c.r.instruction(&c.Instruction)
	return c.r.err == nil && c.feature == ""
}

// Err returns why Next returned false; nil at the end of the code.
func (c *Code) Err() error {
	switch {
	case c.r.err != nil:
		return c.r.err
	case c.feature != "":
		return &Error{Offset: c.At, Text: "it needs " + string(c.feature)}
	}
	return nil
}

// instruction reads one instruction.
func (r *reader) instruction(i *Instruction) {
	*i = Instruction{At: r.off, Type: -1, Targets: i.Targets[:0]}
	i.Op = r.byte()
	if r.err != nil {
		return
	}
	i.shape = shapes[i.Op]
	switch i.shape {
	case none, end:
	case index:
		i.Index = r.u32()
	case indexes:
		i.Index = r.u32()
		i.Index2 = r.u32()
	case block:
		// One byte of a value type or 0x40, else a type index.
		if v := r.leb(33); v < 0x40 || v > 0x7f {
			i.Type = int64(uint32(v))
		}
	case memArg:
		r.memArg(i)
	case table32:
		n := r.count("targets of a br_table", MaxBranchTable, 1)
		for range n + 1 {
			i.Targets = append(i.Targets, r.u32())
			if r.err != nil {
				return
			}
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
		r.bulk(i)
	case vector:
		r.vector(i)
	case exceptions, tailCalls, gc, threads:
		i.feature, i.lost = features[i.shape], true
	default:
		r.fail(Malformed, "0x%02x is no instruction", i.Op)
	}
	i.End = r.off
}

func (r *reader) memArg(i *Instruction) {
	if align := r.u32(); align&0x40 != 0 {
		i.feature = MultiMemory
		r.u32()
	}
	r.leb(64) // 32 bits in all memories that the compiler accepts
}

func (r *reader) bulk(i *Instruction) {
	i.Sub = r.u32()
	switch sub := i.Sub; {
	case sub <= 7: // saturating truncation
	case sub == 9 || sub == 11 || sub == 13 || sub >= 15 && sub <= 17:
		i.Index = r.u32()
	case sub == 8 || sub == 10 || sub == 12 || sub == 14:
		i.Index = r.u32()
		i.Index2 = r.u32()
	default:
		r.fail(Malformed, "0xfc %d is no instruction", sub)
	}
}

func (r *reader) vector(i *Instruction) {
	i.Sub = r.u32()
	switch sub := i.Sub; {
	case sub <= 11 || sub == 92 || sub == 93:
		r.memArg(i)
	case sub == 12 || sub == 13:
		r.take(16)
	case sub >= 21 && sub <= 34:
		r.byte()
	case sub >= 84 && sub <= 91:
		r.memArg(i)
		r.byte()
	case sub <= 255:
	case sub <= 0x113:
		i.feature, i.lost = RelaxedSIMD, true
	default:
		r.fail(Malformed, "0xfd %d is no instruction", sub)
	}
}
