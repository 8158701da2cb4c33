package engine

import (
	"context"
	"sync"
	"time"
)

// pool is a number of workers that serve a set of queues.
type pool struct {
	queues QueueSet
	size   int
	wake   chan struct{} // something may be due
	freed  chan struct{} // a worker is free
	mu     sync.Mutex
	busy   int
}

func newPool(queues QueueSet, size int) *pool {
	return &pool{queues: queues, size: size, wake: make(chan struct{}, 1), freed: make(chan struct{}, 1)}
}

func (p *pool) free() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size - p.busy
}

func (p *pool) occupy(n int) {
	p.mu.Lock()
	p.busy += n
	p.mu.Unlock()
	if n < 0 {
		signal(p.freed)
	}
}

// dispatch leases jobs for the pool's free workers until intake ends, then
// waits for the attempts it started. It sleeps until the next job is due, a
// worker is free, or somebody wakes it.
func (e *Engine) dispatch(intake, work context.Context, p *pool) {
	var attempts sync.WaitGroup
	defer attempts.Wait()
	var trouble patience
	for intake.Err() == nil {
		free := p.free()
		if free == 0 {
			select {
			case <-intake.Done():
			case <-p.freed:
			}
			continue
		}
		due, err := e.fill(intake, work, p, free, &attempts)
		switch {
		case intake.Err() != nil || e.fail(err):
			return
		case err != nil:
			nap := trouble.next()
			e.log.Error("cannot lease jobs, will try again", "error", err, "retry_in", nap)
			pause(intake, nap)
		default:
			trouble.reset()
			sleepUntil(intake, due, p.wake)
		}
	}
}

// fill leases jobs for free workers, starts their attempts, and returns when
// the next job is due; the zero time if none waits.
func (e *Engine) fill(intake, work context.Context, p *pool, free int, attempts *sync.WaitGroup) (due time.Time, err error) {
	at := now()
	req := LeaseRequest{Queues: p.queues, Max: free, Worker: e.cfg.Worker, Now: at, Until: at.Add(e.cfg.Lease)}
	// A stop must not cut the call short: the leases might be given already,
	// and with nobody to run them they would count as lost.
	ctx := context.WithoutCancel(intake)
	started, err := e.running.lease(work, func() ([]Job, error) { return e.store.Lease(ctx, req) })
	if err != nil {
		return due, err
	}
	p.occupy(len(started))
	for _, a := range started {
		attempts.Go(func() {
			free := sync.OnceFunc(func() { p.occupy(-1) })
			defer free()
			e.attempt(a, free)
		})
	}
	if len(started) > 0 {
		signal(e.beat)
	}
	if len(started) == free {
		return at, nil // the loop waits for a free worker
	}
	due, _, err = e.store.NextDue(intake, p.queues)
	return due, err
}
