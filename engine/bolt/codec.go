package bolt

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// Values are built with append and read with a reader. Numbers are varints,
// strings have their length before them, instants are whole nanoseconds and
// the seconds since 1970, with one zero byte for the zero time.

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(t.Nanosecond())+1)
	return binary.AppendVarint(b, t.Unix())
}

// appendSince writes a time by its distance from another, which is mostly
// short: 0 for the zero time, 1 before a time in full, else the distance in
// nanoseconds, zig-zag, plus two.
func appendSince(b []byte, base, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	// By the wall clocks, which are what is stored. It saturates where it cannot
	// hold the distance.
	d := int64(t.Round(0).Sub(base.Round(0)))
	if d < -1<<61 || d > 1<<61 || base.IsZero() {
		return appendTime(append(b, 1), t)
	}
	return binary.AppendUvarint(b, uint64(d<<1^d>>63)+2)
}

func appendInt(b []byte, n int) []byte { return binary.AppendVarint(b, int64(n)) }

func appendBytes(b, v []byte) []byte { return append(binary.AppendUvarint(b, uint64(len(v))), v...) }

// appendFraction writes a progress, which is mostly one of none and all.
func appendFraction(b []byte, f float64) []byte {
	switch bits := math.Float64bits(f); bits {
	case 0:
		return append(b, 0)
	case math.Float64bits(1):
		return append(b, 1)
	default:
		return binary.BigEndian.AppendUint64(append(b, 2), bits)
	}
}

var errMalformed = errors.New("malformed")

// reader takes values off the front of b. The first that is malformed sets
// err, and all that follow are zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail() {
	r.b, r.err = nil, errMalformed
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) bool() bool {
	v := r.byte()
	if v > 1 {
		r.fail()
	}
	return v == 1
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) int() int {
	v, n := binary.Varint(r.b)
	if n <= 0 || int64(int(v)) != v {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

// bytes returns a string as a part of what is read.
func (r *reader) bytes() []byte { return r.take(r.uint()) }

func (r *reader) string() string { return string(r.bytes()) }

// copied returns a string as bytes of its own, nil if it is empty.
func (r *reader) copied() []byte {
	v := r.bytes()
	if len(v) == 0 {
		return nil
	}
	return append(make([]byte, 0, len(v)), v...)
}

func (r *reader) fraction() float64 {
	switch r.byte() {
	case 0:
		return 0
	case 1:
		return 1
	case 2:
		return r.float()
	}
	r.fail()
	return 0
}

func (r *reader) float() float64 {
	if v := r.take(8); v != nil {
		return math.Float64frombits(binary.BigEndian.Uint64(v))
	}
	return 0
}

func (r *reader) time() time.Time {
	nanos := r.uint()
	if nanos == 0 {
		return time.Time{}
	}
	if nanos > 1e9 {
		r.fail()
		return time.Time{}
	}
	sec, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return time.Time{}
	}
	r.b = r.b[n:]
	return time.Unix(sec, int64(nanos-1)).UTC()
}

func (r *reader) since(base time.Time) time.Time {
	switch d := r.uint(); d {
	case 0:
		return time.Time{}
	case 1:
		return r.time()
	default:
		d -= 2
		return base.Add(time.Duration(d>>1) ^ -time.Duration(d&1)).UTC()
	}
}

// end reports the first error; bytes that are left over are one.
func (r *reader) end() error {
	if len(r.b) > 0 {
		r.fail()
	}
	return r.err
}
