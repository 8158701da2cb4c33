package host_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host"
	"github.com/tlo-run/tlo/host/hosttest"
)

func TestForceStopsLoops(t *testing.T) {
	loop := hosttest.Loop()
	for name, plugin := range map[string][]byte{
		"_start": command(loop),
		"start section": build(func(b *hosttest.Builder) {
			b.Start(b.Func("", hosttest.Type(""), loop))
			b.Func("_start", hosttest.Type(""))
		}),
		"_initialize": build(func(b *hosttest.Builder) {
			b.Func("_initialize", hosttest.Type(""), loop)
			b.Func("tlo_run", hosttest.Type(":i"), hosttest.I32(0))
		}),
		"log bomb": speaking("tlo|log", "iii", func(f []uint32) []byte {
			return hosttest.Code(hosttest.Loop(hosttest.Call(f[0], hosttest.I32(2), hosttest.I32(0), hosttest.I32(5))), hosttest.I32(0))
		}),
		"growing": command(hosttest.Loop(hosttest.Drop(hosttest.Grow(1)))),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, plugin)
			b.task.Limits.Grace = time.Millisecond
			b.wants(b.failure(b.soon()), engine.CauseTimeout, false, "over its time limit; stopped by force after 1ms of grace")
		})
	}
}

// TestForceReachesIntoCalls writes 70 GB in a single call.
func TestForceReachesIntoCalls(t *testing.T) {
	const vectors = 6000
	b := newBench(t, build(func(b *hosttest.Builder) {
		write := b.Import("wasi_snapshot_preview1", "fd_write", hosttest.Type("iiii:i"))
		b.Memory(200, -1)
		b.Data(0, bytes.Repeat([]byte{0, 0, 0, 0, 0, 0, 0xc0, 0}, vectors)) // 12 MiB each
		b.Func("_start", hosttest.Type(""), hosttest.Loop(
			hosttest.Drop(hosttest.Call(write, hosttest.I32(2), hosttest.I32(0), hosttest.I32(vectors), hosttest.I32(100000)))))
	}))
	b.task.Limits.Grace = time.Millisecond
	_, err := b.host.Execute(b.soon(), b.task, b.job, &silentReporter{})
	f, ok := errors.AsType[*engine.Failure](err)
	if !ok || f.Cause != engine.CauseTimeout {
		t.Errorf("%v", err)
	}
}

// silentReporter drops log lines, as a reporter does beyond the log's limit.
type silentReporter struct{ hosttest.Recorder }

func (*silentReporter) Log(engine.Level, string, map[string]string) {}

func TestGuestThatStopsWhenAsked(t *testing.T) {
	b := newBench(t, speaking("tlo|cancelled", ":i", func(f []uint32) []byte {
		return hosttest.Code(hosttest.LoopWhileZero(hosttest.Call(f[0])), hosttest.I32(0))
	}))
	b.task.Limits.Grace = time.Hour
	if _, err := b.run(b.soon()); err != nil {
		t.Error(err)
	}
}

func TestWhyItWasStopped(t *testing.T) {
	for _, why := range []error{engine.ErrCancelled, engine.ErrStopping, engine.ErrLeaseLost, context.Canceled} {
		b := newBench(t, command(hosttest.Loop()))
		b.task.Limits.Grace = time.Millisecond
		ctx, cancel := context.WithCancelCause(t.Context())
		timer := time.AfterFunc(10*time.Millisecond, func() { cancel(why) })
		defer timer.Stop()
		_, err := b.run(ctx)
		if _, failure := errors.AsType[*engine.Failure](err); failure || !errors.Is(err, why) {
			t.Errorf("%v: %v", why, err)
		}
	}
}

func TestNotStartedAfterTheEnd(t *testing.T) {
	b := newBench(t, native("tlo_run"))
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := b.host.Compile(ctx, b.task.Plugin); err != nil {
		t.Fatal(err)
	}
	cancel(engine.ErrTimeout)
	b.wants(b.failure(ctx), engine.CauseTimeout, false, "before the guest started")
}

// sleeping makes a command that sleeps an hour, n times.
func sleeping(n int) []byte { return sleepingIn("_start", "", n) }

// sleepingIn makes a guest whose entry sleeps an hour, n times, and then ends.
func sleepingIn(entry, signature string, n int, then ...[]byte) []byte {
	return build(func(b *hosttest.Builder) {
		poll := b.Import("wasi_snapshot_preview1", "poll_oneoff", hosttest.Type("iiii:i"))
		b.Memory(1, 1)
		subscription := make([]byte, 48)
		for i, c := range []byte{0x00, 0xa0, 0xb8, 0x30, 0x46, 0x03} { // 3.6e12 ns
			subscription[24+i] = c
		}
		b.Data(0, subscription)
		sleep := hosttest.Drop(hosttest.Call(poll, hosttest.I32(0), hosttest.I32(100), hosttest.I32(1), hosttest.I32(200)))
		b.Func(entry, hosttest.Type(signature), append(bytes.Repeat(sleep, n), bytes.Join(then, nil)...))
	})
}

// A native plugin can ask whether it is to stop; a command cannot, and would
// take a short sleep for a whole one.
func TestSleepEndsWhenAsked(t *testing.T) {
	b := newBench(t, sleepingIn("tlo_run", ":i", 1, hosttest.I32(0)))
	b.task.Limits.Grace = time.Hour
	if _, err := b.run(b.soon()); err != nil {
		t.Error(err)
	}
}

