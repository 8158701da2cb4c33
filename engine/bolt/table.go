package bolt

import (
	"bytes"
	"slices"
	"strings"

	bbolt "go.etcd.io/bbolt"
)

// bucket names a bucket; FORMAT.md says what is in them.
type bucket uint8

const (
	metaBucket bucket = iota
	jobsBucket
	inputsBucket
	outputsBucket
	idsBucket
	keysBucket
	endedBucket
	logsBucket
	ticksBucket
	kvBucket
	buckets
)

var bucketNames = [buckets]string{"meta", "jobs", "inputs", "outputs", "ids", "keys", "ended", "logs", "ticks", "kv"}

func (b bucket) String() string { return bucketNames[b] }

func (b bucket) of(tx *bbolt.Tx) *bbolt.Bucket { return tx.Bucket([]byte(bucketNames[b])) }

// grows reports whether most keys of the bucket come in ascending order: then
// its pages are filled almost wholly, as nothing will come between.
func (b bucket) grows() bool {
	return b == jobsBucket || b == idsBucket || b == endedBucket || b == logsBucket || b == inputsBucket || b == outputsBucket
}

// table is a set of rows to be written: of each key the last value.
type table struct {
	sheets [buckets]sheet
	bytes  int
}

type sheet struct {
	cells []cell
	place map[string]int // in cells
}

// cell is one row; without a value it is to be deleted.
type cell struct {
	key   string
	value []byte
	gone  bool
}

func (t *table) set(b bucket, c cell) {
	s := &t.sheets[b]
	t.bytes += len(c.key) + len(c.value)
	if i, ok := s.place[c.key]; ok {
		s.cells[i] = c
		return
	}
	if s.place == nil {
		s.place = map[string]int{}
	}
	s.place[c.key] = len(s.cells)
	s.cells = append(s.cells, c)
}

// get returns what the table says of a row, if it does; nil means deleted.
func (t *table) get(b bucket, key []byte) (value []byte, ok bool) {
	s := &t.sheets[b]
	i, ok := s.place[string(key)]
	if !ok {
		return nil, false
	}
	return s.cells[i].value, true
}

func (t *table) empty() bool {
	for b := range t.sheets {
		if len(t.sheets[b].cells) > 0 {
			return false
		}
	}
	return true
}

// apply writes the rows, sorted: bbolt then goes through each page once.
func (t *table) apply(tx *bbolt.Tx) error {
	for b := range buckets {
		cells := t.sheets[b].cells
		if len(cells) == 0 {
			continue
		}
		byKey := func(a, b cell) int { return strings.Compare(a.key, b.key) }
		if !slices.IsSortedFunc(cells, byKey) {
			cells = slices.SortedFunc(slices.Values(cells), byKey) // place goes on to name the others
		}
		rows := b.of(tx)
		if b.grows() {
			rows.FillPercent = 0.95
		}
		for i := range cells {
			var err error
			if c := &cells[i]; c.gone {
				err = rows.Delete([]byte(c.key))
			} else {
				err = rows.Put([]byte(c.key), c.value)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// owned returns value as bytes of its own, not nil.
func owned(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return bytes.Clone(value)
}
