package engine

import (
	"context"
	"math/rand/v2"
	"time"
)

// now is the time as stores keep it.
func now() time.Time { return time.Now().UTC().Round(0) }

// maxNap bounds every wait for a point in time: timers follow the monotonic
// clock and do not see the wall clock being set or the machine sleeping.
const maxNap = time.Minute

// napUntil is how long to wait before looking at the clock again.
func napUntil(t time.Time) time.Duration { return min(max(time.Until(t), 0), maxNap) }

// sleepUntil waits for a point in time, the end of ctx, or a wake; for the zero
// time only for the latter two.
func sleepUntil(ctx context.Context, t time.Time, wake <-chan struct{}) {
	for t.IsZero() || now().Before(t) {
		var reached <-chan time.Time
		if !t.IsZero() {
			reached = time.After(napUntil(t))
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
			return
		case <-reached:
		}
	}
}

// pause waits for d; false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// patience grows the wait between tries of something that fails.
type patience struct{ n int }

func (p *patience) next() time.Duration {
	p.n++
	return RetryPolicy{Backoff: Exponential, Min: 100 * time.Millisecond, Max: 10 * time.Second, Jitter: 0.2}.Delay(p.n, rand.Float64())
}

func (p *patience) reset() { p.n = 0 }
