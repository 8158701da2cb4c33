package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// load measures throughput.
type load struct {
	name      string
	producers int
	batch     int // jobs a call
	crew      crew
	both      bool // producers and workers at once; else one after the other
	most      int
}

var (
	single4      = load{name: "single4", producers: 4, batch: 1, crew: crew{workers: 16, group: 1}, most: 500_000}
	single64     = load{name: "single64", producers: 64, batch: 1, crew: crew{workers: 64, group: 1}, most: 500_000}
	single4both  = load{name: "single4both", producers: 4, batch: 1, crew: crew{workers: 16, group: 1}, most: 500_000, both: true}
	single64both = load{name: "single64both", producers: 64, batch: 1, crew: crew{workers: 64, group: 1}, most: 500_000, both: true}
	batch        = load{name: "batch", producers: 4, batch: 1000, crew: crew{workers: 16, group: 100}, most: 2_000_000}
	batchboth    = load{name: "batchboth", producers: 4, batch: 1000, crew: crew{workers: 16, group: 100}, most: 2_000_000, both: true}
)

func (l load) scenario() scenario {
	calls, then := "one job a call", ", then"
	if l.batch > 1 {
		calls = fmt.Sprintf("%s jobs a call", thousands(float64(l.batch)))
	}
	metrics := []metric{
		{name: "submits/s", ratio: true, show: thousands},
		{name: "jobs/s", ratio: true, show: thousands},
	}
	if l.both {
		then = " and at the same time"
	} else {
		metrics = append(metrics, metric{name: "drain/s", show: thousands})
	}
	about := fmt.Sprintf("%d producers, %s%s %d workers", l.producers, calls, then, l.crew.workers)
	if l.crew.group > 1 {
		about += fmt.Sprintf(" that take up to %d jobs each", l.crew.group)
	}
	if l.both {
		about += ". jobs/s: all jobs, by the time from the first submission to the last durable end."
	} else {
		about += ". jobs/s: all jobs, by the time of submitting and of draining together; drain/s: by the time of draining, from the first start to the last durable end."
	}
	return scenario{
		name: l.name, about: about, metrics: metrics,
		fits: func(s system) bool { return l.batch == 1 || s.batches },
		run:  l.run,
	}
}

func (l load) run(ctx context.Context, b *bench, sys system, dir string) (_ []reading, err error) {
	most := min(l.most, b.most)
	if sys.most > 0 {
		most = min(most, sys.most)
	}
	crew := l.crew
	crew.hold = b.hold
	s, err := newSession(ctx, sys, env{dir: dir, producers: l.producers, crew: crew, jobs: most + warmJobs})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	s.work()
	if err := s.warm(l.producers, l.batch); err != nil {
		return nil, fmt.Errorf("warm up: %w", err)
	}
	measure := l.phases
	if l.both {
		measure = l.atOnce
	}
	readings, err := measure(s, most, b.fill)
	if err != nil {
		return nil, err
	}
	return readings, s.check()
}

func (l load) phases(s *session, most int, d time.Duration) ([]reading, error) {
	if err := s.rest(); err != nil {
		return nil, err
	}
	n, filled, err := s.fill(l.producers, l.batch, most, d)
	if err != nil {
		return nil, err
	}
	s.led.mark()
	s.work()
	if err := s.drain(); err != nil {
		return nil, err
	}
	drained := s.led.since()
	return []reading{
		{metric: "submits/s", value: rate(n, filled)},
		{metric: "jobs/s", value: rate(n, filled+drained)},
		{metric: "drain/s", value: rate(n, drained)},
	}, nil
}

func (l load) atOnce(s *session, most int, d time.Duration) ([]reading, error) {
	start := time.Now()
	n, filled, err := s.fill(l.producers, l.batch, most, d)
	if err != nil {
		return nil, err
	}
	if err := s.drain(); err != nil {
		return nil, err
	}
	return []reading{
		{metric: "submits/s", value: rate(n, filled)},
		{metric: "jobs/s", value: rate(n, time.Since(start))},
	}, nil
}

func rate(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }
