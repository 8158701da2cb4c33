package module

import (
	"fmt"
	"unicode/utf8"
)

// Error says what is wrong with a binary, and where.
type Error struct {
	Fault  Fault
	Offset int // in the file
	Text   string
}

// Fault is the kind of an Error.
type Fault int

// The faults.
const (
	Malformed Fault = iota
	Truncated       // ends too early
	OverLimit       // well-formed, but beyond a limit of this package
)

func (e *Error) Error() string { return fmt.Sprintf("%s (at byte %d)", e.Text, e.Offset) }

// reader reads a part of the file. Its first error sticks: later reads return
// zero values, so that callers check once at the end and inside loops over
// claimed counts.
type reader struct {
	b    []byte
	off  int
	base int // offset of b in the file
	err  *Error
}

func (r *reader) fail(fault Fault, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Fault: fault, Offset: r.base + r.off, Text: fmt.Sprintf(format, args...)}
	}
}

func (r *reader) left() int { return len(r.b) - r.off }

func (r *reader) more() bool { return r.err == nil && r.off < len(r.b) }

func (r *reader) byte() byte {
	if r.err != nil {
		return 0
	}
	if r.off >= len(r.b) {
		r.fail(Truncated, "it ends in the middle")
		return 0
	}
	r.off++
	return r.b[r.off-1]
}

// take returns the next n bytes, which point into the input.
func (r *reader) take(n uint32) []byte {
	if r.err != nil {
		return nil
	}
	if uint64(n) > uint64(r.left()) {
		r.fail(Truncated, "it ends in the middle")
		return nil
	}
	r.off += int(n)
	return r.b[r.off-int(n) : r.off]
}

// leb reads a LEB128 integer of at most bits bits and returns its low 64 bits.
// Sign extension is left out: no caller needs the value of a signed one beyond
// telling a type index from a value type.
func (r *reader) leb(bits int) uint64 {
	var v uint64
	for shift := 0; shift < bits; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.fail(Malformed, "an integer is too long")
	return 0
}

func (r *reader) u32() uint32 {
	v := r.leb(32)
	if v > 1<<32-1 {
		r.fail(Malformed, "an integer is too large")
		return 0
	}
	return uint32(v)
}

// count reads the length of a vector whose elements take at least size bytes.
// What it accepts fits in the input, so it may size an allocation.
func (r *reader) count(what string, limit, size int) int {
	n := r.u32()
	if r.err != nil {
		return 0
	}
	if int64(n) > int64(limit) {
		r.fail(OverLimit, "it declares %d %s; the limit is %d", n, what, limit)
		return 0
	}
	if int64(n)*int64(size) > int64(r.left()) {
		r.fail(Truncated, "it declares %d %s and ends before them", n, what)
		return 0
	}
	return int(n)
}

func (r *reader) name() string {
	n := r.u32()
	if n > MaxName {
		r.fail(OverLimit, "a name has %d bytes; the limit is %d", n, MaxName)
	}
	b := r.take(n)
	if !utf8.Valid(b) {
		r.fail(Malformed, "a name is not UTF-8")
	}
	return string(b)
}

func (r *reader) valueType() ValueType {
	t := ValueType(r.byte())
	if r.err == nil && !t.known() {
		r.off--
		r.fail(Malformed, "0x%02x is no value type", byte(t))
	}
	return t
}
