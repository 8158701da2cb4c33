package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// everything is what an engine asks of its store while jobs run.
var everything = []string{"Submit", "Lease", "Extend", "Settle", "Expired", "NextDue", "NextExpiry", "AppendLogs", "LastTick", "Purge"}

// The disk is full for longer than a lease while attempts end: nothing may be
// lost, and nothing may run twice.
func TestFullDiskLosesNothing(t *testing.T) {
	for _, methods := range [][]string{{"Settle"}, {"Settle", "Extend"}, {"Settle", "Submit", "AppendLogs"}, everything} {
		t.Run(fmt.Sprint(methods), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				store := newProbe()
				var mu sync.Mutex
				ran := map[string]int{}
				r := runOn(t, store, engine.Config{Workers: 4, Lease: 10 * time.Second}, engine.TaskDef{
					Name: "work", Run: func(ctx context.Context, _ engine.TaskDef, job engine.Job, r engine.Reporter) (engine.Result, error) {
						mu.Lock()
						ran[job.ID]++
						mu.Unlock()
						r.Log(engine.Info, "ran", nil)
						return engine.Result{Output: []byte(job.ID)}, nap(ctx, time.Second)
					},
				})
				var ids []string
				for range 20 {
					ids = append(ids, r.submit(engine.Submission{Task: "work"}))
				}
				synctest.Wait()
				store.failing(errFull, methods...)
				time.Sleep(5 * time.Minute)
				if n := r.count(engine.Succeeded); n > 0 {
					t.Errorf("%d jobs succeeded on a full disk", n)
				}
				calls := 0
				for _, n := range store.counted() {
					calls += n
				}
				if calls > 2000 {
					t.Errorf("%d calls of a store that fails for five minutes", calls)
				}
				store.failing(nil)
				for _, id := range ids {
					job := r.wait(id)
					if job.State != engine.Succeeded || job.Attempt != 1 || string(job.Output) != id || job.Losses != 0 {
						t.Errorf("the job is %s, attempt %d, %d losses, output %q", job.State, job.Attempt, job.Losses, job.Output)
					}
					if lines := r.logs(id); len(lines) != 1 {
						t.Errorf("%d log lines", len(lines))
					}
					if got := r.events.of(id); got[0] != "submitted" || got[1] != "started" || got[len(got)-1] != "succeeded" {
						t.Errorf("the events are %v", got)
					}
				}
				for id, n := range ran {
					if n != 1 {
						t.Errorf("%s ran %d times", id, n)
					}
				}
			})
		})
	}
}

// A disk that stays full must not keep the engine from stopping.
func TestStopOnAFullDisk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newProbe()
		r := runOn(t, store, engine.Config{StopTimeout: time.Minute}, engine.TaskDef{Name: "work", Run: nothing})
		store.failing(errFull, "Settle")
		id := r.submit(engine.Submission{Task: "work"})
		synctest.Wait()
		start := time.Now()
		if err := r.stop(); err != nil {
			t.Errorf("Run returned %v", err)
		}
		if took := time.Since(start); took != 2*time.Minute {
			t.Errorf("the stop took %v, want a minute for the drain and one for the cancel", took)
		}
		if job := r.job(id); job.State != engine.Running {
			t.Errorf("the job is %s; the next start should find its lease", job.State)
		}
	})
}

func TestRefusedSubmissionIsTheCallersToKnow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newProbe()
		r := runOn(t, store, engine.Config{}, engine.TaskDef{Name: "work", Run: nothing})
		store.failing(errFull, "Submit")
		if _, err := r.Submit(t.Context(), engine.Submission{Task: "work", ID: "one"}); !errors.Is(err, errFull) {
			t.Errorf("the error is %v", err)
		}
		if got := r.events.of("one"); len(got) > 0 {
			t.Errorf("told %v of a job that is not", got)
		}
	})
}

// Damage is no trouble that passes.
func TestDamagedStoreEndsRun(t *testing.T) {
	for _, method := range []string{"Lease", "NextDue", "Settle", "Expired", "NextExpiry", "LastTick"} {
		t.Run(method, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				store := newProbe()
				store.failing(fmt.Errorf("page 7: %w", engine.ErrCorrupt), method)
				r := build(t, store, engine.Config{}, planned(&runs{}, engine.Schedule{Times: each(t, time.Hour)}))
				r.submit(engine.Submission{Task: "tick"})
				if err := r.Run(t.Context()); !errors.Is(err, engine.ErrCorrupt) {
					t.Errorf("Run returned %v", err)
				}
			})
		})
	}
}

func TestRetentionCleans(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{Workers: 1},
			engine.TaskDef{Name: "few", Run: nothing, Retention: engine.Retention{Count: 3}},
			engine.TaskDef{Name: "young", Run: nothing, Retention: engine.Retention{Age: time.Hour}},
			engine.TaskDef{Name: "many", Run: nothing, Retention: engine.Retention{Count: 1}},
			long,
		)
		var few, young []string
		for range 10 {
			few, young = append(few, r.do("few").ID), append(young, r.do("young").ID)
			time.Sleep(time.Minute / 2)
		}
		for range 1200 { // more than one portion
			r.do("many")
		}
		running := r.submit(engine.Submission{Task: "long"})
		time.Sleep(10 * time.Minute)
		left := func(ids []string) (left []string) {
			for _, id := range ids {
				if _, err := r.Job(t.Context(), id); err == nil {
					left = append(left, id)
				} else if !errors.Is(err, engine.ErrNotFound) {
					t.Fatal(err)
				}
			}
			return left
		}
		if got := left(few); !slices.Equal(got, few[7:]) {
			t.Errorf("%d jobs are left of the newest three", len(got))
		}
		if got := left(young); len(got) != 10 {
			t.Errorf("%d jobs are left of ten that are young", len(got))
		}
		if n := r.count(engine.Succeeded); n != 3+10+1 {
			t.Errorf("%d jobs are left in all, want 14", n)
		}
		if s := r.job(running).State; s != engine.Running {
			t.Errorf("the running job is %s", s)
		}
		time.Sleep(time.Hour)
		if got := left(young); len(got) != 0 {
			t.Errorf("%d jobs are left of ten that are old", len(got))
		}
	})
}
