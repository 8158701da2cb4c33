package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
)

func TestLedgerAcceptsEveryJobOnce(t *testing.T) {
	const jobs = 1000
	l := newLedger(jobs)
	var group sync.WaitGroup
	for w := range 8 {
		group.Go(func() {
			for n := w; n < jobs; n += 8 {
				l.start(n)
				l.end(n)
			}
		})
	}
	if err := l.wait(t.Context(), jobs); err != nil {
		t.Error(err)
	}
	group.Wait()
	if err := l.check(jobs); err != nil {
		t.Error(err)
	}
}

func TestLedgerFindsWhatWentWrong(t *testing.T) {
	cases := map[string]struct {
		starts, ends []int
		want         string
	}{
		"lost":            {[]int{0, 2}, []int{0, 2}, "starts: 1 of 3 jobs are missing, the first is job 1"},
		"never ended":     {[]int{0, 1, 2}, []int{0, 1}, "ends: 1 of 3 jobs are missing, the first is job 2"},
		"ran twice":       {[]int{0, 1, 1, 2}, []int{0, 1, 2}, "starts: 1 jobs came twice"},
		"ended twice":     {[]int{0, 1, 2}, []int{0, 1, 2, 0}, "ends: 1 jobs came twice"},
		"never submitted": {[]int{0, 1, 2, 3}, []int{0, 1, 2}, "starts: 4 jobs came, and only 3 were submitted"},
		"out of range":    {[]int{0, 1, 2, 5000}, []int{0, 1, 2}, "among them job 5000"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l := newLedger(3)
			for _, n := range c.starts {
				l.start(n)
			}
			for _, n := range c.ends {
				l.end(n)
			}
			if err := l.check(3); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("check gave %v, want %q", err, c.want)
			}
		})
	}
}

func TestLedgerWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the store broke")
	cancel(reason)
	l := newLedger(2)
	l.end(0)
	if err := l.wait(ctx, 2); !errors.Is(err, reason) {
		t.Errorf("wait gave %v, want the cause", err)
	}
}
