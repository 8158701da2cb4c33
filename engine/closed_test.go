package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlo-run/tlo/engine"
)

func TestStoreClosedWhileIdleEndsRun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{})
		synctest.Wait()
		r.store.Close()
		time.Sleep(time.Minute)
		select {
		case <-r.ended:
		default:
			t.Fatal("Run goes on over a closed store")
		}
		if !errors.Is(r.err, engine.ErrClosed) {
			t.Errorf("Run returned %v, want ErrClosed", r.err)
		}
	})
}

func TestStoreClosedUnderAnAttemptEndsRun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{Workers: 1}, engine.TaskDef{Name: "work", Run: lasting(time.Second)})
		r.submit(engine.Submission{Task: "work"})
		synctest.Wait()
		r.store.Close()
		<-r.ended
		if !errors.Is(r.err, engine.ErrClosed) {
			t.Errorf("Run returned %v, want ErrClosed", r.err)
		}
	})
}

func TestStoreClosedDuringTheDrainIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Run: lasting(time.Second)})
		r.submit(engine.Submission{Task: "work"})
		synctest.Wait()
		r.Stop(engine.StopDrain)
		synctest.Wait()
		r.store.Close()
		<-r.ended
		if !errors.Is(r.err, engine.ErrClosed) {
			t.Errorf("Run returned %v although a settlement was lost", r.err)
		}
	})
}

func TestEngineRunsOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{})
		synctest.Wait()
		if err := r.Run(t.Context()); err == nil {
			t.Error("a second Run was accepted while the first goes on")
		}
		if err := r.stop(); err != nil {
			t.Errorf("Run returned %v", err)
		}
		if err := r.Run(context.Background()); err == nil {
			t.Error("a second Run was accepted after the first")
		}
	})
}
