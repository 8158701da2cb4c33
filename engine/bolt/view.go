package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	bbolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/tlo-run/tlo/engine"
)

// view reads rows: of the tables, which are newer, else of the file.
type view struct {
	path   string
	tx     *bbolt.Tx
	tables []*table    // newest first
	lock   sync.Locker // held to read tables; nil if nobody writes them meanwhile
	open   [buckets]*bbolt.Bucket
}

func (v *view) bucket(b bucket) *bbolt.Bucket {
	if v.open[b] == nil {
		v.open[b] = b.of(v.tx)
	}
	return v.open[b]
}

// get returns a value, valid until the transaction ends, or nil.
func (v *view) get(b bucket, key []byte) []byte {
	if len(key) == 0 { // bbolt has no such key and would say so only to writers
		return nil
	}
	if len(v.tables) > 0 {
		if value, ok := v.newer(b, key); ok {
			return value
		}
	}
	return v.bucket(b).Get(key)
}

func (v *view) newer(b bucket, key []byte) ([]byte, bool) {
	if v.lock != nil {
		v.lock.Lock()
		defer v.lock.Unlock()
	}
	for _, t := range v.tables {
		if value, ok := t.get(b, key); ok {
			return value, true
		}
	}
	return nil, false
}

// seq returns the sequence number of a job.
func (v *view) seq(id string) (uint64, error) {
	value := v.get(idsBucket, []byte(id))
	if value == nil {
		return 0, engine.ErrNotFound
	}
	seq, err := seqOf(value)
	if err != nil {
		return 0, v.badRow(idsBucket, fmt.Sprintf("%q", id), err)
	}
	return seq, nil
}

// row reads a job, without far input and output.
func (v *view) row(seq uint64) (*row, error) {
	value := v.get(jobsBucket, seqKey(seq))
	if value == nil {
		return nil, v.badRow(jobsBucket, fmt.Sprint(seq), errors.New("missing"))
	}
	r, err := decodeRow(value)
	if err != nil {
		return nil, v.badRow(jobsBucket, fmt.Sprint(seq), err)
	}
	return r, nil
}

// find reads a job by id, without far input and output.
func (v *view) find(id string) (uint64, *row, error) {
	seq, err := v.seq(id)
	if err != nil {
		return 0, nil, err
	}
	r, err := v.row(seq)
	if err == nil && r.ID != id {
		err = v.badRow(idsBucket, fmt.Sprintf("%q", id), fmt.Errorf("it leads to job %q", r.ID))
	}
	return seq, r, err
}

// fetch reads the far input and output of a row that has none yet.
func (v *view) fetch(seq uint64, r *row) {
	if r.farInput && r.Input == nil {
		r.Input = slices.Clone(v.get(inputsBucket, seqKey(seq)))
	}
	if r.farOut && r.Output == nil {
		r.Output = slices.Clone(v.get(outputsBucket, seqKey(seq)))
	}
}

func (v *view) badRow(b bucket, row string, err error) error {
	return corrupt(v.path, "row %s of %s: %v", row, b, err)
}

// clone returns a row that shares no memory with r.
func (r *row) clone() *row {
	c := *r
	c.Input, c.Output, c.History = slices.Clone(r.Input), slices.Clone(r.Output), slices.Clone(r.History)
	return &c
}

// view runs f in a transaction that reads what is on the disk.
func (s *Store) view(ctx context.Context, f func(v *view) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	return s.read(f)
}

// read is view for callers who have been let in. They do not hold s.mu: a
// transaction can wait for the writer, and that one for s.mu.
func (s *Store) read(f func(v *view) error) (err error) {
	defer s.guard(&err)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	v := &view{path: s.path, lock: s.mu.RLocker()}
	// The tables are taken first: rows go from them to the file, not back.
	s.mu.RLock()
	v.tables = s.tables()
	s.mu.RUnlock()
	err = s.db.View(func(tx *bbolt.Tx) error {
		v.tx = tx
		return f(v)
	})
	if errors.Is(err, berrors.ErrDatabaseNotOpen) { // closed meanwhile
		return engine.ErrClosed
	}
	return err
}

// exclusive runs f with s.mu held, in a transaction: what changes the order of
// jobs may have to read them.
func (s *Store) exclusive(f func(v *view) error) error {
	return s.read(func(v *view) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		v.lock, s.reader = nil, v
		defer func() { s.reader = nil }()
		return f(v)
	})
}

// use is exclusive for a call.
func (s *Store) use(ctx context.Context, f func(v *view) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	return s.exclusive(func(v *view) error {
		if err := s.usable(); err != nil {
			return err
		}
		return f(v)
	})
}

// enter begins a call that only reads.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.usable()
}
