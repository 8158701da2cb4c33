package bolt

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/tlo-run/tlo/engine"
)

func testSeed(t *testing.T) uint64 {
	n, err := strconv.ParseUint(os.Getenv("TLO_SEED"), 10, 64)
	if err != nil {
		n = 1
	}
	t.Logf("TLO_SEED=%d", n)
	return n
}

// use opens a file that may be damaged and calls everything. Each call either
// works or says that the file is damaged; that none panics shows by returning.
func use(t *testing.T, path string) (damaged bool) {
	t.Helper()
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		for _, fine := range []error{nil, engine.ErrNotFound, engine.ErrLeaseLost, engine.ErrState, engine.ErrDuplicate} {
			if errors.Is(err, fine) {
				return
			}
		}
		damaged = true
		if !errors.Is(err, engine.ErrCorrupt) && !errors.Is(err, engine.ErrVersion) || !strings.Contains(err.Error(), path) {
			t.Errorf("a damaged file gives %v", err)
		}
	}
	s, err := Open(path, Options{})
	check(err)
	if err != nil {
		return damaged
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("close of a damaged store: %v", err)
		}
	}()
	_, err = dump(ctx, s)
	check(err)
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	expired, err := s.Expired(ctx, now, 10)
	check(err)
	leased, err := s.Lease(ctx, engine.LeaseRequest{Queues: engine.QueueSet{Except: true}, Max: 5, Now: now, Until: now})
	check(err)
	for _, j := range append(expired, leased...) {
		_, err := s.Extend(ctx, engine.Extension{ID: j.ID, Attempt: j.Attempt, Until: now})
		check(err)
		answers, err := s.Settle(ctx, engine.Settlement{ID: j.ID, Attempt: j.Attempt, Now: now,
			Outcome: engine.Outcome{Verdict: engine.VerdictSucceeded}, Logs: []engine.LogLine{{Message: "x"}},
			Effects: engine.Effects{Writes: []engine.Write{{Space: "s", Key: "k1", Value: []byte("x")}}}})
		check(err)
		for _, a := range answers {
			check(a.Err)
		}
	}
	for i := range 5 {
		_, err := s.Cancel(ctx, fmt.Sprintf("job-%02d", i*7), now)
		check(err)
		_, err = s.Retry(ctx, fmt.Sprintf("job-%02d", i*7), now)
		check(err)
	}
	_, err = s.Jobs(ctx, engine.Filter{Key: "key-3"})
	check(err)
	_, err = s.Purge(ctx, engine.PurgeRequest{Task: "report", Before: now, Keep: 3, Max: 10})
	check(err)
	check(s.SetLastTick(ctx, "nightly", now))
	check(s.Submit(ctx, engine.Job{ID: "new", Key: "key-2", Task: "report", Queue: "q1", State: engine.Ready, RunAt: now}))
	return damaged
}

func TestFilesCutShort(t *testing.T) {
	whole, err := os.ReadFile(filled(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.db")
	for n := len(whole) - 1; n > 0; n -= 1 + n/9 {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if damaged := use(t, path); !damaged && n < len(whole)/4 {
			t.Errorf("%d of %d bytes are left and nobody noticed", n, len(whole))
		}
	}
}

// TLO_FLIPS sets how many files are damaged.
func TestBitsFlipped(t *testing.T) {
	flips := 150
	if n, err := strconv.Atoi(os.Getenv("TLO_FLIPS")); err == nil {
		flips = n
	}
	whole, err := os.ReadFile(filled(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "flipped.db")
	rng := rand.New(rand.NewPCG(testSeed(t), 0))
	noticed := 0
	for range flips {
		b := append([]byte(nil), whole...)
		at := rng.IntN(len(b) * 8)
		// The head of a page decides most: half of the flips go there.
		if rng.IntN(2) == 0 {
			at = rng.IntN(len(b)/4096)*4096*8 + rng.IntN(128*8)
		}
		b[at/8] ^= 1 << (at % 8)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if use(t, path) {
			noticed++
		}
		if t.Failed() {
			t.Fatalf("bit %d of byte %d was flipped", at%8, at/8)
		}
	}
	if noticed == 0 {
		t.Errorf("of %d flips none was noticed", flips)
	}
	t.Logf("%d of %d flips were noticed", noticed, flips)
}

// A row that cannot be read fails the calls that need it and no others.
func TestARowDamagedWhileOpen(t *testing.T) {
	s := mustOpen(t, filled(t))
	err := s.db.Update(func(tx *bbolt.Tx) error { return jobsBucket.of(tx).Put(seqKey(40), []byte{recordVersion, 1, 200}) })
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Job(t.Context(), "job-39")
	if !errors.Is(err, engine.ErrCorrupt) || !strings.Contains(err.Error(), "row 40 of jobs") || !strings.Contains(err.Error(), s.path) {
		t.Errorf("error is %v", err)
	}
	if _, err := s.Cancel(t.Context(), "job-39", time.Time{}); !errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("error is %v", err)
	}
	if _, err := s.Cancel(t.Context(), "job-38", time.Time{}); errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("error is %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, s.path, engine.ErrCorrupt, "row 40 of jobs")
}

// A branch page that leads back to itself would exhaust the stack.
func TestBranchesInACircle(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	var jobs []engine.Job
	for i := range 2000 {
		jobs = append(jobs, engine.Job{ID: fmt.Sprintf("%064d", i), Task: "t", Queue: "q", State: engine.Ready})
	}
	if err := errors.Join(s.Submit(t.Context(), jobs...), s.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	circles := 0
	for page := 2; page < len(b)/4096; page++ {
		p := b[page*4096:]
		if p[8] != branchFlag || p[9] != 0 || p[0] != byte(page) || p[1] != byte(page>>8) {
			continue
		}
		circles++
		good := append([]byte(nil), p[pageHeader+8:pageHeader+16]...) // the first child
		copy(p[pageHeader+8:], p[:8])
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		use(t, path) // the page may be a free one: then nothing is damaged
		copy(p[pageHeader+8:], good)
	}
	if circles == 0 {
		t.Error("the file has no branch page")
	}
}
