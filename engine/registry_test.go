package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
)

func TestRegistryTellsAllThatIsWrong(t *testing.T) {
	r, err := engine.NewRegistry(
		engine.TaskDef{Name: "Bad Name"},
		engine.TaskDef{Name: "queue", Queue: "A B"},
		engine.TaskDef{Name: "priority", Priority: 10},
		engine.TaskDef{Name: "limit", Limits: engine.Limits{Memory: -1}},
		engine.TaskDef{Name: "endless", Limits: engine.Limits{Input: math.MaxInt64}},
		engine.TaskDef{Name: "schema", InputSchema: json.RawMessage(`{"type":`)},
		engine.TaskDef{Name: "blank", InputSchema: json.RawMessage(" ")},
		engine.TaskDef{Name: "retention", Retention: engine.Retention{Age: -1}},
		engine.TaskDef{Name: "retry", Retry: engine.RetryPolicy{Attempts: 1, Backoff: engine.Fixed, Jitter: math.NaN()}},
		engine.TaskDef{Name: "losses", Retry: engine.RetryPolicy{Attempts: 1, Backoff: engine.Fixed, Losses: -1}},
		engine.TaskDef{Name: "bounds", Retry: engine.RetryPolicy{Attempts: 1, Backoff: engine.Fixed, Min: time.Hour}},
		engine.TaskDef{Name: "twice"}, engine.TaskDef{Name: "twice"},
	)
	if r != nil || !errors.Is(err, engine.ErrInvalid) {
		t.Fatalf("the registry is %v, the error %v", r, err)
	}
	for _, name := range []string{"Bad Name", "queue", "priority", "limit", "endless", "schema", "blank", "retention", "retry", "losses", "bounds", "twice"} {
		if !strings.Contains(err.Error(), fmt.Sprintf("%q", name)) {
			t.Errorf("the error does not name %q", name)
		}
	}
}

func TestNullIsNoInputSchema(t *testing.T) {
	r, err := engine.NewRegistry(
		engine.TaskDef{Name: "untyped", InputSchema: json.RawMessage(" null\n")},
		engine.TaskDef{Name: "typed", InputSchema: json.RawMessage(" {}")},
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"untyped": "", "typed": " {}"} {
		if task, err := r.Lookup(name); err != nil || string(task.InputSchema) != want {
			t.Errorf("the schema of %s is %q, %v; want %q", name, task.InputSchema, err, want)
		}
	}
}

func TestRegistryKeepsWhatItHasOnAnError(t *testing.T) {
	r, err := engine.NewRegistry(engine.TaskDef{Name: "good", Description: "first"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Replace(engine.TaskDef{Name: "good", Description: "second"}, engine.TaskDef{Name: "BAD"}); err == nil {
		t.Error("a bad task was taken")
	}
	if err := r.Register(engine.TaskDef{Name: "BAD"}); err == nil {
		t.Error("a bad task was taken")
	}
	if task, err := r.Lookup("good"); err != nil || task.Description != "first" || task.Limits != engine.DefaultLimits || len(r.List()) != 1 {
		t.Errorf("the task is %+v, %v", task, err)
	}
}

func TestRegistryUnderManyHands(t *testing.T) {
	r, err := engine.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	var hands sync.WaitGroup
	for n := range 8 {
		hands.Go(func() {
			for range 50 {
				if err := r.Register(engine.TaskDef{Name: fmt.Sprint("task-", n)}); err != nil {
					t.Error(err)
				}
				r.List()
				if _, err := r.Lookup(fmt.Sprint("task-", n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	hands.Wait()
	if n := len(r.List()); n != 8 {
		t.Errorf("%d tasks, want 8", n)
	}
}
