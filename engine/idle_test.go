package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// An idle engine looks for expired leases of other processes at each lease's
// length, and for old history every ten minutes; nothing else may call.
func TestNobodyPollsOnAnIdleDay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newProbe()
		daily, err := engine.Every(24 * time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		r := runOn(t, store, engine.Config{Lease: time.Minute, Queues: map[string]int{"own": 1}}, engine.TaskDef{
			Name: "work", Run: nothing, Schedules: []engine.Schedule{{Name: "nightly", Times: daily}},
		})
		due := time.Now().Add(36 * time.Hour)
		id := r.submit(engine.Submission{Task: "work", RunAt: due})
		synctest.Wait()
		store.counted()
		time.Sleep(23 * time.Hour)
		perHour := map[string]int{"Expired": 60, "NextExpiry": 60, "Purge": 6}
		for method, n := range store.counted() {
			if n > 23*perHour[method] {
				t.Errorf("%d calls of %s while nothing was due", n, method)
			}
		}
		if got := r.wait(id).StartedAt; !got.Equal(due) {
			t.Errorf("the job due at %v started at %v", due, got)
		}
	})
}

func TestDelayedJobsStartExactlyWhenDue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{Workers: 2}, engine.TaskDef{Name: "work", Run: nothing})
		want := map[string]time.Time{}
		for _, d := range []time.Duration{time.Nanosecond, 90 * time.Second, 59 * time.Second, time.Hour, 10 * time.Hour, -time.Hour} {
			at := time.Now().Add(d)
			want[r.submit(engine.Submission{Task: "work", RunAt: at})] = at
		}
		for id, due := range want {
			now := time.Now()
			if j := r.job(id); due.After(now) && j.State != engine.Scheduled {
				t.Errorf("a job due in %v is %s", due.Sub(now), j.State)
			}
		}
		submitted := time.Now()
		for id, due := range want {
			if due.Before(submitted) {
				due = submitted
			}
			if got := r.wait(id).StartedAt; !got.Equal(due) {
				t.Errorf("due at %v, started at %v", due, got)
			}
		}
	})
}

// A job that comes due sooner than what the dispatcher sleeps for wakes it.
func TestSoonerJobWakesTheDispatcher(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Run: nothing})
		later := r.submit(engine.Submission{Task: "work", RunAt: time.Now().Add(time.Hour)})
		synctest.Wait()
		sooner := r.submit(engine.Submission{Task: "work", RunAt: time.Now().Add(time.Minute)})
		start := time.Now()
		r.wait(sooner)
		if took := time.Since(start); took != time.Minute {
			t.Errorf("the sooner job ended after %v", took)
		}
		if s := r.job(later).State; s != engine.Scheduled {
			t.Errorf("the later job is %s", s)
		}
	})
}

// slowLease gives the leases and only then notices that its caller has gone,
// as a store behind a writer or a network does.
type slowLease struct {
	engine.Store
	entered chan struct{}
	quitted <-chan struct{}
}

func (s *slowLease) Lease(ctx context.Context, req engine.LeaseRequest) ([]engine.Job, error) {
	jobs, err := s.Store.Lease(ctx, req)
	if len(jobs) == 0 {
		return jobs, err
	}
	close(s.entered)
	<-s.quitted
	synctest.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return jobs, err
}

func TestLeasesGivenDuringAStopAreNotLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		quitted := make(chan struct{})
		store := &slowLease{Store: newProbe(), entered: make(chan struct{}), quitted: quitted}
		r := build(t, store, engine.Config{Stop: engine.StopDrain}, engine.TaskDef{Name: "work", Run: nothing})
		id := r.submit(engine.Submission{Task: "work"})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer close(r.ended)
			r.err = r.Run(ctx)
		}()
		<-store.entered
		cancel()
		close(quitted)
		<-r.ended
		if s := r.job(id).State; s != engine.Succeeded {
			t.Errorf("the leased job is %s after the drain", s)
		}
	})
}
