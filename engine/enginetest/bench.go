package enginetest

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/tlo-run/tlo/engine"
)

// BenchStore measures the calls that set a store's throughput. Parallel ones
// have 16 callers for each processor.
func BenchStore(b *testing.B, place NewPlace) {
	var made atomic.Int64
	batch := func(n int) []engine.Job {
		jobs := make([]engine.Job, n)
		for i := range jobs {
			jobs[i] = job(fmt.Sprintf("%016x", made.Add(1)), input("0123456789abcdef"))
		}
		return jobs
	}
	submit := func(b *testing.B, k *kit, n int) {
		if err := k.Submit(b.Context(), batch(n)...); err != nil {
			b.Error(err)
		}
	}
	work := func(b *testing.B, k *kit, n int) {
		jobs := k.lease(n, epoch)
		if len(jobs) != n {
			b.Errorf("leased %d of %d", len(jobs), n)
		}
		done := make([]engine.Settlement, len(jobs))
		for i, j := range jobs {
			done[i] = settlement(j, engine.Outcome{Verdict: engine.VerdictSucceeded}, epoch)
		}
		if _, err := k.Settle(b.Context(), done...); err != nil {
			b.Error(err)
		}
	}
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("submit=%d", n), func(b *testing.B) {
			k := open(b, place)
			for b.Loop() {
				submit(b, k, n)
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "jobs/s")
		})
		b.Run(fmt.Sprintf("submit=%d/parallel", n), func(b *testing.B) {
			k := open(b, place)
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					submit(b, k, n)
				}
			})
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "jobs/s")
		})
		b.Run(fmt.Sprintf("submit+lease+settle=%d", n), func(b *testing.B) {
			k := open(b, place)
			for b.Loop() {
				submit(b, k, n)
				work(b, k, n)
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}
