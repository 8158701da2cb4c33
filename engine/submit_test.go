package engine_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

func TestSubmitRefuses(t *testing.T) {
	r := build(t, mem.New(), engine.Config{},
		engine.TaskDef{Name: "work", Run: nothing, Limits: engine.Limits{Input: 100}},
		engine.TaskDef{Name: "typed", Run: nothing, InputSchema: []byte(`{"type":"object"}`)},
	)
	low, high := engine.MinPriority-1, engine.MaxPriority+1
	year := func(y int) time.Time { return time.Date(y, 6, 1, 0, 0, 0, 0, time.UTC) }
	tests := map[string]struct {
		s    engine.Submission
		want error
	}{
		"no task":               {engine.Submission{}, engine.ErrNotFound},
		"unknown task":          {engine.Submission{Task: "rest"}, engine.ErrNotFound},
		"id with space":         {engine.Submission{Task: "work", ID: "a b"}, engine.ErrInvalid},
		"id with newline":       {engine.Submission{Task: "work", ID: "a\n"}, engine.ErrInvalid},
		"id with slash":         {engine.Submission{Task: "work", ID: "../a"}, engine.ErrInvalid},
		"id too long":           {engine.Submission{Task: "work", ID: strings.Repeat("a", 129)}, engine.ErrInvalid},
		"key too long":          {engine.Submission{Task: "work", Key: strings.Repeat("a", 257)}, engine.ErrInvalid},
		"key with escape":       {engine.Submission{Task: "work", Key: "\x1b[2J"}, engine.ErrInvalid},
		"key of no UTF-8":       {engine.Submission{Task: "work", Key: "\xff"}, engine.ErrInvalid},
		"queue with capitals":   {engine.Submission{Task: "work", Queue: "Big"}, engine.ErrInvalid},
		"queue too long":        {engine.Submission{Task: "work", Queue: strings.Repeat("a", 65)}, engine.ErrInvalid},
		"priority too low":      {engine.Submission{Task: "work", Priority: &low}, engine.ErrInvalid},
		"priority too high":     {engine.Submission{Task: "work", Priority: &high}, engine.ErrInvalid},
		"input over the limit":  {engine.Submission{Task: "work", Input: make([]byte, 101)}, engine.ErrInvalid},
		"input of no JSON":      {engine.Submission{Task: "typed", Input: []byte(`{"a":`)}, engine.ErrInvalid},
		"input of two JSONs":    {engine.Submission{Task: "typed", Input: []byte(`{} {}`)}, engine.ErrInvalid},
		"run-at before 1970":    {engine.Submission{Task: "work", RunAt: year(1)}, engine.ErrInvalid},
		"run-at beyond stores":  {engine.Submission{Task: "work", RunAt: year(2300)}, engine.ErrInvalid},
		"run-at beyond records": {engine.Submission{Task: "work", RunAt: year(20_000)}, engine.ErrInvalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			good := engine.Submission{Task: "work"}
			if _, err := r.Submit(t.Context(), good, tt.s, good); !errors.Is(err, tt.want) {
				t.Errorf("the error is %v, want %v", err, tt.want)
			} else if len(err.Error()) > 400 || !utf8.ValidString(err.Error()) || strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("the error is not fit for a terminal: %q", err)
			}
		})
	}
	if n := r.count(engine.Ready); n != 0 {
		t.Errorf("%d jobs of refused submissions are in the store", n)
	}
}

func TestSubmitAccepts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := build(t, mem.New(), engine.Config{NewID: func() string { return "made" }},
			engine.TaskDef{Name: "work", Run: nothing, Queue: "mine", Priority: 3},
			engine.TaskDef{Name: "typed", Run: nothing, InputSchema: []byte(`{}`)},
		)
		zero, now := engine.MinPriority, time.Now().UTC()
		later := now.In(time.FixedZone("", 3600)).Add(time.Hour)
		jobs, err := r.Submit(t.Context(),
			engine.Submission{Task: "work"},
			engine.Submission{Task: "work", ID: "A.b_c:d@e-1", Queue: "other", Priority: &zero, RunAt: later, Key: "ключ 1"},
			engine.Submission{Task: "typed", ID: "empty"},
			engine.Submission{Task: "typed", ID: "null", Input: []byte(" null ")},
			engine.Submission{Task: "work", ID: "past", RunAt: time.Unix(0, 0)},
		)
		if err != nil {
			t.Fatal(err)
		}
		if j := jobs[0]; j.ID != "made" || j.Queue != "mine" || j.Priority != 3 || j.State != engine.Ready || !j.RunAt.Equal(now) || !j.CreatedAt.Equal(now) {
			t.Errorf("the plain job is %+v", j)
		}
		if j := jobs[1]; j.ID != "A.b_c:d@e-1" || j.Queue != "other" || j.Priority != 0 || j.State != engine.Scheduled || j.RunAt != later.UTC() {
			t.Errorf("the job with everything is %+v", j)
		}
		if j := jobs[4]; j.State != engine.Ready {
			t.Errorf("the job of 1970 is %s", j.State)
		}
		if none, err := r.Submit(t.Context()); len(none) > 0 || err != nil {
			t.Errorf("submitting nothing gave %v, %v", none, err)
		}
	})
}

func TestDuplicatesAreNamed(t *testing.T) {
	r := build(t, mem.New(), engine.Config{}, engine.TaskDef{Name: "work", Run: nothing})
	first := r.submit(engine.Submission{Task: "work", Key: "k", ID: "one"})
	for name, s := range map[string]engine.Submission{
		"key": {Task: "work", Key: "k"},
		"id":  {Task: "work", ID: "one"},
	} {
		_, err := r.Submit(t.Context(), engine.Submission{Task: "work"}, s)
		dup, ok := errors.AsType[*engine.DuplicateError](err)
		if !ok || !errors.Is(err, engine.ErrDuplicate) || dup.ID != first {
			t.Errorf("a taken %s: %v", name, err)
		}
	}
	if n := r.count(engine.Ready); n != 1 {
		t.Errorf("%d jobs, want 1", n)
	}
}

func TestUnknownTaskIsSuggested(t *testing.T) {
	r := build(t, mem.New(), engine.Config{}, engine.TaskDef{Name: "report", Run: nothing})
	_, err := r.Submit(t.Context(), engine.Submission{Task: "repotr"})
	unknown, ok := errors.AsType[*engine.UnknownTaskError](err)
	if !ok || unknown.Name != "repotr" || !strings.Contains(err.Error(), "report") {
		t.Errorf("the error is %v", err)
	}
}
