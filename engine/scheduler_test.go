package engine_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

// runs remembers when its task ran, and for which ticks.
type runs struct {
	mu    sync.Mutex
	at    []time.Time
	ticks []time.Time
}

func (r *runs) body(_ context.Context, job engine.Job) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.ticks = append(r.at, time.Now().UTC()), append(r.ticks, job.Tick)
	return nil
}

// take returns the ticks of the runs so far and forgets them.
func (r *runs) take() []time.Time {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	ticks := r.ticks
	r.at, r.ticks = nil, nil
	return ticks
}

func each(t *testing.T, d time.Duration) engine.Timetable {
	t.Helper()
	times, err := engine.Every(d)
	if err != nil {
		t.Fatal(err)
	}
	return times
}

// planned is a task with one schedule.
func planned(seen *runs, s engine.Schedule) engine.TaskDef {
	s.Name = "plan"
	return engine.TaskDef{Name: "tick", Run: trial(seen.body), Schedules: []engine.Schedule{s}}
}

// wantTicks compares in seconds after base.
func wantTicks(t *testing.T, got []time.Time, base time.Time, want ...time.Duration) {
	t.Helper()
	var after []time.Duration
	for _, tick := range got {
		after = append(after, tick.Sub(base))
	}
	slices.Sort(after)
	if !slices.Equal(after, want) {
		t.Errorf("the ticks ran are %v, want %v", after, want)
	}
}

func TestTicksAreExact(t *testing.T) {
	bubble(t, func(t *testing.T) {
		time.Sleep(10*time.Second + 1)                 // out of step with the interval
		base := time.Now().UTC().Truncate(time.Minute) // a multiple of all that divide it
		seen := &runs{}
		r := run(t, engine.Config{}, planned(seen, engine.Schedule{Times: each(t, 20*time.Second), Input: []byte("x")}))
		time.Sleep(time.Minute)
		seen.mu.Lock()
		at := slices.Clone(seen.at)
		seen.mu.Unlock()
		wantTicks(t, at, base, 20*time.Second, 40*time.Second, time.Minute)
		wantTicks(t, seen.take(), base, 20*time.Second, 40*time.Second, time.Minute)
		page, err := r.Jobs(t.Context(), engine.Filter{Schedule: "plan"})
		if err != nil || len(page.Jobs) != 3 {
			t.Fatalf("%d jobs of the schedule, %v", len(page.Jobs), err)
		}
		newest := page.Jobs[0]
		if want := "plan@" + base.Add(time.Minute).Format(time.RFC3339); newest.Key != want {
			t.Errorf("the key is %q, want %q", newest.Key, want)
		}
		if input := r.job(newest.ID).Input; string(input) != "x" {
			t.Errorf("the input is %q", input)
		}
	})
}

func TestNewScheduleOwesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		time.Sleep(90 * time.Minute)
		seen := &runs{}
		start := time.Now().UTC()
		run(t, engine.Config{}, planned(seen, engine.Schedule{Times: each(t, time.Hour)}))
		time.Sleep(29 * time.Minute)
		wantTicks(t, seen.take(), start)
		time.Sleep(time.Minute)
		wantTicks(t, seen.take(), start, 30*time.Minute)
	})
}

func TestRestartAfterMissedTicks(t *testing.T) {
	tests := map[string]struct {
		missed engine.Missed
		caught []time.Duration
	}{
		"latest by default": {"", []time.Duration{11 * time.Hour}},
		"latest":            {engine.MissedLatest, []time.Duration{11 * time.Hour}},
		"skip":              {engine.MissedSkip, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				base, store, seen := time.Now().UTC(), mem.New(), &runs{}
				task := planned(seen, engine.Schedule{Times: each(t, time.Hour), Missed: tt.missed})
				first := runOn(t, store, engine.Config{}, task)
				time.Sleep(90 * time.Minute)
				first.stop()
				wantTicks(t, seen.take(), base, time.Hour)
				time.Sleep(10 * time.Hour) // now 11:30
				runOn(t, store, engine.Config{}, task)
				wantTicks(t, seen.take(), base, tt.caught...)
				time.Sleep(time.Hour)
				wantTicks(t, seen.take(), base, 12*time.Hour)
			})
		})
	}
}

// At the instant of a tick an engine stops and others start: it must come once.
func TestNoTickTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		base, store, seen := time.Now().UTC(), mem.New(), &runs{}
		task := planned(seen, engine.Schedule{Times: each(t, time.Hour)})
		engines := []*rig{runOn(t, store, engine.Config{}, task), runOn(t, store, engine.Config{}, task)}
		time.Sleep(time.Hour)
		engines[0].stop()
		runOn(t, store, engine.Config{}, task)
		wantTicks(t, seen.take(), base, time.Hour)
		time.Sleep(2 * time.Hour)
		engines[1].stop()
		runOn(t, store, engine.Config{}, task)
		wantTicks(t, seen.take(), base, 2*time.Hour, 3*time.Hour)
	})
}

