package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

// gauge counts how many attempts run at once in each queue.
type gauge struct {
	mu         sync.Mutex
	now, most  map[string]int
	nowAll     int
	mostShared int
	own        map[string]int
	order      []string
}

func (g *gauge) body(d time.Duration) engine.ExecutorFunc {
	return trial(func(ctx context.Context, job engine.Job) error {
		g.change(job, 1)
		defer g.change(job, -1)
		return nap(ctx, d)
	})
}

func (g *gauge) change(job engine.Job, by int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.now == nil {
		g.now, g.most = map[string]int{}, map[string]int{}
	}
	if by > 0 {
		g.order = append(g.order, job.ID)
	}
	g.now[job.Queue] += by
	g.most[job.Queue] = max(g.most[job.Queue], g.now[job.Queue])
	if g.own[job.Queue] == 0 {
		g.nowAll += by
		g.mostShared = max(g.mostShared, g.nowAll)
	}
}

func TestOneWorkerKeepsTheOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := &gauge{}
		store := mem.New()
		task := engine.TaskDef{Name: "work", Run: g.body(time.Second), Priority: engine.DefaultPriority}
		before := build(t, store, engine.Config{}, task)
		now := time.Now()
		var want []string
		var all []engine.Submission
		for _, s := range []struct { // in the order in which they run
			priority int
			age      time.Duration
		}{{9, 2 * time.Second}, {9, time.Second}, {5, time.Minute}, {5, 0}, {4, time.Hour}, {0, 24 * time.Hour}} {
			for n := range 3 { // of the same time by id
				id := fmt.Sprintf("p%d-%v-%d", s.priority, s.age, n)
				want = append(want, id)
				queue := []string{"default", "other"}[n%2] // queues that share workers share the order
				all = append(all, engine.Submission{Task: "work", ID: id, Queue: queue, Priority: &s.priority, RunAt: now.Add(-s.age)})
			}
		}
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if _, err := before.Submit(t.Context(), all...); err != nil {
			t.Fatal(err)
		}
		r := runOn(t, store, engine.Config{Workers: 1}, task)
		for _, id := range want {
			r.wait(id)
		}
		if !slices.Equal(g.order, want) {
			t.Errorf("the order is %v, want %v", g.order, want)
		}
	})
}

// With a time of submission each, jobs of one priority are first in, first out.
func TestFirstInFirstOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := &gauge{}
		r := run(t, engine.Config{Workers: 1}, engine.TaskDef{Name: "work", Run: g.body(20 * time.Second)})
		var want []string
		for range 20 {
			want = append(want, r.submit(engine.Submission{Task: "work"}))
			time.Sleep(time.Second)
		}
		for _, id := range want {
			r.wait(id)
		}
		if !slices.Equal(g.order, want) {
			t.Errorf("the order is %v, want %v", g.order, want)
		}
	})
}

func TestQueuesKeepTheirNumbers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		own := map[string]int{"one": 1, "three": 3}
		g := &gauge{own: own}
		r := run(t, engine.Config{Workers: 4, Queues: own}, engine.TaskDef{Name: "work", Run: g.body(time.Second)})
		start := time.Now()
		var ids []string
		for range 12 {
			for _, queue := range []string{"one", "three", "rest", "default"} {
				ids = append(ids, r.submit(engine.Submission{Task: "work", Queue: queue}))
			}
		}
		took := map[string]time.Duration{}
		for _, id := range ids {
			job := r.wait(id)
			took[job.Queue] = max(took[job.Queue], job.FinishedAt.Sub(start))
		}
		if g.most["one"] != 1 || g.most["three"] != 3 || g.mostShared != 4 {
			t.Errorf("at most %v at once, of the shared %d", g.most, g.mostShared)
		}
		// Neither more than allowed nor less: no worker idles while jobs wait.
		if took["one"] != 12*time.Second || took["three"] != 4*time.Second || max(took["rest"], took["default"]) != 6*time.Second {
			t.Errorf("the queues took %v", took)
		}
	})
}

// A full queue of its own must not keep the shared workers from the rest.
func TestStuckQueueHoldsUpNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{Workers: 1, Queues: map[string]int{"stuck": 1}}, long, engine.TaskDef{Name: "quick", Run: nothing})
		for range 3 {
			r.submit(engine.Submission{Task: "long", Queue: "stuck"})
		}
		synctest.Wait()
		start := time.Now()
		if job := r.do("quick"); job.State != engine.Succeeded || time.Since(start) > 0 {
			t.Errorf("the job is %s after %v", job.State, time.Since(start))
		}
		if n := r.count(engine.Running); n != 1 {
			t.Errorf("%d jobs run in the stuck queue", n)
		}
	})
}

// Whatever the interleaving of submitters, workers and retries, every job runs
// and each success is once.
func TestManyJobsOnceEach(t *testing.T) {
	var mu sync.Mutex
	succeeded := map[string]int{}
	registry, err := engine.NewRegistry(engine.TaskDef{
		Name: "work", Retry: engine.RetryPolicy{Attempts: 3, Backoff: engine.Fixed},
		Run: trial(func(_ context.Context, job engine.Job) error {
			if job.Attempt < 1+len(job.ID)%3 {
				return errBroken
			}
			mu.Lock()
			defer mu.Unlock()
			succeeded[job.ID]++
			return nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	const submitters, jobs = 4, 200
	var ended atomic.Int32
	done := make(chan struct{})
	last := engine.ObserverFunc(func(ev engine.Event) {
		if ev.Job.State.Terminal() && ended.Add(1) == submitters*jobs {
			close(done)
		}
	})
	store := mem.New()
	var engines []*engine.Engine
	var running, clients sync.WaitGroup
	for n := range 2 {
		e, err := engine.New(store, registry, nil, engine.Config{
			Workers: 8, Worker: fmt.Sprint("w", n), Observers: []engine.Observer{last},
		})
		if err != nil {
			t.Fatal(err)
		}
		engines = append(engines, e)
		running.Go(func() {
			if err := e.Run(t.Context()); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
	for c := range submitters {
		clients.Go(func() {
			for n := range jobs {
				s := engine.Submission{Task: "work", ID: fmt.Sprintf("%d-%d", c, n)}
				if _, err := engines[n%2].Submit(t.Context(), s); err != nil {
					t.Errorf("submit: %v", err)
				}
			}
		})
	}
	clients.Wait()
	<-done
	for _, e := range engines {
		e.Stop(engine.StopDrain)
	}
	running.Wait()
	if len(succeeded) != submitters*jobs {
		t.Errorf("%d jobs succeeded, want %d", len(succeeded), submitters*jobs)
	}
	for id, n := range succeeded {
		if n != 1 {
			t.Errorf("%s succeeded %d times", id, n)
		}
	}
}
