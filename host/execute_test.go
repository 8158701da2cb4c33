package host_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host"
	"github.com/tlo-run/tlo/host/hosttest"
)

func TestNativeEchoes(t *testing.T) {
	b := newBench(t, speaking("tlo|input_read tlo|output_write tlo|progress", "iii:i ii:i d", func(f []uint32) []byte {
		return hosttest.Code(
			hosttest.Call(f[2], hosttest.F64(0.25)),
			hosttest.Drop(hosttest.Call(f[1], hosttest.I32(100),
				hosttest.Call(f[0], hosttest.I32(100), hosttest.I32(1000), hosttest.I32(0)))),
			hosttest.I32(0))
	}))
	b.job.Input = []byte("some input")
	if out, err := b.run(t.Context()); out != "some input" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	if got := b.log.String(); got != `progress 0.25 ""` {
		t.Errorf("reported %s", got)
	}
}

func TestResultCodes(t *testing.T) {
	for _, c := range []struct {
		code      int32
		permanent bool
		text      string
	}{
		{1, false, "tlo_run returned 1"}, {75, false, "returned 75"}, {-1, false, "returned -1"},
		{64, true, "returned 64"}, {65, true, "returned 65"},
	} {
		b := newBench(t, speaking("", "", func([]uint32) []byte { return hosttest.I32(c.code) }))
		b.wants(b.failure(t.Context()), engine.CauseError, c.permanent, c.text)
	}
}

// TestExitCodes includes those that the runtime itself uses for cancellation
// and deadlines.
func TestExitCodes(t *testing.T) {
	plugin := func(code int32) []byte {
		return build(func(b *hosttest.Builder) {
			exit := b.Import("wasi_snapshot_preview1", "proc_exit", hosttest.Type("i"))
			write := b.Import("wasi_snapshot_preview1", "fd_write", hosttest.Type("iiii:i"))
			b.Memory(1, -1)
			b.Data(0, []byte{8, 0, 0, 0, 16, 0, 0, 0})
			b.Data(8, []byte("first\nlast words"))
			b.Func("_start", hosttest.Type(""),
				hosttest.Drop(hosttest.Call(write, hosttest.I32(2), hosttest.I32(0), hosttest.I32(1), hosttest.I32(100))),
				hosttest.Call(exit, hosttest.I32(code)))
		})
	}
	for _, c := range []struct {
		code      int32
		permanent bool
		text      string
	}{
		{1, false, "exit code 1: last words"}, {75, false, "exit code 75: last words"},
		{64, true, "exit code 64: last words"}, {65, true, "exit code 65: last words"},
		{-0x10000001, false, "exit code 4026531839: last words"}, {-1, false, "exit code 4294967295: last words"},
	} {
		b := newBench(t, plugin(c.code))
		f := b.failure(t.Context())
		b.wants(f, engine.CauseError, c.permanent, c.text)
		if errors.Is(f, context.Canceled) || errors.Is(f, context.DeadlineExceeded) {
			t.Errorf("code %d passes for the runtime's own", c.code)
		}
		if got := b.log.String(); got != "info \"first\"\ninfo \"last words\"" {
			t.Errorf("logged %s", got)
		}
	}
	b := newBench(t, plugin(0))
	if out, err := b.run(t.Context()); out != "" || err != nil {
		t.Errorf("exit code 0: %q, %v", out, err)
	}
}

func TestVerdictsOfGuests(t *testing.T) {
	say := func(kind, code int32, more ...[]byte) []byte {
		return speaking("tlo|fail tlo|snooze", "iii l", func(f []uint32) []byte {
			return hosttest.Code(hosttest.Call(f[0], hosttest.I32(kind), hosttest.I32(0), hosttest.I32(5)),
				hosttest.Code(more...), hosttest.I32(code))
		})
	}
	b := newBench(t, say(0, 0))
	b.wants(b.failure(t.Context()), engine.CauseError, false, "hello")
	b = newBench(t, say(1, 3))
	b.wants(b.failure(t.Context()), engine.CauseError, true, "hello")
	b = newBench(t, say(1, 0, hosttest.Unreachable()))
	b.wants(b.failure(t.Context()), engine.CauseTrap, true, "hello")
	b = newBench(t, say(2, 1))
	if _, err := b.run(t.Context()); err == nil || err.Error() != engine.Snooze(time.Second).Error() {
		t.Errorf("snooze by fail: %v", err)
	}
	b = newBench(t, speaking("tlo|snooze", "l", func(f []uint32) []byte {
		return hosttest.Code(hosttest.Call(f[0], hosttest.I64(1500)), hosttest.I32(1))
	}))
	if _, err := b.run(t.Context()); err == nil || err.Error() != engine.Snooze(1500*time.Millisecond).Error() {
		t.Errorf("snooze: %v", err)
	}
}

