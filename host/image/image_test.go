package image_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/tlo-run/tlo/host/image"
	"github.com/tlo-run/tlo/host/memory"
)

// region is memory to map over, aligned to pages.
func region(t *testing.T, size uint64) []byte {
	t.Helper()
	l, err := memory.New(size, memory.MaxLimit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	})
	return l.Reallocate(size)
}

func newImage(t *testing.T, content []byte) *image.Image {
	t.Helper()
	im, err := image.New(content, []uint64{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := im.Release(); err != nil {
			t.Error(err)
		}
	})
	return im
}

// TestRestore writes to random places of several mappings, and finds the image
// in all of them afterwards.
func TestRestore(t *testing.T) {
	const size = 40 * memory.Page
	random := rand.New(rand.NewPCG(1, 2))
	content := make([]byte, size)
	for range 100 { // most pages stay zero
		content[random.IntN(size)] = byte(random.Uint32())
	}
	want := bytes.Clone(content)
	im := newImage(t, content)
	clear(content) // it is a copy
	var mappings []*image.Mapping
	var memories [][]byte
	for range 3 {
		r := region(t, size+memory.Page)
		m, err := im.Map(r)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Release()
		mappings, memories = append(mappings, m), append(memories, r)
	}
	for round := range 20 {
		for i, m := range memories {
			if !bytes.Equal(m[:size], want) {
				t.Fatalf("round %d: memory %d is not the image", round, i)
			}
			for range random.IntN(2000) {
				m[random.IntN(size)] = byte(random.Uint32())
			}
			m[size] = byte(round + 1)
		}
		for i, m := range mappings {
			if err := m.Restore(); err != nil {
				t.Fatal(err)
			}
			if memories[i][size] != byte(round+1) {
				t.Fatal("it touched what is behind the image")
			}
		}
	}
	if !bytes.Equal(im.Bytes(), want) {
		t.Error("the image changed")
	}
}

func TestEmpty(t *testing.T) {
	im := newImage(t, nil)
	m, err := im.Map(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Restore(); err != nil || im.Size() != 0 {
		t.Error(err, im.Size())
	}
	if err := m.Release(); err != nil {
		t.Error(err)
	}
}

func TestTooSmall(t *testing.T) {
	im := newImage(t, make([]byte, 2*memory.Page))
	if _, err := im.Map(region(t, memory.Page)); err == nil {
		t.Error("mapped over less memory than the image has")
	}
}

// TestOutlives keeps a mapping beyond the release of who made the image.
func TestOutlives(t *testing.T) {
	im, err := image.New(bytes.Repeat([]byte{7}, memory.Page), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := region(t, memory.Page)
	m, err := im.Map(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := im.Release(); err != nil {
		t.Fatal(err)
	}
	r[10] = 1
	if err := m.Restore(); err != nil || r[10] != 7 {
		t.Error(err, r[10])
	}
	if err := m.Release(); err != nil {
		t.Error(err)
	}
}

func BenchmarkRestore(b *testing.B) {
	const size = 48 * memory.Page
	im, err := image.New(bytes.Repeat([]byte{1}, size), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer im.Release()
	l, err := memory.New(size, memory.MaxLimit)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Release()
	r := l.Reallocate(size)
	m, err := im.Map(r)
	if err != nil {
		b.Fatal(err)
	}
	defer m.Release()
	for b.Loop() {
		for page := range 24 {
			r[page*2*4096]++
		}
		if err := m.Restore(); err != nil {
			b.Fatal(err)
		}
	}
}
