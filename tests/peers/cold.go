package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

var cold = scenario{
	name: "open",
	about: "a store with -open queued jobs is opened, once with nothing of its files in the page cache and once with all. " +
		"Seconds until Open returned, and until the first job was leased.",
	labels: []string{"cold", "warm"},
	metrics: []metric{
		{name: "open s", less: true, show: seconds},
		{name: "first lease s", less: true, show: seconds},
		{name: "MB", show: thousands},
	},
	fits: func(s system) bool { return s.store != nil && !s.memory },
	run:  runCold,
}

// coldStore is a filled store that serves all rounds: filling takes longer than
// opening. Each open takes and ends one job.
type coldStore struct {
	dir    string
	jobs   int
	opened int // how often it will have been by the end of the run
	stock  stock
}

func runCold(ctx context.Context, b *bench, sys system, _ string) ([]reading, error) {
	c, err := b.coldStore(ctx, sys)
	if err != nil {
		return nil, err
	}
	size, err := dropCache(c.dir)
	if err != nil {
		return nil, err
	}
	readings, err := c.open(ctx, sys, "cold")
	if err != nil {
		return nil, fmt.Errorf("cold: %w", err)
	}
	if err := readAll(c.dir); err != nil {
		return nil, err
	}
	warm, err := c.open(ctx, sys, "warm")
	if err != nil {
		return nil, fmt.Errorf("warm: %w", err)
	}
	return append(append(readings, warm...), reading{"cold", "MB", float64(size) / 1e6}), nil
}

// coldStore returns the filled store of the run.
func (b *bench) coldStore(ctx context.Context, sys system) (*coldStore, error) {
	if c := b.stores[sys.name]; c != nil {
		return c, nil
	}
	dir, err := os.MkdirTemp(b.dir, sys.name+"-open-")
	if err != nil {
		return nil, err
	}
	c := &coldStore{dir: dir, jobs: b.cold, opened: 2 * b.rounds}
	if b.stores == nil {
		b.stores = map[string]*coldStore{}
	}
	b.stores[sys.name] = c
	store, err := sys.store(dir)
	if err != nil {
		return nil, err
	}
	c.stock = stock{store: store, ended: newTally(c.jobs)}
	return c, errors.Join(c.stock.fill(ctx, c.jobs), store.Close())
}

// open measures, and after the last of the run checks every job.
func (c *coldStore) open(ctx context.Context, sys system, label string) (_ []reading, err error) {
	start := time.Now()
	store, err := sys.store(c.dir)
	if err != nil {
		return nil, err
	}
	opened := time.Since(start)
	defer func() { err = errors.Join(err, store.Close()) }()
	c.stock.store = store
	jobs, err := leaseJobs(ctx, store, 1, now())
	leased := time.Since(start)
	if err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	if err := c.stock.end(ctx, jobs); err != nil {
		return nil, err
	}
	if c.opened--; c.opened == 0 {
		if err := c.stock.finish(ctx); err != nil {
			return nil, err
		}
	}
	return []reading{{label, "open s", opened.Seconds()}, {label, "first lease s", leased.Seconds()}}, nil
}
