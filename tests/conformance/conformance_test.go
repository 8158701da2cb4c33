// Package conformance_test holds every SDK to one table of behaviours. Each
// language has a plugin with a task for each behaviour, in sdk/LANGUAGE/conformance;
// it runs in the real host.
package conformance_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host"
	"github.com/tlo-run/tlo/host/hosttest"
	_ "github.com/tlo-run/tlo/sdk/go" // buildGo builds it
)

// sdk is where the SDKs are, seen from here.
const sdk = "../../sdk"

// language is one SDK. Except for Go, whose toolchain is here anyway, plugins
// are committed, and scripts/guests.sh check compares them with their sources.
type language struct {
	name   string
	panics engine.Cause // of an attempt whose task panics
}

var languages = []language{
	{"go", engine.CauseError},
	{"c", engine.CauseTrap},
	{"rust", engine.CauseTrap},
	{"assemblyscript", engine.CauseTrap},
	{"zig", engine.CauseTrap},
}

func TestConformance(t *testing.T) {
	h, err := host.New(t.Context(), host.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	for _, l := range languages {
		t.Run(l.name, func(t *testing.T) {
			plugin := filepath.Join(sdk, l.name, "conformance", "conformance.wasm")
			if l.name == "go" {
				plugin = buildGo(t)
			}
			if _, err := host.Inspect(plugin); err != nil {
				t.Fatal(err)
			}
			for _, b := range behaviours {
				t.Run(b.name, func(t *testing.T) { b.check(t, h, plugin, l) })
			}
			t.Run("random is fresh", func(t *testing.T) { randomIsFresh(t, h, plugin) })
			t.Run("reads JSON as Go does", func(t *testing.T) { agreesWithGo(t, h, plugin) })
		})
	}
}

// TestEveryLanguage finds an SDK that is not in the table.
func TestEveryLanguage(t *testing.T) {
	folders, err := filepath.Glob(sdk + "/*/conformance")
	if err != nil || len(folders) != len(languages) {
		t.Errorf("%d languages in the table; on disk are %q, %v", len(languages), folders, err)
	}
}

func buildGo(t *testing.T) string {
	t.Helper()
	wasm := filepath.Join(t.TempDir(), "conformance.wasm")
	// go test reuses a result unless a file changed that it knows of: this one, and
	// the SDK, which the import above names.
	if _, err := os.Stat(filepath.Join(sdk, "go", "conformance", "main.go")); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", wasm, ".")
	build.Dir = filepath.Join(sdk, "go", "conformance")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return wasm
}

// recorder remembers what a guest reports and tells a test of its progress.
type recorder struct {
	hosttest.Recorder
	progressed func()
}

func (r *recorder) Progress(fraction float64, message string) {
	r.Recorder.Progress(fraction, message)
	if r.progressed != nil {
		r.progressed()
	}
}

var _ engine.Reporter = (*recorder)(nil)

func definition(plugin, task string) engine.TaskDef {
	return engine.TaskDef{Name: task, Plugin: plugin}
}

func randomIsFresh(t *testing.T, h *host.Host, plugin string) {
	seen := map[string]bool{}
	for range 3 {
		res, err := h.Execute(t.Context(), definition(plugin, "random"), engine.Job{ID: "job", Attempt: 1}, &recorder{})
		if err != nil {
			t.Fatal(err)
		}
		const digits = 64
		if len(res.Output) != digits {
			t.Fatalf("got %q, want %d hexadecimal digits", res.Output, digits)
		}
		seen[string(res.Output[:digits/2])], seen[string(res.Output[digits/2:])] = true, true
	}
	if len(seen) != 6 {
		t.Error("random repeats itself:", fmt.Sprint(seen))
	}
}
