package instrument

import "encoding/binary"

// The instructions that are looked at or added.
const (
	opUnreachable  = 0x00
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opElse         = 0x05
	opEnd          = 0x0b
	opBr           = 0x0c
	opBrIf         = 0x0d
	opBrTable      = 0x0e
	opReturn       = 0x0f
	opCall         = 0x10
	opCallIndirect = 0x11
	opDrop         = 0x1a
	opLocalGet     = 0x20
	opLocalSet     = 0x21
	opLocalTee     = 0x22
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opTableGet     = 0x25
	opTableSet     = 0x26
	opMemorySize   = 0x3f
	opMemoryGrow   = 0x40
	opI32Const     = 0x41
	opI64Const     = 0x42
	opI32LeU       = 0x4d
	opI32GtU       = 0x4b
	opI64LtS       = 0x53
	opI64GtU       = 0x56
	opI32Add       = 0x6a
	opI32Sub       = 0x6b
	opI32ShrU      = 0x76
	opI64Add       = 0x7c
	opI64Sub       = 0x7d
	opI64Shl       = 0x86
	opI64ExtendU   = 0xad
	opSelect       = 0x1b
	opRefNull      = 0xd0
	opRefFunc      = 0xd2
	prefixBulk     = 0xfc
)

// What follows prefixBulk.
const (
	subMemoryInit = 8
	subDataDrop   = 9
	subMemoryCopy = 10
	subMemoryFill = 11
	subTableInit  = 12
	subElemDrop   = 13
	subTableCopy  = 14
	subTableGrow  = 15
	subTableSize  = 16
	subTableFill  = 17
)

// Types.
const (
	empty   = 0x40 // of a block
	i32     = 0x7f
	i64     = 0x7e
	funcref = 0x70
)

func appendU32(out []byte, v uint32) []byte { return binary.AppendUvarint(out, uint64(v)) }

func appendSigned(out []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(out, c)
		}
		out = append(out, c|0x80)
	}
}

func appendText(out []byte, s string) []byte { return append(appendU32(out, uint32(len(s))), s...) }

// appendIndex appends an instruction with one index.
func appendIndex(out []byte, op byte, index uint32) []byte { return appendU32(append(out, op), index) }

// appendI32 and appendI64 push a number.
func appendI32(out []byte, v int32) []byte { return appendSigned(append(out, opI32Const), int64(v)) }
func appendI64(out []byte, v int64) []byte { return appendSigned(append(out, opI64Const), v) }

// readU32 reads an integer that was read before.
func readU32(b []byte) (uint32, []byte) {
	v, n := binary.Uvarint(b)
	return uint32(v), b[max(n, 0):]
}
