package engine_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// starts returns how long after base each attempt of a job started.
func starts(job engine.Job, base time.Time) []time.Duration {
	var after []time.Duration
	for _, a := range job.History {
		after = append(after, a.StartedAt.Sub(base))
	}
	return after
}

func TestRetriesComeExactly(t *testing.T) {
	const s = time.Second
	tests := map[string]struct {
		policy engine.RetryPolicy
		want   []time.Duration
	}{
		"exponential": {
			engine.RetryPolicy{Attempts: 6, Backoff: engine.Exponential, Min: s, Max: 6 * s},
			[]time.Duration{0, 1 * s, 3 * s, 7 * s, 13 * s, 19 * s},
		},
		"fixed":     {engine.RetryPolicy{Attempts: 4, Backoff: engine.Fixed, Min: 90 * s, Max: 90 * s}, []time.Duration{0, 90 * s, 180 * s, 270 * s}},
		"at once":   {engine.RetryPolicy{Attempts: 3, Backoff: engine.Exponential}, []time.Duration{0, 0, 0}},
		"none":      {engine.RetryPolicy{Attempts: 1, Backoff: engine.Fixed}, []time.Duration{0}},
		"for a day": {engine.RetryPolicy{Attempts: 3, Backoff: engine.Fixed, Min: 12 * time.Hour, Max: 12 * time.Hour}, []time.Duration{0, 12 * time.Hour, 24 * time.Hour}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				base := time.Now()
				r := run(t, engine.Config{}, engine.TaskDef{Name: "broken", Run: broken, Retry: tt.policy})
				job := r.do("broken")
				if got := starts(job, base); !slices.Equal(got, tt.want) {
					t.Errorf("the attempts started after %v, want %v", got, tt.want)
				}
				if job.State != engine.Failed || job.Cause != engine.CauseError || job.Error != errBroken.Error() {
					t.Errorf("the job is %s: %s: %s", job.State, job.Cause, job.Error)
				}
				if job.Failures != tt.policy.Attempts || job.Attempt != tt.policy.Attempts {
					t.Errorf("%d failures in %d attempts are counted, want %d", job.Failures, job.Attempt, tt.policy.Attempts)
				}
			})
		})
	}
}

func TestPolicyThatIsPartlySet(t *testing.T) {
	const s, m = time.Second, time.Minute
	p := func(attempts int, b engine.Backoff, least, most time.Duration, jitter float64, losses int) engine.RetryPolicy {
		return engine.RetryPolicy{Attempts: attempts, Backoff: b, Min: least, Max: most, Jitter: jitter, Losses: losses}
	}
	tests := map[string]struct{ set, want engine.RetryPolicy }{
		"nothing":         {engine.RetryPolicy{}, engine.DefaultRetry},
		"attempts":        {engine.RetryPolicy{Attempts: 3}, p(3, engine.Exponential, s, 10*m, 0, 0)},
		"losses":          {engine.RetryPolicy{Losses: 7}, p(5, engine.Exponential, s, 10*m, 0, 7)},
		"min":             {engine.RetryPolicy{Min: m}, p(5, engine.Exponential, m, 10*m, 0, 0)},
		"min over max":    {engine.RetryPolicy{Min: 30 * m}, p(5, engine.Exponential, 30*m, 30*m, 0, 0)},
		"max below min":   {engine.RetryPolicy{Max: s / 2}, p(5, engine.Exponential, s/2, s/2, 0, 0)},
		"at once":         {engine.RetryPolicy{Attempts: 3, Backoff: engine.Fixed}, p(3, engine.Fixed, 0, 0, 0, 0)},
		"backoff":         {engine.RetryPolicy{Backoff: engine.Fixed, Min: s, Max: s}, p(5, engine.Fixed, s, s, 0, 0)},
		"all but backoff": {p(1, "", s, 2*s, 0.5, 1), p(1, engine.Exponential, s, 2*s, 0.5, 1)},
	}
	for name, tt := range tests {
		r, err := engine.NewRegistry(engine.TaskDef{Name: "work", Retry: tt.set})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if task, err := r.Lookup("work"); err != nil || task.Retry != tt.want {
			t.Errorf("%s: the policy is %+v, %v; want %+v", name, task.Retry, err, tt.want)
		}
	}
}

func TestPermanentFailsAtOnce(t *testing.T) {
	for name, err := range map[string]error{
		"permanent":         engine.Permanent(errBroken),
		"wrapped":           fmt.Errorf("while reading: %w", engine.Permanent(errBroken)),
		"permanent failure": &engine.Failure{Cause: engine.CauseError, Message: "broken", Permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Run: trial(func(context.Context, engine.Job) error { return err })})
				job := r.do("work")
				if job.State != engine.Failed || job.Attempt != 1 || job.Error != err.Error() {
					t.Errorf("the job is %s after %d attempts: %s", job.State, job.Attempt, job.Error)
				}
			})
		})
	}
}

func TestSnoozeCountsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		base := time.Now()
		r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Retry: steady(1), Run: trial(func(_ context.Context, j engine.Job) error {
			switch j.Attempt {
			case 1:
				return fmt.Errorf("not yet: %w", engine.Snooze(time.Hour))
			case 2:
				return engine.Snooze(-time.Hour) // no busy loop comes of it
			}
			return nil
		})})
		job := r.do("work")
		if want := []time.Duration{0, time.Hour, time.Hour + time.Second}; !slices.Equal(starts(job, base), want) {
			t.Errorf("the attempts started after %v, want %v", starts(job, base), want)
		}
		if job.State != engine.Succeeded || job.Failures != 0 {
			t.Errorf("the job is %s with %d failures", job.State, job.Failures)
		}
		if n := r.Stats()["work"].Failed; n != 0 {
			t.Errorf("%d attempts are counted as failed", n)
		}
	})
}

func TestRetryOfAFailedJobHasAFreshBudget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		healed := false
		r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Retry: steady(2), Run: trial(func(context.Context, engine.Job) error {
			if healed {
				return nil
			}
			return errBroken
		})})
		id := r.do("work").ID
		if _, err := r.Retry(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		base := time.Now()
		job := r.wait(id)
		if want := []time.Duration{0, time.Second}; !slices.Equal(starts(job, base)[2:], want) {
			t.Errorf("the attempts started after %v, want %v", starts(job, base)[2:], want)
		}
		if job.State != engine.Failed || job.Failures != 2 || job.Attempt != 4 {
			t.Errorf("the job is %s, %d failures, attempt %d", job.State, job.Failures, job.Attempt)
		}
		healed = true
		if job, err := r.Retry(t.Context(), id); err != nil || job.Failures != 0 || job.Error != "" || job.Cause != "" {
			t.Errorf("retried as %+v, %v", job, err)
		}
		if job := r.wait(id); job.State != engine.Succeeded {
			t.Errorf("the job is %s", job.State)
		}
	})
}

func TestDelayStaysWithinItsJitter(t *testing.T) {
	p := engine.RetryPolicy{Attempts: 9, Backoff: engine.Exponential, Min: time.Second, Max: time.Minute, Jitter: 0.2}
	for n, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		base := time.Duration(seconds) * time.Second
		low, high := base-base/5, base+base/5
		least, most := high, low
		for range 1000 {
			d := p.Delay(n+1, rand.Float64())
			least, most = min(least, d), max(most, d)
		}
		if least < low || most > high {
			t.Errorf("delay %d is %v to %v, want %v to %v", n+1, least, most, low, high)
		}
		if spread := most - least; spread < (high-low)*9/10 {
			t.Errorf("delay %d is spread over %v of %v", n+1, spread, high-low)
		}
	}
}

// FuzzDelay looks for a policy that is valid and yet waits a negative time, or
// outside its bounds.
func FuzzDelay(f *testing.F) {
	f.Add(true, int64(time.Second), int64(time.Minute), 0.2, 1, 0.5)
	f.Add(true, int64(0), int64(0), 0.0, math.MaxInt, 0.0)
	f.Add(true, int64(1), int64(math.MaxInt64), 1.0, math.MaxInt, 0.999)
	f.Add(true, int64(93), int64(math.MaxInt64), 0.1, math.MaxInt, 0.0)
	f.Add(false, int64(math.MaxInt64), int64(math.MaxInt64), 1.0, 1, 0.999)
	f.Add(true, int64(time.Second), int64(time.Hour), 1.0, math.MinInt, 0.0)
	f.Add(true, int64(time.Second), int64(time.Hour), math.NaN(), 1, 0.0)
	f.Fuzz(func(t *testing.T, exponential bool, least, most int64, jitter float64, n int, random float64) {
		p := engine.RetryPolicy{Attempts: 2, Backoff: engine.Fixed, Min: time.Duration(least), Max: time.Duration(most), Jitter: jitter}
		if exponential {
			p.Backoff = engine.Exponential
		}
		if p.Validate() != nil || !(random >= 0 && random < 1) {
			return
		}
		d := p.Delay(n, random)
		low := float64(min(p.Min, math.MaxInt64/2)) * (1 - jitter)
		high := float64(p.Max) * (1 + jitter)
		if d < 0 || float64(d) < low*0.999-1 || float64(d) > high*1.001 {
			t.Errorf("%+v: delay %d is %v, want %v to %v", p, n, d, time.Duration(low), time.Duration(high))
		}
		if next := p.Delay(max(n, 1)+1, random); n > 0 && next < d {
			t.Errorf("%+v: delay %d is %v, and then %v", p, n, d, next)
		}
	})
}
