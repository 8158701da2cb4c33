package bolt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
)

func TestMain(m *testing.M) {
	path := os.Getenv("TLO_CHILD_STORE")
	switch os.Getenv("TLO_CHILD") {
	case "worker":
		fmt.Println("failed", worker(path))
		os.Exit(1)
	case "stranger":
		fmt.Println(stranger(path))
		os.Exit(0)
	case "confined":
		fmt.Println(confined(path))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child runs this test binary as something else.
func child(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "TLO_CHILD="+role, "TLO_CHILD_STORE="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// stranger opens a store as a user who may not.
func stranger(path string) error {
	if os.Getuid() == 0 {
		if err := syscall.Setuid(65534); err != nil {
			return err
		}
	}
	s, err := Open(path, Options{})
	if err == nil {
		err = errors.Join(errors.New("it opened"), s.Close())
	}
	return err
}

func TestAStrangerIsRefused(t *testing.T) {
	path := filled(t)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	out, err := child(t, "stranger", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	if s := string(out); !strings.Contains(s, "permission denied") || !strings.Contains(s, "must be writable for this user") {
		t.Errorf("the error is %s", s)
	}
}

// worker submits, leases and settles, and says so each time it was told that
// it is done, until it is killed.
func worker(path string) error {
	s, err := Open(path, Options{LockTimeout: 10 * time.Second})
	if err != nil {
		return err
	}
	ctx := context.Background() // until it is killed
	lost, err := s.Expired(ctx, time.Now(), 1000)
	if err != nil {
		return err
	}
	for _, j := range lost {
		o := engine.Outcome{Verdict: engine.VerdictRetried, RunAt: time.Now(), Cause: engine.CauseLost}
		if err := settleAndSay(ctx, s, engine.Settlement{ID: j.ID, Attempt: j.Attempt, Now: time.Now(), Outcome: o}); err != nil {
			return err
		}
	}
	errs := make(chan error)
	var wg sync.WaitGroup
	for n := range 2 {
		wg.Go(func() { errs <- submitForEver(ctx, s, fmt.Sprintf("%d-%d", os.Getpid(), n)) })
		wg.Go(func() { errs <- workForEver(ctx, s, rand.New(rand.NewPCG(uint64(n), 0))) })
	}
	return <-errs
}

func submitForEver(ctx context.Context, s *Store, prefix string) error {
	for n := 0; ; n++ {
		id, now := fmt.Sprintf("%s-%d", prefix, n), time.Now()
		j := engine.Job{ID: id, Key: id, Task: "t", Queue: "q", State: engine.Ready, RunAt: now, CreatedAt: now, Input: []byte(id)}
		if err := s.Submit(ctx, j); err != nil {
			return err
		}
		if _, err := fmt.Println("submitted", id, 0); err != nil {
			return err
		}
	}
}

func workForEver(ctx context.Context, s *Store, rng *rand.Rand) error {
	for {
		now := time.Now()
		jobs, err := s.Lease(ctx, engine.LeaseRequest{Queues: engine.QueueSet{Except: true}, Max: 1 + rng.IntN(4), Now: now, Until: now.Add(time.Hour)})
		if err != nil {
			return err
		}
		var batch []engine.Settlement
		for _, j := range jobs {
			if _, err := fmt.Println("leased", j.ID, j.Attempt); err != nil {
				return err
			}
			st := engine.Settlement{ID: j.ID, Attempt: j.Attempt, Now: now, Outcome: engine.Outcome{Verdict: engine.VerdictSucceeded, Output: j.Input}}
			st.Effects.Writes = []engine.Write{{Space: "done", Key: j.ID, Value: []byte(strconv.Itoa(j.Attempt))}}
			if rng.IntN(3) == 0 {
				st.Outcome = engine.Outcome{Verdict: engine.VerdictRetried, RunAt: now, Cause: engine.CauseError, Error: "again"}
			}
			batch = append(batch, st)
		}
		if err := settleAndSay(ctx, s, batch...); err != nil {
			return err
		}
	}
}

func settleAndSay(ctx context.Context, s *Store, batch ...engine.Settlement) error {
	answers, err := s.Settle(ctx, batch...)
	if err != nil {
		return err
	}
	for i, a := range answers {
		if a.Err != nil {
			return a.Err
		}
		if _, err := fmt.Println(batch[i].Outcome.Verdict, a.Job.ID, batch[i].Attempt); err != nil {
			return err
		}
	}
	return nil
}

// told is what workers said before they were killed.
type told struct {
	submitted map[string]bool
	attempts  map[string]int                    // id → the highest that was leased
	firsts    map[string]int                    // id → how often attempt 1 was leased
	settled   map[string]map[int]engine.Verdict // id → attempt
}

// TestCrashKilledWorkers kills a worker at any moment, again and again: what it
// was told must be true, and nothing may happen twice. TLO_CRASH_CYCLES sets
// the number of times.
func TestCrashKilledWorkers(t *testing.T) {
	cycles := 5
	if n, err := strconv.Atoi(os.Getenv("TLO_CRASH_CYCLES")); err == nil {
		cycles = n
	}
	rng := rand.New(rand.NewPCG(testSeed(t), 0))
	path := newPath(t)
	all := told{map[string]bool{}, map[string]int{}, map[string]int{}, map[string]map[int]engine.Verdict{}}
	for range cycles {
		all.runAndKill(t, child(t, "worker", path), 100+rng.IntN(500))
		if t.Failed() {
			return
		}
		s := mustOpen(t, path)
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		all.verify(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d jobs submitted, %d settled", len(all.submitted), len(all.settled))
}

// runAndKill kills the worker after so many lines, and hears what it said
// before it was dead.
func (a *told) runAndKill(t *testing.T, cmd *exec.Cmd, lines int) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	for n := 0; ; n++ {
		line, err := r.ReadString('\n')
		if err != nil { // what is left has no end and does not count
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			break
		}
		a.hear(t, line)
		if n == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if cmd.ProcessState.ExitCode() != -1 {
		t.Errorf("the worker ended by itself: %v", cmd.ProcessState)
	}
}

func (a *told) hear(t *testing.T, line string) {
	t.Helper()
	var what, id string
	var attempt int
	if _, err := fmt.Sscan(line, &what, &id, &attempt); err != nil {
		t.Errorf("the worker said %q", line)
		return
	}
	switch what {
	case "submitted":
		a.submitted[id] = true
	case "leased":
		// The first attempt may be forgotten once: the next time it waits for
		// the disk.
		if attempt == 1 {
			a.firsts[id]++
		}
		if attempt <= a.attempts[id] && (attempt > 1 || a.firsts[id] > 2) {
			t.Errorf("job %s: attempt %d was leased after %d", id, attempt, a.attempts[id])
		}
		a.attempts[id] = attempt
	default:
		if a.settled[id] == nil {
			a.settled[id] = map[int]engine.Verdict{}
		}
		if v, twice := a.settled[id][attempt]; twice {
			t.Errorf("job %s: attempt %d settled as %s and as %s", id, attempt, v, what)
		}
		a.settled[id][attempt] = engine.Verdict(what)
	}
}

func (a *told) verify(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	for id := range a.submitted {
		j, err := s.Job(ctx, id)
		if err != nil {
			t.Errorf("job %s was submitted: %v", id, err)
			continue
		}
		if string(j.Input) != id {
			t.Errorf("job %s has input %q", id, j.Input)
		}
		if j.Attempt < a.attempts[id] && a.attempts[id] > 1 {
			t.Errorf("job %s: attempt %d was leased, the store is at %d", id, a.attempts[id], j.Attempt)
		}
		history := map[int]engine.Verdict{}
		for _, h := range j.History {
			if _, twice := history[h.Number]; twice {
				t.Errorf("job %s has attempt %d twice in its history", id, h.Number)
			}
			history[h.Number] = h.Verdict
		}
		for attempt, verdict := range a.settled[id] {
			if history[attempt] != verdict {
				t.Errorf("job %s: attempt %d was settled as %s, the store has %q", id, attempt, verdict, history[attempt])
			}
		}
		// An attempt that runs or was lost has not ended; all before it have.
		if n := len(history); n != j.Attempt && (n != j.Attempt-1 || j.State != engine.Running) {
			t.Errorf("job %s is %s at attempt %d, and %d attempts ended", id, j.State, j.Attempt, n)
		}
		a.attempts[id] = max(a.attempts[id], j.Attempt) // from here on it may not fall below
		done, err := s.Get(ctx, "done", id)
		if succeeded := j.State == engine.Succeeded; succeeded != (err == nil) || succeeded && string(done) != strconv.Itoa(j.Attempt) {
			t.Errorf("job %s is %s at attempt %d, its effects are %q, %v", id, j.State, j.Attempt, done, err)
		}
	}
}
