package host_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host/hosttest"
)

// doubling calls itself twice per level, depth levels deep, without a loop.
func doubling(depth int32) []byte {
	return build(func(b *hosttest.Builder) {
		again := hosttest.Call(0, hosttest.Local(0), hosttest.I32(1), []byte{0x6b}) // i32.sub
		b.Func("", hosttest.Type("i"), hosttest.Local(0), []byte{0x04, 0x40}, again, again, []byte{0x0b})
		b.Func("tlo_run", hosttest.Type(":i"), hosttest.Call(0, hosttest.I32(depth)), hosttest.I32(0))
	})
}

func TestFuelIsCountedAlike(t *testing.T) {
	b := newBench(t, doubling(12))
	used := map[uint64]int{}
	for range 5 {
		res, err := b.host.Execute(t.Context(), b.task, b.job, b.log)
		if err != nil {
			t.Fatal(err)
		}
		used[res.Fuel]++
	}
	for fuel := range used {
		if len(used) > 1 || fuel < 1<<12 {
			t.Errorf("used %v", used)
		}
	}
}

func TestFuelLimit(t *testing.T) {
	b := newBench(t, doubling(60))
	b.task.Limits.Fuel = 123_456
	res, err := b.host.Execute(t.Context(), b.task, b.job, b.log)
	f, ok := errors.AsType[*engine.Failure](err)
	if !ok || res.Fuel != 123_456 {
		t.Fatalf("used %d, error %v", res.Fuel, err)
	}
	b.wants(f, engine.CauseFuel, false, `used all its fuel; the limit of task "test" is 123456 units`)
}

// TestFuelOfStart limits what runs before the task's function, too.
func TestFuelOfStart(t *testing.T) {
	for name, plugin := range map[string][]byte{
		"start section": build(func(b *hosttest.Builder) {
			b.Start(b.Func("", hosttest.Type(""), hosttest.Loop()))
			b.Func("_start", hosttest.Type(""))
		}),
		"_initialize": build(func(b *hosttest.Builder) {
			b.Func("_initialize", hosttest.Type(""), hosttest.Loop())
			b.Func("tlo_run", hosttest.Type(":i"), hosttest.I32(0))
		}),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, plugin)
			b.task.Limits.Fuel = 1_000_000
			b.wants(b.failure(t.Context()), engine.CauseFuel, false, "used all its fuel")
		})
	}
}

// TestOwnTrapIsNoFuel keeps a guest from passing its crash off as a limit.
func TestOwnTrapIsNoFuel(t *testing.T) {
	b := newBench(t, command(hosttest.Unreachable()))
	b.task.Limits.Fuel = 1000
	b.wants(b.failure(t.Context()), engine.CauseTrap, false, "unreachable")
}

// TestForceStopsCalls stops 2^60 nested calls, in which there is no loop.
func TestForceStopsCalls(t *testing.T) {
	b := newBench(t, doubling(60))
	b.task.Limits.Grace = time.Millisecond
	b.wants(b.failure(b.soon()), engine.CauseTimeout, false, "stopped by force after 1ms of grace")
}

// TestCollectsGarbageBesideGuests collects while a guest computes: were the
// guest to hold its thread, the collector would wait for its deadline.
func TestCollectsGarbageBesideGuests(t *testing.T) {
	b := newBench(t, command(hosttest.Loop()))
	b.task.Limits.Grace = time.Millisecond
	if err := b.host.Compile(t.Context(), b.task.Plugin); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextWithCause(t, engine.ErrCancelled)
	done := make(chan error, 1)
	go func() {
		_, err := b.run(ctx)
		done <- err
	}()
	for range 5 {
		before := time.Now()
		runtime.GC()
		if took := time.Since(before); took > 2*time.Second {
			t.Errorf("a collection took %v", took)
		}
	}
	cancel()
	if err := <-done; err == nil || fmt.Sprint(err) != "cancelled on request; stopped by force after 1ms of grace" {
		t.Error(err)
	}
}
