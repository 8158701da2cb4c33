package bolt

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"

	bbolt "go.etcd.io/bbolt"
)

// The layout of bbolt's pages, as far as it is needed here.
const (
	pageHeader   = 16 // id 8, flags 2, count 2, overflow 4
	element      = 16 // of a branch: position 4, key size 4, page id 8; of a leaf: flags 4, position 4, key size 4, value size 4
	bucketHeader = 16 // root page id 8, 0 if the page follows; sequence 8
	freeElement  = 8  // page id
	metaFreelist = pageHeader + 32

	branchFlag   = 0x01
	leafFlag     = 0x02
	freelistFlag = 0x10
	bucketFlag   = 0x01 // of an element
)

// checkPages looks at the structure of all pages: that those in use form
// trees, that their keys and values lie within them, and that no page is in
// use or free twice. Keys and values are not read.
//
// bbolt finds other damage when it comes upon it and panics, which is caught.
// Three kinds it must never come upon: a branch that leads back to itself
// exhausts the stack, a page or value that claims to be very long exhausts the
// memory, and a page that is both free and in use is overwritten.
func (s *Store) checkPages(tx *bbolt.Tx) error {
	st, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("open store %s: %w", s.path, err)
	}
	if st.Size() < tx.Size() {
		return corrupt(s.path, "it has %d bytes of %d: it was cut short", st.Size(), tx.Size())
	}
	size := int64(s.db.Info().PageSize)
	w := pageWalk{file: s.file, size: size, seen: make([]bool, tx.Size()/size)}
	if err := w.all(tx); err != nil {
		return corrupt(s.path, "%v", err)
	}
	return nil
}

type pageWalk struct {
	file *os.File
	size int64
	seen []bool // by page id
}

// page is the head of a page.
type page struct {
	id       uint64
	flags    uint16
	count    int
	overflow uint64 // pages that follow and belong to it
}

func (w *pageWalk) all(tx *bbolt.Tx) error {
	w.seen[0], w.seen[1] = true, true // the two meta pages
	roots := []uint64{uint64(tx.Cursor().Bucket().Root())}
	if err := w.tree(roots[0], &roots); err != nil {
		return err
	}
	for _, root := range roots[1:] {
		if err := w.tree(root, nil); err != nil {
			return err
		}
	}
	if err := w.freelist(tx.ID()); err != nil {
		return fmt.Errorf("list of free pages: %w", err)
	}
	return nil
}

// tree walks a tree level by level. All leaves of one are on the same level.
// The roots of the buckets in it go to buckets; nil means that none may be.
func (w *pageWalk) tree(root uint64, buckets *[]uint64) error {
	for level := []uint64{root}; len(level) > 0; {
		slices.Sort(level) // the disk's order
		var next []uint64
		flags := uint16(0)
		for _, id := range level {
			p, err := w.enter(id)
			if err != nil {
				return err
			}
			if flags == 0 {
				flags = p.flags
			}
			switch {
			case p.flags != flags:
				err = fmt.Errorf("page %d has flags %#x, those beside it %#x", id, p.flags, flags)
			case flags == leafFlag:
				err = w.leaf(p, buckets)
			case flags == branchFlag && p.count > 0:
				next, err = w.branch(p, next)
			default:
				err = fmt.Errorf("page %d has flags %#x and %d elements", id, flags, p.count)
			}
			if err != nil {
				return err
			}
		}
		level = next
	}
	return nil
}

// branch appends the children of a page.
func (w *pageWalk) branch(p page, children []uint64) ([]uint64, error) {
	room := w.room(p)
	if p.count*element > room {
		return nil, fmt.Errorf("page %d has no room for %d elements", p.id, p.count)
	}
	elements, err := w.read(p.id, pageHeader, p.count*element)
	if err != nil {
		return nil, err
	}
	for i := range p.count {
		e := elements[i*element:]
		if !fits(p.count, i, room, binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:]), 0) {
			return nil, fmt.Errorf("element %d of page %d is beyond it", i, p.id)
		}
		children = append(children, binary.NativeEndian.Uint64(e[8:]))
	}
	return children, nil
}

// leaf checks the elements of a page, and those that are buckets.
func (w *pageWalk) leaf(p page, buckets *[]uint64) error {
	room := w.room(p)
	if p.count*element > room {
		return fmt.Errorf("page %d has no room for %d elements", p.id, p.count)
	}
	size := p.count * element
	if buckets != nil {
		size = room
	}
	content, err := w.read(p.id, pageHeader, size)
	if err != nil {
		return err
	}
	return w.elements(content, p, room, buckets)
}

