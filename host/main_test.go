package host_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host"
	"github.com/tlo-run/tlo/host/hosttest"
)

// shared is a folder for what tests of this package have in common.
var shared string

func TestMain(m *testing.M) {
	var err error
	if shared, err = os.MkdirTemp("", "tlo-host-*"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(shared)
		os.Exit(code)
	}))
}

// bench runs attempts of one plugin.
type bench struct {
	t    testing.TB
	host *host.Host
	task engine.TaskDef
	job  engine.Job
	log  *hosttest.Recorder
}

func newHost(t *testing.T, o host.Options) *host.Host {
	t.Helper()
	h, err := host.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return h
}

func newBench(t *testing.T, plugin []byte) *bench {
	t.Helper()
	return &bench{
		t:    t,
		host: newHost(t, host.Options{}),
		task: engine.TaskDef{Name: "test", Plugin: write(t, t.TempDir(), "test.wasm", plugin)},
		job:  engine.Job{ID: "job-1", Task: "test", Attempt: 1},
		log:  &hosttest.Recorder{},
	}
}

func (b *bench) run(ctx context.Context) (string, error) {
	res, err := b.host.Execute(ctx, b.task, b.job, b.log)
	return string(res.Output), err
}

// failure runs an attempt that has to fail in a way that says its cause.
func (b *bench) failure(ctx context.Context) *engine.Failure {
	b.t.Helper()
	out, err := b.run(ctx)
	f, ok := errors.AsType[*engine.Failure](err)
	if !ok {
		b.t.Fatalf("output %q, error %v", out, err)
	}
	return f
}

// wants checks what a failure says.
func (b *bench) wants(f *engine.Failure, cause engine.Cause, permanent bool, text string) {
	b.t.Helper()
	if f.Cause != cause || f.Permanent != permanent || !strings.Contains(f.Message, text) {
		b.t.Errorf("got %s, permanent %v: %s\nwant %s, permanent %v: %s", f.Cause, f.Permanent, f.Message, cause, permanent, text)
	}
}

// soon is a context whose attempt is out of time almost at once, once it runs. A
// guest that nothing stops then runs into the time limit of go test.
func (b *bench) soon() context.Context {
	b.t.Helper()
	if err := b.host.Compile(b.t.Context(), b.task.Plugin); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeoutCause(b.t.Context(), 20*time.Millisecond, engine.ErrTimeout)
	b.t.Cleanup(cancel)
	return ctx
}

// command makes a WASI command with a memory of one page.
func command(code ...[]byte) []byte {
	return build(func(b *hosttest.Builder) {
		b.Memory(1, -1)
		b.Func("_start", hosttest.Type(""), code...)
	})
}

// speaking makes a native plugin that imports functions, named "module|name"
// and of these types, and whose task is code, which gets their indexes.
func speaking(functions string, types string, code func(f []uint32) []byte) []byte {
	return build(func(b *hosttest.Builder) {
		var indexes []uint32
		letters := strings.Fields(types)
		for i, name := range strings.Fields(functions) {
			mod, name, _ := strings.Cut(name, "|")
			indexes = append(indexes, b.Import(mod, name, hosttest.Type(letters[i])))
		}
		b.Memory(1, -1)
		b.Data(0, []byte("hello, host"))
		b.Func("tlo_run", hosttest.Type(":i"), code(indexes))
	})
}

// contextWithCause is a context that cancel ends with a cause.
func contextWithCause(t *testing.T, cause error) (ctx context.Context, cancel func()) {
	t.Helper()
	ctx, end := context.WithCancelCause(t.Context())
	t.Cleanup(func() { end(nil) })
	return ctx, func() { end(cause) }
}
