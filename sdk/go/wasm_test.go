package tlo_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/tlo-run/tlo/sdk/go/tlotest"
)

// TestWasm runs the suite in a plugin that the real toolchain built.
func TestWasm(t *testing.T) {
	p := loadPlugin(t)
	t.Run("exports", func(t *testing.T) { checkExports(t, p.compiled.ExportedFunctions()) })
	suite(t, func(t *testing.T, a tlotest.Attempt) tlotest.Result {
		return p.instance(t).run(t, a)
	})

	t.Run("one instance, attempt after attempt", func(t *testing.T) {
		inst := p.instance(t)
		for range 3 {
			if res := inst.run(t, tlotest.Attempt{Task: "panic-nil", Input: "null"}); res.Code != 1 {
				t.Fatalf("got code %d from a panic, want 1", res.Code)
			}
			if res := inst.run(t, tlotest.Attempt{Task: "greet", Input: "again"}); string(res.Output) != "hello, again" {
				t.Fatalf("after a panic: got %+v", res)
			}
		}
	})
}

func checkExports(t *testing.T, exports map[string]api.FunctionDefinition) {
	for name, results := range map[string]int{"_initialize": 0, "tlo_warmup": 0, "tlo_run": 1} {
		f, ok := exports[name]
		if !ok || len(f.ParamTypes()) != 0 || len(f.ResultTypes()) != results {
			t.Errorf("export %s: got %v, want no parameters and %d results", name, f, results)
		}
	}
	if _, ok := exports["_start"]; ok {
		t.Error("the plugin exports _start, so it is a command as well")
	}
}

type plugin struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	host     *testHost
}

func loadPlugin(t *testing.T) *plugin {
	t.Helper()
	// go test reuses a result unless a file changed that it knows of; of these
	// it knows only if the test itself touches them.
	for _, source := range []string{"host_wasip1.go", "testdata/guest/main.go"} {
		if _, err := os.Stat(source); err != nil {
			t.Fatal(err)
		}
	}
	wasm := filepath.Join(t.TempDir(), "guest.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", wasm, "./testdata/guest")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	code, err := os.ReadFile(wasm)
	if err != nil {
		t.Fatal(err)
	}

	ctx := experimental.WithCompilationWorkers(t.Context(), 2)
	p := &plugin{runtime: wazero.NewRuntime(ctx), host: &testHost{}}
	t.Cleanup(func() {
		// t.Context is done by now.
		if err := p.runtime.Close(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, p.runtime); err != nil {
		t.Fatal(err)
	}
	if err := p.host.instantiate(ctx, p.runtime); err != nil {
		t.Fatal(err)
	}
	if p.compiled, err = p.runtime.CompileModule(ctx, code); err != nil {
		t.Fatal(err)
	}
	return p
}

type instance struct {
	host   *testHost
	entry  api.Function
	stderr *bytes.Buffer
}

func (p *plugin) instance(t *testing.T) *instance {
	t.Helper()
	stderr := &bytes.Buffer{}
	mod, err := p.runtime.InstantiateModule(t.Context(), p.compiled, wazero.NewModuleConfig().
		WithName("").WithStartFunctions("_initialize").WithSysWalltime().WithSysNanotime().WithStderr(stderr))
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		if err := mod.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return &instance{host: p.host, entry: mod.ExportedFunction("tlo_run"), stderr: stderr}
}

func (i *instance) run(t *testing.T, a tlotest.Attempt) tlotest.Result {
	t.Helper()
	i.host.begin(a)
	code, err := i.entry.Call(t.Context())
	if err != nil {
		t.Fatalf("%v\n%s", err, i.stderr)
	}
	return i.host.end(int(int32(code[0])))
}
