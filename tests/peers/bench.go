package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
)

// scenario is one way to measure.
type scenario struct {
	name, about string
	labels      []string // the rows of a system; nil is one without a label
	metrics     []metric
	fits        func(system) bool
	run         func(ctx context.Context, b *bench, s system, dir string) ([]reading, error)
}

// allScenarios are in the order of the report.
var allScenarios = []scenario{
	single4.scenario(),
	single64.scenario(),
	single4both.scenario(),
	single64both.scenario(),
	batch.scenario(),
	batchboth.scenario(),
	latency,
	depth,
	cold,
}

// metric is a column.
type metric struct {
	name  string
	less  bool // less is better
	ratio bool // compare the systems by it
	show  func(float64) string
}

// reading is one measured value.
type reading struct {
	label  string
	metric string
	value  float64
}

// bench runs scenarios and keeps what they measured.
type bench struct {
	options
	out     io.Writer
	results results
	stores  map[string]*coldStore // of the cold open, by system
}

func (b *bench) measure(ctx context.Context) error {
	for round := range b.rounds {
		for i, sc := range b.scenarios {
			for k := range b.systems {
				// Everybody goes first at some time.
				s := b.systems[(k+round+i)%len(b.systems)]
				if !sc.fits(s) {
					continue
				}
				readings, err := b.one(ctx, sc, s)
				if err != nil {
					return fmt.Errorf("round %d, %s, %s: %w", round+1, sc.name, s.name, err)
				}
				fmt.Fprintf(b.out, "round %d/%d  %-12s %-7s %s\n", round+1, b.rounds, sc.name, s.name, live(sc, readings))
				for _, r := range readings {
					b.results.add(sc.name, s.name, r)
				}
			}
		}
	}
	return nil
}

// one makes one measurement, in a directory of its own, with little left to do
// for the collector and the disk.
func (b *bench) one(ctx context.Context, sc scenario, s system) (_ []reading, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.limit, fmt.Errorf("it took longer than -limit %v", b.limit))
	defer cancel()
	dir, err := os.MkdirTemp(b.dir, s.name+"-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	debug.FreeOSMemory()
	if err := syncDisk(dir); err != nil {
		return nil, err
	}
	readings, err := sc.run(ctx, b, s, dir)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		return nil, fmt.Errorf("%w (%w)", err, cause)
	}
	return readings, err
}

func live(sc scenario, readings []reading) string {
	var parts []string
	for _, r := range readings {
		for _, m := range sc.metrics {
			if m.name == r.metric {
				parts = append(parts, strings.TrimSpace(r.label+" "+m.name)+" "+m.show(r.value))
			}
		}
	}
	return strings.Join(parts, "   ")
}

// close removes what outlived its measurement.
func (b *bench) close() error {
	var err error
	for _, s := range b.stores {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}
