// Package tlo is the Go SDK for tlo plugins: background tasks that run as
// sandboxed WebAssembly modules.
//
// A plugin is a main package that registers its tasks while it initialises:
//
//	func init() { tlo.Register("hello", hello) }
//	func main() {}
//
//	func hello(ctx *tlo.Context, in In) (Out, error) { … }
//
// and is built with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -o hello.wasm
//
// On any other platform the package builds too, and package tlotest runs the
// registered tasks, so that tasks have ordinary unit tests.
package tlo

import (
	"fmt"

	"github.com/tlo-run/tlo/sdk/go/internal/guest"
)

// Register makes task available under name, which matches
// [a-z0-9][a-z0-9_.-]* and has at most 64 bytes. Call it from an init
// function: main does not run in a plugin. One plugin may register several
// tasks; one that registers a single task answers to any name.
//
// In and Out are JSON, except that []byte and string carry the raw bytes. An
// empty input is the zero value of In. An input that does not decode fails the
// job for good, naming the offset and the field.
//
// An error fails the attempt, and the task's retry policy decides what follows,
// unless the error is, or wraps, one made by [Permanent] or [Snooze]. A panic
// is such an error too, with its text and place, as long as it happens in the
// goroutine of the task.
//
// A bad name, a name taken, or a nil task panics, so a plugin with such a
// mistake does not load.
func Register[In, Out any](name string, task func(ctx *Context, in In) (Out, error)) {
	if task == nil {
		panic(fmt.Sprintf("tlo: task %q is nil", name))
	}
	guest.Register(name, func(h guest.Host) ([]byte, *guest.Failure) {
		in, err := decode[In](h.Input())
		if err != nil {
			return nil, failure(Permanent(fmt.Errorf("input: %w", err)))
		}
		ctx := newContext(h)
		defer ctx.cancel()
		out, err := task(ctx, in)
		if err != nil {
			return nil, failure(err)
		}
		raw, err := encode(out)
		if err != nil {
			return nil, failure(fmt.Errorf("output: %w", err))
		}
		return raw, nil
	}, rehearse[In, Out])
}

// rehearse converts zero values as an attempt converts its own, so that package
// json knows the types when the first attempt starts.
func rehearse[In, Out any]() {
	var in In
	if raw, err := encode(in); err == nil {
		_, _ = decode[In](raw) // the types matter, not the values
	}
	var out Out
	_, _ = encode(out)
}
