package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tlo-run/tlo/engine"
)

// telling is a task body that reports and succeeds.
func telling(f func(ctx context.Context, r engine.Reporter)) engine.ExecutorFunc {
	return func(ctx context.Context, _ engine.TaskDef, _ engine.Job, r engine.Reporter) (engine.Result, error) {
		f(ctx, r)
		return engine.Result{}, nil
	}
}

func TestLogKeepsOrderLevelsAndFields(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Run: telling(func(ctx context.Context, r engine.Reporter) {
			fields := map[string]string{}
			for n := range 1000 {
				fields["n"] = fmt.Sprint(n)
				r.Log(engine.Level(n%5), fmt.Sprintf("line %d", n), fields)
				if n%100 == 0 {
					nap(ctx, 70*time.Millisecond) // some go with a flush, some with the end
				}
			}
			r.Log(-7, "too low", nil)
			r.Log(99, "too high", nil)
		})})
		lines := r.logs(r.do("work").ID)
		if len(lines) != 1002 {
			t.Fatalf("%d lines, want 1002", len(lines))
		}
		for n, l := range lines[:1000] {
			if l.Message != fmt.Sprintf("line %d", n) || l.Seq != uint64(n+1) || l.Level != engine.Level(n%5) || l.Fields["n"] != fmt.Sprint(n) || l.Attempt != 1 {
				t.Fatalf("line %d is %+v", n, l)
			}
		}
		if lines[1000].Level != engine.Trace || lines[1001].Level != engine.Error {
			t.Errorf("levels out of range became %v and %v", lines[1000].Level, lines[1001].Level)
		}
	})
}

func TestLogLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{}, engine.TaskDef{
			Name: "work", Limits: engine.Limits{Log: 1000},
			Run: telling(func(_ context.Context, r engine.Reporter) {
				for range 10 {
					r.Log(engine.Info, strings.Repeat("x", 168), nil) // 200 with its share
				}
				r.Log(engine.Info, "", nil) // what fits after a gap would mislead
			}),
		})
		job := r.do("work")
		lines := r.logs(job.ID)
		if len(lines) != 6 {
			t.Fatalf("%d lines, want 5 and the notice", len(lines))
		}
		notice := lines[5]
		if want := "6 more lines were dropped"; notice.Level != engine.Warn || !strings.HasPrefix(notice.Message, want) {
			t.Errorf("the notice is %+v, want %q", notice, want)
		}
		if job.State != engine.Succeeded {
			t.Errorf("the job is %s", job.State)
		}
	})
}

func TestLogIsSeenWhileTheAttemptRuns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Run: telling(func(ctx context.Context, r engine.Reporter) {
			r.Log(engine.Info, "begun", nil)
			r.Progress(0.25, "a quarter")
			nap(ctx, 30*time.Second)
		})})
		id := r.submit(engine.Submission{Task: "work"})
		time.Sleep(time.Second)
		if lines := r.logs(id); len(lines) != 1 || lines[0].Message != "begun" {
			t.Errorf("after a second the log is %v", lines)
		}
		if p := r.job(id).Progress; p != (engine.Progress{Fraction: 0.25, Message: "a quarter"}) {
			t.Errorf("after a second the progress is %v", p)
		}
		got := r.events.of(id)
		if want := []engine.EventType{"submitted", "started", "progress", "logged"}; !slices.Equal(got, want) {
			t.Errorf("the events are %v, want %v", got, want)
		}
		told := r.events.all(engine.EventLogged)[0]
		if len(told.Lines) != 1 || told.Lines[0].Message != "begun" {
			t.Errorf("the event has the lines %v", told.Lines)
		}
	})
}

