package engine

import (
	"fmt"
	"math"
	"time"
)

// Backoff is how the delay between attempts grows.
type Backoff string

// The kinds of backoff.
const (
	Exponential Backoff = "exponential" // min, 2·min, 4·min … up to max
	Fixed       Backoff = "fixed"       // min each time
)

// RetryPolicy says whether and when a failed job runs again.
//
// The zero policy is [DefaultRetry]. Of one that sets something, Attempts
// defaults by itself; without a Backoff, that and each of Min and Max that is
// zero default too, while beside a Backoff zero is no delay. A zero Jitter or
// Losses is meant.
type RetryPolicy struct {
	// Attempts is how many attempts may fail before the job does; 1 means no
	// retry.
	Attempts int
	Backoff  Backoff
	Min, Max time.Duration // bounds of the delay before jitter
	// Jitter spreads each delay evenly over ±Jitter of itself, 0 to 1, so that
	// jobs that failed together do not come back together.
	Jitter float64
	// Losses is how many lost attempts are forgiven: a machine that died is not
	// the job's fault, a job that kills each machine it runs on is.
	Losses int
}

// DefaultRetry is the policy of tasks that set none.
var DefaultRetry = RetryPolicy{
	Attempts: 5, Backoff: Exponential, Min: time.Second, Max: 10 * time.Minute, Jitter: 0.2, Losses: 3,
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	if p == (RetryPolicy{}) {
		return DefaultRetry
	}
	or(&p.Attempts, DefaultRetry.Attempts)
	if p.Backoff == "" {
		p.Backoff = DefaultRetry.Backoff
		or(&p.Max, max(DefaultRetry.Max, p.Min))
		or(&p.Min, min(DefaultRetry.Min, p.Max))
	}
	return p
}

// Delay returns the wait before the next attempt after the n-th failure, n
// from 1. random is a number in [0, 1) that places the delay within the jitter.
func (p RetryPolicy) Delay(n int, random float64) time.Duration {
	d := float64(p.Min)
	if p.Backoff == Exponential {
		doublings := min(max(n-1, 0), 63) // more exceed every Max
		d = min(math.Ldexp(d, doublings), float64(p.Max))
	}
	d *= 1 + p.Jitter*(2*random-1)
	return time.Duration(min(d, math.MaxInt64/2))
}

// Validate reports the first value that makes no sense.
func (p RetryPolicy) Validate() error {
	switch {
	case p.Attempts < 1:
		return fmt.Errorf("retry attempts is %d: it counts the first attempt too, so it is at least 1", p.Attempts)
	case p.Backoff != Exponential && p.Backoff != Fixed:
		return fmt.Errorf("retry backoff is %q: use %q or %q", p.Backoff, Exponential, Fixed)
	case p.Min < 0 || p.Max < p.Min:
		return fmt.Errorf("retry min %v and max %v: use 0 ≤ min ≤ max", p.Min, p.Max)
	case !(p.Jitter >= 0 && p.Jitter <= 1): // NaN too
		return fmt.Errorf("retry jitter is %v: use a share from 0 to 1", p.Jitter)
	case p.Losses < 0:
		return fmt.Errorf("retry losses is %d: use 0 or more", p.Losses)
	}
	return nil
}
