package engine_test

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

// probe is a store that counts its calls and fails where a test says so.
type probe struct {
	engine.Store
	mu     sync.Mutex
	calls  map[string]int
	refuse func(method string) error // asked before each call; nil refuses nothing
}

func newProbe() *probe { return &probe{Store: mem.New(), calls: map[string]int{}} }

// failing makes the methods fail with err until the next call; none heals all.
func (p *probe) failing(err error, methods ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = func(method string) error {
		for _, m := range methods {
			if m == method {
				return err
			}
		}
		return nil
	}
}

func (p *probe) enter(method string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[method]++
	if p.refuse == nil {
		return nil
	}
	return p.refuse(method)
}

// counted returns the calls since it was last asked.
func (p *probe) counted() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	counted := p.calls
	p.calls = map[string]int{}
	return counted
}

func (p *probe) Submit(ctx context.Context, jobs ...engine.Job) error {
	if err := p.enter("Submit"); err != nil {
		return err
	}
	return p.Store.Submit(ctx, jobs...)
}

func (p *probe) Lease(ctx context.Context, req engine.LeaseRequest) ([]engine.Job, error) {
	if err := p.enter("Lease"); err != nil {
		return nil, err
	}
	return p.Store.Lease(ctx, req)
}

func (p *probe) Extend(ctx context.Context, exts ...engine.Extension) ([]engine.Extended, error) {
	if err := p.enter("Extend"); err != nil {
		return nil, err
	}
	return p.Store.Extend(ctx, exts...)
}

func (p *probe) Settle(ctx context.Context, settlements ...engine.Settlement) ([]engine.Settled, error) {
	if err := p.enter("Settle"); err != nil {
		return nil, err
	}
	return p.Store.Settle(ctx, settlements...)
}

func (p *probe) Expired(ctx context.Context, now time.Time, n int) ([]engine.Job, error) {
	if err := p.enter("Expired"); err != nil {
		return nil, err
	}
	return p.Store.Expired(ctx, now, n)
}

func (p *probe) NextDue(ctx context.Context, queues engine.QueueSet) (time.Time, bool, error) {
	if err := p.enter("NextDue"); err != nil {
		return time.Time{}, false, err
	}
	return p.Store.NextDue(ctx, queues)
}

func (p *probe) NextExpiry(ctx context.Context) (time.Time, bool, error) {
	if err := p.enter("NextExpiry"); err != nil {
		return time.Time{}, false, err
	}
	return p.Store.NextExpiry(ctx)
}

func (p *probe) AppendLogs(ctx context.Context, id string, lines ...engine.LogLine) error {
	if err := p.enter("AppendLogs"); err != nil {
		return err
	}
	return p.Store.AppendLogs(ctx, id, lines...)
}

func (p *probe) LastTick(ctx context.Context, schedule string) (time.Time, bool, error) {
	if err := p.enter("LastTick"); err != nil {
		return time.Time{}, false, err
	}
	return p.Store.LastTick(ctx, schedule)
}

func (p *probe) Purge(ctx context.Context, req engine.PurgeRequest) (int, error) {
	if err := p.enter("Purge"); err != nil {
		return 0, err
	}
	return p.Store.Purge(ctx, req)
}

// errFull is what a store says when its disk is full.
var errFull = fmt.Errorf("write data/tlo.db: %w", syscall.ENOSPC)
