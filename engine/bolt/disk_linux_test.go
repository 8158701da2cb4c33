package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// swap puts another file under the store's descriptor, so that the kernel
// itself fails its calls; undo puts the own one back.
func swap(t *testing.T, s *Store, name string) (undo func()) {
	t.Helper()
	fd := int(s.file.Fd())
	own, err := syscall.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := syscall.Dup3(int(other.Fd()), fd, syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(syscall.Dup3(own, fd, syscall.O_CLOEXEC), syscall.Close(own)); err != nil {
			t.Fatal(err)
		}
	}
}

// roomy is a store whose file has free pages, so that small calls need not
// make it larger.
func roomy(t *testing.T) *Store {
	t.Helper()
	return mustOpen(t, roomyPath(t))
}

func roomyPath(t *testing.T) string {
	t.Helper()
	s := mustOpen(t, filled(t))
	ctx := t.Context()
	for i := range 10 {
		j := engine.Job{ID: fmt.Sprint("old", i), Task: "old", Queue: "old", State: engine.Ready, Input: make([]byte, 16<<10)}
		if err := s.Submit(ctx, j); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Cancel(ctx, j.ID, time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Purge(ctx, engine.PurgeRequest{Task: "old", Before: time.Unix(2, 0), Max: 10}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.path
}

func mustDump(t *testing.T, s *Store) string {
	t.Helper()
	text, err := dump(t.Context(), s)
	if err := errors.Join(err, s.Check(t.Context())); err != nil {
		t.Fatal(err)
	}
	return text
}

var newJob = engine.Job{ID: "new", Task: "t", Queue: "q0", State: engine.Ready}

func TestAFullDisk(t *testing.T) {
	s := roomy(t)
	before := mustDump(t, s)
	undo := swap(t, s, "/dev/full")
	for range 3 {
		err := s.Submit(t.Context(), newJob)
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free some space") || !strings.Contains(err.Error(), s.path) {
			t.Fatalf("error is %v", err)
		}
		leased, err := s.Lease(t.Context(), engine.LeaseRequest{Queues: engine.QueueSet{Except: true}, Max: 9, Now: time.Now()})
		if !errors.Is(err, syscall.ENOSPC) || leased != nil {
			t.Fatalf("leased %v, %v", leased, err)
		}
		if after := mustDump(t, s); after != before {
			t.Fatalf("the store changed:\n%s\nwas\n%s", after, before)
		}
	}
	undo()
	if err := s.Submit(t.Context(), newJob); err != nil {
		t.Fatalf("after there is room again: %v", err)
	}
	after := mustDump(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if reopened := mustDump(t, mustOpen(t, s.path)); reopened != after {
		t.Errorf("reopened:\n%s\nwas\n%s", reopened, after)
	}
}

// A file that may not grow: bbolt reports this otherwise than a failed write.
// The limit is of a whole process, hence a child.
func TestAFileThatCannotGrow(t *testing.T) {
	out, err := child(t, "confined", roomyPath(t)).Output()
	if err != nil || string(out) != "<nil>\n" {
		t.Errorf("%v: %s", err, out)
	}
}

func confined(path string) error {
	ctx := context.Background()
	s, err := Open(path, Options{})
	if err != nil {
		return err
	}
	before, err := dump(ctx, s)
	if err != nil {
		return err
	}
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	low := limit
	low.Cur = uint64(st.Size())
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &low); err != nil {
		return err
	}
	big := newJob
	big.Input = make([]byte, 1<<20)
	if err := s.Submit(ctx, big); !errors.Is(err, syscall.EFBIG) || !strings.Contains(err.Error(), "free some space") {
		return fmt.Errorf("a call too large returns %w", err)
	}
	if err := s.SetLastTick(ctx, "other", time.Unix(99, 0)); err != nil {
		return fmt.Errorf("a call that fits fails too: %w", err)
	}
	after, err := dump(ctx, s)
	if err := errors.Join(err, s.Check(ctx)); err != nil || after != before {
		return fmt.Errorf("%w: the store holds\n%s\nwas\n%s", err, after, before)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if err := s.Submit(ctx, big); err != nil {
		return fmt.Errorf("after there is room again: %w", err)
	}
	return errors.Join(s.Check(ctx), s.Close())
}

// A flush that failed may have lost pages: nothing may be built on it.
func TestAFlushThatFails(t *testing.T) {
	s := roomy(t)
	before := mustDump(t, s)
	undo := swap(t, s, "/dev/null") // takes writes, cannot be flushed
	first := s.Submit(t.Context(), newJob)
	undo()
	if !errors.Is(first, syscall.EINVAL) || !strings.Contains(first.Error(), "check the disk") {
		t.Fatalf("error is %v", first)
	}
	if err := s.Submit(t.Context(), newJob); !errors.Is(err, first) {
		t.Errorf("the next write returns %v", err)
	}
	if _, err := s.Job(t.Context(), "job-00"); !errors.Is(err, first) {
		t.Errorf("the next read returns %v", err)
	}
	if _, err := s.Counts(t.Context(), time.Now()); !errors.Is(err, first) {
		t.Errorf("the next count returns %v", err)
	}
	if err := s.Close(); !errors.Is(err, first) {
		t.Errorf("closing returns %v", err)
	}
	if after := mustDump(t, mustOpen(t, s.path)); after != before {
		t.Errorf("reopened:\n%s\nwas\n%s", after, before)
	}
}
