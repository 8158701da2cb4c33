package engine_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlo-run/tlo/engine"
)

func TestStats(t *testing.T) {
	const ms = time.Millisecond
	// Each job takes as many milliseconds as its input says.
	body := func(ctx context.Context, _ engine.TaskDef, job engine.Job, _ engine.Reporter) (engine.Result, error) {
		n, err := strconv.Atoi(string(job.Input))
		if err != nil {
			return engine.Result{}, err
		}
		return engine.Result{}, nap(ctx, time.Duration(n)*ms)
	}
	tests := map[string]struct {
		inputs []string
		want   engine.TaskStats
	}{
		"one":     {[]string{"7"}, engine.TaskStats{Executed: 1, Average: 7 * ms, P50: 7 * ms, P95: 7 * ms, P99: 7 * ms}},
		"two":     {[]string{"10", "20"}, engine.TaskStats{Executed: 2, Average: 15 * ms, P50: 10 * ms, P95: 20 * ms, P99: 20 * ms}},
		"failing": {[]string{"10", "x"}, engine.TaskStats{Executed: 2, Failed: 1, Average: 5 * ms, P50: 0, P95: 10 * ms, P99: 10 * ms}},
		"hundred": {numbers(1, 100), engine.TaskStats{Executed: 100, Average: 50500 * time.Microsecond, P50: 50 * ms, P95: 95 * ms, P99: 99 * ms}},
		"newest":  {append(numbers(5000, 5009), numbers(1, 1024)...), engine.TaskStats{Executed: 1034, Average: 574845 * ms / 1034, P50: 512 * ms, P95: 973 * ms, P99: 1014 * ms}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := run(t, engine.Config{Workers: 1}, engine.TaskDef{Name: "work", Run: body, Retry: steady(1)})
				for _, input := range tt.inputs {
					r.wait(r.submit(engine.Submission{Task: "work", Input: []byte(input)}))
				}
				got := r.Stats()["work"]
				if got != tt.want {
					t.Errorf("the stats are %+v, want %+v", got, tt.want)
				}
			})
		})
	}
}

func numbers(from, to int) []string {
	var all []string
	for n := from; n <= to; n++ {
		all = append(all, strconv.Itoa(n))
	}
	return all
}

func TestStatsCountWhatRan(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{Workers: 1},
			engine.TaskDef{Name: "snoozer", Run: trial(func(_ context.Context, j engine.Job) error {
				if j.Attempt == 1 {
					return engine.Snooze(0)
				}
				return nil
			})},
			engine.TaskDef{Name: "gone", Run: nothing},
			engine.TaskDef{Name: "long", Run: lasting(time.Hour), Limits: engine.Limits{Timeout: 2 * time.Hour}},
		)
		r.do("snoozer")
		if n := r.Stats()["snoozer"].Executed; n != 2 {
			t.Errorf("%d attempts of the snoozer, want 2", n)
		}
		id := r.submit(engine.Submission{Task: "long"})
		waiting := r.submit(engine.Submission{Task: "long"})
		synctest.Wait()
		for _, id := range []string{id, waiting} {
			if _, err := r.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		r.wait(id)
		if s, ok := r.Stats()["long"]; ok {
			t.Errorf("cancelled jobs are counted: %+v", s)
		}
		r.submit(engine.Submission{Task: "gone", RunAt: time.Now().Add(time.Second)})
		if err := r.registry.Replace(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if s, ok := r.Stats()["gone"]; ok {
			t.Errorf("attempts of a task that is not loaded are counted: %+v", s)
		}
	})
}
