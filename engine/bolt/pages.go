package bolt

import (
	"encoding/binary"
	"fmt"
	"os"

	bbolt "go.etcd.io/bbolt"
)

// The layout of bbolt's pages, as far as it is needed here.
const (
	pageHeader    = 16 // id 8, flags 2, count 2, overflow 4
	branchElement = 16 // position 4, key size 4, page id 8
	branchFlag    = 1
	leafFlag      = 2
)

// checkPages looks at the branch pages of each bucket: that they lie within
// the file and form a tree. bbolt finds other damage when it comes upon it and
// panics, which is caught, but a branch that leads back to itself would exhaust
// the stack, which cannot be. Leaves, all but about one page in a hundred, are
// not read.
func (s *Store) checkPages(tx *bbolt.Tx) error {
	st, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("open store %s: %w", s.path, err)
	}
	if st.Size() < tx.Size() {
		return corrupt(s.path, "it has %d bytes of %d: it was cut short", st.Size(), tx.Size())
	}
	w := pageWalk{file: s.file, size: s.db.Info().PageSize, seen: map[uint64]bool{}}
	w.end = uint64(tx.Size()) / uint64(w.size)
	return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
		if b == nil || b.Root() == 0 { // within its parent's page
			return nil
		}
		if err := w.tree(uint64(b.Root())); err != nil {
			return corrupt(s.path, "bucket %s: %v", name, err)
		}
		return nil
	})
}

type pageWalk struct {
	file *os.File
	size int
	end  uint64 // the first page behind the last
	seen map[uint64]bool
}

// tree walks a tree level by level. All leaves of one are on the same level.
func (w *pageWalk) tree(root uint64) error {
	for level := []uint64{root}; ; {
		var next []uint64
		for i, id := range level {
			if id < 2 || id >= w.end || w.seen[id] {
				return fmt.Errorf("page %d is referred to wrongly", id)
			}
			w.seen[id] = true
			if i > 0 && next == nil {
				continue // the first was a leaf
			}
			children, err := w.branch(id)
			if err != nil {
				return err
			}
			if i > 0 && children == nil {
				return fmt.Errorf("page %d is a leaf among branches", id)
			}
			next = append(next, children...)
		}
		if level = next; level == nil {
			return nil
		}
	}
}

// branch returns the children of a page, nil if it is a leaf.
func (w *pageWalk) branch(id uint64) ([]uint64, error) {
	page, err := w.read(id, 0, pageHeader)
	if err != nil {
		return nil, err
	}
	self, flags, count := binary.NativeEndian.Uint64(page), binary.NativeEndian.Uint16(page[8:]), int(binary.NativeEndian.Uint16(page[10:]))
	switch {
	case self != id:
		return nil, fmt.Errorf("page %d calls itself %d", id, self)
	case flags == leafFlag:
		return nil, nil
	case flags != branchFlag || count == 0:
		return nil, fmt.Errorf("page %d has flags %#x and %d elements", id, flags, count)
	}
	elements, err := w.read(id, pageHeader, count*branchElement)
	if err != nil {
		return nil, err
	}
	children := make([]uint64, count)
	for i := range children {
		children[i] = binary.NativeEndian.Uint64(elements[i*branchElement+8:])
	}
	return children, nil
}

func (w *pageWalk) read(id uint64, offset, n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := w.file.ReadAt(b, int64(id)*int64(w.size)+int64(offset)); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	return b, nil
}