func TestEntries(t *testing.T) {
	name := func(b *hosttest.Builder, export string, meta, write uint32) {
		b.Func(export, hosttest.Type(":i"),
			hosttest.Drop(hosttest.Call(write, hosttest.I32(100),
				hosttest.Call(meta, hosttest.I32(0), hosttest.I32(4), hosttest.I32(100), hosttest.I32(50)))),
			hosttest.I32(0))
	}
	plugin := func(section string, exports ...string) []byte {
		return build(func(b *hosttest.Builder) {
			meta := b.Import("tlo", "meta", hosttest.Type("iiii:i"))
			write := b.Import("tlo", "output_write", hosttest.Type("ii:i"))
			b.Memory(1, 1)
			b.Data(0, []byte("task"))
			for _, e := range exports {
				name(b, e, meta, write)
			}
			if section != "" {
				b.Custom("tlo.tasks", []byte(section))
			}
		})
	}
	declared := plugin(`{"abi":1,"tasks":[{"name":"a"},{"name":"b","export":"special"}]}`, "tlo_run", "special")
	for _, c := range []struct {
		plugin             []byte
		task, export, want string
	}{
		{declared, "mine", "a", "a"},
		{declared, "mine", "b", "b"},
		{declared, "mine", "special", "mine"},
		{declared, "mine", "", "mine"},
		{plugin("", "tlo_run_x", "tlo_run_y"), "mine", "y", "y"},
		{plugin("", "tlo_run"), "mine", "tlo_run", "mine"},
		{plugin("", "tlo_run"), "mine", "", "mine"},
	} {
		b := newBench(t, c.plugin)
		b.task.Name, b.task.Export = c.task, c.export
		if out, err := b.run(t.Context()); out != c.want || err != nil {
			t.Errorf("export %q: task %q, %v", c.export, out, err)
		}
	}
	b := newBench(t, plugin("", "tlo_run_x"))
	b.wants(b.failure(t.Context()), engine.CauseInternal, true, `has no task "test"`)
}

func TestTraps(t *testing.T) {
	memoryless := build(func(b *hosttest.Builder) {
		get := b.Import("wasi_snapshot_preview1", "random_get", hosttest.Type("ii:i"))
		b.Func("_start", hosttest.Type(""), hosttest.Drop(hosttest.Call(get, hosttest.I32(0), hosttest.I32(8))))
	})
	initialised := func(code ...[]byte) []byte {
		return build(func(b *hosttest.Builder) {
			exit := b.Import("wasi_snapshot_preview1", "proc_exit", hosttest.Type("i"))
			b.Memory(1, 1)
			if code == nil {
				code = [][]byte{hosttest.Call(exit, hosttest.I32(0))}
			}
			b.Func("_initialize", hosttest.Type(""), code...)
			b.Func("tlo_run", hosttest.Type(":i"), hosttest.I32(0))
		})
	}
	started := build(func(b *hosttest.Builder) {
		b.Start(b.Func("", hosttest.Type(""), hosttest.Unreachable()))
		b.Func("_start", hosttest.Type(""))
	})
	recursing := build(func(b *hosttest.Builder) { b.Func("_start", hosttest.Type(""), hosttest.Call(0)) })
	badData := build(func(b *hosttest.Builder) {
		b.Memory(1, 1)
		b.Data(65535, []byte("xy"))
		b.Func("_start", hosttest.Type(""))
	})
	for name, c := range map[string]struct {
		plugin []byte
		text   string
	}{
		"unreachable":        {command(hosttest.Unreachable()), "unreachable"},
		"out of bounds":      {command(hosttest.Drop(hosttest.Load(1 << 20))), "out of bounds memory access"},
		"in _initialize":     {initialised(hosttest.Unreachable()), "unreachable"},
		"exit in initialize": {initialised(), "exited during initialisation"},
		"in start":           {started, "unreachable"},
		"recursion":          {recursing, "stack overflow"},
		"no memory":          {memoryless, "nil pointer"},
		"data":               {badData, "out of bounds"},
		"host function": {speaking("tlo|log", "iii", func(f []uint32) []byte {
			return hosttest.Code(hosttest.Call(f[0], hosttest.I32(2), hosttest.I32(-1), hosttest.I32(5)), hosttest.I32(0))
		}), "tlo.log: 5 bytes at 0xffffffff are outside the 65536 bytes of memory"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, c.plugin)
			f := b.failure(t.Context())
			b.wants(f, engine.CauseTrap, false, c.text)
			if strings.Contains(f.Message, "\n") || strings.Contains(f.Message, "wazero") {
				t.Errorf("message has a stack: %s", f.Message)
			}
		})
	}
}

