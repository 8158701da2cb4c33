package bolt

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// crashed copies the file of an open store, as a process that is killed now
// would leave it.
func crashed(t *testing.T, s *Store) string {
	t.Helper()
	b, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	path := newPath(t)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A job that kills its process is forgotten once, if its lease was not stored
// yet; the second time the lease waits for the disk, also when the store was
// opened and closed in between.
func TestAJobThatKillsItsProcessIsCounted(t *testing.T) {
	ctx, at := t.Context(), time.Unix(1000, 0).UTC()
	lease := func(s *Store) {
		t.Helper()
		jobs, err := s.Lease(ctx, engine.LeaseRequest{Queues: engine.QueueSet{Except: true}, Max: 1, Now: at, Until: at})
		if err != nil || len(jobs) != 1 || jobs[0].Attempt != 1 {
			t.Fatalf("leased %v, %v", jobs, err)
		}
	}
	s := mustOpen(t, newPath(t))
	if err := s.Submit(ctx, engine.Job{ID: "killer", Task: "t", Queue: "q", State: engine.Ready, RunAt: at}); err != nil {
		t.Fatal(err)
	}
	path := crashed(t, s) // before the lease is stored
	lease(s)

	s = mustOpen(t, path)
	if r := s.Report(); !r.Unclean || r.Jobs != 1 || r.Waiting != 1 || r.Lost != 0 || !strings.Contains(r.String(), "not closed properly: 1 jobs") {
		t.Errorf("report: %v", r)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, path)
	if r := s.Report(); r.Unclean || strings.Contains(r.String(), "not closed") {
		t.Errorf("report: %v", r)
	}
	lease(s)
	s = mustOpen(t, crashed(t, s))
	if r := s.Report(); !r.Unclean || r.Lost != 1 {
		t.Errorf("report: %v", r)
	}
}
