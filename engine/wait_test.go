package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

func TestWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{}, long, engine.TaskDef{Name: "quick", Run: nothing})
		start := time.Now()
		id := r.submit(engine.Submission{Task: "long"})
		if job := r.wait(id); job.State != engine.Succeeded || time.Since(start) != time.Hour {
			t.Errorf("the job is %s after %v", job.State, time.Since(start))
		}
		if job := r.wait(id); job.State != engine.Succeeded || time.Since(start) != time.Hour {
			t.Errorf("the job that has ended is %s after %v", job.State, time.Since(start))
		}
		if _, err := r.Wait(t.Context(), "nobody"); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("waiting for nothing: %v", err)
		}
		id = r.submit(engine.Submission{Task: "long"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := r.Wait(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the patience: %v", err)
		}
	})
}

func TestWaitForAJobOfAnotherEngine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := mem.New()
		waiting := build(t, store, engine.Config{Lease: 30 * time.Second}, long)
		id := waiting.submit(engine.Submission{Task: "long"})
		start := time.Now()
		runOn(t, store, engine.Config{}, long)
		if job := waiting.wait(id); job.State != engine.Succeeded || time.Since(start) > time.Hour+10*time.Second {
			t.Errorf("the job is %s after %v", job.State, time.Since(start))
		}
	})
}

func TestSlowSubscriberIsCutOffAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{Workers: 1}, engine.TaskDef{Name: "work", Run: nothing})
		slow, stopSlow := r.Subscribe("")
		defer stopSlow()
		quick, stopQuick := r.Subscribe("")
		got := make(chan int)
		go func() {
			n := 0
			for range quick {
				n++
			}
			got <- n
		}()
		const jobs = 200 // with three events each
		for n := range jobs {
			r.wait(r.submit(engine.Submission{Task: "work", ID: fmt.Sprint("j", n)}))
		}
		synctest.Wait()
		stopQuick()
		stopQuick() // twice is as good as once
		if n := <-got; n != 3*jobs {
			t.Errorf("the quick subscriber got %d events, want %d", n, 3*jobs)
		}
		n := 0
		for range slow { // ends, for it is closed
			n++
		}
		if n == 0 || n >= 3*jobs {
			t.Errorf("the slow subscriber got %d events", n)
		}
	})
}

func TestSubscriberHearsOfItsJobAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Run: nothing})
		mine, stop := r.Subscribe("mine")
		r.do("work")
		r.wait(r.submit(engine.Submission{Task: "work", ID: "mine"}))
		synctest.Wait()
		stop()
		n := 0
		for ev := range mine {
			n++
			if ev.Job.ID != "mine" {
				t.Errorf("it heard of %s", ev.Job.ID)
			}
		}
		if n != 3 {
			t.Errorf("it heard %d events, want 3", n)
		}
	})
}
