package host

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host/abi"
	"github.com/tlo-run/tlo/host/memory"
	"github.com/tlo-run/tlo/host/module"
)

// Execute implements [engine.Executor]: it runs one attempt in an instance of
// its own. When ctx is done the guest is asked to stop, and stopped by force
// task.Limits.Grace later.
func (h *Host) Execute(ctx context.Context, task engine.TaskDef, job engine.Job, report engine.Reporter) (res engine.Result, err error) {
	if err := h.enter(); err != nil {
		return engine.Result{}, internal("%v", err)
	}
	defer h.attempts.Done()
	// The runtime is a compiler of hostile code: should it panic, one attempt
	// fails and not the process.
	defer func() {
		if fault := recover(); fault != nil {
			h.log.Debug("the runtime panicked", "task", task.Name, "job_id", job.ID, "stack", string(debug.Stack()))
			res, err = engine.Result{}, internal("the WebAssembly runtime failed: %v", fault)
		}
	}()
	task = task.WithDefaults()
	p, err := h.acquire(ctx, task.Plugin)
	if err != nil {
		return engine.Result{}, loadFailure(err)
	}
	defer func() {
		if err := h.release(context.WithoutCancel(ctx), p); err != nil {
			h.log.Warn("a plugin's old code stays in memory", "path", p.Path, "error", err)
		}
	}()
	r := &run{host: h, program: p, task: task, job: job, report: report}
	return r.attempt(ctx)
}

// run is one attempt.
type run struct {
	host    *Host
	program *program
	task    engine.TaskDef
	job     engine.Job
	report  engine.Reporter

	function string // export that runs the task
	command  bool
	guest    *abi.Attempt
	memory   *memory.Linear // nil if the module has none
	stdout   *outputBuffer  // of a command
	lines    []*lineWriter  // what becomes log; standard error is the first
}

func (r *run) attempt(ctx context.Context) (engine.Result, error) {
	if ctx.Err() != nil {
		return engine.Result{}, notStarted(ctx)
	}
	if err := r.prepare(ctx); err != nil {
		return engine.Result{}, err
	}
	folders, err := openFolders(r.task.Grants.Files)
	if err != nil {
		return engine.Result{}, err
	}
	defer folders.close()
	if err := r.reserve(); err != nil {
		return engine.Result{}, err
	}
	if r.memory != nil {
		defer func() { _ = r.memory.Release() }() // it fails only if it was released already
	}
	return r.outcome(ctx, r.call(ctx, folders))
}

// prepare checks what can be known before the guest runs.
func (r *run) prepare(ctx context.Context) error {
	function, name, ok := r.program.entry(r.task.Name, r.task.Export)
	if !ok {
		return forGood(engine.CauseInternal, "plugin %s has no task %q; tlo inspect lists its tasks", r.program.Path, r.task.Export)
	}
	r.function, r.command = function, function == startExport
	if have, limit := int64(len(r.job.Input)), r.task.Limits.Input; have > limit {
		return forGood(engine.CauseError, "the input has %s; the limit of task %q is %s", size(have), r.task.Name, size(limit))
	}
	for _, arg := range r.task.Args {
		if strings.ContainsRune(arg, 0) {
			return forGood(engine.CauseInternal, "argument %q of task %q contains a zero byte", arg, r.task.Name)
		}
	}
	r.guest = abi.NewAttempt(ctx, r.task, name, r.job, r.report, r.program.Memory != nil)
	return nil
}

// reserve takes the guest's memory before anything is instantiated: the runtime
// has no way to say that there is none.
func (r *run) reserve() error {
	m := r.program.Memory
	if m == nil {
		return nil
	}
	limit := r.task.Limits.Memory
	if need := int64(m.Min) * module.PageSize; need > limit {
		return forGood(engine.CauseMemory, "plugin %s starts with %s of memory; the limit of task %q is %s: raise it, or build for less",
			r.program.Path, size(need), r.task.Name, size(limit))
	}
	own := uint64(memory.MaxLimit)
	if m.HasMax {
		own = m.Max * module.PageSize
	}
	var err error
	if r.memory, err = memory.New(uint64(limit), own); err != nil {
		return internal("%v", err)
	}
	return nil
}

