package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// labour works a system that hands out jobs but does not run them, the way the
// engine of tlo works a store: one goroutine leases for all workers that are
// free, each attempt settles what it ran, and nobody polls.
type labour[J any] struct {
	crew
	lease  func(ctx context.Context, n int) ([]J, error)
	settle func(ctx context.Context, jobs []J) error
	number func(J) (int, error)
	wake   <-chan struct{} // something was submitted
}

// window is how many jobs may be on their way to the disk when workers do not
// wait for it.
const window = 4096

func (l labour[J]) work(ctx context.Context, led *ledger) error {
	attempts, ctx := errgroup.WithContext(ctx)
	p := pool{freed: make(chan struct{}, 1), settling: make(chan struct{}, max(window/l.group, 1))}
	p.free.Store(int64(l.workers))
	for ctx.Err() == nil {
		n := int(p.free.Load()) * l.group
		if n <= 0 {
			select {
			case <-p.freed:
			case <-ctx.Done():
			}
			continue
		}
		jobs, err := l.lease(ctx, n)
		if err != nil {
			if ctx.Err() == nil {
				attempts.Go(func() error { return fmt.Errorf("lease: %w", err) })
			}
			break
		}
		for share := range slices.Chunk(jobs, l.group) {
			p.free.Add(-1)
			attempts.Go(func() error { return l.attempt(context.WithoutCancel(ctx), &p, share, led) })
		}
		if len(jobs) < n {
			select { // there was nothing more
			case <-l.wake:
			case <-ctx.Done():
			}
		}
	}
	return attempts.Wait()
}

// pool counts the free workers.
type pool struct {
	free     atomic.Int64
	freed    chan struct{} // a worker became free
	settling chan struct{} // room for settlements that no worker waits for
}

func (p *pool) release() {
	p.free.Add(1)
	signalOne(p.freed)
}

// attempt runs jobs, which takes no time, and settles them.
func (l labour[J]) attempt(ctx context.Context, p *pool, jobs []J, led *ledger) error {
	numbers := make([]int, len(jobs))
	for i, j := range jobs {
		n, err := l.number(j)
		if err != nil {
			return err
		}
		led.start(n)
		numbers[i] = n
	}
	if l.hold {
		defer p.release()
	} else {
		p.settling <- struct{}{}
		defer func() { <-p.settling }()
		p.release()
	}
	if err := l.settle(ctx, jobs); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	for _, n := range numbers {
		led.end(n)
	}
	return nil
}

func signalOne(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
