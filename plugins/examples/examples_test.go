// Package examples_test runs the prebuilt guests that stand beside their
// sources. The Go examples have their own tests, beside them.
package examples_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// command is a compiled WASI command. Each run has an instance of its own.
type command struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
}

func load(t *testing.T, file string, memoryPages uint32) *command {
	t.Helper()
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	c := &command{runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithMemoryLimitPages(memoryPages))}
	t.Cleanup(func() {
		if err := c.runtime.Close(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, c.runtime); err != nil {
		t.Fatal(err)
	}
	if c.compiled, err = c.runtime.CompileModule(ctx, code); err != nil {
		t.Fatal(err)
	}
	return c
}

// run returns the exit code and what the command wrote to stderr.
func (c *command) run(t *testing.T, stdin io.Reader, stdout io.Writer) (uint32, string) {
	t.Helper()
	var stderr bytes.Buffer
	mod, err := c.runtime.InstantiateModule(t.Context(), c.compiled, wazero.NewModuleConfig().
		WithName("").WithStdin(stdin).WithStdout(stdout).WithStderr(&stderr))
	if exit, ok := errors.AsType[*sys.ExitError](err); ok {
		return exit.ExitCode(), stderr.String()
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if err := mod.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return 0, stderr.String()
}