func TestInputLimit(t *testing.T) {
	b := newBench(t, native("tlo_run"))
	b.job.Input, b.task.Limits.Input = make([]byte, 2048), 1024
	b.wants(b.failure(t.Context()), engine.CauseError, true, "the input has 2 KiB; the limit of task \"test\" is 1 KiB")
}

func TestPluginsThatDoNotLoad(t *testing.T) {
	b := newBench(t, []byte("(module)"))
	b.wants(b.failure(t.Context()), engine.CauseInternal, true, "wat2wasm")
	if err := os.Remove(b.task.Plugin); err != nil {
		t.Fatal(err)
	}
	b.wants(b.failure(t.Context()), engine.CauseInternal, false, "no such file or directory; put the plugin back")
	// Its structure is sound, its code is not: only the compiler finds out.
	b = newBench(t, command(hosttest.Drop()))
	b.wants(b.failure(t.Context()), engine.CauseInternal, true, "its code is invalid: ")
}

func TestCompileFollowsTheFile(t *testing.T) {
	returning := func(code int32) []byte {
		return speaking("", "", func([]uint32) []byte { return hosttest.I32(code) })
	}
	b := newBench(t, returning(1))
	if err := b.host.Compile(t.Context(), b.task.Plugin); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Dir(b.task.Plugin), "test.wasm", returning(2))
	b.wants(b.failure(t.Context()), engine.CauseError, false, "returned 1")
	if err := b.host.Compile(t.Context(), b.task.Plugin); err != nil {
		t.Fatal(err)
	}
	b.wants(b.failure(t.Context()), engine.CauseError, false, "returned 2")
	// A bad replacement leaves what was there.
	write(t, filepath.Dir(b.task.Plugin), "test.wasm", []byte("half"))
	if _, refused := errors.AsType[*host.Refusal](b.host.Compile(t.Context(), b.task.Plugin)); !refused {
		t.Error("a broken file compiled")
	}
	b.wants(b.failure(t.Context()), engine.CauseError, false, "returned 2")
}

func TestManyAtOnce(t *testing.T) {
	b := newBench(t, speaking("tlo|input_read tlo|output_write", "iii:i ii:i", func(f []uint32) []byte {
		return hosttest.Code(
			hosttest.Drop(hosttest.Grow(2)),
			hosttest.Drop(hosttest.Call(f[1], hosttest.I32(100),
				hosttest.Call(f[0], hosttest.I32(100), hosttest.I32(1000), hosttest.I32(0)))),
			hosttest.I32(0))
	}))
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for j := range 8 {
				if i == 0 {
					// The same code under another hash: attempts go on with theirs.
					plugin, err := os.ReadFile(b.task.Plugin)
					if err == nil {
						plugin = append(plugin, 0, 2, 1, byte('a'+j))
						path := b.task.Plugin + ".new"
						err = errors.Join(os.WriteFile(path, plugin, 0o600), os.Rename(path, b.task.Plugin),
							b.host.Compile(t.Context(), b.task.Plugin))
					}
					if err != nil {
						t.Error(err)
					}
				}
				job := b.job
				job.Input = []byte{byte('a' + i), byte('a' + j)}
				res, err := b.host.Execute(t.Context(), b.task, job, b.log)
				if err != nil || !slices.Equal(res.Output, job.Input) {
					t.Errorf("%q, %v", res.Output, err)
				}
			}
		})
	}
	group.Wait()
}

func TestClosedHost(t *testing.T) {
	b := newBench(t, native("tlo_run"))
	if _, err := b.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.host.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.wants(b.failure(t.Context()), engine.CauseInternal, false, "the host is closed")
	if err := b.host.Compile(t.Context(), b.task.Plugin); err == nil {
		t.Error("a closed host compiles")
	}
}

func TestCacheOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "cache")
	plugin := write(t, t.TempDir(), "a.wasm", native("tlo_run"))
	for range 2 {
		h := newHost(t, host.Options{CacheDir: dir})
		if err := h.Compile(t.Context(), plugin); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Execute(t.Context(), engine.TaskDef{Name: "a", Plugin: plugin}, engine.Job{}, &hosttest.Recorder{}); err != nil {
			t.Error(err)
		}
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*", "*")); len(files) != 1 || err != nil {
		t.Errorf("cache holds %v, %v", files, err)
	}
}
