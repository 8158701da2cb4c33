// Package crash_test kills real engines with SIGKILL in mid-work and looks at
// what the next one finds: nothing accepted is lost, nothing settles twice.
package crash_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/server"
	"github.com/tlo-run/tlo/server/client"
	"github.com/tlo-run/tlo/tests/guests"
)

const config = `
data_dir = "data"
workers  = 4
defaults {
  retry {
    min    = "10ms"
    max    = "50ms"
    losses = 1000 # each kill loses what runs; that must not use up a job
  }
}
task "csv-to-json" {
  schedule {
    every = "1s"
    input = "tick\n1\n"
  }
}
`

func TestCrashKill(t *testing.T) {
	cycles := 5
	if v := os.Getenv("TLO_CRASH_CYCLES"); v != "" {
		var err error
		if cycles, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t)
	confirmed := map[string]time.Time{} // when its engine was dead, by id
	for cycle := range cycles {
		run := w.start(t)
		ids := w.submitUntilKilled(t, run, cycle)
		dead := time.Now()
		for id := range ids {
			confirmed[id] = dead
		}
	}
	w.finish(t, confirmed)
}

// world is a data directory with a real tlo.
type world struct{ bin, dir string }

func newWorld(t *testing.T) *world {
	w := &world{dir: t.TempDir()}
	var err error
	if w.bin, err = guests.BuildTLO(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	wasm := filepath.Join(guests.Root(), "plugins", "examples", "csv-to-json")
	if err := guests.Place(wasm, "csv-to-json", filepath.Join(w.dir, "plugins")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "tlo.hcl"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// start returns a running engine.
func (w *world) start(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(w.bin, "run")
	cmd.Dir = w.dir
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		fmt.Fprintln(&log, lines.Text())
		if strings.Contains(lines.Text(), "tlo: running") {
			go func() { // ends with the process
				for lines.Scan() {
				}
			}()
			return cmd
		}
	}
	t.Fatalf("the engine did not start: %v\n%s", cmd.Wait(), log.String())
	return nil
}

func (w *world) dial(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.Dial(t.Context(), filepath.Join(w.dir, "data", "tlo.sock"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// submitUntilKilled submits from four sides, kills the engine after a random
// number of confirmations, and returns the ids that were confirmed. The engine
// is dead when it returns, whatever happened.
func (w *world) submitUntilKilled(t *testing.T, run *exec.Cmd, cycle int) map[string]bool {
	t.Helper()
	kill := sync.OnceFunc(func() { _ = run.Process.Kill() })
	defer func() {
		kill()
		_ = run.Wait() // killed
	}()
	c := w.dial(t)
	defer c.Close()
	var mu sync.Mutex
	confirmed := map[string]bool{}
	killAt := 20 + rand.IntN(150)
	var producers sync.WaitGroup
	for p := range 4 {
		producers.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("c%d-p%d-%d", cycle, p, n)
				jobs, err := c.Submit(t.Context(), server.Submission{Task: "csv-to-json", ID: id, InputText: "a,b\n1,2\n"})
				mu.Lock()
				enough := len(confirmed) >= killAt
				if err == nil {
					confirmed[jobs[0].ID] = true
				}
				mu.Unlock()
				switch {
				case enough:
					kill()
				case err != nil:
					t.Errorf("submit %s to an engine that nobody killed: %v", id, err)
				}
				if err != nil {
					return // this one was never confirmed
				}
			}
		})
	}
	producers.Wait()
	return confirmed
}

// finish lets a last engine do all that is left and checks every job.
func (w *world) finish(t *testing.T, confirmed map[string]time.Time) {
	run := w.start(t)
	defer func() { _ = run.Process.Kill() }() // has ended, unless the test failed
	c := w.dial(t)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	// A tick comes each second, and this job after the next one.
	late, err := c.Submit(ctx, server.Submission{Task: "csv-to-json", InputText: "a,b\n1,2\n", RunAt: time.Now().Add(2 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	confirmed[late[0].ID] = time.Now().Add(time.Hour) // no kill
	lost, outlived := 0, 0
	for id, dead := range confirmed {
		if err := c.Follow(ctx, id, 0, func(server.Change) error { return nil }); err != nil {
			t.Fatalf("job %s was confirmed and did not end: %v", id, err)
		}
		job, err := c.Job(ctx, id)
		if err != nil {
			t.Fatalf("job %s was confirmed and is gone: %v", id, err)
		}
		lost += job.Losses
		if job.FinishedAt.After(dead) {
			outlived++
		}
		checkHistory(t, job)
	}
	checkTicks(t, c)
	t.Logf("%d jobs confirmed, %d outlived a kill, %d attempts counted as lost", len(confirmed), outlived, lost)
	// A first lease is written after it is given, so a kill may forget it; but
	// among many submissions it finds jobs that have not ended, if not each time.
	if outlived == 0 {
		t.Error("no job outlived its engine: the kills tested nothing")
	}
	if err := run.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := run.Wait(); err != nil {
		t.Errorf("the last engine did not drain: %v", err)
	}
}

// checkHistory checks that a job succeeded once, at its last attempt, and that
// its attempts were counted without a gap.
func checkHistory(t *testing.T, job server.Job) {
	t.Helper()
	if job.State != engine.Succeeded {
		t.Errorf("job %s is %s: %s %s", job.ID, job.State, job.Cause, job.Error)
	}
	if len(job.History) != min(job.Attempt, engine.MaxHistory) {
		t.Errorf("job %s: attempt %d with %d records", job.ID, job.Attempt, len(job.History))
	}
	for i, a := range job.History {
		last := i == len(job.History)-1
		if (a.Verdict == engine.VerdictSucceeded) != last {
			t.Errorf("job %s: attempt %d of %d is %s", job.ID, a.Number, len(job.History), a.Verdict)
		}
		if i > 0 && a.Number != job.History[i-1].Number+1 {
			t.Errorf("job %s: attempt %d follows %d", job.ID, a.Number, job.History[i-1].Number)
		}
	}
	if string(job.OutputBytes()) != `[{"a":"1","b":"2"}]` {
		t.Errorf("job %s: output %q", job.ID, job.OutputBytes())
	}
}

// checkTicks checks that ticks of the schedule made jobs, and none made two.
func checkTicks(t *testing.T, c *client.Client) {
	t.Helper()
	page, err := c.Jobs(t.Context(), engine.Filter{Schedule: "csv-to-json", Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	ticks := map[time.Time]bool{}
	for _, j := range page.Jobs {
		if ticks[j.Tick] {
			t.Errorf("the tick %v made two jobs", j.Tick)
		}
		ticks[j.Tick] = true
	}
	if len(ticks) == 0 {
		t.Error("the schedule made no job")
	}
}
