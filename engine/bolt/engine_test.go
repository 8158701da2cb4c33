package bolt_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tlo-run/tlo/engine"
)

// BenchmarkEngine runs Go functions that do nothing through a whole engine,
// with the store's full history: what the engine adds to the store.
func BenchmarkEngine(b *testing.B) {
	for _, c := range []struct{ producers, batch, workers int }{{4, 1, 4}, {64, 1, 64}, {4, 100, 64}} {
		b.Run(fmt.Sprintf("producers=%d/batch=%d/workers=%d", c.producers, c.batch, c.workers), func(b *testing.B) {
			benchEngine(b, c.producers, c.batch, c.workers)
		})
	}
}

func benchEngine(b *testing.B, producers, batch, workers int) {
	store, err := place(b).Open()
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	nothing := func(context.Context, engine.TaskDef, engine.Job, engine.Reporter) (engine.Result, error) {
		return engine.Result{}, nil
	}
	registry, err := engine.NewRegistry(engine.TaskDef{Name: "nothing", Run: nothing})
	if err != nil {
		b.Fatal(err)
	}
	total := int64(b.N * batch)
	var ended atomic.Int64
	all := make(chan struct{})
	watch := engine.ObserverFunc(func(ev engine.Event) {
		if ev.Type == engine.EventType(engine.VerdictSucceeded) && ended.Add(1) == total {
			close(all)
		}
	})
	e, err := engine.New(store, registry, nil, engine.Config{Workers: workers, Observers: []engine.Observer{watch}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := e.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	for range producers {
		running.Go(func() {
			jobs := make([]engine.Submission, batch)
			for i := range jobs {
				jobs[i] = engine.Submission{Task: "nothing", Input: []byte("0123456789abcdef")}
			}
			for left.Add(-1) >= 0 {
				if _, err := e.Submit(b.Context(), jobs...); err != nil {
					b.Error(err)
				}
			}
		})
	}
	<-all
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "jobs/s")
	stop()
	running.Wait()
}
