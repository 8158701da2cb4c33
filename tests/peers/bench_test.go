package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

// newBench measures briefly: these tests are of the harness, not of speed.
func newBench(t *testing.T, out io.Writer, systems ...system) *bench {
	t.Helper()
	return &bench{out: out, options: options{
		rounds: 2, fill: 10 * time.Millisecond, most: shallow, limit: time.Minute, samples: 3, depth: 2 * shallow, cold: shallow,
		hold: true, dir: t.TempDir(), systems: systems,
		scenarios: slices.DeleteFunc(slices.Clone(allScenarios), func(s scenario) bool { return s.name == cold.name }),
	}}
}

func TestBenchMeasuresAllThatNeedNoServer(t *testing.T) {
	for name, hold := range map[string]bool{"workers wait": true, "workers go on": false} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			b := newBench(t, &out, memStore, goqiteSystem, rawlog)
			b.hold = hold
			if err := b.measure(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, sc := range b.scenarios {
				for _, s := range b.systems {
					if !sc.fits(s) {
						continue
					}
					for _, label := range orOne(sc.labels) {
						if label != "heap" && len(b.results.cells[cell{sc.name, s.name, label, sc.metrics[0].name}]) != b.rounds {
							t.Errorf("%s, %s, %q: not one value for each round", sc.name, s.name, label)
						}
					}
				}
			}
			first, _, _ := strings.Cut(out.String(), "\n")
			if !strings.HasPrefix(first, "round 1/2  single4      mem     submits/s ") {
				t.Errorf("the first live line is %q", first)
			}
		})
	}
}

// A file on the disk stands in for a durable store: what is tested is that a
// filled store is opened, measured and checked to its last job.
func TestColdOpenChecksEveryJob(t *testing.T) {
	kept := mem.New()
	durable := tlo("kept", "", false, func(string) (engine.Store, error) { return stayOpen{kept}, nil })
	b := newBench(t, io.Discard, durable)
	b.scenarios = []scenario{cold}
	if err := b.measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := storeCensus(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.check(b.cold); err != nil {
		t.Error(err)
	}
	if err := b.close(); err != nil {
		t.Error(err)
	}
}

type stayOpen struct{ engine.Store }

func (stayOpen) Close() error { return nil }

func TestBenchFailsOnABrokenStore(t *testing.T) {
	cases := map[string]struct {
		store func() engine.Store
		want  string
	}{
		"a job is lost":            {func() engine.Store { return loses{mem.New()} }, "of 64 jobs ended"},
		"a job runs twice":         {func() engine.Store { return doubles{mem.New()} }, "jobs came twice"},
		"the history is too short": {func() engine.Store { return forgets{mem.New()} }, "the history has"},
		"a lease fails":            {func() engine.Store { return refuses{mem.New()} }, "lease: the store is damaged"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, io.Discard, tlo("broken", "", true, func(string) (engine.Store, error) { return c.store(), nil }))
			b.scenarios = []scenario{single4.scenario()}
			b.limit = time.Second
			if err := b.measure(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("measure gave %v, want %q", err, c.want)
			}
		})
	}
}

type loses struct{ *mem.Store }

func (s loses) Submit(ctx context.Context, jobs ...engine.Job) error {
	if n, _ := jobNumber(jobs[0].Input); n == 5 {
		return nil
	}
	return s.Store.Submit(ctx, jobs...)
}

type doubles struct{ *mem.Store }

func (s doubles) Lease(ctx context.Context, req engine.LeaseRequest) ([]engine.Job, error) {
	req.Max = (req.Max + 1) / 2
	jobs, err := s.Store.Lease(ctx, req)
	return append(jobs, jobs...), err
}

func (s doubles) Settle(ctx context.Context, list ...engine.Settlement) ([]engine.Settled, error) {
	settled, err := s.Store.Settle(ctx, list...)
	for i := range settled {
		settled[i].Err = nil
	}
	return settled, err
}

type forgets struct{ *mem.Store }

func (s forgets) Counts(ctx context.Context, now time.Time) (map[string]map[engine.State]int, error) {
	counts, err := s.Store.Counts(ctx, now)
	counts[engine.DefaultQueue][engine.Succeeded]--
	return counts, err
}

type refuses struct{ *mem.Store }

func (refuses) Lease(context.Context, engine.LeaseRequest) ([]engine.Job, error) {
	return nil, engine.ErrCorrupt
}
