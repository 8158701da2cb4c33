package module

// shape is what follows an opcode.
type shape byte

const (
	invalid    shape = iota
	none             // nothing
	index            // one index
	indexes          // a type or label and a second index
	block            // a block type; opens a block
	end              // nothing; closes a block
	memArg           // alignment and offset
	table32          // a vector of labels and one more
	types            // a vector of value types
	skip1            // one byte
	skip4            // four bytes
	skip8            // eight bytes
	int32s           // a signed integer of 32 or 33 bits
	int64s           // a signed integer of 64 bits
	bulk             // 0xfc
	vector           // 0xfd
	exceptions       // the rest are features that are not supported
	tailCalls
	gc
	threads
)

var features = map[shape]Feature{exceptions: Exceptions, tailCalls: TailCalls, gc: GC, threads: Threads}

const (
	opCall     = 0x10
	opTableSet = 0x26
)

// What follows 0xfc.
const (
	subMemoryInit = 8
	subDataDrop   = 9
	subTableInit  = 12
	subElemDrop   = 13
	subTableCopy  = 14
	subTableGrow  = 15
	subTableFill  = 17
)

var shapes = func() (s [256]shape) {
	set := func(sh shape, from, to byte) {
		for op := int(from); op <= int(to); op++ {
			s[op] = sh
		}
	}
	set(none, 0x00, 0x01)       // unreachable, nop
	set(block, 0x02, 0x04)      // block, loop, if
	set(none, 0x05, 0x05)       // else
	set(exceptions, 0x06, 0x0a) // try, catch, throw, rethrow, throw_ref
	set(end, 0x0b, 0x0b)
	set(index, 0x0c, 0x0d) // br, br_if
	set(table32, 0x0e, 0x0e)
	set(none, 0x0f, 0x0f) // return
	set(index, opCall, opCall)
	set(indexes, 0x11, 0x11)   // call_indirect
	set(tailCalls, 0x12, 0x13) // return_call, return_call_indirect
	set(gc, 0x14, 0x15)        // call_ref, return_call_ref
	set(exceptions, 0x18, 0x19)
	set(none, 0x1a, 0x1b) // drop, select
	set(types, 0x1c, 0x1c)
	set(exceptions, 0x1f, 0x1f)
	set(index, 0x20, 0x26)  // local.*, global.*, table.get, table.set
	set(memArg, 0x28, 0x3e) // loads and stores
	set(index, 0x3f, 0x40)  // memory.size, memory.grow
	set(int32s, 0x41, 0x41)
	set(int64s, 0x42, 0x42)
	set(skip4, 0x43, 0x43)
	set(skip8, 0x44, 0x44)
	set(none, 0x45, 0xc4)   // arithmetic
	set(int32s, 0xd0, 0xd0) // ref.null
	set(none, 0xd1, 0xd1)
	set(index, 0xd2, 0xd2) // ref.func
	set(gc, 0xd3, 0xd6)
	set(gc, 0xfb, 0xfb)
	set(bulk, 0xfc, 0xfc)
	set(vector, 0xfd, 0xfd)
	set(threads, 0xfe, 0xfe)
	return s
}()