// elements checks the elements of a leaf, whose content is read in full if
// there may be buckets.
func (w *pageWalk) elements(content []byte, p page, room int, buckets *[]uint64) error {
	for i := range p.count {
		e := content[i*element:]
		flags, pos, ksize, vsize := binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:]), binary.NativeEndian.Uint32(e[8:]), binary.NativeEndian.Uint32(e[12:])
		if !fits(p.count, i, room, pos, ksize, vsize) {
			return fmt.Errorf("element %d of page %d is beyond it", i, p.id)
		}
		if flags == 0 {
			continue
		}
		if flags != bucketFlag || buckets == nil || vsize < bucketHeader {
			return fmt.Errorf("element %d of page %d has flags %#x", i, p.id, flags)
		}
		value := e[pos+ksize:][:vsize]
		if root := binary.NativeEndian.Uint64(value); root != 0 {
			*buckets = append(*buckets, root)
		} else if err := w.inline(value[bucketHeader:]); err != nil {
			return fmt.Errorf("element %d of page %d: %w", i, p.id, err)
		}
	}
	return nil
}

// inline checks a page within the value of a bucket.
func (w *pageWalk) inline(b []byte) error {
	if len(b) < pageHeader {
		return fmt.Errorf("a page of %d bytes", len(b))
	}
	p, room := parsePage(b), len(b)-pageHeader
	if p.id != 0 || p.flags != leafFlag || p.overflow != 0 || p.count*element > room {
		return fmt.Errorf("a page with id %d, flags %#x, %d elements in %d bytes", p.id, p.flags, p.count, room)
	}
	return w.elements(b[pageHeader:], p, room, nil)
}

// room is how many bytes follow the head of a page.
func (w *pageWalk) room(p page) int { return int(p.overflow+1)*int(w.size) - pageHeader }

// fits reports whether the key and value of the i-th of n elements lie behind
// the elements and within the room. Positions count from the element.
func fits(n, i, room int, pos, ksize, vsize uint32) bool {
	return uint64(pos) >= uint64(n-i)*element && uint64(i)*element+uint64(pos)+uint64(ksize)+uint64(vsize) <= uint64(room)
}

// freelist walks the list of free pages.
func (w *pageWalk) freelist(txid int) error {
	meta, err := w.read(uint64(txid%2), metaFreelist, 8) // bbolt writes them in turn
	if err != nil {
		return err
	}
	id := binary.NativeEndian.Uint64(meta)
	p, err := w.enter(id)
	if err != nil {
		return err
	}
	if p.flags != freelistFlag {
		return fmt.Errorf("page %d has flags %#x", id, p.flags)
	}
	n, offset := uint64(p.count), pageHeader
	if n == 0xffff { // the number is in the first element
		first, err := w.read(id, offset, freeElement)
		if err != nil {
			return err
		}
		n, offset = binary.NativeEndian.Uint64(first), offset+freeElement
	}
	if room := (p.overflow + 1) * uint64(w.size); n > (room-uint64(offset))/freeElement {
		return fmt.Errorf("page %d holds no %d elements", id, n)
	}
	free, err := w.read(id, offset, int(n)*freeElement)
	if err != nil {
		return err
	}
	for e := range slices.Chunk(free, freeElement) {
		if err := w.mark(binary.NativeEndian.Uint64(e)); err != nil {
			return err
		}
	}
	return nil
}

// enter reads the head of a page and marks its pages as seen.
func (w *pageWalk) enter(id uint64) (page, error) {
	if err := w.mark(id); err != nil {
		return page{}, err
	}
	b, err := w.read(id, 0, pageHeader)
	if err != nil {
		return page{}, err
	}
	p := parsePage(b)
	if p.id != id {
		return page{}, fmt.Errorf("page %d calls itself %d", id, p.id)
	}
	for n := range p.overflow {
		if err := w.mark(id + 1 + n); err != nil {
			return page{}, err
		}
	}
	return p, nil
}

func parsePage(b []byte) page {
	return page{
		id:       binary.NativeEndian.Uint64(b),
		flags:    binary.NativeEndian.Uint16(b[8:]),
		count:    int(binary.NativeEndian.Uint16(b[10:])),
		overflow: uint64(binary.NativeEndian.Uint32(b[12:])),
	}
}

func (w *pageWalk) mark(id uint64) error {
	if id >= uint64(len(w.seen)) {
		return fmt.Errorf("page %d is beyond the end", id)
	}
	if w.seen[id] {
		return fmt.Errorf("page %d is referred to twice", id)
	}
	w.seen[id] = true
	return nil
}

func (w *pageWalk) read(id uint64, offset, n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := w.file.ReadAt(b, int64(id)*w.size+int64(offset)); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	return b, nil
}
