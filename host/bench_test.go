package host_test

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host"
	"github.com/tlo-run/tlo/host/abi"
	"github.com/tlo-run/tlo/host/hosttest"
)

const benchInput = `{"id":"job-000123","values":[17,4,250,33,8,91,12,7,66,5,41,3,99,1024,12345,77,5150,8]}`

// perTurn is how many attempts follow each other: one alone would find the
// caches as another way to run left them.
const perTurn = 16

// BenchmarkAttempt runs the same job in turns: by a guest that is kept, by one
// that starts from an image each time, and by the runtime alone, a new instance
// each. It reports medians in microseconds, and the ratios to the first.
func BenchmarkAttempt(b *testing.B) {
	for _, language := range []string{"go", "c"} {
		b.Run(language, func(b *testing.B) {
			input := benchInput
			ways := []func() error{
				attempts(b, language, input, host.Options{}),
				attempts(b, language, input, host.Options{Idle: -1}),
				alone(b, language, input),
			}
			for _, run := range ways { // compiles
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
			times := make([][]time.Duration, len(ways))
			for b.Loop() {
				for i, run := range ways {
					for range perTurn {
						start := time.Now()
						if err := run(); err != nil {
							b.Fatal(err)
						}
						times[i] = append(times[i], time.Since(start))
					}
				}
			}
			var medians []float64
			for _, t := range times {
				slices.Sort(t)
				medians = append(medians, float64(t[len(t)/2].Nanoseconds())/1000)
			}
			b.ReportMetric(medians[0], "µs-kept")
			b.ReportMetric(medians[1]/medians[0], "x-image")
			b.ReportMetric(medians[2]/medians[0], "x-alone")
		})
	}
}

// attempts returns a function that runs one attempt in a Host.
func attempts(b *testing.B, language, input string, o host.Options) func() error {
	w := warmBench(b, language, o)
	w.task.Name, w.task.Export = "digest", "digest"
	w.job.Input = []byte(input)
	report := &silentReporter{}
	return func() error {
		_, err := w.host.Execute(b.Context(), w.task, w.job, report)
		return err
	}
}

// alone returns a function that runs the job in the plain runtime.
func alone(b *testing.B, language, input string) func() error {
	w := warmBench(b, language, host.Options{})
	code, err := os.ReadFile(w.task.Plugin)
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	cache, err := wazero.NewCompilationCacheWithDir(filepath.Join(shared, "alone"))
	if err != nil {
		b.Fatal(err)
	}
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(cache))
	b.Cleanup(func() {
		r.Close(context.Background())
		cache.Close(context.Background())
	})
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	if err := abi.Instantiate(ctx, r); err != nil {
		b.Fatal(err)
	}
	compiled, err := r.CompileModule(ctx, code)
	if err != nil {
		b.Fatal(err)
	}
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions().WithRandSource(rand.Reader).WithSysNanotime().WithSysWalltime()
	function := "tlo_run"
	if language == "c" {
		function = "tlo_run_digest"
	}
	job := engine.Job{ID: "job", Input: []byte(input)}
	task := engine.TaskDef{Name: "digest"}.WithDefaults()
	return func() error {
		a := abi.NewAttempt(ctx, task, "digest", job, &hosttest.Recorder{}, true)
		guest := abi.With(ctx, a)
		instance, err := r.InstantiateModule(guest, compiled, config)
		if err != nil {
			return err
		}
		defer instance.Close(ctx)
		if _, err := instance.ExportedFunction("_initialize").Call(guest); err != nil {
			return err
		}
		_, err = instance.ExportedFunction(function).Call(guest)
		return err
	}
}
