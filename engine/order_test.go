package engine_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

// before says which events may come right after which.
var before = map[engine.EventType][]engine.EventType{
	engine.EventSubmitted:  {""},
	engine.EventStarted:    {"submitted", "snoozed", "retried", "revived", "released"},
	engine.EventLogged:     {"started", "logged", "cancelling"},
	engine.EventCancelling: {"started", "submitted", "snoozed", "retried", "revived", "logged", "cancelling"},
	engine.EventRevived:    {"cancelled", "failed"},
	"snoozed":              {"started", "logged"},
	"retried":              {"started", "logged"},
	"succeeded":            {"started", "logged"},
	"failed":               {"started", "logged"},
	"cancelled":            {"started", "logged", "cancelling", "submitted", "snoozed", "retried", "revived"},
}

// follower checks that the events of each job come in an order that is possible.
type follower struct {
	mu   sync.Mutex
	last map[string]engine.EventType
	bad  []string
}

func (f *follower) Observe(ev engine.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := f.last[ev.Job.ID]
	if !slices.Contains(before[ev.Type], last) {
		f.bad = append(f.bad, fmt.Sprintf("%s: %q after %q", ev.Job.ID, ev.Type, last))
	}
	f.last[ev.Job.ID] = ev.Type
}

// Many submit, cancel and retry at once while jobs snooze, fail, log and have
// children. It runs on the real clock: the point is true parallelism.
func TestEventsOfAJobAreInOrder(t *testing.T) {
	f := &follower{last: map[string]engine.EventType{}}
	tasks := []engine.TaskDef{
		{Name: "leaf", Run: nothing},
		{Name: "root", Retry: engine.RetryPolicy{Attempts: 2, Backoff: engine.Fixed}, Run: func(_ context.Context, _ engine.TaskDef, j engine.Job, r engine.Reporter) (engine.Result, error) {
			r.Log(engine.Info, "here", nil)
			switch j.Attempt % 4 {
			case 1:
				if len(j.Input) > 0 {
					return engine.Result{}, engine.Snooze(0)
				}
			case 2:
				return engine.Result{}, errBroken
			}
			return engine.Result{Jobs: []engine.Submission{{Task: "leaf"}, {Task: "leaf"}}}, nil
		}},
	}
	registry, err := engine.NewRegistry(tasks...)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(mem.New(), registry, nil, engine.Config{
		Workers: 4, Queues: map[string]int{"own": 2}, Observers: []engine.Observer{f},
	})
	if err != nil {
		t.Fatal(err)
	}
	var running, clients sync.WaitGroup
	running.Go(func() {
		if err := e.Run(t.Context()); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	for c := range 8 {
		clients.Go(func() {
			for i := range 100 {
				id := fmt.Sprintf("c%d-%d", c, i)
				var others sync.WaitGroup
				others.Go(func() { // as soon as the job is there, wherever it is
					for {
						if _, err := e.Cancel(t.Context(), id); err == nil || i%2 == 0 {
							break
						}
						if job, err := e.Job(t.Context(), id); err == nil && job.State.Terminal() {
							break
						}
					}
					e.Retry(t.Context(), id)
				})
				queue := []string{"own", "shared"}[i%2]
				var input []byte
				if i < 2 { // a snooze takes a second
					input = []byte("snooze")
				}
				if _, err := e.Submit(t.Context(), engine.Submission{Task: "root", ID: id, Queue: queue, Input: input}); err != nil {
					t.Errorf("submit: %v", err)
				}
				others.Wait()
				if _, err := e.Wait(t.Context(), id); err != nil {
					t.Errorf("wait: %v", err)
				}
			}
		})
	}
	clients.Wait()
	e.Stop(engine.StopDrain)
	running.Wait()
	for _, bad := range f.bad[:min(5, len(f.bad))] {
		t.Error(bad)
	}
	if n := len(f.bad); n > 0 {
		t.Errorf("%d of the events of %d jobs are out of order", n, len(f.last))
	}
}

func TestNothingIsToldAfterTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		// While it is told of the end, the log writer comes by.
		slow := engine.ObserverFunc(func(ev engine.Event) {
			if ev.Type == "succeeded" {
				time.Sleep(time.Second)
			}
		})
		r := run(t, engine.Config{Observers: []engine.Observer{slow}}, engine.TaskDef{
			Name: "quick", Run: func(_ context.Context, _ engine.TaskDef, _ engine.Job, r engine.Reporter) (engine.Result, error) {
				r.Progress(0.5, "half")
				r.Log(engine.Info, "half", nil)
				return engine.Result{}, nil
			},
		})
		id := r.do("quick").ID
		time.Sleep(time.Minute)
		got := r.events.of(id)
		if want := []engine.EventType{"submitted", "started", "logged", "succeeded"}; !slices.Equal(got, want) {
			t.Errorf("the events are %v, want %v", got, want)
		}
	})
}
