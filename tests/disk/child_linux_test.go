//go:build linux && (amd64 || arm64)

package disk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
)

const runVar = "TLO_DISK_RUN"

func TestMain(m *testing.M) {
	text := os.Getenv(runVar)
	if text == "" {
		os.Exit(m.Run())
	}
	var r run
	if err := errors.Join(json.Unmarshal([]byte(text), &r), askParent()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	r.work()
	os.Exit(0)
}

// command runs this test binary as a child.
func (r run) command(t *testing.T) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	// The race detector would have each child wait for a second at its end.
	cmd.Env = append(os.Environ(), runVar+"="+string(text), "GORACE=atexit_sleep_ms=0")
	return cmd
}

// say tells the parent what the store has answered. It is one call of write,
// which the parent puts on the tape.
func say(format string, args ...any) {
	if _, err := fmt.Printf(format+"\n", args...); err != nil {
		panic(err)
	}
}

// work goes on with a store that has failed: what it answers is of interest.
func (r run) work() {
	workers := make([]*worker, r.Workers)
	for n := range workers {
		workers[n] = newWorker(n, r.Seed, nil)
	}
	parts := r.Reopens + 1
	for part := range parts {
		s, err := openStore(r.Folder)
		say("open %s", class(err))
		if err != nil {
			return
		}
		var wg sync.WaitGroup
		for n, w := range workers {
			w.store = s
			wg.Go(func() { w.take(n, r.Steps*part/parts, r.Steps*(part+1)/parts) })
		}
		wg.Wait()
		_, err = s.Counts(context.Background(), epoch)
		say("read %s", class(err))
		closed := s.Close() // tells of a write that no call waited for
		say("close %s", class(closed))
		if err != nil || closed != nil {
			return
		}
	}
}

// take takes some steps and says how each ended.
func (w *worker) take(n, from, to int) {
	for step := from; step < to; step++ {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		reply, err := w.step(ctx, step)
		cancel()
		if err == nil {
			say("step %d %d ok %s", n, step, reply)
		} else {
			say("step %d %d %s", n, step, class(err))
		}
	}
}

// class names an error in a word.
func class(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, engine.ErrFailed):
		return "failed"
	case errors.Is(err, syscall.ENOSPC):
		return "full"
	default:
		return fmt.Sprintf("other: %v", err)
	}
}
