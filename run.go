package tlo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tlo-run/tlo/engine"
)

// Socket is the path of the Unix socket on which an engine with this
// configuration serves its API.
func (c Config) Socket() string { return filepath.Join(c.DataDir, "tlo.sock") }

// Run compiles the plugins, serves the API on the socket, and runs the engine
// until ctx ends or the engine is stopped. A Runner runs once.
func (r *Runner) Run(ctx context.Context) error {
	if len(r.registry.List()) == 0 {
		return r.catalog().errNoTasks(r.cfg)
	}
	for _, p := range r.Problems() {
		r.log.Error("not loaded", "what", p.Plugin, "error", p.Error)
	}
	l, err := listen(ctx, r.cfg.Socket())
	if err != nil {
		return err
	}
	stopped := make(chan struct{})
	srv := &http.Server{Handler: r.handler(stopped), ReadHeaderTimeout: 10 * time.Second, ErrorLog: r.log.Named("api").StandardLogger(nil)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = srv.Serve(l) }) // ends with Close below
	defer serving.Wait()
	defer srv.Close()
	defer func() {
		close(stopped)
		r.farewell(ctx, srv)
	}()

	r.compile(ctx)
	r.log.Info("running", "data_dir", r.cfg.DataDir, "store", r.cfg.Store, "tasks", len(r.registry.List()), "socket", r.cfg.Socket())
	err = r.engine.Run(ctx)
	r.log.Info("stopped")
	return err
}

// farewell lets the calls end that are under way: who waits for a job hears
// how it ended.
func (r *Runner) farewell(ctx context.Context, srv *http.Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		r.log.Debug("calls were cut off", "error", err)
	}
}

// Work runs the engine without schedules and without serving the API, until ctx
// ends or the engine is stopped.
func (r *Runner) Work(ctx context.Context) error {
	return r.engine.Work(ctx)
}

// compile compiles all plugins before the first job needs one. A plugin that
// does not compile becomes a problem; its jobs say so.
func (r *Runner) compile(ctx context.Context) {
	for _, p := range r.catalog().Plugins {
		if p.Err != nil || ctx.Err() != nil {
			continue
		}
		began := time.Now()
		timer := time.AfterFunc(time.Second, func() { r.log.Info("compiling; the next start finds it in the cache", "plugin", p.Path) })
		err := r.host.Compile(ctx, p.Path)
		timer.Stop()
		if err != nil && ctx.Err() == nil {
			r.log.Error("a plugin does not compile", "plugin", p.Path, "error", err)
			r.mu.Lock()
			r.found.problem(p.Path, err)
			r.mu.Unlock()
		}
		r.log.Debug("compiled", "plugin", p.Path, "took", time.Since(began))
	}
}

// listen makes the socket, mode 0600. One that a dead process left is replaced;
// one that answers belongs to a running engine.
func listen(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("the socket's path %s has %d bytes and the system allows %d: use a shorter data_dir", path, len(path), maxSocketPath)
	}
	dialer := net.Dialer{Timeout: time.Second}
	if conn, err := dialer.DialContext(ctx, "unix", path); err == nil {
		_ = conn.Close() // it only showed that somebody is there
		return nil, fmt.Errorf("%w: an engine answers on %s; stop it first, or use another data_dir", engine.ErrLocked, path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("a socket of an earlier run is in the way: %w", err)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("the engine's socket: %w", err)
	}
	// The data directory is 0700, so nobody could come in between.
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("the engine's socket: %w", err)
	}
	return l, nil
}

// maxSocketPath is the length of sun_path on Linux without its final zero.
const maxSocketPath = 107

// logEvents tells the log of each job's life.
func logEvents(log hclog.Logger) engine.Observer {
	return engine.ObserverFunc(func(ev engine.Event) {
		j := ev.Job
		args := []any{"id", j.ID, "task", j.Task, "attempt", j.Attempt}
		switch ev.Type {
		case engine.EventStarted:
			log.Info("started", args...)
		case engine.EventLogged:
			for _, l := range ev.Lines {
				log.Debug("says", append(args, "level", l.Level, "message", l.Message, "fields", l.Fields)...)
			}
		case engine.EventType(engine.VerdictSucceeded):
			log.Info("succeeded", append(args, "took", j.Duration())...)
		case engine.EventType(engine.VerdictFailed):
			log.Error("failed", append(args, "cause", j.Cause, "error", j.Error)...)
		case engine.EventType(engine.VerdictRetried):
			log.Warn("failed, will retry", append(args, "cause", j.Cause, "error", j.Error, "at", j.RunAt)...)
		case engine.EventType(engine.VerdictSnoozed):
			log.Info("snoozed", append(args, "until", j.RunAt, "why", j.Error)...)
		case engine.EventType(engine.VerdictCancelled):
			log.Warn("cancelled", args...)
		case engine.EventType(engine.VerdictReleased):
			log.Info("released", args...)
		case engine.EventProgress, engine.EventSubmitted, engine.EventCancelling, engine.EventRevived:
			log.Trace(string(ev.Type), args...)
		}
	})
}

// engineStops maps the configuration's words to the engine's.
var engineStops = map[StopMode]engine.StopMode{
	StopDrain: engine.StopDrain, StopCancel: engine.StopCancel, StopIgnore: engine.StopIgnore,
}

// needRestart names the settings that an engine takes at its start alone.
func (c Config) needRestart(next Config) []string {
	var names []string
	for name, differs := range map[string]bool{
		"data_dir":     c.DataDir != next.DataDir,
		"cache_dir":    c.cacheDir() != next.cacheDir(),
		"store":        c.Store != next.Store,
		"workers":      c.Workers != next.Workers,
		"queue":        !maps.Equal(c.queueWorkers(), next.queueWorkers()),
		"stop":         c.Stop != next.Stop,
		"stop_timeout": c.StopTimeout != next.StopTimeout,
		"log.format":   c.Log.Format != next.Log.Format,
	} {
		if differs {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (c Config) queueWorkers() map[string]int {
	workers := map[string]int{}
	for _, q := range c.Queues {
		workers[q.Name] = q.Workers
	}
	return workers
}
