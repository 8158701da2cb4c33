// Package memory gives each attempt its linear memory, within the limit of its
// task.
//
// Where the system allows, the whole limit is reserved as address space and
// made usable as the guest grows, so that growing never copies: a guest that
// allocates 100 MiB step by step does so in half a millisecond instead of a
// second.
package memory

import (
	"fmt"

	"github.com/tetratelabs/wazero/experimental"

	"github.com/tlo-run/tlo/host/image"
)

// Page is the unit in which linear memory grows, in bytes.
const Page = 1 << 16

// MaxLimit is the most that 32-bit linear memory can have, in bytes.
const MaxLimit = 1 << 32

// Linear is the linear memory of one attempt. It is not safe for concurrent
// use: one guest has one thread.
type Linear struct {
	region  []byte // reserved
	size    uint64 // usable part of it
	refused uint64
}

var (
	_ experimental.MemoryAllocator = (*Linear)(nil)
	_ experimental.LinearMemory    = (*Linear)(nil)
)

// New reserves up to limit bytes, rounded down to whole pages, for a guest
// whose own maximum is most. Release gives them back.
func New(limit, most uint64) (*Linear, error) {
	n := min(limit, most, MaxLimit) &^ (Page - 1)
	region, err := reserve(n)
	if err != nil {
		return nil, fmt.Errorf("reserve %d bytes of address space for a guest: %w", n, err)
	}
	return &Linear{region: region}, nil
}

// Allocate implements [experimental.MemoryAllocator]. A module has one memory,
// so it is called once.
func (l *Linear) Allocate(_, _ uint64) experimental.LinearMemory { return l }

// Reallocate implements [experimental.LinearMemory]. It returns nil, which the
// guest sees as a memory.grow that failed, where size is over the limit.
func (l *Linear) Reallocate(size uint64) []byte {
	if size > uint64(len(l.region)) {
		l.refused = max(l.refused, size)
		return nil
	}
	if size > l.size {
		if err := commit(l.region, l.size, size); err != nil {
			l.refused = max(l.refused, size)
			return nil
		}
		l.size = size
	}
	return l.region[:size:size]
}

// Map makes the memory start as im, before the first Reallocate. The caller
// releases the mapping, after this memory.
func (l *Linear) Map(im *image.Image) (*image.Mapping, error) {
	m, err := im.Map(l.region)
	if err != nil {
		return nil, err
	}
	l.size = max(l.size, im.Size())
	return m, nil
}

// Forgive forgets what was refused.
func (l *Linear) Forgive() { l.refused = 0 }

// Free implements [experimental.LinearMemory] and does nothing: the runtime
// calls it while a guest that exits is still on the stack, and in rare cases
// never. Release does the work.
func (l *Linear) Free() {}

// Refused returns the largest size in bytes that was asked for and not given; 0
// if there was none.
func (l *Linear) Refused() uint64 { return l.refused }

// Size returns how many bytes the guest may use now. Memory never shrinks, so
// it is also the peak.
func (l *Linear) Size() uint64 { return l.size }

// Bytes returns what the guest may use now. It is valid until Release.
func (l *Linear) Bytes() []byte { return l.region[:l.size:l.size] }

// Release gives the memory back. No guest may use it any more.
func (l *Linear) Release() error {
	region := l.region
	l.region, l.size = nil, 0
	return release(region)
}
