package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host/image"
	"github.com/tlo-run/tlo/host/instrument"
	"github.com/tlo-run/tlo/host/module"
)

// program is a compiled plugin. It stays usable until the last attempt that
// started with it has ended, also where the file has changed since.
type program struct {
	*Plugin
	compiled wazero.CompiledModule
	code     *instrument.Module // without its bytes
	declared *image.Image       // what its data segments make of its memory; nil if they are to be written
	images   *images
	users    int // attempts, and paths that name it; guarded by Host.mu
}

// Compile reads the plugin at path and makes it ready to run. It reads the file
// once, and compiles only what changed; attempts that run keep the code they
// started with. Plugins compile one at a time; ctx ends the wait for others,
// not the compilation, which takes a second or two for a large module.
//
// Attempts of a plugin that was not compiled do so first.
func (h *Host) Compile(ctx context.Context, path string) error {
	if err := h.enter(); err != nil {
		return err
	}
	defer h.attempts.Done()
	return h.load(ctx, path, func(*program) bool { return false })
}

// load reads and compiles the plugin at path unless enough says that what is
// loaded will do.
func (h *Host) load(ctx context.Context, path string, enough func(loaded *program) bool) error {
	select {
	case h.loading <- struct{}{}:
		defer func() { <-h.loading }()
	case <-ctx.Done():
		return fmt.Errorf("wait for other plugins to compile: %w", context.Cause(ctx))
	}
	if loaded := h.loaded(path); loaded != nil && enough(loaded) {
		return nil
	}
	plugin, m, code, err := inspectFile(path)
	if err != nil {
		return err
	}
	p := h.same(plugin)
	if p == nil {
		if p, err = h.compile(ctx, plugin, m, code); err != nil {
			return err
		}
	}
	return h.install(ctx, path, p)
}

func (h *Host) compile(ctx context.Context, plugin *Plugin, m *module.Module, code []byte) (p *program, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			h.log.Debug("the compiler panicked", "path", plugin.Path, "stack", string(debug.Stack()))
			p, err = nil, fmt.Errorf("plugin %s: the compiler failed on it: %v; %s", plugin.Path, fault, rebuild)
		}
	}()
	started := time.Now()
	instrumented, err := instrument.Rewrite(code, m)
	if err != nil {
		what := "invalid"
		if errors.Is(err, instrument.ErrDense) {
			what = "not what compilers make"
		}
		r := refuse(plugin.Kind, rebuild, "its code is %s: %v", what, err)
		r.Path = plugin.Path
		return nil, r
	}
	// One worker: a panic in one of the compiler's own goroutines would end the
	// process.
	compiled, err := h.runtime.CompileModule(ctx, instrumented.Wasm)
	instrumented.Wasm = nil
	if disk, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, fmt.Errorf("plugin %s: keep what was compiled: %w; make room in the compilation cache, or delete it", plugin.Path, disk)
	}
	if err != nil {
		r := refuse(plugin.Kind, rebuild, "its code is invalid: %v", err)
		r.Path = plugin.Path
		return nil, r
	}
	h.log.Info("plugin compiled", "path", plugin.Path, "size", plugin.Size, "took", time.Since(started))
	declared, err := declaredImage(m, instrumented)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("plugin %s: %w", plugin.Path, err), compiled.Close(ctx))
	}
	return &program{Plugin: plugin, compiled: compiled, code: instrumented, declared: declared, images: newImages()}, nil
}

func (h *Host) loaded(path string) *program {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.programs[path]
}

// same returns the program of the same file under the same path, or nil. A copy
// under another path is another plugin: tasks may be named after the file.
func (h *Host) same(plugin *Plugin) *program {
	if p := h.loaded(plugin.Path); p != nil && p.SHA256 == plugin.SHA256 {
		return p
	}
	return nil
}

// install makes p the program of path. Its caller holds loading.
func (h *Host) install(ctx context.Context, path string, p *program) error {
	h.mu.Lock()
	old := h.programs[path]
	if old == p {
		h.mu.Unlock()
		return nil
	}
	h.programs[path] = p
	p.users++
	h.mu.Unlock()
	if old == nil {
		return nil
	}
	return h.release(ctx, old)
}

// acquire returns the program at path, compiled if need be, for one attempt.
func (h *Host) acquire(ctx context.Context, path string) (*program, error) {
	for {
		h.mu.Lock()
		p := h.programs[path]
		if p != nil {
			p.users++
			h.mu.Unlock()
			return p, nil
		}
		h.mu.Unlock()
		if err := h.load(ctx, path, func(*program) bool { return true }); err != nil {
			return nil, err
		}
	}
}

// release drops one use of p, and its code with the last.
func (h *Host) release(ctx context.Context, p *program) error {
	h.mu.Lock()
	p.users--
	last := p.users == 0
	h.mu.Unlock()
	if !last {
		return nil
	}
	return h.free(ctx, p)
}

// free gives up what p has. No attempt uses it any more.
func (h *Host) free(ctx context.Context, p *program) error {
	var errs []error
	for _, im := range p.images.empty() {
		h.idle.Drop(func(key *image.Image) bool { return key == im })
		errs = append(errs, im.Release())
	}
	if p.declared != nil {
		errs = append(errs, p.declared.Release())
	}
	return errors.Join(append(errs, p.compiled.Close(ctx))...)
}

// maxDeclared is the most that an image of data segments may have: a segment of
// one byte can be anywhere.
const maxDeclared = 64 << 20

// declaredImage makes an image of a module's data segments, or returns nil where
// each instance writes them: there are none, or they do not fit.
func declaredImage(m *module.Module, code *instrument.Module) (*image.Image, error) {
	end := uint64(0)
	for _, s := range code.Data {
		end = max(end, uint64(s.Offset)+uint64(len(s.Bytes)))
	}
	if end == 0 || end > maxDeclared || end > m.Memory.Min*module.PageSize {
		return nil, nil
	}
	bytes := make([]byte, (end+module.PageSize-1)&^(module.PageSize-1))
	for _, s := range code.Data {
		copy(bytes[s.Offset:], s.Bytes)
	}
	code.Data = nil
	return image.New(bytes, nil)
}

// loadFailure tells the engine what an attempt without a program means. A file
// that is away may be on its way back; one that is refused will be again.
func loadFailure(err error) error {
	f := &engine.Failure{Cause: engine.CauseInternal, Message: err.Error()}
	if _, refused := errors.AsType[*Refusal](err); refused {
		f.Permanent = true
	}
	if errors.Is(err, fs.ErrNotExist) {
		f.Message += "; put the plugin back, or remove the task"
	}
	return f
}
