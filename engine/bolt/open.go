package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/tlo-run/tlo/engine"
)

// formatVersion is of the file; FORMAT.md says when it changes.
const formatVersion = 1

var formatKey = []byte("format")

// Open opens the store in a file, or makes it, readable by its owner alone.
// One process at a time may have it open: jobs that were running belong to a
// process that is gone, so their leases end now; see [Store.Recovered].
//
// The errors match [engine.ErrLocked], [engine.ErrCorrupt] or
// [engine.ErrVersion], or are of the file system. On an error the file is as
// it was.
func Open(path string, opts Options) (_ *Store, err error) {
	_, statErr := os.Stat(path)
	s := &Store{path: path, index: newIndex(), stopped: make(chan struct{})}
	s.work = sync.NewCond(&s.mu)
	defer func() { // after guard
		if err != nil && s.file != nil {
			s.abandon()
		}
	}()
	defer s.guard(&err)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	if err := s.openFile(opts.LockTimeout); err != nil {
		return nil, err
	}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	if errors.Is(statErr, fs.ErrNotExist) {
		// Without this a power cut could take the whole file.
		if err := syncFolder(filepath.Dir(path)); err != nil {
			return nil, fmt.Errorf("open store %s: %w", path, err)
		}
	}
	go s.writer()
	return s, nil
}

func (s *Store) openFile(timeout time.Duration) error {
	if timeout <= 0 {
		timeout = defaultLockTimeout
	}
	db, err := bbolt.Open(s.path, 0o600, &bbolt.Options{
		Timeout: timeout,
		// The list of free pages is stored: without it bbolt walks the whole
		// file at Open, in a goroutine whose panics nobody can catch.
		FreelistType: bbolt.FreelistMapType,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			s.file = f
			return f, err
		},
	})
	if err != nil {
		s.file = nil // bbolt closed it
		return openFailed(s.path, err)
	}
	s.db = db
	return nil
}

// abandon lets go of a file that cannot be opened as a store.
func (s *Store) abandon() {
	if s.db == nil { // bbolt panicked in Open; its mapping stays
		s.stuck = true
	}
	_ = s.release() // the error that brought us here matters
}

// prepare checks the file, makes what is missing in a new one and reads what
// is kept in memory.
func (s *Store) prepare() error {
	err := s.db.View(func(tx *bbolt.Tx) error {
		if err := s.checkFormat(tx); err != nil {
			return err
		}
		return s.checkPages(tx)
	})
	if err != nil {
		return err
	}
	return s.update(func(t *txn) error {
		for _, name := range buckets {
			if t.tx.Bucket(name) == nil {
				_, err := t.tx.CreateBucket(name)
				if t.wrote(err); err != nil {
					return err
				}
			}
		}
		if t.get(metaBucket, formatKey) == nil {
			t.put(metaBucket, formatKey, []byte(strconv.Itoa(formatVersion)))
		}
		if err := s.load(t); err != nil {
			return err
		}
		return t.err
	})
}

// checkFormat refuses files that are not of this format. One with nothing in
// it is new.
func (s *Store) checkFormat(tx *bbolt.Tx) error {
	if k, _ := tx.Cursor().First(); k == nil {
		return nil
	}
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		return corrupt(s.path, "it is a bbolt file without a store in it")
	}
	v := meta.Get(formatKey)
	format, err := strconv.Atoi(string(v))
	if err != nil || format < 1 {
		return corrupt(s.path, "its format is %q", v)
	}
	if format != formatVersion {
		return fmt.Errorf("%w: %s has format %d, this program reads format %d: use the version of tlo that wrote it, or a newer one",
			engine.ErrVersion, s.path, format, formatVersion)
	}
	for _, name := range buckets {
		if tx.Bucket(name) == nil {
			return corrupt(s.path, "the bucket %s is missing", name)
		}
	}
	return nil
}

// load fills the index, and ends the leases of the process before.
func (s *Store) load(t *txn) error {
	type held struct {
		seq uint64
		job engine.Job
	}
	var running []held
	last := uint64(0)
	err := t.tx.Bucket(jobsBucket).ForEach(func(k, v []byte) error {
		seq, err := seqOf(k)
		if err != nil {
			return t.badRow(jobsBucket, fmt.Sprintf("%x", k), err)
		}
		j, err := decodeJob(v)
		if err != nil {
			return t.badRow(jobsBucket, fmt.Sprint(seq), err)
		}
		if seq <= last {
			return t.badRow(jobsBucket, fmt.Sprint(seq), fmt.Errorf("it follows row %d", last))
		}
		last = seq
		if j.State == engine.Running {
			running = append(running, held{seq, j})
			j.LeaseUntil = time.Time{} // past by any clock
		}
		s.index.add(seq, &j)
		return nil
	})
	if err != nil {
		return err
	}
	if n := t.tx.Bucket(jobsBucket).Sequence(); n < last {
		return corrupt(s.path, "the newest job has number %d, but %d were given", last, n)
	}
	s.recovered = len(running)
	for _, r := range running {
		j := r.job
		if j.LeaseUntil = (time.Time{}); !r.job.LeaseUntil.IsZero() {
			t.set(r.seq, &r.job, &j)
		}
	}
	return nil
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