// end is how a guest's code ended.
type end struct {
	err    error  // a trap; nil if it returned or exited
	code   uint32 // otherwise
	forced bool
}

// call runs the guest from instantiation to its end. Nothing of it is left when
// it returns.
func (r *run) call(ctx context.Context, folders *folders) end {
	guest, force := context.WithCancel(context.WithoutCancel(ctx))
	defer force()
	forced := false
	ended := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		select {
		case <-ended:
			return
		case <-ctx.Done():
		}
		patience := r.task.Limits.Grace
		if errors.Is(context.Cause(ctx), engine.ErrAbandoned) {
			patience = 0 // nobody waits for the answer
		}
		grace := time.NewTimer(patience)
		defer grace.Stop()
		select {
		case <-ended:
		case <-grace.C:
			forced = true
			force()
		}
	})
	stop := sync.OnceFunc(func() {
		close(ended)
		watcher.Wait()
	})
	defer stop() // also where the runtime panics
	if r.memory != nil {
		guest = experimental.WithMemoryAllocator(guest, r.memory)
	}
	guest = abi.With(guest, r.guest) // outermost, where it is found at once
	code, err := r.invoke(ctx, guest, folders)
	stop()
	// An exit is an error of its own type. Its code is the guest's to choose,
	// also one that looks like the runtime's: only forced tells what happened.
	if exit, ok := errors.AsType[*sys.ExitError](err); ok {
		return end{code: exit.ExitCode(), forced: forced}
	}
	return end{err: err, code: code, forced: forced}
}

// invoke instantiates the module and calls its functions. ctx is the attempt's;
// guest is done when force is used.
func (r *run) invoke(ctx, guest context.Context, folders *folders) (uint32, error) {
	folders.stop = guest.Done()
	config := r.streams(r.host.config, guest.Done()).
		WithFSConfig(folders.config).
		WithNanosleep(func(ns int64) { sleep(ctx.Done(), guest.Done(), time.Duration(ns)) })
	defer func() {
		for _, l := range r.lines {
			l.end()
		}
	}()
	instance, err := r.host.runtime.InstantiateModule(guest, r.program.compiled, config)
	if err != nil {
		return 0, tooEarly(err)
	}
	defer func() { _ = instance.Close(context.WithoutCancel(guest)) }() // the attempt has its outcome
	if r.program.initialize && !r.command {
		if _, err := instance.ExportedFunction(initializeExport).Call(guest); err != nil {
			return 0, tooEarly(err)
		}
	}
	results, err := instance.ExportedFunction(r.function).Call(guest)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return api.DecodeU32(results[0]), nil
}

// tooEarly keeps a guest that exits with success before its task runs from
// looking as if it had run.
func tooEarly(err error) error {
	if exit, ok := errors.AsType[*sys.ExitError](err); ok && exit.ExitCode() == 0 {
		return errors.New("it exited during initialisation")
	}
	return err
}

// sleep ends when the attempt is asked to stop. A sleep that starts after that
// ends by force only, so that a guest that does not ask does not spin.
func sleep(asked, forced <-chan struct{}, d time.Duration) {
	select {
	case <-asked:
		asked = nil
	default:
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-asked:
	case <-forced:
	}
}

func internal(format string, args ...any) error {
	return &engine.Failure{Cause: engine.CauseInternal, Message: fmt.Sprintf(format, args...)}
}

func forGood(cause engine.Cause, format string, args ...any) error {
	return &engine.Failure{Cause: cause, Message: fmt.Sprintf(format, args...), Permanent: true}
}

// size writes a number of bytes for people.
func size(n int64) string {
	for shift, unit := range []string{"bytes", "KiB", "MiB", "GiB"} {
		if n>>(10*shift) < 1024 || unit == "GiB" {
			if whole := n >> (10 * shift); whole<<(10*shift) == n {
				return fmt.Sprintf("%d %s", whole, unit)
			}
			return fmt.Sprintf("%.1f %s", float64(n)/float64(int64(1)<<(10*shift)), unit)
		}
	}
	return ""
}
