package bolt

import (
	"bytes"
	"slices"

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

// table is a set of rows to be written: of each key the last value counts.
type table struct {
	sheets [buckets]sheet
}

type sheet struct {
	cells []cell
	place map[string]int // in cells; only of buckets that are read back
}

// cell is one row; gone says that it is to be deleted.
type cell struct {
	key, value []byte
	gone       bool
}

// readBack reports whether calls of a group look for rows that others of the
// group wrote. Of most buckets they ask the group for the job instead.
func (b bucket) readBack() bool {
	return b == keysBucket || b == ticksBucket || b == inputsBucket || b == outputsBucket
}

func (t *table) set(b bucket, c cell) {
	s := &t.sheets[b]
	if b.readBack() {
		if s.place == nil {
			s.place = map[string]int{}
		}
		s.place[string(c.key)] = len(s.cells)
	}
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

// grow makes room for so many jobs.
func (t *table) grow(n int) {
	for _, b := range []bucket{jobsBucket, idsBucket, endedBucket} {
		t.sheets[b].cells = make([]cell, 0, n)
	}
}

// apply writes the rows, sorted: bbolt then goes through each page once.
func (t *table) apply(tx *bbolt.Tx) error {
	for b := range buckets {
		cells := t.sheets[b].cells
		if len(cells) == 0 {
			continue
		}
		byKey := func(a, b cell) int { return bytes.Compare(a.key, b.key) }
		if !slices.IsSortedFunc(cells, byKey) {
			slices.SortStableFunc(cells, byKey)
		}
		rows := b.of(tx)
		if b.grows() {
			rows.FillPercent = 0.95
		}
		for i := range cells {
			c := &cells[i]
			if i+1 < len(cells) && bytes.Equal(c.key, cells[i+1].key) {
				continue // the next one is later
			}
			var err error
			if c.gone {
				err = rows.Delete(c.key)
			} else {
				err = rows.Put(c.key, c.value)
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
