package tlo

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tlo-run/tlo/engine"
)

// Start is [Open] for a process that goes on to Run. It takes the socket first,
// so that verbs wait for this engine instead of opening the store, and then
// waits for those that have it open, up to cfg.LockTimeout, or ctx's end.
// engine.ErrLocked is matched where another engine runs.
func Start(ctx context.Context, cfg Config) (*Runner, error) {
	cfg = cfg.WithDefaults()
	if err := prepare(cfg); err != nil {
		return nil, err
	}
	s, err := takeSocket(ctx, cfg)
	if err != nil {
		return nil, err
	}
	patience, cancel := context.WithTimeout(ctx, cmp.Or(cfg.LockTimeout, startPatience))
	defer cancel()
	cfg.LockTimeout = 100 * time.Millisecond // at a time
	for told := false; ; told = true {
		r, err := Open(cfg)
		if err == nil {
			r.socket = s
			return r, nil
		}
		if !errors.Is(err, engine.ErrLocked) || patience.Err() != nil {
			return nil, errors.Join(err, s.Close())
		}
		if !told && cfg.Logger != nil {
			cfg.Logger.Info("waiting for another process to let go of the store", "error", err)
		}
	}
}

// startPatience is how long an engine that starts waits for verbs.
const startPatience = 10 * time.Second

// Run compiles the plugins, serves the API on the socket, and runs the engine
// until ctx ends or the engine is stopped. A Runner runs once.
func (r *Runner) Run(ctx context.Context) (err error) {
	if r.socket == nil {
		if r.socket, err = takeSocket(ctx, r.cfg); err != nil {
			return err
		}
	}
	if len(r.registry.List()) == 0 {
		return r.catalog().errNoTasks(r.cfg)
	}
	stopped := make(chan struct{})
	srv := &http.Server{Handler: r.handler(stopped), ReadHeaderTimeout: 10 * time.Second, ErrorLog: r.log.Named("api").StandardLogger(nil)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = srv.Serve(r.socket) }) // ends with Close below
	defer serving.Wait()
	defer srv.Close()
	defer func() {
		close(stopped)
		r.farewell(ctx, srv)
	}()

	if err := r.load(ctx, nil); err != nil {
		return err
	}
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

// compile compiles the plugins of a catalog before the first job needs one. One
// that does not compile becomes a problem, and its tasks are not loaded.
func (r *Runner) compile(ctx context.Context, c *Catalog) {
	for _, p := range c.Plugins {
		if p.Err != nil || ctx.Err() != nil {
			continue
		}
		began := time.Now()
		timer := time.AfterFunc(time.Second, func() { r.log.Info("compiling; the next start finds it in the cache", "plugin", p.Path) })
		err := r.host.Compile(ctx, p.Path)
		timer.Stop()
		if err != nil && ctx.Err() == nil {
			c.problem(p.Path, err)
			c.Tasks = slices.DeleteFunc(c.Tasks, func(t engine.TaskDef) bool { return t.Plugin == p.Path })
		}
		r.log.Debug("compiled", "plugin", p.Path, "took", time.Since(began))
	}
	for _, p := range c.Problems {
		r.log.Error("not loaded", "what", p.Plugin, "error", p.Error)
	}
}

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