func TestSleepOfACommandEndsByForceAlone(t *testing.T) {
	b := newBench(t, sleeping(1))
	b.task.Limits.Grace = 10 * time.Millisecond
	b.wants(b.failure(b.soon()), engine.CauseTimeout, false, "by force")
}

func TestLaterSleepEndsByForce(t *testing.T) {
	b := newBench(t, sleepingIn("tlo_run", ":i", 2, hosttest.I32(0)))
	b.task.Limits.Grace = 10 * time.Millisecond
	b.wants(b.failure(b.soon()), engine.CauseTimeout, false, "by force")
}

func TestMemoryLimit(t *testing.T) {
	grow := func(pages int32, then ...[]byte) []byte {
		return command(hosttest.Store(0, hosttest.Grow(pages)), hosttest.Code(then...))
	}
	// A guest that copes with a refusal succeeds.
	b := newBench(t, build(func(b *hosttest.Builder) {
		write := b.Import("wasi_snapshot_preview1", "fd_write", hosttest.Type("iiii:i"))
		b.Memory(1, -1)
		b.Data(8, []byte{0, 0, 0, 0, 4, 0, 0, 0})
		b.Func("_start", hosttest.Type(""),
			hosttest.Store(0, hosttest.Grow(16)),
			hosttest.Drop(hosttest.Call(write, hosttest.I32(1), hosttest.I32(8), hosttest.I32(1), hosttest.I32(100))))
	}))
	b.task.Limits.Memory = 1 << 20
	if out, err := b.run(t.Context()); out != "\xff\xff\xff\xff" || err != nil {
		t.Errorf("memory.grow gave %x, %v", out, err)
	}
	b.task.Limits.Memory = 2 << 20
	if out, err := b.run(t.Context()); out != "\x01\x00\x00\x00" || err != nil {
		t.Errorf("memory.grow within the limit gave %x, %v", out, err)
	}

	b = newBench(t, grow(16, hosttest.Unreachable()))
	b.task.Limits.Memory = 1 << 20
	b.wants(b.failure(t.Context()), engine.CauseMemory, false, "asked for 1.1 MiB of memory; the limit of task \"test\" is 1 MiB: unreachable")
	// The module's own maximum is not the limit.
	b = newBench(t, build(func(b *hosttest.Builder) {
		b.Memory(1, 1)
		b.Func("_start", hosttest.Type(""), hosttest.Drop(hosttest.Grow(1)), hosttest.Unreachable())
	}))
	b.wants(b.failure(t.Context()), engine.CauseTrap, false, "unreachable")

	b = newBench(t, build(func(b *hosttest.Builder) {
		b.Memory(32, -1)
		b.Func("_start", hosttest.Type(""))
	}))
	b.task.Limits.Memory = 1 << 20
	b.wants(b.failure(t.Context()), engine.CauseMemory, true, "starts with 2 MiB of memory; the limit of task \"test\" is 1 MiB")
}

func TestMemoryIsFreshEachTime(t *testing.T) {
	b := newBench(t, build(func(b *hosttest.Builder) {
		write := b.Import("tlo", "output_write", hosttest.Type("ii:i"))
		b.Memory(1, -1)
		b.Func("tlo_run", hosttest.Type(":i"),
			hosttest.Drop(hosttest.Call(write, hosttest.I32(64), hosttest.I32(4))),
			hosttest.Store(64, hosttest.I32(-1)),
			hosttest.I32(0))
	}))
	for range 3 {
		if out, err := b.run(t.Context()); out != "\x00\x00\x00\x00" || err != nil {
			t.Fatalf("memory starts with %x, %v", out, err)
		}
	}
}

func TestOutputLimitOfCommands(t *testing.T) {
	b := newBench(t, build(func(b *hosttest.Builder) {
		write := b.Import("wasi_snapshot_preview1", "fd_write", hosttest.Type("iiii:i"))
		b.Memory(1, -1)
		b.Data(0, []byte{0, 0, 0, 0, 0, 4, 0, 0})
		b.Func("_start", hosttest.Type(""), hosttest.LoopWhileZero(
			hosttest.Call(write, hosttest.I32(1), hosttest.I32(0), hosttest.I32(1), hosttest.I32(100))))
	}))
	b.task.Limits.Output = 10 << 10
	b.wants(b.failure(t.Context()), engine.CauseError, true, "the output is over the limit of task \"test\", 10 KiB")
}

func TestOutputLimitOfPlugins(t *testing.T) {
	b := newBench(t, speaking("tlo|output_write", "ii:i", func(f []uint32) []byte {
		return hosttest.Code(hosttest.LoopWhileZero(hosttest.Call(f[0], hosttest.I32(0), hosttest.I32(1024))), hosttest.I32(0))
	}))
	b.task.Limits.Output = 10 << 10
	if out, err := b.run(t.Context()); len(out) != 10<<10 || err != nil {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

func TestUnusableCacheFallsBack(t *testing.T) {
	var log bytes.Buffer
	file := write(t, t.TempDir(), "file", nil)
	h := newHost(t, host.Options{
		CacheDir: filepath.Join(file, "cache"),
		Logger:   hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Warn}),
	})
	if err := h.Compile(t.Context(), write(t, t.TempDir(), "a.wasm", native("tlo_run"))); err != nil {
		t.Error(err)
	}
	if got := log.String(); strings.Count(got, "[WARN]") != 1 || !strings.Contains(got, file) {
		t.Errorf("logged %q", got)
	}
}
