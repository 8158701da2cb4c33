package host

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host/abi"
	"github.com/tlo-run/tlo/host/image"
	"github.com/tlo-run/tlo/host/pool"
)

// Options configure a [Host]. The zero value works.
type Options struct {
	Logger hclog.Logger // nil logs nothing
	// CacheDir keeps compiled plugins between runs, so that a restart does not
	// compile them again. Whoever can write to it can run code as this process:
	// it is created for its owner alone. Empty keeps them in memory only.
	CacheDir string
	// Idle is how many guests stay ready for later attempts, of all plugins
	// together; by default eight for each processor, and below zero none.
	Idle int
	// ImageAttempts and ImageAge say when an image is made anew. What a guest's
	// runtime drew at random before it was made, such as the seeds of hash maps,
	// is the same in all attempts that start from it. By default ten thousand
	// and ten minutes.
	ImageAttempts int
	ImageAge      time.Duration
}

// Host runs tasks of plugins. It is safe for concurrent use.
type Host struct {
	log     hclog.Logger
	cache   wazero.CompilationCache
	runtime wazero.Runtime
	config  wazero.ModuleConfig // what all instances share

	// loading is held while a plugin is read and compiled: compilers take the
	// memory of many plugins, so they work one at a time.
	loading chan struct{}

	idle          *pool.Pool[*image.Image, *instance] // by what they started from
	imageAttempts int
	imageAge      time.Duration

	mu       sync.Mutex
	programs map[string]*program // by path
	closed   bool
	attempts sync.WaitGroup
}

var _ engine.Executor = (*Host)(nil)

// New returns a Host. Close releases what it holds.
func New(ctx context.Context, o Options) (*Host, error) {
	h := &Host{
		log:      o.Logger,
		loading:  make(chan struct{}, 1),
		programs: map[string]*program{},

		imageAttempts: cmp.Or(o.ImageAttempts, 10_000),
		imageAge:      cmp.Or(o.ImageAge, 10*time.Minute),
	}
	h.idle = pool.New[*image.Image](cmp.Or(o.Idle, 8*runtime.GOMAXPROCS(0)), h.discard)
	if h.log == nil {
		h.log = hclog.NewNullLogger()
	}
	h.cache = h.openCache(o.CacheDir)
	h.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithCompilationCache(h.cache).
		// A debugger's sections are one more parser of hostile input.
		WithDebugInfoEnabled(false))
	h.config = wazero.NewModuleConfig().
		WithName(""). // instances of one module live side by side
		WithStartFunctions().
		WithRandSource(rand.Reader). // the default is predictable, and slow to make
		WithSysWalltime().
		WithSysNanotime().
		WithOsyield(runtime.Gosched)
	_, err := wasi_snapshot_preview1.Instantiate(noteChanges(ctx), h.runtime)
	if err == nil {
		err = abi.Instantiate(ctx, h.runtime)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the WebAssembly runtime: %w", err), h.Close(ctx))
	}
	return h, nil
}

// Close waits for the attempts that run, then releases the compiled plugins.
// Later attempts fail. Cancel the contexts of the attempts to make it short.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	again := h.closed
	h.closed = true
	h.mu.Unlock()
	if again {
		return nil
	}
	h.attempts.Wait()
	h.idle.Close()
	var errs []error
	for _, p := range h.programs {
		errs = append(errs, h.free(ctx, p))
	}
	return errors.Join(append(errs, h.runtime.Close(ctx), h.cache.Close(ctx))...)
}

// errClosed is the error of calls after Close.
var errClosed = errors.New("the host is closed")

// enter counts the caller among those that Close waits for.
func (h *Host) enter() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errClosed
	}
	h.attempts.Add(1)
	return nil
}

// openCache falls back to memory, because a slow start is better than none.
func (h *Host) openCache(dir string) wazero.CompilationCache {
	if dir == "" {
		return wazero.NewCompilationCache()
	}
	cache, err := diskCache(dir)
	if err != nil {
		h.log.Warn("no compilation cache on disk: each start compiles all plugins", "dir", dir, "error", err)
		return wazero.NewCompilationCache()
	}
	return cache
}

func diskCache(dir string) (wazero.CompilationCache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// The runtime would find out only when it has compiled a plugin, and fail it.
	probe, err := os.CreateTemp(dir, "probe-*")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return nil, err
	}
	return wazero.NewCompilationCacheWithDir(dir)
}
