package host

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
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
	fuel     uint64         // that was used
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
		defer r.memory.Release()
	}
	e := r.call(ctx, folders)
	output, err := r.outcome(ctx, e)
	return engine.Result{Output: output, Fuel: r.fuel}, err
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
	err       error  // a trap; nil if it returned or exited
	code      uint32 // otherwise
	forced    bool
	exhausted bool // it trapped because its fuel was used up
}

// call runs the guest from instantiation to its end. Nothing of it is left when
// it returns.
func (r *run) call(ctx context.Context, folders *folders) end {
	guest, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if r.memory != nil {
		guest = experimental.WithMemoryAllocator(guest, r.memory)
	}
	guest = abi.With(guest, r.guest) // outermost, where it is found at once
	folders.stop = guest.Done()
	config := r.streams(r.host.config, guest.Done()).
		WithFSConfig(folders.config).
		WithNanosleep(func(ns int64) { sleep(ctx.Done(), guest.Done(), time.Duration(ns)) })
	defer func() {
		for _, l := range r.lines {
			l.end()
		}
	}()
	// No code of the guest runs here: its start function became an export.
	instance, err := r.host.runtime.InstantiateModule(guest, r.program.compiled, config)
	if err != nil {
		return end{err: err}
	}
	defer instance.Close(context.WithoutCancel(guest))
	meter := r.program.code.Meter(instance)
	meter.Start(uint64(r.task.Limits.Fuel))
	watch := watchOver(ctx, r.task.Limits.Grace, func() {
		meter.Stop()
		cancel() // what the guest waits for in a call
	})
	defer watch.end() // also where the runtime panics
	code, err := r.invoke(guest, instance)
	e := end{err: err, code: code, forced: watch.end(), exhausted: meter.Exhausted()}
	r.fuel = meter.Used()
	// An exit is an error of its own type. Its code is the guest's to choose,
	// also one that looks like the runtime's: only forced tells what happened.
	if exit, ok := errors.AsType[*sys.ExitError](err); ok {
		e.err, e.code = nil, exit.ExitCode()
	}
	return e
}

// invoke does what the runtime would at instantiation, and calls the guest's
// functions.
func (r *run) invoke(ctx context.Context, instance api.Module) (uint32, error) {
	for _, s := range r.program.code.Data {
		if !instance.Memory().Write(s.Offset, s.Bytes) {
			return 0, fmt.Errorf("out of bounds memory access: data of %d bytes at %#x", len(s.Bytes), s.Offset)
		}
	}
	if start := r.program.code.Start; start != "" {
		if _, err := instance.ExportedFunction(start).Call(ctx); err != nil {
			return 0, tooEarly(err)
		}
	}
	if r.program.initialize && !r.command {
		if _, err := instance.ExportedFunction(initializeExport).Call(ctx); err != nil {
			return 0, tooEarly(err)
		}
	}
	results, err := instance.ExportedFunction(r.function).Call(ctx)
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
