package image

import (
	"bytes"
	"testing"
)

// TestCompare is what happens where the kernel cannot list pages.
func TestCompare(t *testing.T) {
	want := bytes.Repeat([]byte{3}, 10_000)
	m := &Mapping{image: &Image{bytes: want}, memory: bytes.Clone(want)}
	for _, at := range []int{0, 4095, 4096, 9_999} {
		m.memory[at] = 0
	}
	if m.compare(); !bytes.Equal(m.memory, want) {
		t.Error("it is not the image")
	}
}
