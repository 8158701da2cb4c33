package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/tlo-run/tlo/engine"
)

// formatVersion is of the file; FORMAT.md says when it changes.
const formatVersion = 2

var (
	formatKey = []byte("format")
	cleanKey  = []byte("clean") // there while the store is closed
	// suspectKey has the newest job that was there when the store was last found
	// not closed: up to it, attempts may be missing.
	suspectKey = []byte("suspect")
)

// Open opens the store in a file, or makes it, readable by its owner alone.
// One process at a time may have it open: jobs that were running belong to a
// process that is gone, so their leases end now; see [Store.Report].
//
// The errors match [engine.ErrLocked], [engine.ErrCorrupt] or
// [engine.ErrVersion], or are of the file system. On an error the file is as
// it was.
func Open(path string, opts Options) (_ *Store, err error) {
	_, statErr := os.Stat(path)
	start := time.Now()
	s := &Store{path: path, work: make(chan struct{}, 1), stopped: make(chan struct{})}
	s.memory = newMemory(s.before)
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
	s.report.Took = time.Since(start)
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
	format := 0
	err := s.db.View(func(tx *bbolt.Tx) (err error) {
		if format, err = s.checkFormat(tx); err != nil {
			return err
		}
		return s.checkPages(tx)
	})
	if err != nil {
		return err
	}
	err = s.db.Update(func(tx *bbolt.Tx) error {
		for b := range buckets {
			if b.of(tx) == nil {
				if _, err := tx.CreateBucket([]byte(b.String())); err != nil {
					return err
				}
			}
		}
		meta := metaBucket.of(tx)
		// Leases were stored before they were given by those that wrote format 1.
		s.report.Unclean = format == formatVersion && meta.Get(cleanKey) == nil
		if err := meta.Delete(cleanKey); err != nil {
			return err
		}
		if s.report.Unclean {
			if err := meta.Put(suspectKey, seqKey(jobsBucket.of(tx).Sequence())); err != nil {
				return err
			}
		}
		return meta.Put(formatKey, []byte(strconv.Itoa(formatVersion)))
	})
	if err != nil {
		return s.commitFailed(err)
	}
	return s.exclusive(s.load)
}

// checkFormat refuses files that are not of this format or an earlier one. One
// with nothing in it is new and has format 0.
func (s *Store) checkFormat(tx *bbolt.Tx) (int, error) {
	if k, _ := tx.Cursor().First(); k == nil {
		return 0, nil
	}
	meta := metaBucket.of(tx)
	if meta == nil {
		return 0, corrupt(s.path, "it is a bbolt file without a store in it")
	}
	v := meta.Get(formatKey)
	format, err := strconv.Atoi(string(v))
	if err != nil || format < 1 {
		return 0, corrupt(s.path, "its format is %q", v)
	}
	if format > formatVersion {
		return 0, fmt.Errorf("%w: %s has format %d, this program reads formats up to %d: use the version of tlo that wrote it, or a newer one",
			engine.ErrVersion, s.path, format, formatVersion)
	}
	for b := range buckets {
		if b.of(tx) == nil {
			return 0, corrupt(s.path, "the bucket %s is missing", b)
		}
	}
	return format, nil
}

// load fills the memory, and ends the leases of the process before.
func (s *Store) load(v *view) error {
	m := s.memory
	err := v.bucket(jobsBucket).ForEach(func(k, value []byte) error {
		seq, err := seqOf(k)
		if err != nil {
			return v.badRow(jobsBucket, fmt.Sprintf("%x", k), err)
		}
		if seq <= s.last || seq > 1<<62 {
			return v.badRow(jobsBucket, fmt.Sprint(seq), fmt.Errorf("it follows row %d", s.last))
		}
		s.last = seq
		if err := m.load(seq, value); err != nil {
			return v.badRow(jobsBucket, fmt.Sprint(seq), err)
		}
		s.report.Jobs++
		return nil
	})
	if err != nil {
		return err
	}
	n := v.bucket(jobsBucket).Sequence()
	if n < s.last || n > 1<<62 {
		return corrupt(s.path, "the newest job has number %d, but %d were given", s.last, n)
	}
	s.last = n
	if value := v.get(metaBucket, suspectKey); value != nil {
		if s.suspect, err = seqOf(value); err != nil {
			return v.badRow(metaBucket, string(suspectKey), err)
		}
	}
	s.report.Lost = len(m.running)
	for _, q := range m.queues {
		s.report.Waiting += q.waiting
	}
	return nil
}

// load takes in a row of the file.
func (m *memory) load(seq uint64, value []byte) error {
	h, err := decodeHead(value)
	if err != nil {
		return err
	}
	m.zones.addBits(seq, h.state, bitOf(string(h.task)), bitOf(string(h.queue)), nanos(h.created))
	switch state := h.State(); {
	case state == engine.Running:
		r, err := decodeRow(value)
		if err != nil {
			return err
		}
		r.LeaseUntil = time.Time{} // past by any clock
		m.run(&running{seq: seq, row: r})
	case state.Terminal():
		m.end(string(h.queue), string(h.task), state, 1)
	default:
		m.wait(seq, string(h.queue), h.priority, h.runAt, string(h.id))
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
