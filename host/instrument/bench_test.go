package instrument_test

import (
	"context"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/tlo-run/tlo/host/instrument"
	"github.com/tlo-run/tlo/host/module"
)

// BenchmarkCost compares code in turns: plain, instrumented, and with the
// runtime's own way to stop a guest. It reports ratios to plain, which hold on a
// busy machine, where times do not.
func BenchmarkCost(b *testing.B) {
	loops, err := os.ReadFile("testdata/loops.wasm")
	if err != nil {
		b.Fatal(err)
	}
	m, err := module.Read(loops)
	if err != nil {
		b.Fatal(err)
	}
	out, err := instrument.Rewrite(loops, m)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	load := func(code []byte, config wazero.RuntimeConfig) *guest {
		r := wazero.NewRuntimeWithConfig(ctx, config)
		b.Cleanup(func() { r.Close(context.Background()) })
		instance, err := r.Instantiate(ctx, code)
		if err != nil {
			b.Fatal(err)
		}
		return &guest{Module: instance}
	}
	variants := []*guest{
		load(loops, wazero.NewRuntimeConfig()),
		load(out.Wasm, wazero.NewRuntimeConfig()),
		load(loops, wazero.NewRuntimeConfig().WithCloseOnContextDone(true)),
	}
	variants[1].meter = out.Meter(variants[1])
	for _, s := range out.Data {
		variants[1].Memory().Write(s.Offset, s.Bytes)
	}
	for _, c := range []struct {
		name string
		n    uint64
	}{{"fnv", 500_000}, {"sieve", 200_000}, {"matmul", 4}, {"fib", 22}, {"job", 500}} {
		b.Run(c.name, func(b *testing.B) {
			times := make([][]time.Duration, len(variants))
			var want []uint64
			for b.Loop() {
				for i, v := range variants {
					if v.meter != nil {
						v.meter.Start(0)
					}
					start := time.Now()
					got, err := v.ExportedFunction(c.name).Call(ctx, c.n)
					times[i] = append(times[i], time.Since(start))
					if err != nil || want != nil && got[0] != want[0] {
						b.Fatalf("%v, %v", got, err)
					}
					want = got
				}
			}
			median := func(d []time.Duration) float64 {
				slices.Sort(d)
				return float64(d[len(d)/2])
			}
			plain := median(times[0])
			b.ReportMetric(median(times[1])/plain, "x-fuel")
			b.ReportMetric(median(times[2])/plain, "x-close")
			b.ReportMetric(float64(variants[1].meter.Used()), "fuel")
		})
	}
}

// BenchmarkStop measures how long guests run on after Stop, and how long a
// garbage collection beside them takes.
func BenchmarkStop(b *testing.B) {
	for name, e := range endless() {
		b.Run(name, func(b *testing.B) {
			g := start(b, e.bytes)
			var stops, collections []time.Duration
			for b.Loop() {
				g.meter.Start(0)
				ended := make(chan time.Time)
				go func() {
					if _, err := g.call(b, e.call, e.args...); err == nil {
						b.Error("it ended by itself")
					}
					ended <- time.Now()
				}()
				before := time.Now()
				runtime.GC()
				collections = append(collections, time.Since(before))
				before = time.Now()
				g.meter.Stop()
				stops = append(stops, (<-ended).Sub(before))
			}
			slices.Sort(stops)
			slices.Sort(collections)
			b.ReportMetric(float64(stops[len(stops)/2].Microseconds()), "µs-stop-p50")
			b.ReportMetric(float64(stops[len(stops)*99/100].Microseconds()), "µs-stop-p99")
			b.ReportMetric(float64(collections[len(collections)/2].Microseconds()), "µs-gc-p50")
		})
	}
}