func TestProgressIsClamped(t *testing.T) {
	for _, tt := range []struct{ say, want float64 }{
		{-1, 0}, {0, 0}, {0.5, 0.5}, {1, 1}, {7, 1}, {math.Inf(1), 1}, {math.Inf(-1), 0}, {math.NaN(), 0.125},
	} {
		bubble(t, func(t *testing.T) {
			r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Run: telling(func(ctx context.Context, r engine.Reporter) {
				r.Progress(0.125, "")
				r.Progress(tt.say, "")
				nap(ctx, time.Second)
			})})
			id := r.submit(engine.Submission{Task: "work"})
			time.Sleep(500 * time.Millisecond)
			if got := r.job(id).Progress.Fraction; got != tt.want {
				t.Errorf("progress %v became %v, want %v", tt.say, got, tt.want)
			}
		})
	}
}

// Heartbeats carry the progress only now and then: the end brings the rest.
func TestLastProgressStays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Retry: steady(1), Run: func(_ context.Context, _ engine.TaskDef, _ engine.Job, r engine.Reporter) (engine.Result, error) {
			r.Progress(0.75, "row 750 of 1000")
			return engine.Result{}, errBroken
		}})
		if p := r.do("work").Progress; p != (engine.Progress{Fraction: 0.75, Message: "row 750 of 1000"}) {
			t.Errorf("the progress of the failed job is %+v", p)
		}
	})
}

// Guests choose these bytes.
func TestHostileTextsAreMadeFitForRecords(t *testing.T) {
	bubble(t, func(t *testing.T) {
		bad := "\xff\xfe" + strings.Repeat("ж", 1<<20)
		r := run(t, engine.Config{}, engine.TaskDef{
			Name: "work", Retry: steady(1), Limits: engine.Limits{Log: 8 << 20},
			Run: func(_ context.Context, _ engine.TaskDef, _ engine.Job, r engine.Reporter) (engine.Result, error) {
				r.Log(engine.Info, bad, map[string]string{"\xff": bad})
				r.Progress(0.5, bad)
				return engine.Result{}, errors.New(bad)
			},
		})
		job := r.do("work")
		line := r.logs(job.ID)[0]
		texts := []string{job.Error, job.History[0].Error, job.Progress.Message, line.Message}
		for k, v := range line.Fields {
			texts = append(texts, k, v)
		}
		for i, s := range texts {
			if !utf8.ValidString(s) {
				t.Errorf("text %d is no UTF-8", i)
			}
		}
		if len(job.Error) > 5000 || len(job.Progress.Message) > 1100 {
			t.Errorf("the record keeps %d bytes of error and %d of progress", len(job.Error), len(job.Progress.Message))
		}
		if len(line.Message) < len(bad) {
			t.Errorf("%d bytes of the line are left, of %d", len(line.Message), len(bad))
		}
	})
}

// A Go function may leave goroutines behind that go on talking.
func TestReporterIsDeafAfterTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var kept engine.Reporter
		r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Run: telling(func(_ context.Context, r engine.Reporter) { kept = r })})
		job := r.do("work")
		var late sync.WaitGroup
		for range 4 {
			late.Go(func() {
				kept.Log(engine.Error, "too late", nil)
				kept.Progress(0.1, "too late")
			})
		}
		late.Wait()
		time.Sleep(time.Minute)
		if lines := r.logs(job.ID); len(lines) > 0 {
			t.Errorf("the log is %v", lines)
		}
		if p := r.job(job.ID).Progress; p.Fraction != 1 || p.Message != "" {
			t.Errorf("the progress is %v", p)
		}
	})
}

func TestLogSurvivesAFullDisk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newProbe()
		store.failing(errFull, "AppendLogs")
		r := runOn(t, store, engine.Config{}, engine.TaskDef{Name: "work", Run: telling(func(ctx context.Context, r engine.Reporter) {
			for n := range 5 {
				r.Log(engine.Info, fmt.Sprint(n), nil)
				nap(ctx, time.Second)
				if n == 2 {
					store.failing(nil)
				}
			}
		})})
		var got []string
		for _, l := range r.logs(r.do("work").ID) {
			got = append(got, l.Message)
		}
		if want := []string{"0", "1", "2", "3", "4"}; !slices.Equal(got, want) {
			t.Errorf("the log is %v, want %v", got, want)
		}
	})
}
