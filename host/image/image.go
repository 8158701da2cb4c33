// Package image keeps the memory of a guest as it was at one moment, and puts
// other memory back to it.
//
// An image is a file without a name. Each guest that starts from it maps it
// privately: pages are shared until the guest writes to them. To wipe a guest is
// to copy back the pages that it wrote, which the kernel can list; so it costs
// what the guest touched, not what it has.
package image

import (
	"fmt"
	"sync/atomic"
)

// Image is a memory and the globals that belong to it. It does not change, and
// is safe for concurrent use.
type Image struct {
	// Globals are the values of the guest's mutable globals.
	Globals []uint64

	file  file
	bytes []byte // read only
	users atomic.Int64
}

// New makes an image of a copy of memory. It has one user, who calls Release.
func New(memory []byte, globals []uint64) (*Image, error) {
	im := &Image{Globals: globals}
	im.users.Store(1)
	if err := im.keep(memory); err != nil {
		return nil, fmt.Errorf("keep an image of %d bytes: %w", len(memory), err)
	}
	return im, nil
}

// Size is the length of the memory in bytes.
func (im *Image) Size() uint64 { return uint64(len(im.bytes)) }

// Bytes returns the memory, to read only.
func (im *Image) Bytes() []byte { return im.bytes }

// Retain adds a user.
func (im *Image) Retain() *Image {
	im.users.Add(1)
	return im
}

// Release drops a user, and the image with the last.
func (im *Image) Release() error {
	if im.users.Add(-1) > 0 {
		return nil
	}
	return im.drop()
}

// Map makes the start of region read as the image. The region begins at a page
// and is as long as the image or longer; the Mapping is a user of the image
// until its Release.
func (im *Image) Map(region []byte) (*Mapping, error) {
	if len(region) < len(im.bytes) {
		return nil, fmt.Errorf("map an image of %d bytes over %d", len(im.bytes), len(region))
	}
	m := &Mapping{image: im, memory: region[:len(im.bytes)]}
	if err := m.attach(); err != nil {
		return nil, fmt.Errorf("map an image of %d bytes: %w", len(im.bytes), err)
	}
	im.Retain()
	return m, nil
}

// Mapping is memory that started as an image. It is not safe for concurrent use.
type Mapping struct {
	image  *Image
	memory []byte
	scan   scanner
}

// Image returns what the memory started as.
func (m *Mapping) Image() *Image { return m.image }

// Release gives the image up. The memory stays as it is.
func (m *Mapping) Release() error { return m.image.Release() }

// Restore makes the memory the image again. Nothing may use it meanwhile.
func (m *Mapping) Restore() error {
	if len(m.memory) == 0 {
		return nil
	}
	return m.restore()
}

// compare copies back the pages that differ. It reads all of the memory.
func (m *Mapping) compare() {
	const page = 4096
	for at := 0; at < len(m.memory); at += page {
		end := min(at+page, len(m.memory))
		now, then := m.memory[at:end], m.image.bytes[at:end]
		if string(now) != string(then) {
			copy(now, then)
		}
	}
}
