// Package tlo wires a whole tlo: store, sandbox, engine and API of one data
// directory, as the command line does. It is the one place that names concrete
// types. To embed the engine alone, with a store and an executor of your own,
// see package engine.
package tlo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host"
	"github.com/tlo-run/tlo/server"
)

// version is set by the linker; see Makefile.
var version string

// Version returns the version of this build.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path == "github.com/tlo-run/tlo" && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}

// Runner is a wired tlo. Its methods are safe for concurrent use.
type Runner struct {
	cfg      Config
	log      hclog.Logger
	store    engine.Store
	host     *host.Host
	registry *engine.Registry
	engine   *engine.Engine

	socket *socket // of an engine that runs, or is about to

	loading sync.Mutex // one load at a time
	mu      sync.Mutex
	loaded  Config
	found   Catalog
	funcs   map[string]engine.TaskDef // Go functions
}

// Open opens the data directory and reads the plugins, without compiling them.
// A plugin that cannot be loaded is one of Problems and stops nothing. The
// errors are those of Config.Validate, of the store (engine.ErrLocked if another
// process has it open), and of the file system.
func Open(cfg Config) (_ *Runner, err error) {
	cfg = cfg.WithDefaults()
	if err := prepare(cfg); err != nil {
		return nil, err
	}
	r := &Runner{cfg: cfg, loaded: cfg, log: cfg.Logger, funcs: map[string]engine.TaskDef{}}
	if r.log == nil {
		r.log = hclog.NewNullLogger()
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	if r.store, err = stores[cfg.Store](cfg); err != nil {
		return nil, err
	}
	r.host, err = host.New(context.Background(), host.Options{
		Logger: r.log.Named("host"), CacheDir: cfg.cacheDir(),
	})
	if err != nil {
		return nil, err
	}
	if r.registry, err = engine.NewRegistry(); err != nil {
		return nil, err
	}
	if err := r.take(readCatalog(cfg, nil), cfg); err != nil {
		return nil, err
	}
	r.engine, err = engine.New(r.store, r.registry, r.host, r.engineConfig())
	if err != nil {
		return nil, err
	}
	return r, nil
}

// prepare checks a configuration and makes its data directory.
func prepare(cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("data directory: %w: set data_dir to a folder that you may write", err)
	}
	return cfg.CheckDataDir()
}

func (r *Runner) engineConfig() engine.Config {
	return engine.Config{
		Workers: r.cfg.Workers, Queues: r.cfg.queueWorkers(),
		Stop: engineStops[r.cfg.Stop], StopTimeout: r.cfg.StopTimeout,
		Logger:    r.log.Named("engine"),
		Observers: append([]engine.Observer{logEvents(r.log.Named("job"))}, r.cfg.Observers...),
	}
}

// Engine returns the engine: to submit, cancel, ask and watch.
func (r *Runner) Engine() *engine.Engine { return r.engine }

// Handler returns the API over the engine.
func (r *Runner) Handler() http.Handler { return r.handler(nil) }

// handler is for an engine that runs if it is given the channel that tells its
// end.
func (r *Runner) handler(stopped <-chan struct{}) http.Handler {
	return server.New(server.Options{
		Engine: r.engine, Version: Version(), Running: stopped != nil, Stopped: stopped, Loaded: r.Problems,
	})
}

// Register adds a task that is a Go function, or replaces the one of that name.
// A block of the configuration changes and schedules it as it does a plugin's
// task. It stays through reloads.
func (r *Runner) Register(task engine.TaskDef) error {
	if task.Run == nil {
		return fmt.Errorf("task %q: Run is nil: a task without a plugin is a Go function", task.Name)
	}
	if err := task.WithDefaults().Validate(); err != nil {
		return err
	}
	r.loading.Lock()
	defer r.loading.Unlock()
	r.mu.Lock()
	funcs := maps.Clone(r.funcs)
	funcs[task.Name] = task
	cfg := r.loaded
	r.mu.Unlock()
	if err := r.take(readCatalog(cfg, funcs), cfg); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.funcs = funcs
	return nil
}

// Problems lists what could not be loaded.
func (r *Runner) Problems() []server.Problem { return r.catalog().Problems }

func (r *Runner) catalog() Catalog {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.found
	c.Problems = slices.Clone(c.Problems)
	return c
}

// Close closes the store and the sandbox. It must not be called while Run runs.
func (r *Runner) Close() error {
	var errs []error
	if r.socket != nil {
		errs = append(errs, r.socket.Close())
	}
	if r.store != nil {
		errs = append(errs, r.store.Close())
	}
	if r.host != nil {
		errs = append(errs, r.host.Close(context.Background()))
	}
	return errors.Join(errs...)
}

// Reload reads the plugins again, compiles those that changed, and takes the
// tasks, schedules, defaults and the log level of cfg; attempts that run keep
// the code they started with. It returns the settings that differ and need a
// restart. On an error nothing changes.
func (r *Runner) Reload(ctx context.Context, cfg Config) (restart []string, err error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := r.load(ctx, &cfg); err != nil {
		return nil, err
	}
	r.log.SetLevel(hclog.LevelFromString(cfg.Log.Level))
	return r.cfg.needRestart(cfg), nil
}

// load reads and compiles what a configuration offers, and takes it; nil stands
// for the configuration that is loaded.
func (r *Runner) load(ctx context.Context, cfg *Config) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	if cfg == nil {
		r.mu.Lock()
		loaded := r.loaded
		r.mu.Unlock()
		cfg = &loaded
	}
	r.mu.Lock()
	funcs := maps.Clone(r.funcs)
	r.mu.Unlock()
	found := readCatalog(*cfg, funcs)
	r.compile(ctx, &found)
	return r.take(found, *cfg)
}

// take makes the tasks of a catalog those of the registry.
func (r *Runner) take(found Catalog, cfg Config) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.registry.Replace(found.Tasks...); err != nil {
		return err
	}
	r.found, r.loaded = found, cfg
	return nil
}
