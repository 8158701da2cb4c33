package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/server"
)

// follow returns the changes of a job as they come; the channel is closed when
// the stream ends.
func follow(t *testing.T, h http.Handler, path string) <-chan server.Change {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req) //nolint:bodyclose // the goroutine below closes it
	if err != nil {
		t.Fatal(err)
	}
	changes := make(chan server.Change)
	go func() {
		defer close(changes)
		defer resp.Body.Close()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			var c server.Change
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				t.Error(err)
				return
			}
			changes <- c
		}
	}()
	return changes
}

func submit(t *testing.T, e *engine.Engine, s engine.Submission) {
	t.Helper()
	if _, err := e.Submit(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

// Each log line comes once and in order; the last change has everything.
func TestFollowTellsALife(t *testing.T) {
	steps := make(chan string)
	e := newEngine(t, engine.TaskDef{Name: "talk", Run: func(ctx context.Context, _ engine.TaskDef, _ engine.Job, r engine.Reporter) (engine.Result, error) {
		for text := range steps {
			r.Log(engine.Info, text, nil)
		}
		return engine.Result{Output: []byte("{ }")}, nil
	}})
	submit(t, e, engine.Submission{Task: "talk", ID: "one", Input: []byte("in")})
	changes := follow(t, server.New(server.Options{Engine: e}), "/v1/jobs/one/follow")
	if c := <-changes; c.Job.State != engine.Ready || c.Job.InputText != "" {
		t.Errorf("at first %+v", c)
	}
	running(t, e)
	var said []string
	var last server.Change
	next := []string{"first", "second", "third"}
	steps <- next[0]
	for c := range changes {
		for _, l := range c.Lines {
			said = append(said, l.Message)
			if next = next[1:]; len(next) > 0 {
				steps <- next[0]
			} else {
				close(steps)
			}
		}
		last = c
	}
	if len(said) != 3 || said[0] != "first" || said[2] != "third" {
		t.Errorf("said %q", said)
	}
	if last.Job.State != engine.Succeeded || string(last.Output) != "{ }" || last.Job.InputText != "in" || len(last.Job.History) != 1 {
		t.Errorf("at last %+v", last)
	}
}

// Of a job that has ended there is one change; after skips log lines.
func TestFollowOfAnEndedJob(t *testing.T) {
	e := newEngine(t, engine.TaskDef{Name: "talk", Run: func(_ context.Context, _ engine.TaskDef, _ engine.Job, r engine.Reporter) (engine.Result, error) {
		r.Log(engine.Info, "first", nil)
		r.Log(engine.Info, "second", nil)
		return engine.Result{}, engine.Permanent(errors.New("no"))
	}})
	running(t, e)
	submit(t, e, engine.Submission{Task: "talk", ID: "one"})
	if _, err := e.Wait(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	lines, err := e.Logs(t.Context(), "one", 0, 0)
	if err != nil || len(lines) != 2 {
		t.Fatalf("%v %v", lines, err)
	}
	h := server.New(server.Options{Engine: e})
	for path, want := range map[string]int{"/v1/jobs/one/follow": 2, "/v1/jobs/one/follow?after=1": 1} {
		var all []server.Change
		for c := range follow(t, h, path) {
			all = append(all, c)
		}
		if len(all) != 1 || all[0].Job.State != engine.Failed || len(all[0].Lines) != want {
			t.Errorf("%s: %+v", path, all)
		}
	}
}

// Who follows when the engine stops hears how the job is, and is let go.
func TestFollowEndsWithTheEngine(t *testing.T) {
	e := newEngine(t)
	stopped := make(chan struct{})
	submit(t, e, engine.Submission{Task: "echo", ID: "one"})
	changes := follow(t, server.New(server.Options{Engine: e, Stopped: stopped}), "/v1/jobs/one/follow")
	<-changes
	close(stopped)
	n := 0
	for c := range changes {
		n++
		if c.Job.State != engine.Ready {
			t.Errorf("%+v", c)
		}
	}
	if n == 0 {
		t.Error("no last change")
	}
}