func TestReplaceWhileRunning(t *testing.T) {
	bubble(t, func(t *testing.T) {
		base, seen := time.Now().UTC(), &runs{}
		r := run(t, engine.Config{}, planned(seen, engine.Schedule{Times: each(t, 24*time.Hour)}))
		time.Sleep(30 * time.Minute)
		soon := planned(seen, engine.Schedule{Times: each(t, time.Hour)})
		soon.Schedules[0].Name = "hourly"
		if err := r.registry.Replace(soon); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		wantTicks(t, seen.take(), base, time.Hour)
		if err := r.registry.Replace(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(48 * time.Hour)
		wantTicks(t, seen.take(), base)
	})
}

func TestWorkLeavesSchedules(t *testing.T) {
	bubble(t, func(t *testing.T) {
		base, seen := time.Now().UTC(), &runs{}
		r := build(t, mem.New(), engine.Config{}, planned(seen, engine.Schedule{Times: each(t, time.Hour)}))
		r.start(t, r.Work)
		if jobs, err := r.Fire(t.Context()); len(jobs) > 0 || err != nil {
			t.Errorf("a new schedule fired %d jobs, %v", len(jobs), err)
		}
		time.Sleep(150 * time.Minute)
		wantTicks(t, seen.take(), base)
		jobs, err := r.Fire(t.Context()) // by hand
		if err != nil || len(jobs) != 1 || !jobs[0].Tick.Equal(base.Add(2*time.Hour)) {
			t.Errorf("fired %v, %v", jobs, err)
		}
		if jobs, err := r.Fire(t.Context()); len(jobs) > 0 || err != nil {
			t.Errorf("the same tick fired %d jobs again, %v", len(jobs), err)
		}
		wantTicks(t, seen.take(), base, 2*time.Hour)
	})
}

func TestSchedulesAreListed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		base := time.Now().UTC()
		r := run(t, engine.Config{}, planned(&runs{}, engine.Schedule{Times: each(t, time.Hour), Spec: "@every 1h", Zone: "UTC"}))
		time.Sleep(90 * time.Minute)
		all, err := r.Schedules(t.Context())
		want := engine.ScheduleStatus{
			Name: "plan", Task: "tick", Spec: "@every 1h", Zone: "UTC", Last: base.Add(time.Hour), Next: base.Add(2 * time.Hour),
		}
		if err != nil || len(all) != 1 || all[0] != want {
			t.Errorf("the schedules are %+v, %v", all, err)
		}
	})
}

// A tick whose input the task refuses is told and passed over; it must not hold
// up the next.
func TestRefusedTickIsPassedOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		seen := &runs{}
		task := planned(seen, engine.Schedule{Times: each(t, time.Hour), Input: []byte("no JSON")})
		task.InputSchema = []byte(`{}`)
		store := newProbe()
		base := time.Now().UTC()
		r := runOn(t, store, engine.Config{}, task)
		time.Sleep(90 * time.Minute)
		all, err := r.Schedules(t.Context())
		if err != nil || !all[0].Last.Equal(base.Add(time.Hour)) {
			t.Errorf("the last tick is %v, %v", all[0].Last, err)
		}
		if n := store.counted()["LastTick"]; n > 10 {
			t.Errorf("the scheduler asked %d times in two ticks", n)
		}
		wantTicks(t, seen.take(), base)
	})
}

func TestTicksSurviveAFailingStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		base, store, seen := time.Now().UTC(), newProbe(), &runs{}
		runOn(t, store, engine.Config{}, planned(seen, engine.Schedule{Times: each(t, time.Hour)}))
		time.Sleep(30 * time.Minute)
		store.failing(errFull, "Submit", "LastTick")
		time.Sleep(35 * time.Minute)
		wantTicks(t, seen.take(), base)
		store.failing(nil)
		time.Sleep(15 * time.Second)
		wantTicks(t, seen.take(), base, time.Hour)
	})
}

func TestBadSchedulesAreRefused(t *testing.T) {
	hourly := each(t, time.Hour)
	for name, s := range map[string]engine.Schedule{
		"no times":          {Name: "s"},
		"no name":           {Times: hourly},
		"name with newline": {Name: "a\nb", Times: hourly},
		"name too long":     {Name: string(make([]byte, 201)), Times: hourly},
		"misspelt missed":   {Name: "s", Times: hourly, Missed: "none"},
	} {
		_, err := engine.NewRegistry(engine.TaskDef{Name: "task", Run: nothing, Schedules: []engine.Schedule{s}})
		if !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	twice := []engine.Schedule{{Name: "s", Times: hourly}, {Name: "s", Times: hourly}}
	if _, err := engine.NewRegistry(engine.TaskDef{Name: "task", Run: nothing, Schedules: twice}); !errors.Is(err, engine.ErrInvalid) {
		t.Errorf("two schedules of one name: %v, want ErrInvalid", err)
	}
}

func TestFireIsPunctualWithinAMinute(t *testing.T) {
	bubble(t, func(t *testing.T) {
		seen := &runs{}
		r := build(t, mem.New(), engine.Config{}, planned(seen, engine.Schedule{Times: each(t, time.Hour), Missed: engine.MissedSkip}))
		fire := func(want int) {
			t.Helper()
			if jobs, err := r.Fire(t.Context()); err != nil || len(jobs) != want {
				t.Errorf("fired %d jobs (%v), want %d", len(jobs), err, want)
			}
		}
		fire(0) // new
		time.Sleep(time.Hour + 50*time.Second)
		fire(1)
		time.Sleep(time.Hour + 20*time.Second)
		fire(0) // 70 seconds late: missed, and skipped
		fire(0)
	})
}

func TestScheduleOutlivesAClockThatWasAhead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		base, seen, store := time.Now().UTC(), &runs{}, mem.New()
		task := planned(seen, engine.Schedule{Times: each(t, time.Hour)})
		if err := store.SetLastTick(t.Context(), task.Schedules[0].Name, base.AddDate(1, 0, 0)); err != nil {
			t.Fatal(err)
		}
		runOn(t, store, engine.Config{}, task)
		time.Sleep(150 * time.Minute)
		wantTicks(t, seen.take(), base, time.Hour, 2*time.Hour)
	})
}
