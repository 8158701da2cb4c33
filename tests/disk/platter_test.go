package disk_test

import (
	"bytes"
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// sector is the smallest piece that a disk writes as a whole.
const sector = 512

// page is the piece in which a system copies what is written: one finds room
// as a whole or not at all.
const page = 4096

// image is the files of a folder by name.
type image map[string][]byte

// A platter is a disk that takes a tape: it knows what the files hold, and
// what of it a power cut would leave.
type platter struct {
	names   map[string]*file // as a process sees them
	durable map[string]*file // as of the last sync of the folder
	renames []event          // since then
}

type file struct {
	now     []byte
	durable []byte  // as of the last sync
	pending []event // writes and resizes since then
}

func newPlatter() *platter {
	return &platter{names: map[string]*file{}, durable: map[string]*file{}}
}

func (p *platter) take(e event) {
	switch e.kind {
	case created, renamed, unlinked:
		if e.kind == created {
			p.names[e.name] = &file{}
		} else {
			change(p.names, e)
		}
		p.renames = append(p.renames, e)
	case written, resized:
		f := p.names[e.name]
		f.now = apply(f.now, e)
		f.pending = append(f.pending, e)
	case synced:
		f := p.names[e.name]
		f.durable = slices.Clone(f.now)
		f.pending = nil
	case folderSynced:
		p.durable = maps.Clone(p.names)
		p.renames = nil
	}
}

func change(names map[string]*file, e event) {
	f := names[e.name]
	delete(names, e.name)
	if e.kind == renamed {
		names[e.to] = f
	}
}

func apply(b []byte, e event) []byte {
	end := int(e.off) + len(e.data)
	if e.kind == resized && end <= len(b) {
		return b[:end]
	}
	if end > len(b) {
		b = append(b, make([]byte, end-len(b))...)
	}
	copy(b[e.off:], e.data)
	return b
}

// unsynced reports whether a power cut would lose anything.
func (p *platter) unsynced() bool {
	for _, f := range p.names {
		if len(f.pending) > 0 {
			return true
		}
	}
	return len(p.renames) > 0
}

// written is what a killed process leaves.
func (p *platter) written() image {
	img := image{}
	for name, f := range p.names {
		img[name] = f.now
	}
	return img
}

// synced is what is left of a power cut before which the disk wrote nothing
// but what it was told to flush.
func (p *platter) synced() image {
	img := image{}
	for name, f := range p.durable {
		img[name] = f.durable
	}
	return img
}

// torn is what may be left of a power cut: of the writes that were not
// flushed any have reached the disk, in any order, and of each any sectors.
// Changes of names reach it in order, as file systems with a journal do.
func (p *platter) torn(rng *rand.Rand) image {
	names := maps.Clone(p.durable)
	for _, e := range p.renames[:rng.IntN(len(p.renames)+1)] {
		if e.kind == created {
			names[e.name] = p.names[e.name]
		} else {
			change(names, e)
		}
	}
	chance := []float64{0.1, 0.5, 0.9}[rng.IntN(3)]
	img := image{}
	for name, f := range names {
		if f == nil { // made and renamed since: its final name is what counts
			continue
		}
		b := slices.Clone(f.durable)
		for i, e := range f.pending {
			last := i == len(f.pending)-1
			switch {
			case e.kind == resized || len(e.data) == 0:
				if rng.Float64() < chance {
					b = apply(b, e)
				}
			case last && rng.IntN(2) == 0: // the one under way, cut off
				e.data = e.data[:min(len(e.data), sector*rng.IntN(len(e.data)/sector+1))]
				b = apply(b, e)
			case rng.IntN(4) == 0:
				for at := 0; at < len(e.data); at += sector {
					if rng.Float64() < chance {
						b = apply(b, event{kind: written, off: e.off + int64(at), data: e.data[at:min(at+sector, len(e.data))]})
					}
				}
			case rng.Float64() < chance:
				b = apply(b, e)
			}
		}
		img[name] = b
	}
	return img
}

var imageSeed = maphash.MakeSeed()

func (img image) hash() uint64 {
	var h maphash.Hash
	h.SetSeed(imageSeed)
	for _, name := range slices.Sorted(maps.Keys(img)) {
		h.WriteString(name)
		h.WriteByte(0)
		maphash.WriteComparable(&h, len(img[name]))
		h.Write(img[name])
	}
	return h.Sum64()
}

// equal tells whether a folder holds the image.
func (img image) equal(folder string) (bool, error) {
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != len(img) {
		return false, err
	}
	for name, want := range img {
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || !bytes.Equal(got, want) {
			return false, err
		}
	}
	return true, nil
}

// save makes the folder hold the image and nothing else.
func (img image) save(folder string) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for name, b := range img {
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
