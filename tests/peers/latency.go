package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

var latency = scenario{
	name: "latency",
	about: "an idle queue with 16 workers gets one job every 5 to 20 ms. Milliseconds from just before the submission to the start of the job; " +
		"it may start before the submission returns.",
	metrics: []metric{
		{name: "p50 ms", less: true, ratio: true, show: millis},
		{name: "p99 ms", less: true, ratio: true, show: millis},
	},
	fits: func(system) bool { return true },
	run:  runLatency,
}

func runLatency(ctx context.Context, b *bench, sys system, dir string) (_ []reading, err error) {
	s, err := newSession(ctx, sys, env{dir: dir, producers: 1, crew: crew{workers: 16, group: 1, hold: b.hold}, jobs: b.samples + warmJobs})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	s.work()
	if err := s.warm(1, 1); err != nil {
		return nil, fmt.Errorf("warm up: %w", err)
	}
	starts := make(chan time.Time, 1)
	s.led.tell(starts)
	waits := make([]float64, b.samples)
	for i := range waits {
		// Not in step with anybody's polling.
		if err := pause(s.ctx, 5*time.Millisecond+rand.N(15*time.Millisecond)); err != nil {
			return nil, err
		}
		begin := time.Now()
		if err := s.submit(1); err != nil {
			return nil, err
		}
		select {
		case at := <-starts:
			waits[i] = at.Sub(begin).Seconds() * 1000
		case <-s.ctx.Done():
			return nil, fmt.Errorf("no start of job %d: %w", i, context.Cause(s.ctx))
		}
	}
	if err := s.drain(); err != nil {
		return nil, err
	}
	readings := []reading{
		{metric: "p50 ms", value: quantile(waits, 0.50)},
		{metric: "p99 ms", value: quantile(waits, 0.99)},
	}
	return readings, s.check()
}
