package client_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
	"github.com/tlo-run/tlo/server"
	"github.com/tlo-run/tlo/server/client"
)

func newEngine(t *testing.T) *engine.Engine {
	t.Helper()
	echo := func(_ context.Context, _ engine.TaskDef, job engine.Job, _ engine.Reporter) (engine.Result, error) {
		return engine.Result{Output: job.Input}, nil
	}
	r, err := engine.NewRegistry(engine.TaskDef{Name: "echo", Run: echo})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(mem.New(), r, engine.ExecutorFunc(echo), engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// local is a client of a handler in this process.
func local(t *testing.T, h http.Handler) *client.Client {
	t.Helper()
	c := client.Local(h)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// near and far: an error matches the engine's.
func TestErrorsCrossTheWire(t *testing.T) {
	c := local(t, server.New(server.Options{Engine: newEngine(t)}))
	ctx := t.Context()
	if _, err := c.Submit(ctx, server.Submission{Task: "echo", ID: "a/b?c"}); !errors.Is(err, engine.ErrInvalid) {
		t.Errorf("a bad id: %v", err)
	}
	if _, err := c.Submit(ctx, server.Submission{Task: "echo", ID: "one"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Submit(ctx, server.Submission{Task: "echo", ID: "one"}); !errors.Is(err, engine.ErrDuplicate) {
		t.Errorf("twice: %v", err)
	}
	if _, err := c.Retry(ctx, "one"); !errors.Is(err, engine.ErrState) {
		t.Errorf("retry: %v", err)
	}
	for _, id := range []string{"nobody", "", ".", "..", "../status", "a/b?c=d", "%2e", " "} {
		_, err := c.Job(ctx, id)
		if !errors.Is(err, engine.ErrNotFound) || !strings.Contains(err.Error(), id) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := c.Jobs(ctx, engine.Filter{Cursor: "x"}); !errors.Is(err, engine.ErrInvalid) {
		t.Errorf("cursor: %v", err)
	}
}

func TestInputsCrossTheWire(t *testing.T) {
	e := newEngine(t)
	c := local(t, server.New(server.Options{Engine: e}))
	ctx, stop := context.WithCancel(t.Context())
	var ran sync.WaitGroup
	ran.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer ran.Wait()
	defer stop()
	for _, input := range []string{"", "text", `{ "a" : 1 }`, "null", "\xff\x00\xfe", "<&>\u2028"} {
		jobs, err := c.Submit(ctx, server.Submission{Task: "echo", InputBase64: []byte(input)})
		if err != nil {
			t.Fatal(err)
		}
		var last server.Change
		if err := c.Follow(ctx, jobs[0].ID, 0, func(ch server.Change) error { last = ch; return nil }); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := c.Output(ctx, jobs[0].ID, &out); err != nil || out.String() != input || string(last.Output) != input {
			t.Errorf("%q comes back as %q and %q, %v", input, out.String(), last.Output, err)
		}
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		want string
	}{
		"no JSON":      {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }, "the engine's answer to GET /v1/status"},
		"another code": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }, "the engine answered GET /v1/status with 418"},
		"cut off":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "the engine does not answer: EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := local(t, c.h).Status(t.Context()); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFollowStops(t *testing.T) {
	c := local(t, server.New(server.Options{Engine: newEngine(t)}))
	if _, err := c.Submit(t.Context(), server.Submission{Task: "echo", ID: "one"}); err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	if err := c.Follow(t.Context(), "one", 0, func(server.Change) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("the caller's error became %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := c.Follow(ctx, "one", 0, func(server.Change) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := c.Job(ctx, "one"); !errors.Is(err, context.Canceled) {
		t.Errorf("a call after that: %v", err)
	}
}

func TestEngineGoesAway(t *testing.T) {
	stopped := make(chan struct{})
	c := local(t, server.New(server.Options{Engine: newEngine(t), Stopped: stopped}))
	if _, err := c.Submit(t.Context(), server.Submission{Task: "echo", ID: "one"}); err != nil {
		t.Fatal(err)
	}
	once := sync.OnceFunc(func() { close(stopped) })
	err := c.Follow(t.Context(), "one", 0, func(server.Change) error { once(); return nil })
	if err == nil || err.Error() != "the engine stopped before job one had ended; see tlo show one" {
		t.Errorf("got %v", err)
	}
}

func TestDial(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	if _, err := client.Dial(t.Context(), socket); err == nil {
		t.Error("dialled nobody")
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: server.New(server.Options{Engine: newEngine(t), Running: true, Version: "v1"})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = srv.Serve(l) })
	defer serving.Wait()
	defer srv.Close()
	c, err := client.Dial(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if s, err := c.Status(t.Context()); err != nil || !s.Running || s.Version != "v1" {
		t.Errorf("%+v %v", s, err)
	}
}

// After Close a local client says so instead of waiting.
func TestClosedClient(t *testing.T) {
	c := client.Local(http.NotFoundHandler())
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Status(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
